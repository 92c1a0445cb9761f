@row-09 @snapshot
@D-11a
Feature: Take a snapshot of a ROOT or DATA volume
  The snapshot is taken on StorPool and stays there. Unless secondary storage is bypassed a copy of it goes there too.

  Background:
    Given a zone with 2 hosts and the StorPool pool "primary"

  @KV-S10
  Scenario Outline: A snapshot of a <kind> disk, <state>, with the bypass <bypass>, keeps the bytes of its instant
    Given the bypass of secondary storage is <bypass>
    And the <kind> disk "disk", <state>, with the pattern "before"
    When the snapshot "snap" of "disk" is taken
    And the pattern "after" is written to "disk"
    Then the snapshot "snap" holds the pattern "before"
    And "disk" holds the pattern "after"
    And the snapshot "snap" is backed up on <where>
    And StorPool has 1 snapshot of "snap"
    And the StorPool snapshot of "snap" has
      | name | anonymous |
      | size | 1 GiB     |
      | cs   | snapshot  |
      | uuid | of "snap" |
      | cvm  | <owner>   |
      | disk | none      |

    Examples:
      | kind | state    | bypass | where                 | owner   |
      | ROOT | attached | off    | primary and secondary | of "vm" |
      | ROOT | attached | on     | primary only          | of "vm" |
      | ROOT | detached | off    | primary and secondary | of "vm" |
      | ROOT | detached | on     | primary only          | of "vm" |
      | DATA | attached | off    | primary and secondary | of "vm" |
      | DATA | attached | on     | primary only          | of "vm" |
      | DATA | detached | off    | primary and secondary | none    |
      | DATA | detached | on     | primary only          | none    |

  @KV-S3
  Scenario: The backup on secondary storage is an image with the bytes of the snapshot
    Given the DATA disk "disk", attached, with the pattern "before"
    And the pattern "far" is written to "disk" at 900 MiB
    When the snapshot "snap" of "disk" is taken
    And the pattern "after" is written to "disk"
    Then the backup of "snap" holds the pattern "before"
    And the backup of "snap" holds the pattern "far" at 900 MiB

  @D-17
  Scenario Outline: The switch "<key>" of the <scope> set to <value> bypasses the backup
    Given the setting "<key>" of the <scope> is "<value>"
    And the DATA disk "disk", attached, with the pattern "before"
    When the snapshot "snap" of "disk" is taken
    Then the snapshot "snap" is backed up on primary only
    And the snapshot "snap" holds the pattern "before"
    And secondary storage has no snapshot

    Examples:
      | key                          | scope      | value |
      | snapshot.backup.to.secondary | management server | false |
      | sp.bypass.secondary.storage  | management server | true  |
      | sp.bypass.secondary.storage  | zone       | true  |
      | sp.bypass.secondary.storage  | pool       | true  |

  @KV-S5
  Scenario: Two snapshots of one disk in the same second are two
    Given the DATA disk "disk", attached, with the pattern "one"
    When the snapshot "first" of "disk" is taken
    And the pattern "two" is written to "disk"
    And the snapshot "second" of "disk" is taken
    Then the snapshot "first" holds the pattern "one"
    And the snapshot "second" holds the pattern "two"
    And the backup of "first" holds the pattern "one"
    And the backup of "second" holds the pattern "two"

  @KV-S5
  Scenario: Two snapshots of one disk under the same name are two
    Given the DATA disk "disk", attached, with the pattern "one"
    When the snapshot "first" of "disk" is taken under the name "nightly"
    And the pattern "two" is written to "disk"
    And the snapshot "second" of "disk" is taken under the name "nightly"
    Then the backup of "first" holds the pattern "one"
    And the backup of "second" holds the pattern "two"

  @KV-S3
  @A-21
  Scenario: A backup outlives a power cut of the host that made it
    Given the DATA disk "disk", detached, with the pattern "before"
    And the snapshot "snap" of "disk" is taken
    And the VM "vm" is stopped
    When host 1 is switched off
    And host 2 is switched off
    Then the backup of "snap" holds the pattern "before"
    When host 1 is switched on
    And host 2 is switched on

  @D-33b
  Scenario: A backup whose device does not appear fails and leaves nothing behind
    Given the DATA disk "disk", detached, with the pattern "before"
    When host 1 shows devices after 60 s
    And host 2 shows devices after 60 s
    And the snapshot "snap" of "disk" is taken, which fails
    Then StorPool has no snapshot of "snap"
    And secondary storage has no snapshot
    And "disk" holds the pattern "before"

  @D-33b @A-19
  Scenario: A backup to secondary storage that is not NFS fails before a host attaches anything
    Given the DATA disk "disk", detached, with the pattern "before"
    When the snapshot "snap" of "disk" is taken to secondary storage on "cifs://files.test/export", which fails
    Then the hosts asked StorPool to attach nothing meanwhile
    And StorPool has no snapshot of "snap"
    And "disk" holds the pattern "before"

  @KV-S3
  @D-33b
  Scenario: A backup that takes longer than it may fails and leaves no file
    Given the setting "backup.snapshot.wait" of the management server is "10"
    And the DATA disk "disk", detached, with the pattern "before"
    When the hosts copy 1 KiB a second
    And the snapshot "snap" of "disk" is taken, which fails
    Then secondary storage has no snapshot
    And StorPool has no snapshot of "snap"
    And "disk" holds the pattern "before"

  Scenario: A backup of an hour is left alone by another management server
    Given another management server reconciles every minute
    And the DATA disk "disk", detached, with the pattern "before"
    When the hosts copy 4 B a second
    And the snapshot "snap" of "disk" is taken
    Then it took at least 1 h
    And the snapshot "snap" holds the pattern "before"

  @A-20
  Scenario: A host leaves no part of a backup that it gave up
    Given the bypass of secondary storage is on
    And the DATA disk "disk", detached, with the pattern "before"
    And the snapshot "snap" of "disk" is taken
    And the hosts copy 1 KiB a second
    When host 1 backs up the snapshot "snap" in 10 s, which fails
    Then that backup left no file
    And the snapshot "snap" holds the pattern "before"

  @fault @needs-fault-injection
  @A-6
  Scenario: Two backups of one snapshot on one host do not take the device from each other
    Given the bypass of secondary storage is on
    And the DATA disk "disk", detached, with the pattern "before"
    And the snapshot "snap" of "disk" is taken
    And the call "agent BackupSnapshot/mount" will be delayed by 60 s
    When host 1 backs up the snapshot "snap" twice, 10 s apart
    Then the snapshot "snap" holds the pattern "before"

  @D-21
  Scenario: A backup goes to a host that is up
    Given the hosts 1 and 2 are in clusters of their own
    And the DATA disk "disk", detached, with the pattern "before"
    When CloudStack marks host 1 as Disabled
    And the snapshot "snap" of "disk" is taken
    Then host 1 was sent nothing meanwhile
    And the backup of "snap" holds the pattern "before"

  @CS-11211
  Scenario: A snapshot of a disk that is only recorded is refused
    Given a detached DATA disk "other" of 1 GiB with the pattern "kept"
    And the DATA disk "disk" of 1 GiB is created
    When the snapshot "snap" of "disk" is taken, which is refused
    Then "other" holds the pattern "kept"

  @KV-S2 @fault @needs-fault-injection @KV-S1 @KV-S3
  @D-33a @D-33b
  Scenario Outline: A snapshot with backup fails, leaves nothing behind and can be taken again when "<call>" is <effect>
    Given the DATA disk "disk", attached, with the pattern "before"
    And the call "<call>" will be <effect>
    When the snapshot "snap" of "disk" is taken, which fails
    Then the snapshot "snap" is Error
    And StorPool has no snapshot of "snap"
    And secondary storage has no snapshot
    And "disk" holds the pattern "before"
    When the snapshot "again" of "disk" is taken
    Then the snapshot "again" is backed up on primary and secondary
    And the backup of "again" holds the pattern "before"

    Examples:
      | call                         | effect                 |
      | POST VolumeSnapshot          | refused                |
      | POST VolumeSnapshot          | refused with "noSpace" |
      | POST VolumeSnapshot          | hung                   |
      | agent BackupSnapshot/attach  | refused                |
      | POST VolumesReassignWait     | lost                   |
      | POST VolumesReassignWait     | cut                    |
      | agent BackupSnapshot/mount   | refused                |
      | agent BackupSnapshot/convert | refused                |
      | agent BackupSnapshot/convert | hung                   |
      | agent BackupSnapshot/measure | refused                |
      | agent BackupSnapshot/convert | cut                    |
      | agent BackupSnapshot/answer  | lost                   |

  @fault @needs-fault-injection
  @D-20a @D-20b
  Scenario Outline: A snapshot is taken once in spite of a "<call>" that is <effect>
    Given the DATA disk "disk", attached, with the pattern "before"
    And the call "<call>" will be <effect>
    When the snapshot "snap" of "disk" is taken
    Then StorPool has 1 snapshot of "snap"
    And the snapshot "snap" is backed up on primary and secondary
    And the backup of "snap" holds the pattern "before"
    And the snapshot "snap" holds the pattern "before"

    Examples:
      | call                        | effect             |
      | POST VolumeSnapshot         | refused in passing |
      | POST VolumeSnapshot         | lost               |
      | POST VolumeSnapshot         | cut                |
      | POST VolumeSnapshot         | late by 3 s        |
      | POST VolumeSnapshot         | malformed          |

  @fault @needs-fault-injection
  @A-8
  Scenario: A backup whose snapshot the host cannot detach at first is a good backup
    Given the DATA disk "disk", attached, with the pattern "before"
    And the call "agent BackupSnapshot/detach" will be refused
    When the snapshot "snap" of "disk" is taken
    And 1 min passes
    Then the snapshot "snap" is backed up on primary and secondary
    And the backup of "snap" holds the pattern "before"
    And the snapshot "snap" holds the pattern "before"

@row-16 @snapshot
@D-11a
Feature: Delete a snapshot of a ROOT or DATA volume
  The snapshot goes from StorPool, from secondary storage and from the records. Volumes made of it stay.

  Background:
    Given a zone with 2 hosts and the StorPool pool "primary"

  @CS-9855 @KV-S1
  @D-7a
  Scenario Outline: A deleted snapshot of a <kind> disk with the bypass <bypass> is gone from everywhere
    Given the bypass of secondary storage is <bypass>
    And the <kind> disk "disk", attached, with the pattern "kept"
    And the snapshot "snap" of "disk" is taken
    When the snapshot "snap" is deleted
    Then StorPool has no snapshot of "snap"
    And secondary storage has no snapshot
    And the snapshot "snap" is Destroyed
    And "disk" holds the pattern "kept"

    Examples:
      | kind | bypass |
      | ROOT | off    |
      | ROOT | on     |
      | DATA | off    |
      | DATA | on     |

  @CS-9855
  @D-7a @D-38
  Scenario: A snapshot that is on secondary storage only is deleted there
    Given the DATA disk "disk", detached, with the pattern "kept"
    And the DATA disk "other", attached, with the pattern "other"
    And the snapshot "snap" of "disk" is taken
    And the disk "disk" is deleted
    When the snapshot "snap" is deleted
    Then StorPool has no snapshot of "snap"
    And secondary storage has no snapshot
    And the snapshot "snap" is Destroyed
    And "other" holds the pattern "other"

  @D-7a
  Scenario: A volume made of a snapshot outlives it
    Given the DATA disk "disk", attached, with the pattern "before"
    And the snapshot "snap" of "disk" is taken
    And the volume "copy" is created from the snapshot "snap"
    When the snapshot "snap" is deleted
    Then "copy" holds the pattern "before"
    And "disk" holds the pattern "before"

  @KV-S4
  @D-7a
  Scenario: Deleting the middle one of three snapshots leaves the others whole
    Given the DATA disk "disk", attached, with the pattern "one"
    And the snapshot "first" of "disk" is taken
    And the pattern "two" is written to "disk"
    And the snapshot "second" of "disk" is taken
    And the pattern "three" is written to "disk"
    And the snapshot "third" of "disk" is taken
    When the snapshot "second" is deleted
    Then the snapshot "first" holds the pattern "one"
    And the snapshot "third" holds the pattern "three"
    And the backup of "first" holds the pattern "one"
    And the backup of "third" holds the pattern "three"
    And "disk" holds the pattern "three"

  @D-7a
  Scenario: The details of other snapshots survive a deletion
    Given the bypass of secondary storage is on
    And the DATA disk "disk", attached, with the pattern "one"
    And the snapshot "first" of "disk" is taken
    And the snapshot "second" of "disk" is taken
    And the snapshot "third" of "disk" is taken
    When the snapshot "second" is deleted
    And the snapshot "third" is deleted
    And the volume "copy" is created from the snapshot "first"
    Then "copy" holds the pattern "one"

  @SP-3
  @D-7a @D-7b
  Scenario Outline: A snapshot that StorPool has lost can be deleted, with the bypass <bypass>
    Given the bypass of secondary storage is <bypass>
    And the DATA disk "disk", attached, with the pattern "kept"
    And the snapshot "snap" of "disk" is taken
    When StorPool loses the snapshot of "snap"
    And the snapshot "snap" is deleted
    Then the snapshot "snap" is Destroyed
    And secondary storage has no snapshot
    And "disk" holds the pattern "kept"

    Examples:
      | bypass |
      | off    |
      | on     |

  @D-7a @D-38
  Scenario: A snapshot whose primary record is lost is deleted on StorPool all the same
    Given the bypass of secondary storage is off
    And the DATA disk "disk", attached, with the pattern "kept"
    And the snapshot "snap" of "disk" is taken
    And the primary record of "snap" is lost
    When the snapshot "snap" is deleted
    Then StorPool has no snapshot of "snap"
    And "disk" holds the pattern "kept"

  @D-7a @D-7c
  Scenario: A snapshot that an older plugin recorded as its own backup is deleted without an error
    Given the bypass of secondary storage is on
    And the DATA disk "disk", attached, with the pattern "kept"
    And the snapshot "snap" of "disk" is taken
    When the snapshot "snap", which an older plugin recorded as its own backup, is deleted
    Then StorPool has no snapshot of "snap"
    And the snapshot "snap" is Destroyed
    And "disk" holds the pattern "kept"

  @D-24
  Scenario: The StorPool object of a snapshot that is gone counts as deleted
    Given the bypass of secondary storage is on
    And the DATA disk "disk", attached, with the pattern "kept"
    And the snapshot "snap" of "disk" is taken
    When StorPool loses the snapshot of "snap"
    And the plugin is told to delete the StorPool object of the snapshot "snap"
    Then StorPool has no snapshot of "snap"
    And "disk" holds the pattern "kept"

  @KV-S7
  @D-7a
  Scenario: Deleting a snapshot twice deletes it once
    Given the DATA disk "disk", attached, with the pattern "kept"
    And the snapshot "snap" of "disk" is taken
    When the snapshot "snap" is deleted
    And the snapshot "snap" is deleted again, which is refused
    Then the snapshot "snap" is Destroyed
    And "disk" holds the pattern "kept"

  @CS-12347 @fault @needs-fault-injection
  @D-33b
  Scenario: A snapshot in Error can be deleted and leaves nothing
    Given the DATA disk "disk", attached, with the pattern "kept"
    And the call "agent BackupSnapshot/convert" will be refused
    And the snapshot "snap" of "disk" is taken, which fails
    When the snapshot "snap" is deleted
    Then StorPool has no snapshot of "snap"
    And secondary storage has no snapshot
    And "disk" holds the pattern "kept"

  @fault @needs-fault-injection @KV-S1
  @D-20a @D-7a @D-7b
  Scenario Outline: Deleting a snapshot <outcome> when "<call>" is <effect>, and can be repeated
    Given the DATA disk "disk", attached, with the pattern "kept"
    And the snapshot "snap" of "disk" is taken
    And the call "<call>" will be <effect>
    When the snapshot "snap" is deleted, which <outcome>
    Then the snapshot "snap" is <state>
    When the snapshot "snap" is deleted unless it is Destroyed
    Then StorPool has no snapshot of "snap"
    And secondary storage has no snapshot
    And the snapshot "snap" is Destroyed
    And "disk" holds the pattern "kept"

    Examples:
      | call                 | effect             | outcome  | state     |
      | POST SnapshotDelete  | refused            | fails    | BackedUp  |
      | POST SnapshotDelete  | refused in passing | succeeds | Destroyed |
      | POST SnapshotDelete  | lost               | succeeds | Destroyed |
      | POST SnapshotDelete  | cut                | succeeds | Destroyed |
      | POST SnapshotDelete  | late by 3 s        | succeeds | Destroyed |
      | POST VolumesReassign | refused            | fails    | BackedUp  |

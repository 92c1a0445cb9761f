@encrypted @snapshot @CS-7539 @KV-E1
@D-11a @D-25c
Feature: Snapshots of encrypted volumes
  StorPool copies ciphertext as it is. With the bypass on snapshots stay there, whether the VM runs or not. Backups on
  secondary storage are refused unless a setting allows them: then the ciphertext is kept byte for byte, and goes back
  onto its own volume only.

  Background:
    Given a zone with 2 hosts and the StorPool pool "primary"

  @row-09 @row-14 @row-16 @ENC-13 @ENC-11 @ENC-12 @KV-E6
  @SUS-3 @D-7a
  Scenario Outline: With the bypass on an encrypted <kind> disk, <state>, has a snapshot on StorPool and goes back to it
    Given the bypass of secondary storage is on
    And the encrypted <kind> disk "disk", <state>, with the pattern "before"
    When the snapshot "snap" of "disk" is taken
    And the pattern "after" is written to "disk"
    Then the snapshot "snap" is backed up on primary only
    And secondary storage has no snapshot
    And the StorPool snapshot of "snap" has
      | size | 3 MiB     |
      | cs   | snapshot  |
      | uuid | of "snap" |
    And the snapshot "snap" lies in one LUKS layer
    And the snapshot "snap" holds the pattern "before"
    When the VM "vm" becomes Stopped
    And the disk "disk" is reverted to the snapshot "snap"
    Then "disk" holds the pattern "before"
    And "disk" lies in one LUKS layer
    And the inventory has the disk "disk" with
      | size | 1 MiB |
    When the snapshot "snap" is deleted
    Then StorPool has no snapshot of "snap"
    And "disk" holds the pattern "before"

    Examples:
      | kind | state    |
      | ROOT | attached |
      | ROOT | detached |
      | DATA | attached |
      | DATA | detached |

  @row-09 @ENC-13
  @D-10e
  Scenario Outline: With the bypass off a snapshot of an encrypted <kind> disk, <state>, is refused before anything is recorded
    Given the bypass of secondary storage is off
    And the encrypted <kind> disk "disk", <state>, with the pattern "kept"
    When the snapshot "snap" of "disk" is taken, which is refused
    Then the error says "its snapshots are not backed up to secondary storage and backups are on"
    And the hosts asked StorPool to attach nothing meanwhile
    And secondary storage has no snapshot
    And "disk" holds the pattern "kept"

    Examples:
      | kind | state    |
      | ROOT | attached |
      | ROOT | detached |
      | DATA | attached |
      | DATA | detached |

  @row-09 @row-16 @ENC-3 @ENC-5 @ENC-9 @ENC-10 @ENC-11 @ENC-12 @KV-E5 @KV-E6 @SUS-1 @KV-E8
  @A-2 @A-24 @D-7a
  Scenario Outline: A backup that is allowed is the ciphertext of an encrypted <kind> disk, <state>, in one layer
    Given the setting "storpool.encrypted.snapshot.backup" of the pool is "true"
    And the encrypted <kind> disk "disk", <state>, with the pattern "before"
    When the snapshot "snap" of "disk" is taken
    And the pattern "after" is written to "disk"
    Then the snapshot "snap" is backed up on primary and secondary
    And the backup of "snap" lies in one LUKS layer
    And the backup of "snap" is the ciphertext of its StorPool snapshot, byte for byte
    And the backup of "snap" holds the pattern "before"
    And "disk" holds the pattern "after"
    When the snapshot "snap" is deleted
    Then secondary storage has no snapshot
    And StorPool has no snapshot of "snap"

    Examples:
      | kind | state    |
      | ROOT | attached |
      | ROOT | detached |
      | DATA | attached |
      | DATA | detached |

  @row-14 @ENC-10 @KV-E5
  @A-2 @A-24
  Scenario Outline: An encrypted <kind> disk comes back from its backup when StorPool has lost the snapshot
    Given the setting "storpool.encrypted.snapshot.backup" of the pool is "true"
    And the encrypted <kind> disk "disk", detached, with the pattern "before"
    And the snapshot "snap" of "disk" is taken
    And the pattern "after" is written to "disk"
    When StorPool loses the snapshot of "snap"
    And the disk "disk" is reverted to the snapshot "snap"
    Then "disk" lies in one LUKS layer
    And the inventory has the disk "disk" with
      | size           | 1 MiB |
      | encrypt format | luks  |
    And "disk" holds the pattern "before"
    When the VM "vm" becomes Running
    Then "disk" holds the pattern "before"

    Examples:
      | kind |
      | ROOT |
      | DATA |

  @row-14
  @A-2 @A-24 @D-10d @D-25a
  Scenario: An encrypted disk that has grown since goes back to its size from a backup
    Given the setting "storpool.encrypted.snapshot.backup" of the pool is "true"
    And the encrypted DATA disk "disk", detached, with the pattern "before"
    And the snapshot "snap" of "disk" is taken
    And the disk "disk" is resized to 2 MiB
    When StorPool loses the snapshot of "snap"
    And the disk "disk" is reverted to the snapshot "snap"
    Then the StorPool volume of "disk" has
      | size | 3 MiB |
    And the inventory has the disk "disk" with
      | size | 1 MiB |
    And "disk" holds the pattern "before"

  @row-14
  @D-10d @D-25a @D-32b
  Scenario: An encrypted disk that has grown since goes back to its size on StorPool
    Given the bypass of secondary storage is on
    And the encrypted DATA disk "disk", detached, with the pattern "before"
    And the snapshot "snap" of "disk" is taken
    And the disk "disk" is resized to 2 MiB
    When the disk "disk" is reverted to the snapshot "snap"
    Then the StorPool volume of "disk" has
      | size | 3 MiB |
    And the inventory has the disk "disk" with
      | size | 1 MiB |
    And "disk" holds the pattern "before"

  @row-14
  @SUS-3
  Scenario: An encrypted disk of a running VM does not go back
    Given the bypass of secondary storage is on
    And the encrypted DATA disk "disk", attached, with the pattern "before"
    And the snapshot "snap" of "disk" is taken
    When the disk "disk" is reverted to the snapshot "snap", which is refused
    Then "disk" holds the pattern "before"

  @row-09 @ENC-7
  @A-24 @D-33b
  Scenario: No backup is made that the passphrase on record does not open
    Given the setting "storpool.encrypted.snapshot.backup" of the pool is "true"
    And the encrypted DATA disk "disk", detached, with the pattern "kept"
    When the snapshot "snap" of "disk" is taken with a wrong passphrase on record, which fails
    Then the error says "the passphrase of the volume and its snapshot"
    And the snapshot "snap" is Error
    And StorPool has no snapshot of "snap"
    And secondary storage has no snapshot
    And "disk" holds the pattern "kept"

  @row-09 @ENC-8
  @A-24 @D-33b @A-19
  Scenario: A backup of an encrypted disk to secondary storage that is not NFS fails before a host attaches anything
    Given the setting "storpool.encrypted.snapshot.backup" of the pool is "true"
    And the encrypted DATA disk "disk", detached, with the pattern "kept"
    When the snapshot "snap" of "disk" is taken to secondary storage on "cifs://files.test/export", which fails
    Then the hosts asked StorPool to attach nothing meanwhile
    And StorPool has no snapshot of "snap"
    And "disk" holds the pattern "kept"

  @row-09 @ENC-5 @ENC-6 @fault @needs-fault-injection
  @A-2 @A-24 @D-33a @D-33b
  Scenario Outline: A backup of an encrypted disk fails and leaves no file, no snapshot and no passphrase when "<call>" is <effect>
    Given the setting "storpool.encrypted.snapshot.backup" of the pool is "true"
    And the encrypted DATA disk "disk", attached, with the pattern "kept"
    And the call "<call>" will be <effect>
    When the snapshot "snap" of "disk" is taken, which fails
    And 1 min passes
    Then the snapshot "snap" is Error
    And StorPool has no snapshot of "snap"
    And secondary storage has no snapshot
    And the hosts keep 1 passphrase for guests
    When the snapshot "again" of "disk" is taken
    Then the backup of "again" lies in one LUKS layer
    And the backup of "again" holds the pattern "kept"

    Examples:
      | call                         | effect  |
      | agent BackupSnapshot/attach  | refused |
      | agent BackupSnapshot/convert | refused |
      | agent BackupSnapshot/convert | hung    |
      | agent BackupSnapshot/convert | cut     |
      | agent BackupSnapshot/answer  | lost    |

  @row-09 @ENC-4
  Scenario: The backup of a plain disk is a plain image
    Given the encrypted DATA disk "secret", attached, with the pattern "hidden"
    And the DATA disk "disk", attached, with the pattern "plain"
    When the snapshot "snap" of "disk" is taken
    Then the snapshot "snap" is backed up on primary and secondary
    And the backup of "snap" holds the pattern "plain"
    And the guest "vm" reads the pattern "hidden" from "secret"

  @row-10 @row-12 @row-11
  @A-2 @A-24
  Scenario Outline: Of an encrypted <kind> disk and its snapshots come no volumes and no templates, with the bypass <bypass>
    Given the bypass of secondary storage is <bypass>
    And the setting "storpool.encrypted.snapshot.backup" of the pool is "true"
    And the encrypted <kind> disk "disk", detached, with the pattern "kept"
    And the snapshot "snap" of "disk" is taken
    When the volume "copy" is created from the snapshot "snap", which is refused
    Then the error says "the volume of the snapshot is encrypted"
    When the template "leak" is made from the snapshot "snap", which is refused
    Then the error says "the volume of the snapshot is encrypted"
    When the VM "vm" becomes Stopped
    And the template "leak" is made from the disk "disk", which is refused
    Then the error says "the volume is encrypted"
    And "disk" holds the pattern "kept"

    Examples:
      | kind | bypass |
      | ROOT | on     |
      | ROOT | off    |
      | DATA | on     |
      | DATA | off    |

  @row-10
  Scenario: A snapshot of a plain disk does not become an encrypted volume
    Given the encrypted DATA disk "secret", attached, with the pattern "hidden"
    And the DATA disk "disk", attached, with the pattern "plain"
    And the snapshot "snap" of "disk" is taken
    When the volume "copy" is created from the snapshot "snap" with the offering "encrypted", which is refused
    Then the error says "the offering is encrypted, and the snapshot is not"
    And "disk" holds the pattern "plain"

  @row-16 @row-08
  @D-7a @CS-5433
  Scenario: What is left of a deleted encrypted volume opens for nobody and can be deleted
    Given the bypass of secondary storage is on
    And the encrypted DATA disk "disk", detached, with the pattern "gone"
    And a detached DATA disk "other" of 1 MiB with the pattern "kept"
    And the snapshot "snap" of "disk" is taken
    When the disk "disk" is deleted
    Then CloudStack has no passphrases on record
    And StorPool has 1 snapshot of "snap"
    When the snapshot "snap" is deleted
    Then StorPool has no snapshot of "snap"
    And "other" holds the pattern "kept"

  @row-19 @row-20 @row-21 @KV-E4
  @D-20b
  Scenario Outline: The encrypted disks of a <state> VM have a VM snapshot and go back to it
    Given the encrypted ROOT disk "root", attached, with the pattern "root-1"
    And the encrypted DATA disk "data", attached, with the pattern "data-1"
    And the VM "vm" becomes <state>
    When the VM snapshot "group" of "vm" is taken
    And the pattern "root-2" is written to "root"
    And the pattern "data-2" is written to "data"
    Then the member of "root" in the VM snapshot "group" holds the pattern "root-1"
    And the member of "data" in the VM snapshot "group" holds the pattern "data-1"
    And the member of "data" in the VM snapshot "group" has
      | size | 3 MiB |
    When the VM "vm" becomes Stopped
    And the VM "vm" becomes Running
    And the VM "vm" becomes Stopped
    And the VM "vm" is reverted to the VM snapshot "group"
    Then "root" holds the pattern "root-1"
    And "data" holds the pattern "data-1"
    When the VM snapshot "group" is deleted
    And the VM "vm" becomes Running
    Then the guest "vm" reads the pattern "root-1" from "root"
    And the guest "vm" reads the pattern "data-1" from "data"

    Examples:
      | state   |
      | Running |
      | Stopped |

  @row-19
  Scenario: A VM snapshot of encrypted disks with the memory is refused
    Given the encrypted DATA disk "disk", attached, with the pattern "kept"
    When the VM snapshot "group" of "vm" is taken with memory, which is refused
    Then "disk" holds the pattern "kept"

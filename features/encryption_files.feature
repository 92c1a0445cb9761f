@encrypted
Feature: Encrypted volumes on a pool of files
  On NFS a volume is a qcow2 file with LUKS inside. Its snapshot is a file of the same kind on secondary storage, written
  with the volume's key on both sides; a file in use has none.

  Background:
    Given a zone with 2 hosts and the StorPool pool "primary"
    And the primary pool "files" on NFS

  @row-03 @row-04 @KV-E7 @ENC-11 @ENC-12
  Scenario: An encrypted volume on NFS is a file that opens with its key only
    Given the running VM "vm" with the encrypted DATA disk "disk" on the pool "files" and the pattern "secret"
    Then "disk" lies in one LUKS layer
    And the inventory has the disk "disk" with
      | size           | 1 MiB |
      | encrypt format | luks  |
    And the hosts keep 1 passphrase for guests
    And the guest "vm" reads the pattern "secret" from "disk"
    When the VM "vm" is stopped
    And the VM "vm" is started
    Then the guest "vm" reads the pattern "secret" from "disk"

  @row-09 @ENC-1 @ENC-5 @ENC-9 @ENC-10
  @A-24
  Scenario Outline: The snapshot of an encrypted volume on NFS, <state>, is encrypted with its key
    Given the stopped VM "vm" with the encrypted DATA disk "disk" on the pool "files" and the pattern "before"
    And the disk "disk" is left <state>
    When the snapshot "snap" of "disk" is taken
    And the pattern "after" is written to "disk"
    Then the snapshot "snap" is backed up on secondary only
    And the backup of "snap" lies in one LUKS layer
    And the backup of "snap" holds the pattern "before"
    And "disk" holds the pattern "after"
    When the snapshot "snap" is deleted
    Then secondary storage has no snapshot

    Examples:
      | state                   |
      | attached to its VM      |
      | detached                |

  @row-09 @ENC-2
  Scenario: The snapshot of a plain volume on NFS is a plain image
    Given the stopped VM "vm" with the encrypted DATA disk "secret" on the pool "files" and the pattern "hidden"
    And the stopped VM "other" with the DATA disk "disk" on the pool "files"
    And the pattern "plain" is written to "disk"
    When the snapshot "snap" of "disk" is taken
    Then the snapshot "snap" is backed up on secondary only
    And the backup of "snap" holds the pattern "plain"
    And "secret" holds the pattern "hidden"

  @row-09 @ENC-13
  Scenario: An encrypted volume on NFS of a running VM has no snapshots
    Given the running VM "vm" with the encrypted DATA disk "disk" on the pool "files" and the pattern "kept"
    When the snapshot "snap" of "disk" is taken, which is refused
    Then the error says "the volume is encrypted and its VM is running"
    And secondary storage has no snapshot
    And the guest "vm" reads the pattern "kept" from "disk"

  @row-09 @ENC-5 @ENC-6 @fault @needs-fault-injection
  @A-24
  Scenario Outline: A snapshot of an encrypted volume on NFS fails and leaves nothing when "<call>" is <effect>
    Given the stopped VM "vm" with the encrypted DATA disk "disk" on the pool "files" and the pattern "kept"
    And the call "<call>" will be <effect>
    When the snapshot "snap" of "disk" is taken, which fails
    And 1 min passes
    Then the snapshot "snap" is Error
    And secondary storage has no snapshot
    And "disk" holds the pattern "kept"
    When the snapshot "again" of "disk" is taken
    Then the backup of "again" lies in one LUKS layer
    And the backup of "again" holds the pattern "kept"

    Examples:
      | call                         | effect  |
      | agent BackupSnapshot/convert | refused |
      | agent BackupSnapshot/convert | cut     |
      | agent BackupSnapshot/convert | hung    |
      | agent BackupSnapshot/answer  | lost    |

  @row-18
  Scenario: An encrypted volume on NFS does not come to StorPool
    Given the stopped VM "vm" with the encrypted DATA disk "disk" on the pool "files" and the pattern "kept"
    When the disk "disk" is migrated to the pool "primary", which is refused
    Then the error says "the volume is encrypted"
    And "disk" holds the pattern "kept"

@row-18 @migration
Feature: Migrate a running VM with its disks
  New StorPool volumes are filled while the guest goes on writing; then the VM runs on the other host with them, and the old
  disks are deleted. A failure leaves VM and disks where they were.

  Background:
    Given a zone with 2 hosts and the StorPool pool "primary"
    And the pool "second" is created with the URL "storpool://{token}@{host}:{port}/ssd"
    And the primary pool "files" on NFS

  @S-25 @D-11a
  Scenario: A VM goes to another host with its disks from one StorPool pool to another
    Given the running VM "vm" with the DATA disk "disk"
    And the pattern "before" is written to "disk"
    And the pattern "booted" is written to "vm-root"
    And the StorPool volume of "disk" is remembered
    And the snapshot "snap" of "disk" is taken
    And the pattern "later" is written to "disk" at 1 MiB
    When the VM "vm" is migrated with its disks to another host and the pool "second"
    Then the VM "vm" runs on another host
    And the VM "vm" is Running
    And the guest "vm" reads the pattern "before" from "disk"
    And the guest "vm" reads the pattern "booted" from "vm-root"
    And "disk" holds the pattern "later" at 1 MiB
    And the StorPool volume of "disk" is another one
    And "disk" is attached read-write to the host of "vm" only
    And "vm-root" is attached read-write to the host of "vm" only
    And the StorPool volume of "disk" has
      | name     | anonymous |
      | size     | 1 GiB     |
      | template | ssd       |
      | uuid     | of "disk" |
      | cvm      | of "vm"   |
      | disk     | 1         |
      | cs       | volume    |
    And the inventory has the disk "disk" with
      | state     | Ready         |
      | size      | 1 GiB         |
      | pool      | second        |
      | pool type | StorPool      |
      | path      | of its volume |
      | vm        | vm            |
    And the pool "primary" has 0 B in use
    And the pool "second" has 2 GiB in use
    When the volume "copy" is created from the snapshot "snap"
    Then "copy" holds the pattern "before"

  @row-14 @S-25 @D-11a
  Scenario: A disk that went with its VM goes back to a snapshot of before
    Given the running VM "vm" with the DATA disk "disk"
    And the pattern "before" is written to "disk"
    And the snapshot "snap" of "disk" is taken
    And the pattern "after" is written to "disk"
    When the VM "vm" is migrated with its disks to another host and the pool "second"
    And the VM "vm" is stopped
    And the disk "disk" is reverted to the snapshot "snap"
    Then "disk" holds the pattern "before"
    When the VM "vm" is started
    Then the guest "vm" reads the pattern "before" from "disk"

  @S-25
  Scenario: A VM comes from a pool of files to StorPool while it runs
    Given the running VM "vm" with the DATA disk "disk" on the pool "files"
    And the pattern "before" is written to "disk"
    And the pattern "booted" is written to "vm-root"
    When the VM "vm" is migrated with its disks to another host and the pool "primary"
    Then the VM "vm" runs on another host
    And the guest "vm" reads the pattern "before" from "disk"
    And the guest "vm" reads the pattern "booted" from "vm-root"
    And the pool "files" has no files
    And the pool "primary" has 2 GiB in use
    And "disk" is attached read-write to the host of "vm" only
    When the VM "vm" is stopped
    And the VM "vm" is started
    Then the guest "vm" reads the pattern "before" from "disk"

  @SP-15 @CS-10587
  @S-25 @D-11a
  Scenario: Policy, tier, template and limit go with the disks of a VM
    Given the disk offering "gold" with tier "gold"
    And the disk offering "wide" with template "hybrid"
    And the disk offering "slow" with 300 IOPS
    And a detached DATA disk "one" of 1 GiB with the offering "gold" with the pattern "first"
    And a detached DATA disk "two" of 1 GiB with the offering "wide" with the pattern "second"
    And a detached DATA disk "three" of 1 GiB with the offering "slow" with the pattern "third"
    And the VM "vm" with the policy "daily" is deployed from the ISO
    And the disk "one" is attached to "vm"
    And the disk "two" is attached to "vm"
    And the disk "three" is attached to "vm"
    When the VM "vm" is migrated with its disks to another host and the pool "second"
    Then the StorPool volume of "one" has
      | template  | ssd   |
      | qc        | gold  |
      | vc-policy | daily |
      | disk      | 1     |
    And the StorPool volume of "two" has
      | template  | hybrid |
      | vc-policy | daily  |
      | disk      | 2      |
    And the StorPool volume of "three" has
      | template  | ssd   |
      | iops      | 300   |
      | vc-policy | daily |
      | disk      | 3     |
    And the guest "vm" reads the pattern "first" from "one"

  @D-11a
  Scenario: A VM is not migrated with its disks to the host where it runs
    Given the running VM "vm" with the DATA disk "disk"
    And the pattern "before" is written to "disk"
    When the VM "vm" is migrated with its disks to the host where it runs and the pool "second", which is refused
    Then the guest "vm" reads the pattern "before" from "disk"

  @D-11a
  Scenario: A VM is not migrated with its disks to a pool of files
    Given the running VM "vm" with the DATA disk "disk"
    And the pattern "before" is written to "disk"
    When the VM "vm" is migrated with its disks to another host and the pool "files", which is refused
    Then the guest "vm" reads the pattern "before" from "disk"

  @D-11a
  Scenario: A VM with snapshots is not migrated with its disks
    Given the running VM "vm" with the DATA disk "disk"
    And the pattern "before" is written to "disk"
    And the VM snapshot "group" of "vm" is taken
    When the VM "vm" is migrated with its disks to another host and the pool "second", which is refused
    Then the guest "vm" reads the pattern "before" from "disk"

  @fault @needs-fault-injection @SP-21 @SP-34 @KV-M3
  @D-4a @D-4b @S-25 @D-11a
  Scenario Outline: A migration of a VM with its disks fails and changes nothing when call <nth> of "<call>" is <effect>
    Given the running VM "vm" with the DATA disk "disk"
    And the pattern "before" is written to "disk"
    And the pattern "booted" is written to "vm-root"
    And the StorPool volume of "disk" is remembered
    And the call "<call>" will be <effect> from the <nth> call on
    When the VM "vm" is migrated with its disks to another host and the pool "second", which fails
    Then the VM "vm" runs on the same host
    And the StorPool volume of "disk" is the same
    And StorPool has 1 volume of "disk"
    And StorPool has 1 volume of "vm-root"
    And the pool "primary" has 2 GiB in use
    And the pool "second" has 0 B in use
    And "disk" is attached read-write to the host of "vm" only
    And the guest "vm" reads the pattern "before" from "disk"
    When the VM "vm" is migrated with its disks to another host and the pool "second"
    Then the VM "vm" runs on another host
    And the guest "vm" reads the pattern "before" from "disk"
    And the guest "vm" reads the pattern "booted" from "vm-root"

    Examples:
      | call                              | effect                 | nth |
      | POST VolumeCreate                 | refused with "noSpace" | 1st |
      | POST VolumeCreate                 | refused with "noSpace" | 2nd |
      | agent ModifyTargets/connect       | refused                | 1st |
      | agent ModifyTargets/connect       | refused                | 2nd |
      | agent ModifyTargets/answer        | lost                   | 1st |
      | agent PrepareForMigration/prepare | refused                | 1st |
      | agent Migrate/connect             | refused                | 1st |
      | agent Migrate/copy                | refused                | 1st |
      | agent Migrate/copy                | refused                | 2nd |
      | agent Migrate/switch              | refused                | 1st |
      | agent Migrate/copy                | cut                    | 1st |

  @fault @needs-fault-injection
  @S-25 @D-11a @D-20a @D-20b
  Scenario Outline: A migration of a VM with its disks succeeds although "<call>" is <effect>
    Given the running VM "vm" with the DATA disk "disk"
    And the pattern "before" is written to "disk"
    And the call "<call>" will be <effect>
    When the VM "vm" is migrated with its disks to another host and the pool "second"
    Then the VM "vm" runs on another host
    And StorPool has 1 volume of "disk"
    And the guest "vm" reads the pattern "before" from "disk"

    Examples:
      | call                     | effect             |
      | POST VolumeCreate        | refused in passing |
      | POST VolumeCreate        | lost               |
      | POST VolumeCreate        | late by 3 s        |
      | agent Migrate/disconnect | refused            |
      | agent Migrate/answer     | lost               |

  @fault @needs-fault-injection
  @S-25 @D-11a
  Scenario: The old disks of a migrated VM that StorPool does not delete are deleted later
    Given the running VM "vm" with the DATA disk "disk"
    And the pattern "before" is written to "disk"
    And the call "POST VolumeDelete" will be refused with "busy"
    When the VM "vm" is migrated with its disks to another host and the pool "second"
    Then the guest "vm" reads the pattern "before" from "disk"
    When CloudStack collects garbage
    Then the pool "primary" has 0 B in use
    And the guest "vm" reads the pattern "before" from "disk"

  @crash @SP-21 @SP-34
  @S-25 @D-11a
  Scenario Outline: A management server that dies at "<step>" of a VM's migration finds the VM and its disks again
    Given the running VM "vm" with the DATA disk "disk"
    And the pattern "before" is written to "disk"
    And the management server will die at the step "<step>" of "migrateVM"
    When the VM "vm" is migrated with its disks to another host and the pool "second", which fails
    And the management server comes back
    And CloudStack collects garbage
    Then the VM "vm" is Running
    And the VM "vm" runs on <host> host
    And the pool "<pool>" has 2 GiB in use
    And the guest "vm" reads the pattern "before" from "disk"

    Examples:
      | step             | host    | pool    |
      | record volumes   | the same | primary |
      | prepare host     | the same | primary |
      | pivot            | the same | primary |
      | exchange volumes | another | second  |

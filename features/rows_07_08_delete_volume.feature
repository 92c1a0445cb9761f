@delete
Feature: Delete a ROOT or DATA volume
  Deleting a volume removes its StorPool volume. With a delay configured, a snapshot that expires by itself stays for a
  while.

  Background:
    Given a zone with 2 hosts and the StorPool pool "primary"

  @row-07
  Scenario Outline: Expunging a <state> VM removes its ROOT volume and nothing else
    Given the running VM "other"
    And the pattern "other" is written to "other-root"
    And the <state> VM "web"
    And the pattern "gone" is written to "web-root"
    When the VM "web" is expunged
    Then the VM "web" is gone
    And the disk "web-root" is Expunged
    And StorPool has no volume of "web-root"
    And "other-root" holds the pattern "other"

    Examples:
      | state   |
      | running |
      | stopped |

  @row-07
  Scenario: A destroyed VM is removed by CloudStack's clean-up
    Given the running VM "web"
    And the pattern "gone" is written to "web-root"
    When the VM "web" is destroyed
    Then the VM "web" is Destroyed
    And "web-root" holds the pattern "gone"
    When CloudStack collects garbage
    Then the VM "web" is gone
    And StorPool has no volume of "web-root"

  @row-08
  @D-11a
  Scenario: Deleting a detached DATA disk removes its volume
    Given a detached DATA disk "data" of 1 GiB with the pattern "gone"
    And a detached DATA disk "other" of 1 GiB with the pattern "kept"
    When the disk "data" is deleted
    Then the disk "data" is Expunged
    And StorPool has no volume of "data"
    And "other" holds the pattern "kept"

  @row-08
  @D-11a
  Scenario: An attached DATA disk cannot be deleted
    Given the running VM "web" with the DATA disk "data"
    And the pattern "kept" is written to "data"
    When the disk "data" is deleted, which is refused
    Then "data" holds the pattern "kept"

  @row-08 @CS-11211
  @D-11a
  Scenario: A DATA disk that was never attached is deleted without StorPool hearing of it
    Given a detached DATA disk "other" of 1 GiB with the pattern "kept"
    And the DATA disk "data" of 2 GiB is created
    When the disk "data" is deleted
    Then the disk "data" is Expunged
    And "other" holds the pattern "kept"

  @row-07 @SP-3
  @D-25b
  Scenario: Expunging a VM whose ROOT volume vanished from StorPool succeeds
    Given the running VM "other"
    And the pattern "other" is written to "other-root"
    And the stopped VM "web"
    When StorPool loses the volume of "web-root"
    And the VM "web" is expunged
    Then the disk "web-root" is Expunged
    And "other-root" holds the pattern "other"

  @row-08 @SP-3
  @D-11a @D-25b
  Scenario: Deleting a DATA disk whose volume vanished from StorPool succeeds
    Given a detached DATA disk "data" of 1 GiB with the pattern "gone"
    And a detached DATA disk "other" of 1 GiB with the pattern "kept"
    When StorPool loses the volume of "data"
    And the disk "data" is deleted
    Then the disk "data" is Expunged
    And "other" holds the pattern "kept"

  @row-08 @fault @needs-fault-injection
  @D-20a @D-11a @D-25b
  Scenario Outline: Deleting a DATA disk <outcome> when VolumeDelete is <effect>, and can be repeated
    Given a detached DATA disk "data" of 1 GiB with the pattern "gone"
    And a detached DATA disk "other" of 1 GiB with the pattern "kept"
    And the call "POST VolumeDelete" will be <effect>
    When the disk "data" is deleted, which <outcome>
    Then the disk "data" is <state>
    And StorPool has <volumes> of "data"
    When the disk "data" is deleted unless it is Expunged
    Then the disk "data" is Expunged
    And StorPool has no volume of "data"
    And "other" holds the pattern "kept"

    Examples:
      | effect             | outcome  | state    | volumes   |
      | refused            | fails    | Destroy  | 1 volume  |
      | refused in passing | succeeds | Expunged | no volume |
      | lost               | succeeds | Expunged | no volume |
      | cut                | succeeds | Expunged | no volume |
      | late by 3 s        | succeeds | Expunged | no volume |
      | hung               | fails    | Expunged | no volume |

  @row-07 @fault @needs-fault-injection
  Scenario: An expunge that StorPool refuses keeps the VM on record and can be repeated
    Given the running VM "other"
    And the pattern "other" is written to "other-root"
    And the stopped VM "web"
    And the call "POST VolumeDelete" will be refused
    When the VM "web" is expunged, which fails
    Then the VM "web" is Expunging
    And StorPool has 1 volume of "web-root"
    When the VM "web" is expunged
    Then the VM "web" is gone
    And StorPool has no volume of "web-root"
    And "other-root" holds the pattern "other"

  @row-08 @delayed-delete @CS-8843
  @CS-5433
  @D-11a
  Scenario: With a delay a deleted disk leaves a snapshot that restores it
    Given the setting "storpool.delete.after.interval" of the pool is "3600"
    And a detached DATA disk "data" of 1 GiB with the pattern "rescued"
    When the disk "data" is deleted
    Then StorPool has no volume of "data"
    And the safety snapshot of "data" is known as "rescue"
    When the volume "again" is created from the snapshot "rescue"
    Then "again" holds the pattern "rescued"

  @row-08 @delayed-delete @CS-8843
  @CS-5433
  @D-11a @D-16g
  Scenario: The safety snapshot of a deleted disk and its records vanish after the delay
    Given the setting "storpool.delete.after.interval" of the pool is "3600"
    And a detached DATA disk "data" of 1 GiB with the pattern "rescued"
    And a detached DATA disk "other" of 1 GiB with the pattern "kept"
    When the disk "data" is deleted
    And the safety snapshot of "data" is known as "rescue"
    And 2 h pass and the driver looks for expired safety snapshots
    Then the snapshot "rescue" is Destroyed
    And StorPool has no safety snapshot
    And "other" holds the pattern "kept"

  @row-08 @delayed-delete @fault @needs-fault-injection
  @CS-5433
  @D-11a @D-16b
  Scenario: With a delay a disk is not deleted when its safety snapshot fails
    Given the setting "storpool.delete.after.interval" of the pool is "3600"
    And a detached DATA disk "data" of 1 GiB with the pattern "kept"
    And the call "POST VolumeSnapshot" will be refused
    When the disk "data" is deleted, which fails
    Then StorPool has 1 volume of "data"
    And "data" holds the pattern "kept"
    When the disk "data" is deleted
    Then StorPool has no volume of "data"

  @row-08 @delayed-delete @fault @needs-fault-injection
  @CS-5433
  @D-11a @D-16c
  Scenario: With a delay a repeated delete makes no second safety snapshot
    Given the setting "storpool.delete.after.interval" of the pool is "3600"
    And a detached DATA disk "data" of 1 GiB with the pattern "rescued"
    And the call "POST VolumeDelete" will be refused
    When the disk "data" is deleted, which fails
    And the disk "data" is deleted
    Then StorPool has 1 safety snapshot
    When the safety snapshot of "data" is known as "rescue"
    And the volume "again" is created from the snapshot "rescue"
    Then "again" holds the pattern "rescued"

  @row-08 @delayed-delete @fault @needs-fault-injection
  @CS-5433 @D-11a @D-20a
  Scenario: With a delay a delete that goes unanswered is finished without a second safety snapshot
    Given the setting "storpool.delete.after.interval" of the pool is "3600"
    And a detached DATA disk "data" of 1 GiB with the pattern "rescued"
    And the call "POST VolumeDelete" will be hung 2 times
    When the disk "data" is deleted, which fails
    And the disk "data" is deleted
    Then StorPool has 1 safety snapshot
    And StorPool has no volume of "data"
    When the safety snapshot of "data" is known as "rescue"
    And the volume "again" is created from the snapshot "rescue"
    Then "again" holds the pattern "rescued"

  @row-08 @delayed-delete @fault @needs-fault-injection
  @CS-5433
  @D-11a
  Scenario: A listing that StorPool refuses leaves every safety snapshot on record
    Given the setting "storpool.delete.after.interval" of the pool is "3600"
    And a detached DATA disk "data" of 1 GiB with the pattern "rescued"
    And the disk "data" is deleted
    And the safety snapshot of "data" is known as "rescue"
    When the call "GET SnapshotsList" will be refused every time
    And the driver looks for expired safety snapshots, which fails
    Then the snapshot "rescue" is BackedUp
    When the fault is over
    And the volume "again" is created from the snapshot "rescue"
    Then "again" holds the pattern "rescued"

  @row-08 @CS-5433 @CS-9270
  @D-11a @D-1 @D-7a @D-38
  Scenario Outline: Snapshots outlive their disk and restore it, with the bypass <bypass>
    Given the bypass of secondary storage is <bypass>
    And the DATA disk "data", detached, with the pattern "before"
    And the snapshot "snap" of "data" is taken
    When the disk "data" is deleted
    And the volume "again" is created from the snapshot "snap"
    Then "again" holds the pattern "before"
    When the snapshot "snap" is deleted
    Then StorPool has no snapshot of "snap"
    And "again" holds the pattern "before"

    Examples:
      | bypass |
      | on     |
      | off    |

  @row-08 @delayed-delete @SUS-5
  @CS-5433
  @D-11a @D-16a
  Scenario: The record of a safety snapshot names the pool of the disk, not its zone
    Given the pool "second" is created with the URL "storpool://{token}@{host}:{port}/ssd"
    And the pool "primary" goes into maintenance
    And the setting "storpool.delete.after.interval" of the pool "second" is "3600"
    And a detached DATA disk "data" of 1 GiB with the pattern "rescued"
    When the disk "data" is deleted
    And the safety snapshot of "data" is known as "rescue"
    Then the snapshot "rescue" is on record in the pool "second"
    When the volume "again" is created from the snapshot "rescue"
    Then "again" holds the pattern "rescued"

  @row-08 @delayed-delete
  @CS-5433
  @D-11a @D-16d @D-16g
  Scenario: A zone without safety snapshots does not stop the look for expired ones in the next
    Given a second zone with 1 host and the StorPool pool "second" over "ssd"
    And the setting "storpool.delete.after.interval" of the pool "second" is "3600"
    And what follows is in the second zone
    And a detached DATA disk "data" of 1 GiB with the pattern "rescued"
    And a detached DATA disk "other" of 1 GiB with the pattern "kept"
    When the disk "data" is deleted
    And the safety snapshot of "data" is known as "rescue"
    And 2 h pass and the driver looks for expired safety snapshots
    Then the snapshot "rescue" is Destroyed
    And "other" holds the pattern "kept"

  @row-08 @delayed-delete @SUS-15
  @CS-5433
  @D-11a @D-16e @D-16g
  Scenario: Somebody else's snapshots do not stop the look for expired ones
    Given the setting "storpool.delete.after.interval" of the pool is "3600"
    And somebody else has a snapshot with the tag "owner" on StorPool
    And a detached DATA disk "data" of 1 GiB with the pattern "rescued"
    And a detached DATA disk "other" of 1 GiB with the pattern "kept"
    When the disk "data" is deleted
    And the safety snapshot of "data" is known as "rescue"
    And 2 h pass and the driver looks for expired safety snapshots
    Then the snapshot "rescue" is Destroyed
    And "other" holds the pattern "kept"

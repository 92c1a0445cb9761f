@row-14 @revert
@D-11a
Feature: Revert a ROOT or DATA volume to a snapshot
  The volume takes the contents and the size of the snapshot. Its VM must be stopped.

  Background:
    Given a zone with 2 hosts and the StorPool pool "primary"

  @SP-42
  Scenario Outline: A <kind> disk, detached, with the bypass <bypass>, goes back to the bytes of its snapshot
    Given the bypass of secondary storage is <bypass>
    And the <kind> disk "disk", detached, with the pattern "before"
    And the StorPool volume of "disk" is remembered
    And the snapshot "snap" of "disk" is taken
    And the pattern "after" is written to "disk"
    When the disk "disk" is reverted to the snapshot "snap"
    Then the StorPool volume of "disk" is the same
    And "disk" holds the pattern "before"
    And the snapshot "snap" holds the pattern "before"
    And "disk" is attached nowhere
    And the StorPool volume of "disk" has
      | uuid | of "disk" |
      | cs   | volume    |

    Examples:
      | kind | bypass |
      | ROOT | off    |
      | ROOT | on     |
      | DATA | off    |
      | DATA | on     |

  Scenario: A DATA disk of a stopped VM goes back and is used by the VM again
    Given the running VM "web" with the DATA disk "data"
    And the pattern "before" is written to "data"
    And the snapshot "snap" of "data" is taken
    And the pattern "after" is written to "data"
    When the VM "web" is stopped
    And the disk "data" is reverted to the snapshot "snap"
    And the VM "web" is started
    Then the guest "web" reads the pattern "before" from "data"

  @KV-S7
  Scenario: The disk of a running VM is not reverted
    Given the DATA disk "disk", attached, with the pattern "before"
    And the snapshot "snap" of "disk" is taken
    And the pattern "after" is written to "disk"
    When the disk "disk" is reverted to the snapshot "snap", which is refused
    Then "disk" holds the pattern "after"
    And "disk" is attached read-write to the host of "vm" only

  @D-25a @D-32b
  Scenario: A disk that grew after the snapshot has the snapshot's size again
    Given the DATA disk "disk", detached, with the pattern "before"
    And the snapshot "snap" of "disk" is taken
    And the disk "disk" is resized to 2 GiB
    And the pattern "tail" is written to "disk" at 1 GiB
    When the disk "disk" is reverted to the snapshot "snap"
    Then the StorPool volume of "disk" has
      | size | 1 GiB |
    And the inventory has the disk "disk" with
      | size | 1 GiB |
    And "disk" holds the pattern "before"

  @KV-S4
  Scenario: A disk can be reverted to any of its snapshots, forth and back
    Given the DATA disk "disk", detached, with the pattern "one"
    And the snapshot "first" of "disk" is taken
    And the pattern "two" is written to "disk"
    And the snapshot "second" of "disk" is taken
    And the pattern "three" is written to "disk"
    When the disk "disk" is reverted to the snapshot "first"
    Then "disk" holds the pattern "one"
    When the disk "disk" is reverted to the snapshot "second"
    Then "disk" holds the pattern "two"
    And the snapshot "first" holds the pattern "one"

  @SP-7 @SP-30 @CS-10587
  Scenario: The tags of a disk survive a revert
    Given the VM "web" with the policy "nightly" is deployed from the ISO
    And the DATA disk "data" of 1 GiB is created
    And the disk "data" is attached to "web"
    And the pattern "before" is written to "data"
    And the snapshot "snap" of "data" is taken
    And the VM "web" is stopped
    When the disk "data" is reverted to the snapshot "snap"
    Then the StorPool volume of "data" has
      | cvm       | of "web"  |
      | vc-policy | nightly   |
      | uuid      | of "data" |
      | cs        | volume    |
      | disk      | 1         |
    And "data" holds the pattern "before"

  Scenario Outline: A revert leaves the disk with the limit of its offering, <iops>
    Given the disk offering "one" with <details>
    And a detached DATA disk "disk" of 1 GiB with the offering "one" with the pattern "before"
    And the snapshot "snap" of "disk" is taken
    When the disk "disk" is reverted to the snapshot "snap"
    Then the StorPool volume of "disk" has
      | iops | <iops> |
    And "disk" holds the pattern "before"

    Examples:
      | details    | iops      |
      | 300 IOPS   | 300       |
      | no details | unlimited |

  Scenario Outline: A revert after a change of the limit from <old> to <new> keeps the new limit
    Given the disk offering "old" with <old>
    And the disk offering "new" with <new>
    And a detached DATA disk "disk" of 1 GiB with the offering "old" with the pattern "before"
    And the snapshot "snap" of "disk" is taken
    And the disk "disk" is moved to the offering "new"
    When the disk "disk" is reverted to the snapshot "snap"
    Then the StorPool volume of "disk" has
      | iops | <iops> |
    And "disk" holds the pattern "before"

    Examples:
      | old        | new        | iops      |
      | 300 IOPS   | 400 IOPS   | 400       |
      | 300 IOPS   | no details | unlimited |
      | no details | 400 IOPS   | 400       |

  @D-32a
  Scenario: A revert that finds no snapshot leaves an attachment alone
    Given the running VM "web" with the DATA disk "data"
    And the pattern "before" is written to "data"
    And the snapshot "snap" of "data" is taken
    And the host of "web" is cut off
    And the VM "web" is force-stopped
    When StorPool loses the snapshot of "snap"
    And the disk "data" is reverted to the snapshot "snap", which fails
    Then "data" is attached to 1 host
    And "data" holds the pattern "before"

  Scenario: A revert to a snapshot that StorPool has lost changes nothing
    Given the running VM "web" with the DATA disk "data"
    And the pattern "before" is written to "data"
    And the snapshot "snap" of "data" is taken
    And the pattern "after" is written to "data"
    And the VM "web" is stopped
    When StorPool loses the snapshot of "snap"
    And the disk "data" is reverted to the snapshot "snap", which fails
    Then StorPool and the inventory are as before
    And "data" holds the pattern "after"

  @fault @needs-fault-injection
  @D-20a @D-12e @D-32c
  Scenario Outline: A revert <outcome> when "<call>" is <effect>, and can be repeated
    Given the DATA disk "disk", detached, with the pattern "before"
    And the snapshot "snap" of "disk" is taken
    And the pattern "after" is written to "disk"
    And the call "<call>" will be <effect>
    When the disk "disk" is reverted to the snapshot "snap", which <outcome>
    Then the disk "disk" is Ready
    And "disk" holds the pattern "<then>"
    When the disk "disk" is reverted to the snapshot "snap"
    Then "disk" holds the pattern "before"

    Examples:
      | call                 | effect             | outcome  | then   |
      | POST VolumeRevert    | refused            | fails    | after  |
      | POST VolumeRevert    | refused in passing | succeeds | before |
      | POST VolumeRevert    | lost               | succeeds | before |
      | POST VolumeRevert    | late by 3 s        | succeeds | before |
      | POST VolumesReassign | refused            | fails    | after  |
      | POST VolumeUpdate    | refused            | fails    | before |
      | POST VolumesReassign | lost               | succeeds | before |

@vm-snapshot
@D-11a
Feature: Take, revert and delete snapshots of VMs
  All disks of a VM are snapshotted at one instant. A revert takes all of them back, or none; a deletion removes every
  member, whatever disks the VM has by then.

  Background:
    Given a zone with 2 hosts and the StorPool pool "primary"
    And the running VM "web" with the DATA disk "data"
    And the pattern "root-1" is written to "web-root"
    And the pattern "data-1" is written to "data"

  @row-19
  Scenario Outline: A snapshot of a <state> VM has a member for each disk
    Given the VM "web" becomes <state>
    When the VM snapshot "group" of "web" is taken
    And the pattern "root-2" is written to "web-root"
    And the pattern "data-2" is written to "data"
    Then the VM snapshot "group" is Ready
    And the current VM snapshot of "web" is "group"
    And StorPool has 2 members of the VM snapshot "group"
    And the member of "data" in the VM snapshot "group" has
      | name      | anonymous          |
      | size      | 1 GiB              |
      | uuid      | of the VM snapshot |
      | cvm       | of "web"           |
      | cs        | group              |
      | vc-policy | none               |
      | disk      | none               |
    And the member of "web-root" in the VM snapshot "group" holds the pattern "root-1"
    And the member of "data" in the VM snapshot "group" holds the pattern "data-1"
    And "web-root" holds the pattern "root-2"
    And "data" holds the pattern "data-2"
    And secondary storage has no snapshot

    Examples:
      | state   |
      | Running |
      | Stopped |

  @row-19
  Scenario: A VM with a policy has members without one
    Given the VM "web" gets the tag "vc-policy" of "nightly"
    When the VM snapshot "group" of "web" is taken
    Then the member of "data" in the VM snapshot "group" has
      | vc-policy | none |
    And the StorPool volume of "data" has
      | vc-policy | nightly |

  @row-19
  Scenario: A VM snapshot with the memory is refused
    When the VM snapshot "group" of "web" is taken with memory, which is refused
    Then "data" holds the pattern "data-1"

  @row-19
  @D-20b
  Scenario: Snapshots of a VM form a chain
    When the VM snapshot "first" of "web" is taken
    And the VM snapshot "second" of "web" is taken
    Then the parent of the VM snapshot "first" is "none"
    And the parent of the VM snapshot "second" is "first"
    And the current VM snapshot of "web" is "second"
    When the VM "web" is stopped
    And the VM "web" is reverted to the VM snapshot "first"
    And the VM snapshot "third" of "web" is taken
    Then the parent of the VM snapshot "third" is "first"
    When the VM snapshot "first" is deleted
    Then the parent of the VM snapshot "third" is "none"
    And the current VM snapshot of "web" is "third"
    And the member of "data" in the VM snapshot "second" holds the pattern "data-1"

  @row-19 @fault @needs-fault-injection @D-8c
  Scenario Outline: A VM snapshot fails and leaves nothing behind when "<call>" is <effect>
    Given the call "<call>" will be <effect>
    When the VM snapshot "group" of "web" is taken, which fails
    Then the VM snapshot "group" is Error
    And StorPool has no members of the VM snapshot "group"
    And the current VM snapshot of "web" is "none"
    When the VM snapshot "group" is deleted
    And the VM snapshot "again" of "web" is taken
    Then StorPool has 2 members of the VM snapshot "again"

    Examples:
      | call                      | effect                 |
      | POST VolumesGroupSnapshot | refused                |
      | POST VolumesGroupSnapshot | refused with "noSpace" |
      | POST VolumesGroupSnapshot | hung                   |

  @row-19 @fault @needs-fault-injection
  @D-20a @D-20b
  Scenario Outline: A VM snapshot is taken once in spite of a "<call>" that is <effect>
    Given the call "<call>" will be <effect>
    When the VM snapshot "group" of "web" is taken
    Then StorPool has 2 members of the VM snapshot "group"
    And the member of "data" in the VM snapshot "group" holds the pattern "data-1"

    Examples:
      | call                      | effect             |
      | POST VolumesGroupSnapshot | refused in passing |
      | POST VolumesGroupSnapshot | lost               |
      | POST VolumesGroupSnapshot | cut                |
      | POST VolumesGroupSnapshot | late by 3 s        |

  @row-20 @SP-30
  @D-20b
  Scenario: A revert takes all disks of a VM back
    Given the VM snapshot "group" of "web" is taken
    And the pattern "root-2" is written to "web-root"
    And the pattern "data-2" is written to "data"
    And the VM "web" is stopped
    When the VM "web" is reverted to the VM snapshot "group"
    Then "web-root" holds the pattern "root-1"
    And "data" holds the pattern "data-1"
    And "data" is attached nowhere
    And the StorPool volume of "data" has
      | uuid | of "data" |
      | cvm  | of "web"  |
      | cs   | volume    |
      | disk | 1         |
    And the current VM snapshot of "web" is "group"
    When the VM "web" is started
    Then the guest "web" reads the pattern "data-1" from "data"
    And "web-root" is attached read-write to the host of "web" only

  @row-20
  @D-20b
  Scenario: A VM can be reverted to any of its snapshots, forth and back
    Given the VM snapshot "first" of "web" is taken
    And the pattern "data-2" is written to "data"
    And the VM snapshot "second" of "web" is taken
    And the pattern "data-3" is written to "data"
    And the VM "web" is stopped
    When the VM "web" is reverted to the VM snapshot "first"
    Then "data" holds the pattern "data-1"
    When the VM "web" is reverted to the VM snapshot "second"
    Then "data" holds the pattern "data-2"
    And the current VM snapshot of "web" is "second"

  @row-20 @D-8h
  @D-20b @D-25a @D-32b
  Scenario: A revert of a VM records the size that a disk has then
    Given the VM snapshot "group" of "web" is taken
    And the disk "data" is resized to 2 GiB
    And the VM "web" is stopped
    When the VM "web" is reverted to the VM snapshot "group"
    Then the StorPool volume of "data" has
      | size | 1 GiB |
    And the inventory has the disk "data" with
      | size | 1 GiB |
    And "data" holds the pattern "data-1"

  @row-20
  @D-20b
  Scenario: A revert of a VM keeps the limit of an offering that changed since
    Given the disk offering "new" with 400 IOPS
    And the VM snapshot "group" of "web" is taken
    And the disk "data" is moved to the offering "new"
    And the VM "web" is stopped
    When the VM "web" is reverted to the VM snapshot "group"
    Then the StorPool volume of "data" has
      | iops | 400 |
    And "data" holds the pattern "data-1"

  @row-20
  Scenario: A running VM is not reverted
    Given the VM snapshot "group" of "web" is taken
    And the pattern "data-2" is written to "data"
    When the VM "web" is reverted to the VM snapshot "group", which is refused
    Then "data" holds the pattern "data-2"

  @row-20 @D-8f
  @D-20b
  Scenario: A disk that a VM got after its snapshot is left alone by the revert
    Given the VM snapshot "group" of "web" is taken
    And the DATA disk "late" of 1 GiB is created
    And the disk "late" is attached to "web"
    And the pattern "late-1" is written to "late"
    And the pattern "data-2" is written to "data"
    And the VM "web" is stopped
    When the VM "web" is reverted to the VM snapshot "group"
    Then "data" holds the pattern "data-1"
    And "late" holds the pattern "late-1"

  @row-20
  @D-20b
  Scenario: A disk that has left a VM since is left alone by the revert
    Given the VM snapshot "group" of "web" is taken
    And the pattern "root-2" is written to "web-root"
    And the pattern "data-2" is written to "data"
    And the disk "data" is detached
    And the VM "web" is stopped
    When the VM "web" is reverted to the VM snapshot "group"
    Then "data" holds the pattern "data-2"
    And "web-root" holds the pattern "root-1"

  @row-20
  Scenario: A revert of a VM whose member is lost changes nothing
    Given the VM snapshot "group" of "web" is taken
    And the pattern "root-2" is written to "web-root"
    And the pattern "data-2" is written to "data"
    And the VM "web" is stopped
    And StorPool loses the member of "data" in the VM snapshot "group"
    When the VM "web" is reverted to the VM snapshot "group", which fails
    Then StorPool and the inventory are as before
    And "web-root" holds the pattern "root-2"
    And "data" holds the pattern "data-2"

  @row-20
  @D-20b
  Scenario: A disk of an old version of the plugin loses its name at the revert of its VM
    Given the disk "data" still has the name that an old version of the plugin gave it
    And the VM snapshot "group" of "web" is taken
    And the pattern "data-2" is written to "data"
    And the VM "web" is stopped
    When the VM "web" is reverted to the VM snapshot "group"
    Then the StorPool volume of "data" has
      | name | anonymous |
      | uuid | of "data" |
    And "data" holds the pattern "data-1"

  @row-20 @fault @needs-fault-injection @D-8i
  Scenario: A VM is not reverted while a disk of an old version of the plugin cannot be renamed
    Given the disk "data" still has the name that an old version of the plugin gave it
    And the VM snapshot "group" of "web" is taken
    And the pattern "root-2" is written to "web-root"
    And the pattern "data-2" is written to "data"
    And the VM "web" is stopped
    And the call "POST VolumeUpdate" for the disk "data" will be refused
    When the VM "web" is reverted to the VM snapshot "group", which fails
    Then "data" holds the pattern "data-2"
    And "web-root" holds the pattern "root-2"

  @row-20 @fault @needs-fault-injection @D-8g
  @D-20b
  Scenario Outline: A revert of a VM that fails at its second disk takes the first one back, "<call>" <effect>
    Given the VM snapshot "group" of "web" is taken
    And the pattern "root-2" is written to "web-root"
    And the pattern "data-2" is written to "data"
    And the VM "web" is stopped
    And the call "<call>" for the disk "data" will be <effect>
    When the VM "web" is reverted to the VM snapshot "group", which fails
    Then the VM snapshot "group" is Ready
    And "web-root" holds the pattern "root-2"
    And "data" holds the pattern "data-2"
    When the VM "web" is reverted to the VM snapshot "group"
    Then "web-root" holds the pattern "root-1"
    And "data" holds the pattern "data-1"

    Examples:
      | call                 | effect  |
      | POST VolumeRevert    | refused |
      | POST VolumesReassign | refused |

  @row-20 @fault @needs-fault-injection
  @D-20a @D-20b
  Scenario Outline: A revert of a VM succeeds in spite of a "<call>" that is <effect>
    Given the VM snapshot "group" of "web" is taken
    And the pattern "data-2" is written to "data"
    And the VM "web" is stopped
    And the call "<call>" will be <effect>
    When the VM "web" is reverted to the VM snapshot "group"
    Then "data" holds the pattern "data-1"
    And "web-root" holds the pattern "root-1"

    Examples:
      | call                      | effect             |
      | POST VolumeRevert         | refused in passing |
      | POST VolumeRevert         | lost               |
      | POST VolumesReassign      | lost               |

  @row-21
  Scenario: A deleted VM snapshot leaves no member and the disks as they are
    Given the VM snapshot "group" of "web" is taken
    And the pattern "data-2" is written to "data"
    When the VM snapshot "group" is deleted
    Then the VM snapshot "group" is gone
    And StorPool has no members of the VM snapshot "group"
    And the current VM snapshot of "web" is "none"
    And "data" holds the pattern "data-2"
    And "web-root" holds the pattern "root-1"

  @row-21 @D-8c
  Scenario: A VM snapshot can be deleted after a disk joined the VM
    Given the VM snapshot "group" of "web" is taken
    And the DATA disk "late" of 1 GiB is created
    And the disk "late" is attached to "web"
    When the VM snapshot "group" is deleted
    Then StorPool has no members of the VM snapshot "group"
    And "data" holds the pattern "data-1"

  @row-21 @D-8c
  Scenario: The member of a disk that left the VM goes with the VM snapshot
    Given the VM snapshot "group" of "web" is taken
    And the disk "data" is detached
    When the VM snapshot "group" is deleted
    Then StorPool has no members of the VM snapshot "group"
    And "data" holds the pattern "data-1"

  @row-21 @D-8d
  Scenario: A VM snapshot whose member StorPool has lost can be deleted
    Given the VM snapshot "group" of "web" is taken
    And StorPool loses the member of "web-root" in the VM snapshot "group"
    When the VM snapshot "group" is deleted
    Then the VM snapshot "group" is gone
    And StorPool has no members of the VM snapshot "group"
    And "data" holds the pattern "data-1"

  @row-21 @fault @needs-fault-injection @D-8e
  Scenario: A VM snapshot whose deletion StorPool refuses stays Ready and can be deleted again
    Given the VM snapshot "group" of "web" is taken
    And the call "POST SnapshotDelete" will be refused
    When the VM snapshot "group" is deleted, which fails
    Then the VM snapshot "group" is Ready
    And the member of "data" in the VM snapshot "group" holds the pattern "data-1"
    When the VM snapshot "group" is deleted
    Then StorPool has no members of the VM snapshot "group"

  @row-21 @fault @needs-fault-injection @D-8c
  Scenario: A deletion of a VM snapshot that StorPool refuses at the second member is finished later
    Given the VM snapshot "group" of "web" is taken
    And the call "POST SnapshotDelete" will be refused from the 2nd call on
    When the VM snapshot "group" is deleted, which fails
    And the VM snapshot "group" is deleted unless it is gone
    Then the VM snapshot "group" is gone
    And StorPool has no members of the VM snapshot "group"
    And "data" holds the pattern "data-1"

  @row-21
  Scenario: The snapshots of a VM go with the VM
    Given the VM snapshot "first" of "web" is taken
    And the VM snapshot "second" of "web" is taken
    When the VM "web" is expunged
    Then the VM "web" is gone
    And the VM snapshot "first" is gone
    And StorPool has no members of the VM snapshot "first"
    And StorPool has no members of the VM snapshot "second"
    And "data" holds the pattern "data-1"

  @row-19 @KV-S6
  @D-20b @D-7a
  Scenario: Snapshots of a disk and of its VM do not disturb each other
    Given the snapshot "snap" of "data" is taken
    And the pattern "data-2" is written to "data"
    And the VM snapshot "group" of "web" is taken
    And the pattern "data-3" is written to "data"
    And the VM "web" is stopped
    When the disk "data" is reverted to the snapshot "snap"
    Then "data" holds the pattern "data-1"
    When the VM "web" is reverted to the VM snapshot "group"
    Then "data" holds the pattern "data-2"
    When the snapshot "snap" is deleted
    And the VM snapshot "group" is deleted
    Then "data" holds the pattern "data-2"
    And StorPool has no members of the VM snapshot "group"

  @crash @row-19 @D-8c
  @D-20b
  Scenario Outline: A VM snapshot survives a crash at "<step>"
    Given the management server will die at the step "<step>" of "takeVMSnapshot"
    When the VM snapshot "group" of "web" is taken, which fails
    And the management server comes back
    And the VM snapshot "group" is deleted unless it is gone
    Then StorPool has no members of the VM snapshot "group"
    When the VM snapshot "again" of "web" is taken
    Then StorPool has 2 members of the VM snapshot "again"
    And "data" holds the pattern "data-1"

    Examples:
      | step               |
      | snapshot volumes   |
      | record VM snapshot |

  @crash @row-20 @D-8g
  @D-20b
  Scenario Outline: A revert of a VM survives a crash at "<step>"
    Given the VM snapshot "group" of "web" is taken
    And the pattern "root-2" is written to "web-root"
    And the VM "web" is stopped
    And the management server will die at the step "<step>" of "revertVMSnapshot"
    When the VM "web" is reverted to the VM snapshot "group", which fails
    And the management server comes back
    Then the VM snapshot "group" is Ready
    When the VM "web" is reverted to the VM snapshot "group"
    Then "web-root" holds the pattern "root-1"
    And "data" holds the pattern "data-1"

    Examples:
      | step                    |
      | mark                    |
      | safety snapshots        |
      | record revert           |
      | delete safety snapshots |

  @crash @row-21 @D-8c
  Scenario Outline: The deletion of a VM snapshot survives a crash at "<step>"
    Given the VM snapshot "group" of "web" is taken
    And the management server will die at the step "<step>" of "deleteVMSnapshot"
    When the VM snapshot "group" is deleted, which fails
    And the management server comes back
    And the VM snapshot "group" is deleted unless it is gone
    Then the VM snapshot "group" is gone
    And StorPool has no members of the VM snapshot "group"
    And "data" holds the pattern "data-1"

    Examples:
      | step            |
      | mark            |
      | record deletion |

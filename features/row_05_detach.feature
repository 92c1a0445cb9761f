@row-05 @detach
Feature: Detach a ROOT or DATA volume
  A host detaches the disks of a VM when the VM stops or when a disk is taken out of it.

  Background:
    Given a zone with 2 hosts and the StorPool pool "primary"

  @D-11a
  Scenario: Stopping a VM detaches all its disks and leaves their owner on them
    Given the running VM "web" with the DATA disk "data"
    And the pattern "root" is written to "web-root"
    And the pattern "data" is written to "data"
    When the VM "web" is stopped
    Then "web-root" is attached nowhere
    And "data" is attached nowhere
    And the StorPool volume of "data" has
      | cvm  | of "web" |
      | disk | 1        |
    And "web-root" holds the pattern "root"
    And "data" holds the pattern "data"

  @CS-8377 @SP-53
  @D-11a
  Scenario Outline: A DATA disk taken out of a <state> VM loses the tags of the VM
    Given the VM "web" with the policy "nightly" is deployed from the ISO
    And the DATA disk "data" of 1 GiB is created
    And the disk "data" is attached to "web"
    And the pattern "kept" is written to "data"
    And the VM "web" becomes <state>
    When the disk "data" is detached
    Then "data" is attached nowhere
    And the StorPool volume of "data" has
      | cvm       | none      |
      | vc-policy | none      |
      | disk      | none      |
      | uuid      | of "data" |
      | cs        | volume    |
    And the inventory has the disk "data" with
      | vm | none |
    And "data" holds the pattern "kept"

    Examples:
      | state   |
      | Running |
      | Stopped |

  @CS-8377
  @D-11a
  Scenario: A DATA disk that outlives its VM loses the tags of the VM
    Given the VM "web" with the policy "nightly" is deployed from the ISO
    And the DATA disk "data" of 1 GiB is created
    And the disk "data" is attached to "web"
    And the pattern "kept" is written to "data"
    When the VM "web" is expunged
    Then the StorPool volume of "data" has
      | cvm       | none |
      | vc-policy | none |
      | disk      | none |
    And "data" is attached nowhere
    And "data" holds the pattern "kept"

  Scenario: The ROOT disk of a running VM cannot be detached
    Given the running VM "web"
    And the pattern "root" is written to "web-root"
    When the disk "web-root" is detached, which is refused
    Then "web-root" is attached read-write to the host of "web" only
    And "web-root" holds the pattern "root"

  @D-11a
  Scenario: A disk goes from one VM to another with all its bytes
    Given the running VM "web" with the DATA disk "data"
    And the running VM "db"
    And the pattern "moved" is written to "data"
    When the disk "data" is detached
    And the disk "data" is attached to "db"
    Then the guest "db" reads the pattern "moved" from "data"
    And the StorPool volume of "data" has
      | cvm | of "db" |
    And "data" is attached read-write to the host of "db" only

  @CS-10587
  @D-11a
  Scenario: The disk tag follows the slot of a disk
    Given the running VM "web" with the DATA disk "one"
    And the DATA disk "two" of 1 GiB is created
    And the disk "two" is attached to "web"
    And the pattern "second" is written to "two"
    And the disk "one" is detached
    And the disk "two" is detached
    When the disk "two" is attached to "web"
    Then the StorPool volume of "two" has
      | disk | 1 |
    And the StorPool volume of "one" has
      | disk | none |
    And "two" holds the pattern "second"

  @D-11a @A-23
  Scenario: A disk that a host is to disconnect by its description is detached
    Given the running VM "web" with the DATA disk "data"
    And the pattern "kept" is written to "data"
    And the VM "web" is stopped
    And the running VM "db"
    When the host of "db" connects "data" and disconnects it by its description
    Then "data" is attached nowhere
    And "data" holds the pattern "kept"

  @fault @needs-fault-injection
  @D-11a
  Scenario: A device that is still open for some seconds is detached all the same
    Given the running VM "web" with the DATA disk "data"
    And the pattern "kept" is written to "data"
    And the call "POST VolumesReassignWait" will be refused with "busy" 5 times
    When the disk "data" is detached
    Then "data" is attached nowhere
    And "data" holds the pattern "kept"

  @fault @needs-fault-injection @KV-A1
  @D-11a
  Scenario: A detach that the host cannot do fails, leaves the disk in use and can be repeated
    Given the running VM "web" with the DATA disk "data"
    And the pattern "kept" is written to "data"
    And the call "agent Detach/unplug" will be refused every time
    When the disk "data" is detached, which fails
    Then "data" is attached read-write to the host of "web" only
    And the StorPool volume of "data" has
      | cvm | of "web" |
    When the fault is over
    And the disk "data" is detached
    Then "data" is attached nowhere
    And "data" holds the pattern "kept"

  @fault @needs-fault-injection
  @D-11a @D-28
  Scenario Outline: Taking out a disk works while StorPool answers the change of tags <effect>
    Given the running VM "web" with the DATA disk "data"
    And the pattern "kept" is written to "data"
    And the call "POST VolumeUpdate" will be <effect>
    When the disk "data" is detached
    Then the StorPool volume of "data" has
      | cvm  | none |
      | disk | none |
    And "data" holds the pattern "kept"

    Examples:
      | effect             |
      | refused            |
      | refused in passing |
      | lost               |
      | cut                |
      | hung               |

  @row-04 @needs-emulator @CS-10077
  Scenario: What a guest discards is given back
    Given the running VM "web"
    And the pattern "kept" is written to "web-root" at 8 MiB
    And the pattern "gone" is written to "web-root"
    And the statistics are collected
    When the guest "web" discards the first 4 MiB of "web-root"
    Then "web-root" is empty
    And "web-root" holds the pattern "kept" at 8 MiB
    When the statistics are collected
    Then the statistics say that "web-root" uses 16 KiB of 1 GiB
    When the pattern "again" is written to "web-root"
    And the statistics are collected
    Then the statistics say that "web-root" uses 32 KiB of 1 GiB
    And the guest "web" reads the pattern "again" from "web-root"

@row-27 @ha
@D-11a
Feature: Hosts that fail, or only seem to
  A VM restarts elsewhere when its disks are detached from the old host; a host reboots itself only when its storage is
  really gone.

  Background:
    Given a zone with 2 hosts and the StorPool pool "primary"
    And the running VM "web" with the DATA disk "data"
    And the pattern "kept" is written to "data"

  @CS-8045 @SP-20
  @CS-10799
  Scenario: A VM of a dead host runs elsewhere with its disks detached from the dead host first
    When the host of "web" is switched off
    And CloudStack restarts the VM "web" elsewhere
    Then the VM "web" is Running
    And "data" is attached read-write to the host of "web" only
    And "web-root" is attached read-write to the host of "web" only
    And the guest "web" reads the pattern "kept" from "data"

  @fault @needs-fault-injection @CS-8045
  @CS-10799
  @D-31
  Scenario Outline: A VM does not restart elsewhere while its disks cannot be detached from <where>
    When the host of "web" is <how>
    And the call "POST VolumesReassign" will be refused with "busy" every time
    And CloudStack restarts the VM "web" elsewhere, which fails
    Then "data" is attached to 1 host
    When the fault is over
    And the VM "web" is started
    Then "data" is attached read-write to the host of "web" only
    And the guest "web" reads the pattern "kept" from "data"

    Examples:
      | where                  | how          |
      | a dead host            | switched off |
      | a host that is cut off | cut off      |

  @CS-8045
  @CS-10799
  Scenario: A host that its neighbours find dead counts as down, and its VM runs elsewhere
    Given the host of "web" loses its power
    And StorPool counts the client of the host of "web" as down
    When CloudStack hears nothing of the host of "web" and asks its neighbours
    Then CloudStack counts the host of "web" as Down
    When CloudStack restarts the VM "web" elsewhere
    Then the VM "web" is Running
    And "data" is attached read-write to the host of "web" only
    And the guest "web" reads the pattern "kept" from "data"

  @CS-8045
  Scenario: A host of which CloudStack hears nothing, and whose client runs, keeps its VM
    When CloudStack hears nothing of the host of "web" and asks its neighbours
    Then CloudStack counts the host of "web" as Up
    When CloudStack restarts the VM "web" elsewhere, which is refused
    Then "data" is attached read-write to the host of "web" only
    And the guest "web" reads the pattern "kept" from "data"

  @fault @needs-fault-injection @CS-8045 @SUS-21
  Scenario Outline: No host counts as dead because the StorPool API is <effect> when its neighbours ask
    Given the call "GET ServicesList" will be <effect> every time
    When CloudStack hears nothing of the host of "web" and asks its neighbours
    Then CloudStack counts the host of "web" as Up
    When CloudStack restarts the VM "web" elsewhere, which is refused
    Then "data" is attached read-write to the host of "web" only
    And the guest "web" reads the pattern "kept" from "data"

    Examples:
      | effect    |
      | refused   |
      | cut       |
      | malformed |

  @fault @needs-fault-injection @CS-8045
  Scenario: A host of which no neighbour can tell keeps its VM
    Given the call "agent CheckHeartbeat/ask" will be refused
    When CloudStack hears nothing of the host of "web" and asks its neighbours, which fails
    Then CloudStack counts the host of "web" as Up
    And "data" is attached read-write to the host of "web" only
    And the guest "web" reads the pattern "kept" from "data"

  @KV-H1
  Scenario: Hosts go on while StorPool runs
    When the heartbeats of the hosts run
    Then no host has rebooted
    And the guest "web" reads the pattern "kept" from "data"

  @KV-H1 @SUS-21 @fault @needs-fault-injection @CS-10111 @CS-8045
  @A-4
  Scenario Outline: No host reboots because the StorPool API is <effect>
    Given the call "GET ServicesList" will be <effect> every time
    When the heartbeats of the hosts run
    Then no host has rebooted
    And the guest "web" reads the pattern "kept" from "data"

    Examples:
      | effect    |
      | refused   |
      | cut       |
      | malformed |

  @KV-H1 @SUS-21
  @A-4
  Scenario: A client that StorPool counts as down does not reboot its host while its disks answer
    When StorPool counts the client of the host of "web" as down
    And the heartbeats of the hosts run
    Then no host has rebooted
    When StorPool counts the client of the host of "web" as running
    Then the guest "web" reads the pattern "kept" from "data"

  @KV-H1 @CS-10111
  Scenario: A host whose client is down and none of whose disks answers reboots, and no other
    When StorPool counts the client of another host than that of "web" as down
    And the heartbeats of the hosts run
    Then another host than that of "web" has rebooted
    And the guest "web" reads the pattern "kept" from "data"

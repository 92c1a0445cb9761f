@unhealthy
Feature: A StorPool that is not well
  What a cluster cannot do ends in a clear error and leaves nothing behind; when it is well again, the same action succeeds.

  Background:
    Given a zone with 2 hosts and the StorPool pool "primary"

  @row-03 @fault @needs-fault-injection
  @D-11a
  Scenario Outline: A disk that <lack> is attached when StorPool is well again
    Given the running VM "web"
    And the DATA disk "data" of 1 GiB is created
    And <condition>
    When the disk "data" is attached to "web", which fails
    Then StorPool has no volume of "data"
    When StorPool is well again
    And the disk "data" is attached to "web"
    And the pattern "fresh" is written to "data"
    Then "data" holds the pattern "fresh"

    Examples:
      | lack             | condition              |
      | finds no quorum  | StorPool has no quorum |
      | finds no room    | StorPool has no room   |

  @row-04 @fault @needs-fault-injection @KV-A1
  @D-11a
  Scenario: A truncated answer leaves no attachment in doubt
    Given the running VM "web"
    And the DATA disk "data" of 1 GiB is created
    And the call "POST VolumesReassignWait" about "~*" for StorPool client 1 will be truncated
    When the disk "data" is attached to "web", which fails
    And the disk "data" is attached to "web"
    And the pattern "fresh" is written to "data"
    Then "data" holds the pattern "fresh"

  @row-04 @SP-35
  @D-11a
  Scenario: A VM starts on a host whose client is alive while that of another is dead
    Given the stopped VM "web" with the DATA disk "data"
    And the pattern "kept" is written to "data"
    When StorPool's client 1 is dead
    And the VM "web" is started on host 2
    Then the guest "web" reads the pattern "kept" from "data"
    And "data" is attached read-write to the host of "web" only
    When StorPool is well again
    And the VM "web" is migrated to host 1
    Then the guest "web" reads the pattern "kept" from "data"

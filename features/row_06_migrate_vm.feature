@row-06 @migration
Feature: Migrate a running VM to another host
  The guest goes on writing; its disks follow to the new host, and nothing but the host changes.

  Background:
    Given a zone with 3 hosts and the StorPool pool "primary"
    And the running VM "web" with the DATA disk "data"
    And the pattern "root-1" is written to "web-root"
    And the pattern "data-1" is written to "data"

  @CS-10093 @CS-10587
  @D-11a
  Scenario: A migrated VM runs on the other host only, with all its disks
    When the VM "web" is migrated to another host
    Then the VM "web" is Running
    And the VM "web" runs on another host
    And "web-root" is attached read-write to the host of "web" only
    And "data" is attached read-write to the host of "web" only
    And the guest "web" reads the pattern "data-1" from "data"
    And the guest "web" reads the pattern "root-1" from "web-root"
    And the StorPool volume of "data" has
      | uuid | of "data" |
      | cvm  | of "web"  |
      | disk | 1         |
      | cs   | volume    |
    When the pattern "data-2" is written to "data"
    Then the guest "web" reads the pattern "data-2" from "data"

  @D-11a
  Scenario: A VM can be migrated there and back, and be stopped and started afterwards
    When the VM "web" is migrated to host 3
    And the VM "web" is migrated to host 2
    And the pattern "data-2" is written to "data"
    And the VM "web" is stopped
    Then "data" is attached nowhere
    When the VM "web" is started
    Then the guest "web" reads the pattern "data-2" from "data"

  @D-11a @D-25a
  Scenario: A disk can be attached, detached and resized after a migration
    When the VM "web" is migrated to another host
    And the disk "data" is resized to 2 GiB
    Then every guest with "data" sees 2 GiB
    When the disk "data" is detached
    Then "data" is attached nowhere
    When the disk "data" is attached to "web"
    Then the guest "web" reads the pattern "data-1" from "data"

  @D-11a
  Scenario: A migration to the host where the VM runs is refused
    When the VM "web" is migrated to the host where it runs, which is refused
    Then the guest "web" reads the pattern "data-1" from "data"

  @D-11a
  Scenario: A migration to a host that is down is refused
    Given CloudStack marks host 3 as Down
    When the VM "web" is migrated to host 3, which is refused
    Then the guest "web" reads the pattern "data-1" from "data"

  @fault @needs-fault-injection @D-11a @CS-10093 @SP-20 @SP-21 @SP-34
  Scenario Outline: A migration fails and leaves the VM where it was when "<call>" is <effect>
    Given the call "<call>" will be <effect>
    When the VM "web" is migrated to another host, which fails
    Then the VM "web" is Running
    And the VM "web" runs on the same host
    And "data" is attached read-write to the host of "web" only
    And the guest "web" reads the pattern "data-1" from "data"
    When the VM "web" is migrated to another host
    Then the VM "web" runs on another host
    And "data" is attached read-write to the host of "web" only
    And the guest "web" reads the pattern "data-1" from "data"

    Examples:
      | call                              | effect  |
      | agent PrepareForMigration/prepare | refused |
      | agent Migrate/connect             | refused |
      | agent Migrate/switch              | refused |
      | agent PrepareForMigration/answer  | lost    |

  @fault @needs-fault-injection @D-11a @SP-21 @SP-34
  Scenario: A migration whose answer is lost has moved the VM
    Given the call "agent Migrate/answer" will be lost
    When the VM "web" is migrated to another host
    Then the VM "web" runs on another host
    And "data" is attached read-write to the host of "web" only
    And the guest "web" reads the pattern "data-1" from "data"

@row-01 @create
Feature: Create a ROOT volume for a VM from an ISO
  CloudStack creates an empty ROOT volume on StorPool and starts the VM from the ISO.

  Background:
    Given a zone with 2 hosts and the StorPool pool "primary"

  Scenario: The ROOT disk of a VM from an ISO is an anonymous volume that belongs to the VM
    When the VM "web" is deployed from the ISO
    And the pattern "installed" is written to "web-root"
    Then the VM "web" is Running
    And the StorPool volume of "web-root" has
      | name      | anonymous       |
      | size      | 1 GiB           |
      | template  | hdd             |
      | iops      | unlimited       |
      | parent    | none            |
      | cs        | volume          |
      | uuid      | of "web-root"   |
      | cvm       | of "web"        |
      | vc-policy | none            |
      | qc        | none            |
      | disk      | 0               |
    And the inventory has the disk "web-root" with
      | state     | Ready         |
      | size      | 1 GiB         |
      | pool      | primary       |
      | pool type | StorPool      |
      | path      | of its volume |
      | vm        | web           |
    And "web-root" is attached read-write to the host of "web" only
    And "web-root" holds the pattern "installed"

  Scenario: A new ROOT disk reads as zeros and keeps what is written through a restart of the VM
    When the VM "web" is deployed from the ISO
    Then "web-root" is empty
    When the pattern "installed" is written to "web-root"
    And the VM "web" is stopped
    And the VM "web" is started
    Then the guest "web" reads the pattern "installed" from "web-root"

  Scenario Outline: A ROOT disk of a compute offering with <details> gets <gets>
    Given the compute offering "special" with the size 1 GiB, <details>
    When the VM "web" is deployed from the ISO with the compute offering "special"
    And the pattern "installed" is written to "web-root"
    Then the StorPool volume of "web-root" has
      | template | <template> |
      | qc       | <tier>     |
      | iops     | <iops>     |
    And "web-root" holds the pattern "installed"

    Examples:
      | details                     | gets                               | template | tier | iops      |
      | 500 IOPS                    | that limit                         | hdd      | none | 500       |
      | template "ssd"              | that template                      | ssd      | none | unlimited |
      | tier "gold"                 | the tier and the pool's template   | hdd      | gold | unlimited |
      | tier "gold", template "ssd" | the tier, which wins               | hdd      | gold | unlimited |

  Scenario: The backup policy of a VM is a tag of its ROOT disk from the beginning
    When the VM "web" with the policy "nightly" is deployed from the ISO
    And the pattern "installed" is written to "web-root"
    Then the StorPool volume of "web-root" has
      | vc-policy | nightly  |
      | cvm       | of "web" |
    And "web-root" holds the pattern "installed"

  @fault @needs-fault-injection
  @D-20a @D-20b
  Scenario Outline: Deploying a VM from an ISO <outcome> and leaves nothing extra when "<call>" is <effect>
    Given the call "<call>" will be <effect>
    When the VM "web" is deployed from the ISO, which <outcome>
    Then the VM "web" is <state>
    When the VM "web" is expunged
    Then StorPool has no volume of "web-root"
    When the VM "web" is deployed from the ISO
    And the pattern "installed" is written to "web-root"
    Then "web-root" holds the pattern "installed"
    And StorPool has 1 volume of "web-root"

    Examples:
      | call               | effect                 | outcome  | state   |
      | POST VolumeCreate  | refused with "noSpace" | fails    | Error   |
      | POST VolumeCreate  | refused in passing     | succeeds | Running |
      | POST VolumeCreate  | lost                   | succeeds | Running |
      | agent Start/connect | refused 2 times        | fails    | Error   |
      | agent Start/run   | lost                   | fails    | Error   |

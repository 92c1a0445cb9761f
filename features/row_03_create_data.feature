@row-03 @create
@D-11a
Feature: Create a DATA volume
  CloudStack only records a new DATA disk. The volume comes into being on StorPool when the disk is first attached.

  Background:
    Given a zone with 2 hosts and the StorPool pool "primary"
    And the running VM "web"

  Scenario: A recorded DATA disk takes no room on StorPool before its first attachment
    Given the DATA disk "data" of 2 GiB is created
    Then the disk "data" is Allocated
    And StorPool has no volume of "data"
    When the disk "data" is attached to "web"
    And the pattern "fresh" is written to "data"
    Then the disk "data" is Ready
    And "data" holds the pattern "fresh"

  @SP-54
  Scenario: The first attachment creates an anonymous volume with the disk's size, owner and template
    Given the DATA disk "data" of 2 GiB is created
    When the disk "data" is attached to "web"
    And the pattern "fresh" is written to "data"
    Then the StorPool volume of "data" has
      | name      | anonymous    |
      | size      | 2 GiB        |
      | template  | hdd          |
      | iops      | unlimited    |
      | parent    | none         |
      | cs        | volume       |
      | uuid      | of "data"    |
      | cvm       | of "web"     |
      | vc-policy | none         |
      | qc        | none         |
      | disk      | slot of "data" |
    And the inventory has the disk "data" with
      | state     | Ready          |
      | size      | 2 GiB          |
      | pool      | primary        |
      | pool type | StorPool       |
      | path      | of its volume  |
      | vm        | web            |
    And "data" is attached read-write to the host of "web" only

  Scenario: A new DATA disk reads as zeros
    Given the DATA disk "data" of 2 GiB is created
    When the disk "data" is attached to "web"
    Then "data" is empty
    When the pattern "fresh" is written to "data" at 1 GiB
    Then "data" holds the pattern "fresh" at 1 GiB

  @D-12f
  Scenario Outline: A DATA disk of an offering with <details> gets <gets>
    Given the disk offering "special" with <details>
    And the DATA disk "data" of 1 GiB with the offering "special" is created
    When the disk "data" is attached to "web"
    And the pattern "fresh" is written to "data"
    Then the StorPool volume of "data" has
      | template | <template> |
      | qc       | <tier>     |
      | iops     | <iops>     |
    And "data" holds the pattern "fresh"

    Examples:
      | details                              | gets                           | template | tier | iops      |
      | no details                           | the pool's template            | hdd      | none | unlimited |
      | 500 IOPS                             | that limit                     | hdd      | none | 500       |
      | template "ssd"                       | that template                  | ssd      | none | unlimited |
      | tier "gold"                          | the tier and the pool template | hdd      | gold | unlimited |
      | tier "gold", template "ssd"          | the tier, which wins           | hdd      | gold | unlimited |
      | tier "gold", 500 IOPS                | the tier, which owns the limit | hdd      | gold | unlimited |
      | template "ssd", 500 IOPS             | that template and limit        | ssd      | none | 500       |

  @SP-23
  @D-20a @D-20b
  Scenario Outline: Creating a DATA disk while StorPool answers VolumeCreate <effect> leaves one volume and <outcome>
    Given the DATA disk "data" of 1 GiB is created
    And the call "POST VolumeCreate" will be <effect>
    When the disk "data" is attached to "web", which <outcome>
    Then StorPool has <volumes> of "data"
    When the disk "data" is attached to "web" unless it is attached
    And the pattern "fresh" is written to "data"
    Then StorPool has 1 volume of "data"
    And "data" holds the pattern "fresh"

    @fault @needs-fault-injection
    Examples:
      | effect                         | outcome  | volumes   |
      | refused with "noSpace"         | fails    | no volume |
      | refused in passing             | succeeds | 1 volume  |
      | lost                           | succeeds | 1 volume  |
      | cut                            | succeeds | 1 volume  |
      | late by 3 s                    | succeeds | 1 volume  |
      | hung                           | fails    | no volume |
      | malformed                      | succeeds | 1 volume  |
      | delayed by 20 s                | succeeds | 1 volume  |

@row-24 @resize
Feature: Change the offering of a disk
  Tier, limit and placement template on StorPool are those of the new offering, for ROOT and DATA disks, in use or not.

  Background:
    Given a zone with 2 hosts and the StorPool pool "primary"

  @D-11a
  Scenario Outline: A <kind> disk, <state>, gets <new> with its new offering
    Given the disk offering "new" with <new>
    And the <kind> disk "disk", <state>, with the pattern "kept"
    When the disk "disk" is moved to the offering "new"
    Then the StorPool volume of "disk" has
      | iops     | <iops>     |
      | qc       | <tier>     |
      | template | <template> |
      | size     | 1 GiB      |
    And the inventory has the disk "disk" with
      | offering | new    |
      | iops     | <iops> |
      | state    | Ready  |
    And "disk" holds the pattern "kept"
    When the VM "vm" becomes Running
    Then "disk" holds the pattern "kept"

    Examples:
      | kind | state    | new            | iops      | tier | template |
      | ROOT | attached | tier "gold"    | unlimited | gold | hdd      |
      | ROOT | detached | 200 IOPS       | 200       | none | hdd      |
      | ROOT | attached | template "ssd" | unlimited | none | ssd      |
      | DATA | attached | 200 IOPS       | 200       | none | hdd      |
      | DATA | detached | tier "gold"    | unlimited | gold | hdd      |

  @SP-31
  @D-11a
  Scenario Outline: The tier stays when a <kind> disk is detached, attached, reverted and restored
    Given the disk offering "gold" with tier "gold"
    And the <kind> disk "disk", detached, with the pattern "kept"
    And the disk "disk" is moved to the offering "gold"
    And the snapshot "snap" of "disk" is taken
    And the pattern "later" is written to "disk"
    When the VM "vm" becomes Running
    And the VM "vm" is stopped
    And the disk "disk" is reverted to the snapshot "snap"
    And the volume "copy" is created from the snapshot "snap"
    Then the StorPool volume of "disk" has
      | qc       | gold |
      | template | hdd  |
    And the StorPool volume of "copy" has
      | qc       | gold |
      | template | hdd  |
    And "disk" holds the pattern "kept"
    And "copy" holds the pattern "kept"

    Examples:
      | kind |
      | ROOT |
      | DATA |

  @D-11a
  Scenario: A disk that is only recorded is created with its new offering
    Given the disk offering "gold" with tier "gold"
    And the running VM "vm"
    And the pattern "kept" is written to "vm-root"
    And the DATA disk "disk" of 1 GiB is created
    When the disk "disk" is moved to the offering "gold"
    Then StorPool has no volume of "disk"
    When the disk "disk" is attached to "vm"
    Then the StorPool volume of "disk" has
      | qc | gold |
    And "vm-root" holds the pattern "kept"

  @fault @needs-fault-injection
  @D-27b @D-20a @D-11a
  Scenario Outline: A change of offering <outcome> when VolumeUpdate is <effect>, and can be repeated
    Given the disk offering "gold" with tier "gold"
    And the DATA disk "disk", attached, with the pattern "kept"
    And the call "POST VolumeUpdate" will be <effect>
    When the disk "disk" is moved to the offering "gold", which <outcome>
    Then the StorPool volume of "disk" has
      | qc | <tier> |
    When the disk "disk" is moved to the offering "gold"
    Then the StorPool volume of "disk" has
      | qc | gold |
    And "disk" holds the pattern "kept"

    Examples:
      | effect                 | outcome  | tier |
      | refused with "noSpace" | fails    | none |
      | refused in passing     | succeeds | gold |
      | lost                   | succeeds | gold |

  @crash
  @D-11a @D-27a
  Scenario Outline: A change from <old> to <new> that the death of the management server cut short is finished
    Given the disk offering "old" with <old>
    And the disk offering "new" with <new>
    And a detached DATA disk "disk" of 1 GiB with the offering "old" with the pattern "kept"
    When the management server will die at the step "record size" of "resize"
    And the disk "disk" is moved to the offering "new", which fails
    And the management server comes back
    Then the inventory has the disk "disk" with
      | offering | new    |
      | iops     | <iops> |
      | state    | Ready  |
    And the StorPool volume of "disk" has
      | iops | 500    |
      | qc   | <tier> |
    And "disk" holds the pattern "kept"

    Examples:
      | old         | new         | iops      | tier |
      | 500 IOPS    | tier "gold" | unlimited | gold |
      | tier "gold" | 500 IOPS    | 500       | none |

@row-15 @resize
Feature: Resize a ROOT or DATA volume, live or offline
  Size, limit, tier and placement template change on StorPool; a running guest sees the new size at once.

  Background:
    Given a zone with 2 hosts and the StorPool pool "primary"

  @KV-R1 @CS-10775
  @D-11a @D-25a
  Scenario Outline: A <kind> disk, <state>, grows on StorPool, on record and for its guest
    Given the <kind> disk "disk", <state>, with the pattern "kept"
    When the disk "disk" is resized to 2 GiB
    And the pattern "tail" is written to "disk" at 1 GiB
    Then the StorPool volume of "disk" has
      | size | 2 GiB |
    And the inventory has the disk "disk" with
      | size | 2 GiB |
    And every guest with "disk" sees 2 GiB
    And "disk" holds the pattern "kept"
    And "disk" holds the pattern "tail" at 1 GiB

    Examples:
      | kind | state    |
      | ROOT | attached |
      | ROOT | detached |
      | DATA | attached |
      | DATA | detached |

  @D-11a @D-25a
  Scenario Outline: A <kind> disk, <state>, shrinks when that is asked for in so many words
    Given the <kind> disk "disk", <state>, with the pattern "kept"
    And the pattern "lost" is written to "disk" at 600 MiB
    When the disk "disk" is shrunk to 512 MiB
    Then the StorPool volume of "disk" has
      | size | 512 MiB |
    And the inventory has the disk "disk" with
      | size | 512 MiB |
    And every guest with "disk" sees 512 MiB
    And "disk" holds the pattern "kept"

    Examples:
      | kind | state    |
      | DATA | attached |
      | DATA | detached |

  @D-11a
  Scenario: A disk does not shrink by accident
    Given the DATA disk "disk", attached, with the pattern "kept"
    And the pattern "tail" is written to "disk" at 600 MiB
    When the disk "disk" is resized to 512 MiB, which is refused
    Then "disk" holds the pattern "kept"
    And "disk" holds the pattern "tail" at 600 MiB

  @D-11a @D-25a
  Scenario: What a disk grows by reads as zeros, also after a shrink
    Given the DATA disk "disk", detached, with the pattern "kept"
    And the pattern "lost" is written to "disk" at 600 MiB
    When the disk "disk" is shrunk to 512 MiB
    And the disk "disk" is resized to 1 GiB
    Then "disk" is empty at 600 MiB
    And "disk" holds the pattern "kept"

  @CS-11211
  @D-11a
  Scenario: A disk that is only recorded changes its size on record only
    Given a detached DATA disk "other" of 1 GiB with the pattern "kept"
    And the DATA disk "disk" of 1 GiB is created
    When the disk "disk" is resized to 3 GiB
    Then the inventory has the disk "disk" with
      | size | 3 GiB |
    And StorPool has no volume of "disk"
    And "other" holds the pattern "kept"

  @D-11a @D-12b @D-25a
  Scenario: A resize without a limit leaves the limit alone
    Given the disk offering "slow" with 100 IOPS
    And a detached DATA disk "disk" of 1 GiB with the offering "slow" with the pattern "kept"
    When the disk "disk" is resized to 2 GiB
    Then the StorPool volume of "disk" has
      | iops | 100   |
      | size | 2 GiB |
    And the inventory has the disk "disk" with
      | iops | 100 |
    And "disk" holds the pattern "kept"

  @row-24 @CS-6902 @KV-R2 @SP-44
  @D-11a @D-27a
  Scenario Outline: Moving a disk, <state>, from <old> to <new> sets what the new offering says
    Given the disk offering "old" with <old>
    And the disk offering "new" with <new>
    And a detached DATA disk "disk" of 1 GiB with the offering "old" with the pattern "kept"
    And the disk "disk" is made <state>
    When the disk "disk" is moved to the offering "new"
    Then the StorPool volume of "disk" has
      | iops     | <iops>     |
      | qc       | <tier>     |
      | template | <template> |
      | size     | 1 GiB      |
    And the inventory has the disk "disk" with
      | offering | new |
    And "disk" holds the pattern "kept"

    Examples:
      | state    | old            | new            | iops      | tier   | template |
      | attached | 100 IOPS       | 200 IOPS       | 200       | none   | hdd      |
      | detached | 100 IOPS       | no details     | unlimited | none   | hdd      |
      | detached | no details     | 200 IOPS       | 200       | none   | hdd      |
      | attached | no details     | tier "gold"    | unlimited | gold   | hdd      |
      | detached | tier "gold"    | tier "silver"  | unlimited | silver | hdd      |
      | detached | tier "gold"    | no details     | unlimited | none   | hdd      |
      | detached | no details     | template "ssd" | unlimited | none   | ssd      |
      | detached | template "ssd" | no details     | unlimited | none   | hdd      |
      | attached | template "ssd" | tier "gold"    | unlimited | gold   | hdd      |

  @row-24 @CS-8755
  @D-11a @D-12c @D-25a
  Scenario Outline: Size and offering, with <new>, change together, <state>
    Given the disk offering "old" with no details
    And the disk offering "new" with <new>
    And a detached DATA disk "disk" of 1 GiB with the offering "old" with the pattern "kept"
    And the disk "disk" is made <state>
    When the disk "disk" is moved to the offering "new" and 2 GiB
    Then the StorPool volume of "disk" has
      | size     | 2 GiB      |
      | iops     | <iops>     |
      | qc       | <tier>     |
      | template | <template> |
    And "disk" holds the pattern "kept"

    Examples:
      | state    | new                      | iops      | tier | template |
      | attached | 200 IOPS                 | 200       | none | hdd      |
      | detached | tier "gold"              | unlimited | gold | hdd      |
      | detached | template "ssd", 300 IOPS | 300       | none | ssd      |

  @KV-R3
  @D-11a @D-25a
  Scenario: The room that a pool has given out follows its volumes
    Given a detached DATA disk "disk" of 1 GiB with the pattern "kept"
    Then the pool "primary" has 2 GiB in use
    When the disk "disk" is resized to 3 GiB
    Then the pool "primary" has 4 GiB in use
    When the snapshot "snap" of "disk" is taken
    And the volume "copy" is created from the snapshot "snap"
    Then the pool "primary" has 7 GiB in use
    When the disk "disk" is deleted
    Then the pool "primary" has 4 GiB in use
    And "copy" holds the pattern "kept"

  @fault @needs-fault-injection
  @A-10b @D-11a @D-25a
  Scenario: A host whose tool for resizing fails still answers the size of the device
    Given the DATA disk "disk", attached, with the pattern "kept"
    And the call "agent ResizeVolume/script" will be refused
    When the disk "disk" is resized to 2 GiB
    Then the host answered the size 2 GiB
    And "disk" holds the pattern "kept"

  @row-24 @fault @needs-fault-injection @SP-40
  @D-11a @D-27b
  Scenario: A change of tier that StorPool refuses is no change on record either
    Given the disk offering "old" with no details
    And the disk offering "new" with tier "gold"
    And a detached DATA disk "disk" of 1 GiB with the offering "old" with the pattern "kept"
    And the call "POST VolumeUpdate" will be refused
    When the disk "disk" is moved to the offering "new", which fails
    Then StorPool and the inventory are as before
    When the disk "disk" is moved to the offering "new"
    Then the StorPool volume of "disk" has
      | qc | gold |
    And "disk" holds the pattern "kept"

  @fault @needs-fault-injection
  @D-20a @D-11a @D-25a
  Scenario Outline: A grow, <state>, <outcome> when VolumeUpdate is <effect>, and can be repeated
    Given the DATA disk "disk", <state>, with the pattern "kept"
    And the call "POST VolumeUpdate" will be <effect>
    When the disk "disk" is resized to 2 GiB, which <outcome>
    Then the StorPool volume of "disk" has
      | size | <size> |
    And the inventory has the disk "disk" with
      | size | <size> |
    When the disk "disk" is resized to 3 GiB
    Then the StorPool volume of "disk" has
      | size | 3 GiB |
    And "disk" holds the pattern "kept"

    Examples:
      | state    | effect                 | outcome  | size  |
      | attached | refused with "noSpace" | fails    | 1 GiB |
      | detached | refused with "noSpace" | fails    | 1 GiB |
      | attached | refused in passing     | succeeds | 2 GiB |
      | attached | lost                   | succeeds | 2 GiB |
      | detached | hung                   | fails    | 1 GiB |

  @fault @needs-fault-injection
  @D-11a @D-25a @D-26
  Scenario Outline: A detached disk that grows stays attached to no host when the attach there is <effect>
    Given a detached DATA disk "disk" of 1 GiB with the pattern "kept"
    And the call "POST VolumesReassignWait" will be <effect>
    When the disk "disk" is resized to 2 GiB
    Then the StorPool volume of "disk" has
      | size | 2 GiB |
    And "disk" is attached nowhere
    And "disk" holds the pattern "kept"

    Examples:
      | effect |
      | lost   |
      | cut    |

  @fault @needs-fault-injection
  @D-11a @D-25a @D-26 @A-10a
  Scenario Outline: A live grow that its guest is not told of keeps the new size when "<call>" is <effect>
    Given the DATA disk "disk", attached, with the pattern "kept"
    And the call "<call>" will be <effect>
    When the disk "disk" is resized to 2 GiB
    Then the StorPool volume of "disk" has
      | size | 2 GiB |
    And the inventory has the disk "disk" with
      | size | 2 GiB |
    When the VM "vm" is stopped
    And the VM "vm" is started
    Then every guest with "disk" sees 2 GiB
    And "disk" holds the pattern "kept"

    Examples:
      | call                      | effect  |
      | agent ResizeVolume/blockresize | refused |
      | agent ResizeVolume/script | refused |
      | agent ResizeVolume/blockresize | lost    |

@row-18 @migration
Feature: Migrate a volume to another pool of StorPool
  A disk in use stays the same StorPool volume and gets the placement of the new pool; one that is not in use is copied,
  and the old volume is deleted.

  Background:
    Given a zone with 2 hosts and the StorPool pool "primary"
    And the pool "second" is created with the URL "storpool://{token}@{host}:{port}/ssd"

  @SP-15
  @D-11a @D-25d @D-37c
  Scenario Outline: A <kind> disk, detached, is copied to the other pool
    Given the <kind> disk "disk", detached, with the pattern "before"
    And the StorPool volume of "disk" is remembered
    When the disk "disk" is migrated to the pool "second"
    Then the StorPool volume of "disk" is another one
    And the StorPool volume of "disk" has
      | name     | anonymous |
      | size     | 1 GiB     |
      | template | ssd       |
      | uuid     | of "disk" |
      | cvm      | <owner>   |
      | cs       | volume    |
    And the inventory has the disk "disk" with
      | state | Ready   |
      | pool  | second  |
      | vm    | <vm>    |
    And the pool "second" has 1 GiB in use
    And "disk" is attached nowhere
    And "disk" holds the pattern "before"
    When the VM "vm" becomes Running
    Then "disk" holds the pattern "before"

    Examples:
      | kind | owner   | vm   |
      | ROOT | of "vm" | vm   |
      | DATA | none    | none |

  @CS-6661a @SP-8 @SP-15
  @D-11a @D-25d
  Scenario Outline: A <kind> disk of a running VM changes its placement while it is in use
    Given the <kind> disk "disk", attached, with the pattern "before"
    And the StorPool volume of "disk" is remembered
    When the disk "disk" is migrated live to the pool "second"
    Then the StorPool volume of "disk" is the same
    And the StorPool volume of "disk" has
      | template | ssd       |
      | uuid     | of "disk" |
      | cvm      | of "vm"   |
    And the inventory has the disk "disk" with
      | state | Ready  |
      | pool  | second |
    And the pool "second" has 1 GiB in use
    And "disk" is attached read-write to the host of "vm" only
    And the guest "vm" reads the pattern "before" from "disk"

    Examples:
      | kind |
      | ROOT |
      | DATA |

  @D-11a @D-25d
  Scenario: The snapshots of a disk go with it
    Given the DATA disk "disk", detached, with the pattern "before"
    And the snapshot "snap" of "disk" is taken
    And the pattern "after" is written to "disk"
    When the disk "disk" is migrated to the pool "second"
    Then "disk" holds the pattern "after"
    And the snapshot "snap" holds the pattern "before"
    And the backup of "snap" holds the pattern "before"
    When the volume "copy" is created from the snapshot "snap"
    Then "copy" holds the pattern "before"

  @SP-31
  @D-37c @D-11a @D-25d
  Scenario Outline: A disk with <details> keeps it in another pool
    Given the disk offering "gold" with <details>
    And a detached DATA disk "disk" of 1 GiB with the offering "gold" with the pattern "before"
    When the disk "disk" is migrated to the pool "second"
    Then the StorPool volume of "disk" has
      | template | <template> |
      | qc       | <tier>     |
    And "disk" holds the pattern "before"

    Examples:
      | details        | template | tier |
      | tier "gold"    | ssd      | gold |
      | template "hdd" | hdd      | none |

  @SP-15
  @D-11a @D-25d
  Scenario: A disk keeps its limit in another pool
    Given the disk offering "slow" with 300 IOPS
    And a detached DATA disk "disk" of 1 GiB with the offering "slow" with the pattern "before"
    When the disk "disk" is migrated to the pool "second"
    Then the StorPool volume of "disk" has
      | template | ssd |
      | iops     | 300 |
    And "disk" holds the pattern "before"

  @D-11a
  Scenario: A disk of a running VM is not moved unless it may move live
    Given the DATA disk "disk", attached, with the pattern "before"
    When the disk "disk" is migrated to the pool "second", which is refused
    Then "disk" holds the pattern "before"

  @D-11a
  Scenario: A disk of a VM with snapshots is not moved
    Given the DATA disk "disk", attached, with the pattern "before"
    And the VM snapshot "group" of "vm" is taken
    When the disk "disk" is migrated live to the pool "second", which is refused
    Then "disk" holds the pattern "before"

  @D-11a
  Scenario: A disk is not moved to the pool where it is
    Given the DATA disk "disk", detached, with the pattern "before"
    When the disk "disk" is migrated to the pool "primary", which is refused
    Then "disk" holds the pattern "before"

  @fault @needs-fault-injection @D-11a @D-25d @SP-40
  Scenario Outline: A move of a detached disk fails and leaves it where it was when "<call>" is <effect>
    Given the DATA disk "disk", detached, with the pattern "before"
    And the StorPool volume of "disk" is remembered
    And the call "<call>" will be <effect>
    When the disk "disk" is migrated to the pool "second", which fails
    Then the StorPool volume of "disk" is the same
    And StorPool has 1 volume of "disk"
    And the disk "disk" is Ready
    And "disk" holds the pattern "before"
    When the disk "disk" is migrated to the pool "second"
    Then the StorPool volume of "disk" is another one
    And "disk" holds the pattern "before"

    Examples:
      | call              | effect                 |
      | POST VolumeCreate | refused                |
      | POST VolumeCreate | refused with "noSpace" |

  @fault @needs-fault-injection @D-11a @SP-40
  Scenario: A move of a disk in use that StorPool refuses changes nothing
    Given the DATA disk "disk", attached, with the pattern "before"
    And the call "POST VolumeUpdate" will be refused
    When the disk "disk" is migrated live to the pool "second", which fails
    Then the StorPool volume of "disk" has
      | template | hdd |
    And the inventory has the disk "disk" with
      | state | Ready   |
      | pool  | primary |
    And the guest "vm" reads the pattern "before" from "disk"

  @D-12g @D-11a @D-25d
  Scenario: A disk that gets an offering without a limit on its way to another pool has none there
    Given the disk offering "slow" with 100 IOPS
    And the disk offering "free" with no details
    And a detached DATA disk "disk" of 1 GiB with the offering "slow" with the pattern "before"
    When the disk "disk" is migrated to the pool "second" with the offering "free"
    Then the StorPool volume of "disk" has
      | template | ssd       |
      | iops     | unlimited |
    And the inventory has the disk "disk" with
      | offering | free      |
      | iops     | unlimited |
    And "disk" holds the pattern "before"

  @D-37a @D-11a
  Scenario Outline: The plugin does not copy a disk while its VM is <state>
    Given the DATA disk "disk", attached, with the pattern "before"
    When the plugin is told to copy the disk "disk" to the pool "second" while its VM is <state>, which is refused
    Then StorPool has 1 volume of "disk"
    And "disk" holds the pattern "before"

    Examples:
      | state     |
      | Starting  |
      | Stopping  |
      | Migrating |

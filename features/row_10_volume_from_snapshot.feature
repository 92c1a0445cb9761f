@row-10 @restore
@D-11a
Feature: Create a volume from a snapshot
  The volume is a child of the StorPool snapshot. When StorPool no longer has it, the copy on secondary storage serves.

  Background:
    Given a zone with 2 hosts and the StorPool pool "primary"

  @CS-13043 @KV-S10
  Scenario Outline: A volume from a snapshot of a <kind> disk, with the bypass <bypass>, holds the snapshot's bytes
    Given the bypass of secondary storage is <bypass>
    And the <kind> disk "disk", attached, with the pattern "before"
    And the snapshot "snap" of "disk" is taken
    And the pattern "after" is written to "disk"
    When the volume "copy" is created from the snapshot "snap"
    Then "copy" holds the pattern "before"
    And the StorPool volume of "copy" has
      | name     | anonymous           |
      | parent   | the snapshot "snap" |
      | size     | 1 GiB               |
      | template | hdd                 |
      | uuid     | of "copy"           |
      | cs       | volume              |
      | disk     | none                |
      | cvm      | none                |
    And the inventory has the disk "copy" with
      | state     | Ready         |
      | size      | 1 GiB         |
      | pool type | StorPool      |
      | path      | of its volume |
      | vm        | none          |
    And "copy" is attached nowhere

    Examples:
      | kind | bypass |
      | ROOT | off    |
      | ROOT | on     |
      | DATA | off    |
      | DATA | on     |

  Scenario: A volume from a snapshot lives apart from the disk and from its sisters
    Given the DATA disk "disk", attached, with the pattern "before"
    And the snapshot "snap" of "disk" is taken
    When the volume "one" is created from the snapshot "snap"
    And the volume "two" is created from the snapshot "snap"
    And the pattern "mine" is written to "one"
    Then "two" holds the pattern "before"
    And "disk" holds the pattern "before"
    And the snapshot "snap" holds the pattern "before"
    And "one" and "two" have the same parent

  @CS-11490b @KV-Z3
  @D-1
  Scenario: A volume from a snapshot whose only record is on secondary storage is not empty
    Given the DATA disk "disk", detached, with the pattern "before"
    And the snapshot "snap" of "disk" is taken
    And the disk "disk" is deleted
    When the volume "copy" is created from the snapshot "snap"
    Then "copy" holds the pattern "before"
    And the StorPool volume of "copy" has
      | parent | the snapshot "snap" |

  @KV-S10 @CS-13043 @KV-Z3
  @SUS-10
  @D-2
  Scenario: A snapshot that StorPool has lost is restored from secondary storage
    Given the DATA disk "disk", attached, with the pattern "before"
    And the pattern "far" is written to "disk" at 900 MiB
    And the snapshot "snap" of "disk" is taken
    When StorPool loses the snapshot of "snap"
    And the volume "copy" is created from the snapshot "snap"
    Then "copy" holds the pattern "before"
    And "copy" holds the pattern "far" at 900 MiB
    And StorPool has 1 volume of "copy"
    And the inventory has the disk "copy" with
      | state     | Ready         |
      | pool type | StorPool      |
      | path      | of its volume |

  @KV-Z3
  Scenario: A snapshot that is neither on StorPool nor on secondary storage is not restored as an empty volume
    Given the bypass of secondary storage is on
    And the DATA disk "disk", attached, with the pattern "before"
    And the snapshot "snap" of "disk" is taken
    When StorPool loses the snapshot of "snap"
    And the volume "copy" is created from the snapshot "snap", which fails
    Then StorPool has no volume of "copy"
    And "disk" holds the pattern "before"

  @CS-8755
  @D-12d
  Scenario Outline: A volume from a snapshot with an offering of <details> gets <gets>
    Given the disk offering "special" with <details>
    And the DATA disk "disk", attached, with the pattern "before"
    And the snapshot "snap" of "disk" is taken
    When the volume "copy" is created from the snapshot "snap" with the offering "special"
    Then the StorPool volume of "copy" has
      | template | <template> |
      | qc       | <tier>     |
      | iops     | <iops>     |
    And "copy" holds the pattern "before"

    Examples:
      | details        | gets                             | template | tier | iops      |
      | 500 IOPS       | that limit                       | hdd      | none | 500       |
      | template "ssd" | that template                    | ssd      | none | unlimited |
      | tier "gold"    | the tier and the pool's template | hdd      | gold | unlimited |

  @D-12d
  Scenario: A volume from a snapshot has its own limit, not that of the snapshot's disk
    Given the disk offering "slow" with 100 IOPS
    And the disk offering "free" with no details
    And a detached DATA disk "disk" of 1 GiB with the offering "slow" with the pattern "before"
    And the snapshot "snap" of "disk" is taken
    When the volume "copy" is created from the snapshot "snap" with the offering "free"
    Then the StorPool volume of "copy" has
      | iops | unlimited |
    And "copy" holds the pattern "before"

  Scenario: A volume from a snapshot can be attached and used like any other
    Given the DATA disk "disk", attached, with the pattern "before"
    And the snapshot "snap" of "disk" is taken
    And the volume "copy" is created from the snapshot "snap"
    When the disk "copy" is attached to "vm"
    Then the guest "vm" reads the pattern "before" from "copy"
    When the pattern "later" is written to "copy"
    Then "copy" holds the pattern "later"
    And "disk" holds the pattern "before"

  @fault @needs-fault-injection
  @D-20a @D-20b
  Scenario Outline: A restore from StorPool <outcome> and leaves nothing extra when VolumeCreate is <effect>
    Given the DATA disk "disk", attached, with the pattern "before"
    And the snapshot "snap" of "disk" is taken
    And the call "POST VolumeCreate" will be <effect>
    When the volume "copy" is created from the snapshot "snap", which <outcome>
    Then StorPool has <volumes> of "copy"
    When the volume "again" is created from the snapshot "snap"
    Then "again" holds the pattern "before"

    Examples:
      | effect                 | outcome  | volumes   |
      | refused with "noSpace" | fails    | no volume |
      | refused in passing     | succeeds | 1 volume  |
      | lost                   | succeeds | 1 volume  |
      | late by 3 s            | succeeds | 1 volume  |

  @SUS-10 @fault @needs-fault-injection
  @D-2
  Scenario Outline: A restore from secondary storage fails and leaves nothing behind when "<call>" is <effect>
    Given the DATA disk "disk", attached, with the pattern "before"
    And the snapshot "snap" of "disk" is taken
    And StorPool loses the snapshot of "snap"
    And the call "<call>" will be <effect>
    When the volume "copy" is created from the snapshot "snap", which fails
    Then StorPool has no volume of "copy"
    When the volume "again" is created from the snapshot "snap"
    Then "again" holds the pattern "before"

    Examples:
      | call                           | effect  |
      | agent DownloadTemplate/attach  | refused |
      | agent DownloadTemplate/convert | refused |
      | agent DownloadTemplate/convert | hung    |

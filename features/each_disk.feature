@each-disk
Feature: Every kind of disk, in use or not
  An action does to each kind of disk what it does to the others, or is refused and changes nothing.

  Background:
    Given a zone with 2 hosts and the StorPool pool "primary"
    And the setting "storpool.encrypted.snapshot.backup" of the pool is "true"

  @row-15 @row-24
  @D-25a @D-25c @D-10d @A-11
  Scenario Outline: An offering with a tier and then more room are given to the <disk> disk, <state>
    Given the disk offering "new" with <details>
    And the <disk> disk "disk", <state>, with the pattern "kept"
    When the disk "disk" is moved to the offering "new"
    And the disk "disk" is resized to <size>
    Then the StorPool volume of "disk" has
      | qc | gold |
    And the inventory has the disk "disk" with
      | size | <size> |
    And "disk" holds the pattern "kept"

    Examples:
      | disk           | state    | details                 | size  |
      | encrypted ROOT | attached | encryption, tier "gold" | 2 MiB |
      | encrypted ROOT | detached | encryption, tier "gold" | 2 MiB |

  @row-09 @row-16
  @D-11a @D-7a
  Scenario Outline: A snapshot of the <disk> disk, <state>, keeps the bytes until it is deleted, with the bypass <bypass>
    Given the bypass of secondary storage is <bypass>
    And the <disk> disk "disk", <state>, with the pattern "kept"
    When the snapshot "snap" of "disk" is taken
    And the pattern "after" is written to "disk"
    Then the snapshot "snap" holds the pattern "kept"
    When the snapshot "snap" is deleted
    Then StorPool has no snapshot of "snap"
    And secondary storage has no snapshot
    And "disk" holds the pattern "after"

    Examples:
      | disk | state    | bypass |
      | ROOT | detached | on     |
      | ROOT | detached | off    |
      | DATA | detached | on     |
      | DATA | detached | off    |

  @row-09 @row-16 @encrypted
  @D-11a @D-7a @D-25c @SUS-3
  Scenario Outline: A snapshot of the <disk> disk in use is deleted and the guest writes on
    Given the bypass of secondary storage is on
    And the <disk> disk "disk", attached, with the pattern "kept"
    And the snapshot "snap" of "disk" is taken
    And the pattern "after" is written to "disk"
    Then the snapshot "snap" holds the pattern "kept"
    And the snapshot "snap" lies in one LUKS layer
    When the snapshot "snap" is deleted
    Then StorPool has no snapshot of "snap"
    And the guest "vm" reads the pattern "after" from "disk"
    And "disk" is attached read-write to the host of "vm" only

    Examples:
      | disk           |
      | encrypted ROOT |
      | encrypted DATA |

  @row-10 @row-12
  @D-11a
  Scenario Outline: A volume and a template come from a snapshot of the <disk> disk, <state>, with the bypass <bypass>
    Given the bypass of secondary storage is <bypass>
    And the <disk> disk "disk", <state>, with the pattern "kept"
    And the snapshot "snap" of "disk" is taken
    And the pattern "after" is written to "disk"
    When the volume "copy" is created from the snapshot "snap"
    And the template "golden" is made from the snapshot "snap"
    Then "copy" holds the pattern "kept"
    And the image of "golden" holds the pattern "kept"
    And "disk" holds the pattern "after"

    Examples:
      | disk | state    | bypass |
      | ROOT | attached | on     |
      | ROOT | attached | off    |
      | ROOT | detached | on     |
      | ROOT | detached | off    |
      | DATA | attached | on     |
      | DATA | attached | off    |
      | DATA | detached | on     |
      | DATA | detached | off    |

  @row-10 @row-12
  @D-11a @D-25c @A-2 @A-24 @SUS-3
  Scenario Outline: Neither a volume nor a template comes from a snapshot of the <disk> disk, <state>, with the bypass <bypass>
    Given the bypass of secondary storage is <bypass>
    And the <disk> disk "disk", <state>, with the pattern "kept"
    And the snapshot "snap" of "disk" is taken
    When the volume "copy" is created from the snapshot "snap", which is refused
    Then the error says "the volume of the snapshot is encrypted"
    When the template "leak" is made from the snapshot "snap", which is refused
    Then the error says "the volume of the snapshot is encrypted"
    And "disk" holds the pattern "kept"

    Examples:
      | disk           | state    | bypass |
      | encrypted ROOT | attached | on     |
      | encrypted ROOT | attached | off    |
      | encrypted DATA | attached | on     |
      | encrypted DATA | attached | off    |

  @row-14
  @D-11a @D-25c @A-2 @A-24 @SUS-3
  Scenario Outline: The <disk> disk in use does not go back to its snapshot, with the bypass <bypass>
    Given the bypass of secondary storage is <bypass>
    And the <disk> disk "disk", attached, with the pattern "kept"
    And the snapshot "snap" of "disk" is taken
    And the pattern "after" is written to "disk"
    When the disk "disk" is reverted to the snapshot "snap", which is refused
    Then "disk" holds the pattern "after"
    And "disk" is attached read-write to the host of "vm" only

    Examples:
      | disk           | bypass |
      | ROOT           | on     |
      | ROOT           | off    |
      | encrypted ROOT | on     |
      | encrypted ROOT | off    |
      | DATA           | on     |
      | DATA           | off    |
      | encrypted DATA | on     |
      | encrypted DATA | off    |

  @row-11
  @D-11a @D-25c
  Scenario Outline: No template is made of the <disk> disk in use
    Given the <disk> disk "disk", attached, with the pattern "kept"
    When the template "golden" is made from the disk "disk", which is refused
    Then "disk" holds the pattern "kept"
    And "disk" is attached read-write to the host of "vm" only

    Examples:
      | disk           |
      | encrypted ROOT |
      | DATA           |
      | encrypted DATA |

  @row-19 @row-21
  @D-11a
  Scenario Outline: The VM snapshot of a <state> VM with plain disks is deleted
    Given the ROOT disk "root", attached, with the pattern "one"
    And the DATA disk "data", attached, with the pattern "two"
    And the VM "vm" becomes <state>
    And the VM snapshot "group" of "vm" is taken
    And the pattern "after" is written to "data"
    When the VM snapshot "group" is deleted
    Then StorPool has no members of the VM snapshot "group"
    And "root" holds the pattern "one"
    And "data" holds the pattern "after"

    Examples:
      | state   |
      | Running |
      | Stopped |

  @row-22 @row-23
  @D-11a @D-25c
  Scenario Outline: The policy of a <state> VM comes to its encrypted disks and goes again
    Given the encrypted ROOT disk "root", attached, with the pattern "one"
    And the encrypted DATA disk "data", attached, with the pattern "two"
    And the VM "vm" becomes <state>
    When the VM "vm" gets the tag "vc-policy" of "nightly"
    Then the StorPool volume of "root" has
      | vc-policy | nightly |
    And the StorPool volume of "data" has
      | vc-policy | nightly |
    When the VM "vm" loses the tag "vc-policy"
    Then the StorPool volume of "root" has
      | vc-policy | none |
    And the StorPool volume of "data" has
      | vc-policy | none |
    And "root" holds the pattern "one"
    And "data" holds the pattern "two"

    Examples:
      | state   |
      | Running |
      | Stopped |

  @row-19 @row-21
  @D-11a @D-25c
  Scenario Outline: The VM snapshot of a <state> VM with encrypted disks is deleted
    Given the encrypted ROOT disk "root", attached, with the pattern "one"
    And the encrypted DATA disk "data", attached, with the pattern "two"
    And the VM "vm" becomes <state>
    And the VM snapshot "group" of "vm" is taken
    And the pattern "after" is written to "data"
    When the VM snapshot "group" is deleted
    Then StorPool has no members of the VM snapshot "group"
    And "root" holds the pattern "one"
    And "data" holds the pattern "after"

    Examples:
      | state   |
      | Running |
      | Stopped |

  @row-20
  @D-11a @D-25c
  Scenario Outline: A <state> VM with encrypted disks that is in use is not reverted
    Given the encrypted ROOT disk "root", attached, with the pattern "one"
    And the encrypted DATA disk "data", attached, with the pattern "two"
    And the VM "vm" becomes <state>
    And the VM snapshot "group" of "vm" is taken
    And the pattern "after" is written to "data"
    When the VM "vm" is reverted to the VM snapshot "group", which is refused
    Then "root" holds the pattern "one"
    And "data" holds the pattern "after"

    Examples:
      | state   |
      | Running |

  @row-07
  @D-11a @D-25c
  Scenario Outline: A <state> VM with encrypted disks is expunged with its ROOT disk only
    Given the encrypted ROOT disk "root", attached, with the pattern "one"
    And the encrypted DATA disk "data", attached, with the pattern "two"
    And the VM "vm" becomes <state>
    When the VM "vm" is expunged
    Then StorPool has no volume of "root"
    And "data" is attached nowhere
    And "data" holds the pattern "two"

    Examples:
      | state   |
      | Running |
      | Stopped |

  @row-08
  @D-11a @D-25c
  Scenario Outline: The <disk> disk in use is not deleted
    Given the <disk> disk "disk", attached, with the pattern "kept"
    When the disk "disk" is deleted, which is refused
    Then "disk" holds the pattern "kept"
    And "disk" is attached read-write to the host of "vm" only

    Examples:
      | disk           |
      | encrypted DATA |

  @row-03 @row-04 @row-05
  @D-11a @D-25c
  Scenario Outline: A recorded disk with <what> comes to a <state> VM and leaves it
    Given the <state> VM "web"
    And the disk offering "new" with <what>
    And the DATA disk "data" of 1 MiB with the offering "new" is created
    When the disk "data" is attached to "web"
    And the pattern "kept" is written to "data"
    And the disk "data" is detached
    Then "data" is attached nowhere
    And "data" holds the pattern "kept"

    Examples:
      | what       | state   |
      | encryption | stopped |

  @row-27
  @D-11a @D-25c @CS-10799
  Scenario Outline: Disks with a key are detached from a host that is <how> before their VM runs elsewhere
    Given the encrypted ROOT disk "root", attached, with the pattern "one"
    And the encrypted DATA disk "data", attached, with the pattern "two"
    When the host of "vm" is <how>
    And CloudStack restarts the VM "vm" elsewhere
    Then "root" is attached read-write to the host of "vm" only
    And "data" is attached read-write to the host of "vm" only
    And the guest "vm" reads the pattern "one" from "root"
    And the guest "vm" reads the pattern "two" from "data"

    Examples:
      | how          |
      | switched off |
      | cut off      |

  @row-04 @row-05
  @D-11a @D-25c
  Scenario Outline: The <disk> disk leaves the host when its VM stops and comes back when it starts
    Given the <disk> disk "disk", attached, with the pattern "kept"
    When the VM "vm" is stopped
    Then "disk" is attached nowhere
    When the VM "vm" is started
    Then "disk" is attached read-write to the host of "vm" only
    And the guest "vm" reads the pattern "kept" from "disk"

    Examples:
      | disk           |
      | ROOT           |
      | encrypted ROOT |
      | DATA           |
      | encrypted DATA |

  @row-05
  @D-11a @D-25c
  Scenario Outline: The <disk> disk of a stopped VM is detached and attached again
    Given the <disk> disk "disk", attached, with the pattern "kept"
    And the VM "vm" is stopped
    When the disk "disk" is detached
    Then "disk" is attached nowhere
    And "disk" holds the pattern "kept"

    Examples:
      | disk           |
      | ROOT           |
      | encrypted ROOT |
      | DATA           |
      | encrypted DATA |

  @row-10
  @D-11a
  Scenario Outline: A volume from a snapshot of a disk with <part> has it too
    Given the disk offering "old" with <details>
    And a detached DATA disk "disk" of 1 GiB with the offering "old" with the pattern "kept"
    And the snapshot "snap" of "disk" is taken
    When the volume "copy" is created from the snapshot "snap"
    Then the StorPool volume of "copy" has
      | qc       | <tier>     |
      | template | <template> |
    And "copy" holds the pattern "kept"

    Examples:
      | part                 | details        | tier | template |
      | a tier               | tier "gold"    | gold | hdd      |
      | a placement template | template "ssd" | none | ssd      |

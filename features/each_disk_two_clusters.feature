@each-disk @multi-cluster @needs-two-clusters
Feature: Every kind of disk, in use by the other cluster or not
  What is done to a disk is done by a host of the second cluster, the only one that is at work.

  Background:
    Given a zone with 2 hosts and the StorPool pool "primary", with a second StorPool cluster beside it
    And a CloudStack cluster with 1 host on the other StorPool
    And CloudStack marks host 1 as Maintenance
    And CloudStack marks host 2 as Maintenance
    And the setting "storpool.encrypted.snapshot.backup" of the pool is "true"

  @row-15 @row-24
  @D-11a @D-25a @D-25c @D-10d @A-11
  Scenario Outline: An offering with a tier and then more room are given to the <disk> disk, <state> in the other cluster
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
      | ROOT           | attached | tier "gold"             | 2 GiB |
      | ROOT           | detached | tier "gold"             | 2 GiB |
      | encrypted ROOT | attached | encryption, tier "gold" | 2 MiB |
      | encrypted ROOT | detached | encryption, tier "gold" | 2 MiB |
      | DATA           | attached | tier "gold"             | 2 GiB |
      | DATA           | detached | tier "gold"             | 2 GiB |
      | encrypted DATA | attached | encryption, tier "gold" | 2 MiB |
      | encrypted DATA | detached | encryption, tier "gold" | 2 MiB |

  @row-09 @row-16
  @D-11a @D-25c @D-7a @A-2 @A-24 @SUS-3
  Scenario Outline: A snapshot of the <disk> disk, <state> in the other cluster, keeps the bytes until it is deleted, with the bypass <bypass>
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
      | disk           | state    | bypass |
      | ROOT           | attached | on     |
      | ROOT           | attached | off    |
      | ROOT           | detached | on     |
      | ROOT           | detached | off    |
      | encrypted ROOT | attached | on     |
      | encrypted ROOT | attached | off    |
      | encrypted ROOT | detached | on     |
      | encrypted ROOT | detached | off    |
      | DATA           | attached | on     |
      | DATA           | attached | off    |
      | DATA           | detached | on     |
      | DATA           | detached | off    |
      | encrypted DATA | attached | on     |
      | encrypted DATA | attached | off    |
      | encrypted DATA | detached | on     |
      | encrypted DATA | detached | off    |

  @row-10 @row-12
  @D-11a
  Scenario Outline: A volume and a template come from a snapshot of the <disk> disk, <state> in the other cluster, with the bypass <bypass>
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
  Scenario Outline: Neither a volume nor a template comes from a snapshot of the <disk> disk, <state> in the other cluster, with the bypass <bypass>
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
      | encrypted ROOT | detached | on     |
      | encrypted ROOT | detached | off    |
      | encrypted DATA | attached | on     |
      | encrypted DATA | attached | off    |
      | encrypted DATA | detached | on     |
      | encrypted DATA | detached | off    |

  @row-14
  @D-11a @D-25c @A-2 @A-24 @SUS-3
  Scenario Outline: The <disk> disk in use in the other cluster does not go back to its snapshot, with the bypass <bypass>
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

  @row-14
  @D-11a @D-25c @A-2 @A-24
  Scenario Outline: The <disk> disk that nobody uses goes back to its snapshot in the other cluster, with the bypass <bypass>
    Given the bypass of secondary storage is <bypass>
    And the <disk> disk "disk", detached, with the pattern "kept"
    And the snapshot "snap" of "disk" is taken
    And the pattern "after" is written to "disk"
    When the disk "disk" is reverted to the snapshot "snap"
    Then "disk" holds the pattern "kept"

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
  Scenario Outline: No template is made of the <disk> disk in use in the other cluster
    Given the <disk> disk "disk", attached, with the pattern "kept"
    When the template "golden" is made from the disk "disk", which is refused
    Then "disk" holds the pattern "kept"
    And "disk" is attached read-write to the host of "vm" only

    Examples:
      | disk           |
      | ROOT           |
      | encrypted ROOT |
      | DATA           |
      | encrypted DATA |

  @row-11 @row-13
  @D-11a @A-9a
  Scenario Outline: The <disk> disk that nobody uses becomes a template and is downloaded in the other cluster
    Given the <disk> disk "disk", detached, with the pattern "kept"
    When the template "golden" is made from the disk "disk"
    And the disk "disk" is downloaded
    Then the image of "golden" holds the pattern "kept"
    And the download of "disk" holds the pattern "kept"
    And "disk" holds the pattern "kept"

    Examples:
      | disk |
      | ROOT |
      | DATA |

  @row-11
  @D-11a @D-25c
  Scenario Outline: The <disk> disk that nobody uses becomes no template in the other cluster
    Given the <disk> disk "disk", detached, with the pattern "kept"
    When the template "golden" is made from the disk "disk", which is refused
    Then the error says "the volume is encrypted"
    And "disk" holds the pattern "kept"

    Examples:
      | disk           |
      | encrypted ROOT |
      | encrypted DATA |

  @row-22 @row-23
  @D-11a
  Scenario Outline: The policy of a <state> VM in the other cluster comes to its plain disks and goes again
    Given the ROOT disk "root", attached, with the pattern "one"
    And the DATA disk "data", attached, with the pattern "two"
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
  @D-11a
  Scenario Outline: The VM snapshot of a <state> VM with plain disks in the other cluster is deleted
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

  @row-20
  @D-11a
  Scenario Outline: A <state> VM with plain disks in the other cluster that is in use is not reverted
    Given the ROOT disk "root", attached, with the pattern "one"
    And the DATA disk "data", attached, with the pattern "two"
    And the VM "vm" becomes <state>
    And the VM snapshot "group" of "vm" is taken
    And the pattern "after" is written to "data"
    When the VM "vm" is reverted to the VM snapshot "group", which is refused
    Then "root" holds the pattern "one"
    And "data" holds the pattern "after"

    Examples:
      | state   |
      | Running |

  @row-20
  @D-11a @D-20b
  Scenario Outline: A <state> VM with plain disks in the other cluster is reverted
    Given the ROOT disk "root", attached, with the pattern "one"
    And the DATA disk "data", attached, with the pattern "two"
    And the VM "vm" becomes <state>
    And the VM snapshot "group" of "vm" is taken
    And the pattern "after" is written to "data"
    When the VM "vm" is reverted to the VM snapshot "group"
    Then "root" holds the pattern "one"
    And "data" holds the pattern "two"

    Examples:
      | state   |
      | Stopped |

  @row-07
  @D-11a
  Scenario Outline: A <state> VM with plain disks in the other cluster is expunged with its ROOT disk only
    Given the ROOT disk "root", attached, with the pattern "one"
    And the DATA disk "data", attached, with the pattern "two"
    And the VM "vm" becomes <state>
    When the VM "vm" is expunged
    Then StorPool has no volume of "root"
    And "data" is attached nowhere
    And "data" holds the pattern "two"

    Examples:
      | state   |
      | Running |
      | Stopped |

  @row-04 @row-05
  @D-11a
  Scenario Outline: The plain disks of a VM in the other cluster leave its host when it is <state> and come back
    Given the ROOT disk "root", attached, with the pattern "one"
    And the DATA disk "data", attached, with the pattern "two"
    And the VM "vm" becomes <state>
    Then "root" is attached nowhere
    And "data" is attached nowhere
    When the VM "vm" becomes Running
    Then the guest "vm" reads the pattern "one" from "root"
    And the guest "vm" reads the pattern "two" from "data"
    And "data" is attached read-write to the host of "vm" only

    Examples:
      | state   |
      | Stopped |

  @row-22 @row-23
  @D-11a @D-25c
  Scenario Outline: The policy of a <state> VM in the other cluster comes to its encrypted disks and goes again
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
  Scenario Outline: The VM snapshot of a <state> VM with encrypted disks in the other cluster is deleted
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
  Scenario Outline: A <state> VM with encrypted disks in the other cluster that is in use is not reverted
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

  @row-20
  @D-11a @D-25c @D-20b
  Scenario Outline: A <state> VM with encrypted disks in the other cluster is reverted
    Given the encrypted ROOT disk "root", attached, with the pattern "one"
    And the encrypted DATA disk "data", attached, with the pattern "two"
    And the VM "vm" becomes <state>
    And the VM snapshot "group" of "vm" is taken
    And the pattern "after" is written to "data"
    When the VM "vm" is reverted to the VM snapshot "group"
    Then "root" holds the pattern "one"
    And "data" holds the pattern "two"

    Examples:
      | state   |
      | Stopped |

  @row-07
  @D-11a @D-25c
  Scenario Outline: A <state> VM with encrypted disks in the other cluster is expunged with its ROOT disk only
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

  @row-04 @row-05
  @D-11a @D-25c
  Scenario Outline: The encrypted disks of a VM in the other cluster leave its host when it is <state> and come back
    Given the encrypted ROOT disk "root", attached, with the pattern "one"
    And the encrypted DATA disk "data", attached, with the pattern "two"
    And the VM "vm" becomes <state>
    Then "root" is attached nowhere
    And "data" is attached nowhere
    When the VM "vm" becomes Running
    Then the guest "vm" reads the pattern "one" from "root"
    And the guest "vm" reads the pattern "two" from "data"
    And "data" is attached read-write to the host of "vm" only

    Examples:
      | state   |
      | Stopped |

  @row-08
  @D-11a @D-25c
  Scenario Outline: The <disk> disk in use in the other cluster is not deleted
    Given the <disk> disk "disk", attached, with the pattern "kept"
    When the disk "disk" is deleted, which is refused
    Then "disk" holds the pattern "kept"
    And "disk" is attached read-write to the host of "vm" only

    Examples:
      | disk           |
      | DATA           |
      | encrypted DATA |

  @row-08
  @D-11a @D-25c
  Scenario Outline: The <disk> disk that nobody uses is deleted in the other cluster
    Given the <disk> disk "disk", detached, with the pattern "gone"
    And a detached DATA disk "other" of 1 GiB with the pattern "kept"
    When the disk "disk" is deleted
    Then StorPool has no volume of "disk"
    And "other" holds the pattern "kept"

    Examples:
      | disk           |
      | DATA           |
      | encrypted DATA |

  @row-13
  @D-11a @D-25c
  Scenario Outline: The <disk> disk is not downloaded in the other cluster as <why>
    Given the <disk> disk "disk", <state>, with the pattern "kept"
    When the disk "disk" is downloaded, which is refused
    Then "disk" holds the pattern "kept"
    And StorPool has no temporary snapshots

    Examples:
      | disk           | state    | why                          |
      | ROOT           | attached | a VM uses it                 |
      | DATA           | attached | a VM uses it                 |
      | encrypted ROOT | attached | it is encrypted and attached |
      | encrypted ROOT | detached | it is encrypted and detached |
      | encrypted DATA | attached | it is encrypted and attached |
      | encrypted DATA | detached | it is encrypted and detached |

  @row-03 @row-04 @row-05
  @D-11a @D-25c
  Scenario Outline: A recorded disk with <what> comes to a <state> VM in the other cluster and leaves it
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
      | no details | running |
      | no details | stopped |
      | encryption | running |
      | encryption | stopped |

  @row-01
  @D-25c
  Scenario Outline: A VM from the ISO with a ROOT disk with <what> runs in the other cluster
    Given the compute offering "new" with <what>
    When the VM "web" is deployed from the ISO with the compute offering "new" and a ROOT size of 1 MiB
    And the pattern "kept" is written to "web-root"
    Then the guest "web" reads the pattern "kept" from "web-root"
    And "web-root" is attached read-write to the host of "web" only

    Examples:
      | what       |
      | no details |
      | encryption |

  @row-02
  @D-25c
  Scenario Outline: A VM from a template with a ROOT disk with <what> runs in the other cluster
    Given the compute offering "new" with <what>
    And the qcow2 template "linux" of 1 MiB with the pattern "boot"
    When the VM "web" is deployed from the template "linux" with the compute offering "new"
    Then the guest "web" reads the pattern "boot" from "web-root"
    And "web-root" is attached read-write to the host of "web" only

    Examples:
      | what       |
      | no details |
      | encryption |

  @row-18
  @D-11a @D-25c @D-25d @D-37c
  Scenario Outline: The <disk> disk, <state>, is <how> another pool in the other cluster
    Given the pool "second" is created with the URL "storpool://{token}@{host}:{port}/ssd"
    And the <disk> disk "disk", <state>, with the pattern "kept"
    When the disk "disk" is <migrated> to the pool "second"
    Then the StorPool volume of "disk" has
      | template | ssd |
    And "disk" holds the pattern "kept"

    Examples:
      | disk           | state    | how           | migrated      |
      | ROOT           | attached | moved live to | migrated live |
      | ROOT           | detached | copied to     | migrated      |
      | encrypted ROOT | attached | moved live to | migrated live |
      | encrypted ROOT | detached | copied to     | migrated      |
      | DATA           | attached | moved live to | migrated live |
      | DATA           | detached | copied to     | migrated      |
      | encrypted DATA | attached | moved live to | migrated live |
      | encrypted DATA | detached | copied to     | migrated      |

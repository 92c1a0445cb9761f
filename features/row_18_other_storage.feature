@row-18 @migration
Feature: Migrate volumes between StorPool and other storage
  A disk that nobody uses is copied by a host, and the old one is deleted. A disk of a running VM leaves StorPool by no
  way, and comes to it with its VM.

  Background:
    Given a zone with 2 hosts and the StorPool pool "primary"
    And the primary pool "files" on NFS
    And the pool "second" is created with the URL "storpool://{token}@{host}:{port}/ssd"

  @CS-11625
  @D-3b @A-9a @A-9c @A-9d @D-11a @D-25d
  Scenario Outline: A <kind> disk, detached, goes from StorPool to a pool of files and back
    Given the <kind> disk "disk", detached, with the pattern "before"
    And the pattern "far" is written to "disk" at 900 MiB
    When the disk "disk" is migrated to the pool "files"
    Then the disk "disk" is a file of the pool "files"
    And the inventory has the disk "disk" with
      | state     | Ready             |
      | size      | 1 GiB             |
      | pool      | files             |
      | pool type | NetworkFilesystem |
      | vm        | <vm>              |
    And StorPool has no volume of "disk"
    And StorPool has no temporary snapshots
    And secondary storage has no volumes
    And the pool "primary" has <left> in use
    And "disk" holds the pattern "before"
    And "disk" holds the pattern "far" at 900 MiB
    When the pattern "there" is written to "disk"
    And the disk "disk" is migrated to the pool "primary"
    Then the pool "files" has no files
    And the StorPool volume of "disk" has
      | name     | anonymous |
      | size     | 1 GiB     |
      | template | hdd       |
      | uuid     | of "disk" |
      | cvm      | <owner>   |
      | disk     | <slot>    |
      | cs       | volume    |
    And the inventory has the disk "disk" with
      | state     | Ready         |
      | size      | 1 GiB         |
      | pool      | primary       |
      | pool type | StorPool      |
      | path      | of its volume |
      | vm        | <vm>          |
    And "disk" is attached nowhere
    And "disk" holds the pattern "there"
    And "disk" holds the pattern "far" at 900 MiB
    When the VM "vm" becomes Running
    Then "disk" holds the pattern "there"

    Examples:
      | kind | vm   | owner   | slot | left  |
      | ROOT | vm   | of "vm" | 0    | 0 B   |
      | DATA | none | none    | none | 1 GiB |

  @A-9b @A-9a @D-11a
  Scenario: A host that runs out of time leaves no part of a disk in a pool of files
    Given the setting "copy.volume.wait" of the management server is "10"
    And the DATA disk "disk", detached, with the pattern "before"
    And the StorPool volume of "disk" is remembered
    And the hosts copy 1 KiB a second
    When the disk "disk" is migrated to the pool "files", which fails
    Then the pool "files" has no files
    And the StorPool volume of "disk" is the same
    And StorPool has no temporary snapshots
    And the disk "disk" is Ready
    And "disk" holds the pattern "before"

  @D-3b @A-9a @A-9d @D-11a @D-25d
  Scenario: A DATA disk of a stopped VM goes to a pool of files and back, and works in both places
    Given the running VM "vm" with the DATA disk "disk"
    And the pattern "before" is written to "disk"
    And the VM "vm" is stopped
    When the disk "disk" is migrated to the pool "files"
    And the VM "vm" is started
    Then the guest "vm" reads the pattern "before" from "disk"
    When the pattern "there" is written to "disk"
    And the VM "vm" is stopped
    And the disk "disk" is migrated to the pool "primary"
    And the VM "vm" is started
    Then the guest "vm" reads the pattern "there" from "disk"
    And "disk" is attached read-write to the host of "vm" only
    And the StorPool volume of "disk" has
      | cvm  | of "vm" |
      | disk | 1       |

  @D-3b @D-25d
  Scenario: A disk that was made on a pool of files comes to StorPool
    Given the running VM "vm" with the DATA disk "disk" on the pool "files"
    And the pattern "before" is written to "disk"
    And the pattern "booted" is written to "vm-root"
    And the VM "vm" is stopped
    When the disk "disk" is migrated to the pool "primary"
    And the disk "vm-root" is migrated to the pool "primary"
    Then the pool "files" has no files
    And the pool "primary" has 2 GiB in use
    When the VM "vm" is started
    Then the guest "vm" reads the pattern "before" from "disk"
    And the guest "vm" reads the pattern "booted" from "vm-root"

  @D-3b @A-9a @A-9d @D-11a @D-25d
  Scenario Outline: A disk with <details> has it when it comes from a pool of files
    Given the disk offering "gold" with <details>
    And a detached DATA disk "disk" of 1 GiB with the offering "gold" with the pattern "before"
    And the disk "disk" is migrated to the pool "files"
    And "disk" holds the pattern "before"
    When the disk "disk" is migrated to the pool "primary"
    Then the StorPool volume of "disk" has
      | template | <template> |
      | qc       | <tier>     |
      | iops     | <iops>     |
    And "disk" holds the pattern "before"

    Examples:
      | details        | template | tier | iops      |
      | tier "gold"    | hdd      | gold | unlimited |
      | template "ssd" | ssd      | none | unlimited |
      | 300 IOPS       | hdd      | none | 300       |

  @A-3 @A-9a @A-9d @D-11a
  Scenario: What a guest wrote that looks like an image goes to a pool of files as it is
    Given the DATA disk "disk", detached, with the pattern "a header of an image"
    When the disk "disk" is migrated to the pool "files"
    Then "disk" holds the pattern "a header of an image"

  @D-11a @D-25d
  Scenario: An uploaded volume comes to StorPool when it is attached
    Given the uploaded volume "disk" of 1 GiB with the pattern "uploaded"
    And the running VM "vm"
    When the disk "disk" is attached to "vm"
    Then the guest "vm" reads the pattern "uploaded" from "disk"
    And the StorPool volume of "disk" has
      | size | 1 GiB     |
      | uuid | of "disk" |
      | cvm  | of "vm"   |
    And the inventory has the disk "disk" with
      | state | Ready   |
      | size  | 1 GiB   |
      | pool  | primary |
    And the pool "primary" has 2 GiB in use
    And secondary storage has no volumes

  Scenario: An uploaded volume that nobody attached can be deleted
    Given the uploaded volume "disk" of 1 GiB with the pattern "uploaded"
    And "disk" holds the pattern "uploaded"
    When the disk "disk" is deleted
    Then secondary storage has no volumes
    And StorPool has no volume of "disk"

  @KV-M2
  @D-3d @D-11a @D-25d
  Scenario: An image that is larger than was said comes whole
    Given the uploaded volume "disk" of 2 GiB with the pattern "uploaded"
    And CloudStack believes that "disk" has 1 GiB
    And the running VM "vm"
    When the disk "disk" is attached to "vm"
    Then the guest "vm" reads the pattern "uploaded" from "disk"
    And the inventory has the disk "disk" with
      | size | 2 GiB |
    And the StorPool volume of "disk" has
      | size | 2 GiB |

  @D-11a
  Scenario Outline: A disk of a running VM does not go to a pool of files when it is <migrated>
    Given the DATA disk "disk", attached, with the pattern "before"
    When the disk "disk" is <migrated> to the pool "files", which is refused
    Then "disk" holds the pattern "before"

    Examples:
      | migrated      |
      | migrated      |
      | migrated live |

  Scenario: A disk of a running VM does not come from a pool of files without its VM
    Given the running VM "vm" with the DATA disk "disk" on the pool "files"
    And the pattern "before" is written to "disk"
    When the disk "disk" is migrated live to the pool "primary", which is refused
    Then the guest "vm" reads the pattern "before" from "disk"

  Scenario: A disk on a pool of files can be deleted
    Given the running VM "vm" with the DATA disk "disk" on the pool "files"
    And the pattern "before" is written to "disk"
    And "disk" holds the pattern "before"
    And the disk "disk" is detached
    When the disk "disk" is deleted
    Then the pool "files" has 1 file

  @D-3b @D-3c @A-9a @A-9d @D-11a @D-25d
  Scenario: A disk comes from a pool of files by a host that has both pools
    Given the DATA disk "disk", detached, with the pattern "before"
    And the disk "disk" is migrated to the pool "files"
    And host 1 is not connected to the pool "files"
    When the disk "disk" is migrated to the pool "primary"
    Then host 1 was sent nothing meanwhile
    And "disk" holds the pattern "before"

  @fault @needs-fault-injection @KV-M1 @KV-M2
  @D-15a @A-9a @A-9d @D-11a @A-8
  Scenario Outline: A move to a pool of files fails and leaves the disk where it was when "<call>" is <effect>
    Given the DATA disk "disk", detached, with the pattern "before"
    And the StorPool volume of "disk" is remembered
    And the call "<call>" will be <effect>
    When the disk "disk" is migrated to the pool "files", which fails
    Then the StorPool volume of "disk" is the same
    And the pool "files" has no files
    And StorPool has no temporary snapshots
    And "disk" holds the pattern "before"
    When the disk "disk" is migrated to the pool "files"
    Then the disk "disk" is a file of the pool "files"
    And "disk" holds the pattern "before"

    Examples:
      | call                                | effect                 |
      | POST VolumeSnapshot                 | refused with "noSpace" |
      | agent CopyVolumeToSecondary/mount   | refused                |
      | agent CopyVolumeToSecondary/convert | refused                |
      | agent CopyVolumeToSecondary/convert | cut                    |
      | agent CopyVolumeToSecondary/answer  | lost                   |
      | agent CopyVolumeToSecondary/convert | late by 20 s           |

  @fault @needs-fault-injection @KV-M1 @KV-M2
  @D-3a @D-3b @A-9a @A-9d @D-11a @D-25d
  Scenario Outline: A move from a pool of files fails and leaves the disk where it was when "<call>" is <effect>
    Given the DATA disk "disk", detached, with the pattern "before"
    And the disk "disk" is migrated to the pool "files"
    And the call "<call>" will be <effect>
    When the disk "disk" is migrated to the pool "primary", which fails
    Then the disk "disk" is a file of the pool "files"
    And StorPool has no volume of "disk"
    And the pool "primary" has 1 GiB in use
    And "disk" holds the pattern "before"
    When the disk "disk" is migrated to the pool "primary"
    Then the pool "files" has no files
    And StorPool has 1 volume of "disk"
    And "disk" holds the pattern "before"

    Examples:
      | call                         | effect                 |
      | POST VolumeCreate            | refused with "noSpace" |
      | agent DownloadVolume/find    | refused                |
      | agent DownloadVolume/attach  | refused                |
      | agent DownloadVolume/convert | refused                |
      | agent DownloadVolume/convert | cut                    |
      | agent DownloadVolume/convert | hung                   |
      | agent DownloadVolume/answer  | lost                   |

  @fault @needs-fault-injection
  @D-3a @D-11a @D-25d
  Scenario: An uploaded volume stays uploaded when it cannot come to StorPool
    Given the uploaded volume "disk" of 1 GiB with the pattern "uploaded"
    And the running VM "vm"
    And the call "agent DownloadVolume/convert" will be refused
    When the disk "disk" is attached to "vm", which fails
    Then secondary storage has 1 volume
    And StorPool has no volume of "disk"
    When the disk "disk" is attached to "vm"
    Then the guest "vm" reads the pattern "uploaded" from "disk"
    And secondary storage has no volumes

  @crash @KV-M1
  @D-3b @A-9a @A-9d @D-11a @D-25d @D-20b
  Scenario Outline: A management server that dies at "<step>" of <way> leaves one disk
    Given the DATA disk "disk", detached, with the pattern "before"
    And the disk "disk" is migrated to the pool "<first>"
    And the management server will die at the step "<step>" of "<operation>"
    When the disk "disk" is migrated to the pool "<then>", which fails
    And the management server comes back
    And CloudStack collects garbage
    Then "disk" holds the pattern "before"
    And StorPool has no temporary snapshots
    When the disk "disk" is migrated to the pool "<then>"
    Then "disk" holds the pattern "before"

    Examples:
      | way       | first  | then    | operation                          | step               |
      | an export | second | files   | copyAsync volume => volume, away   | temporary snapshot |
      | an export | second | files   | copyAsync volume => volume, away   | copy volume away   |
      | an import | files  | primary | copyAsync volume => volume, import | create volume      |
      | an import | files  | primary | copyAsync volume => volume, import | import volume      |
      | an import | files  | primary | copyAsync volume => volume, import | record volume      |

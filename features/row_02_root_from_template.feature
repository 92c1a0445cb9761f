@row-02 @template
Feature: Create a ROOT volume from a template
  The first VM of a template brings its image onto StorPool as a snapshot; ROOT volumes are children of it.

  Background:
    Given a zone with 2 hosts and the StorPool pool "primary"

  Scenario Outline: A ROOT disk from a <format> template holds the image and is a child of the cached copy
    Given the <format> template "debian" of 1 GiB with the pattern "image"
    When the VM "web" is deployed from the template "debian"
    Then the template "debian" is cached once
    And "web-root" holds the pattern "image"
    And the StorPool volume of "web-root" has
      | name     | anonymous                    |
      | size     | 1 GiB                        |
      | template | hdd                          |
      | parent   | the cached copy of "debian"  |
      | cs       | volume                       |
      | uuid     | of "web-root"                |
      | cvm      | of "web"                     |
      | disk     | 0                            |
    And "web-root" is attached read-write to the host of "web" only

    Examples:
      | format |
      | qcow2  |
      | raw    |

  Scenario: The second VM of a template copies nothing and shares the cached copy
    Given the qcow2 template "debian" of 1 GiB with the pattern "image"
    And the VM "first" is deployed from the template "debian"
    And the pattern "changed" is written to "first-root"
    When the VM "second" is deployed from the template "debian"
    Then the template "debian" is cached once
    And the agents executed "DownloadTemplate" 1 time
    And "first-root" and "second-root" have the same parent
    And "second-root" holds the pattern "image"
    And "first-root" holds the pattern "changed"

  @SP-24
  Scenario: A ROOT disk larger than its template has the size asked for
    Given the qcow2 template "debian" of 1 GiB with the pattern "image"
    When the VM "web" is deployed from the template "debian" and a ROOT size of 3 GiB
    And the pattern "tail" is written to "web-root" at 2 GiB
    Then the StorPool volume of "web-root" has
      | size | 3 GiB |
    And the inventory has the disk "web-root" with
      | size | 3 GiB |
    And "web-root" holds the pattern "image"
    And "web-root" holds the pattern "tail" at 2 GiB

  @CS-10662 @KV-G3
  Scenario: A cached copy has the virtual size of the image, whatever the size of the file
    Given the qcow2 template "debian" of 3 GiB with the pattern "image"
    When the VM "web" is deployed from the template "debian"
    Then the StorPool volume of "web-root" has
      | size | 3 GiB |
    And the cached copy of "debian" has 3 GiB
    And "web-root" holds the pattern "image"

  @KV-R2
  @D-12a
  Scenario Outline: A ROOT disk from a template with a compute offering of <details> gets <gets>
    Given the compute offering "special" with <details>
    And the qcow2 template "debian" of 1 GiB with the pattern "image"
    When the VM "web" is deployed from the template "debian" with the compute offering "special"
    Then the StorPool volume of "web-root" has
      | template | <template> |
      | qc       | <tier>     |
      | iops     | <iops>     |
    And "web-root" holds the pattern "image"

    Examples:
      | details                     | gets                             | template | tier | iops      |
      | 500 IOPS                    | that limit                       | hdd      | none | 500       |
      | template "ssd"              | that template                    | ssd      | none | unlimited |
      | tier "gold"                 | the tier and the pool's template | hdd      | gold | unlimited |
      | tier "gold", template "ssd" | the tier, which wins             | hdd      | gold | unlimited |

  @SP-2
  Scenario: A cached copy that vanished from StorPool is brought back by the next VM
    Given the qcow2 template "debian" of 1 GiB with the pattern "image"
    And the VM "first" is deployed from the template "debian"
    And the VM "first" is expunged
    When StorPool loses the cached copy of "debian"
    And the VM "second" is deployed from the template "debian"
    Then "second-root" holds the pattern "image"
    And the template "debian" is cached once

  @CS-6735
  @D-35
  Scenario: A ROOT disk smaller than a template of unknown size gets the template's size, on record as well
    Given the qcow2 template "debian" of 1 GiB with the pattern "image"
    And CloudStack does not know the size of the template "debian"
    When the VM "web" is deployed from the template "debian" and a ROOT size of 512 MiB
    Then the StorPool volume of "web-root" has
      | size | 1 GiB |
    And the inventory has the disk "web-root" with
      | size | 1 GiB |
    And "web-root" holds the pattern "image"

  Scenario: A template with a base snapshot is cached without a copy
    Given the qcow2 template "debian" of 1 GiB with the pattern "image"
    And the template "debian" has a base snapshot on StorPool
    When the VM "web" is deployed from the template "debian"
    Then the agents executed "DownloadTemplate" 0 times
    And "web-root" holds the pattern "image"

  @D-13
  Scenario: A template whose base snapshot is gone is downloaded
    Given the qcow2 template "debian" of 1 GiB with the pattern "image"
    And the template "debian" has a base snapshot on StorPool
    When StorPool loses the base snapshot of "debian"
    And the VM "web" is deployed from the template "debian"
    Then the agents executed "DownloadTemplate" 1 time
    And "web-root" holds the pattern "image"

  @A-7
  Scenario: A template whose device does not appear on the host is not cached
    Given the qcow2 template "debian" of 1 GiB with the pattern "image"
    When host 1 shows devices after 60 s
    And host 2 shows devices after 60 s
    And the VM "web" is deployed from the template "debian", which fails
    And the VM "web" is expunged
    Then the template "debian" is not cached
    When host 1 shows devices after 0 s
    And host 2 shows devices after 0 s
    And the VM "web" is deployed from the template "debian"
    Then "web-root" holds the pattern "image"

  @KV-G2
  Scenario: Two VMs deployed at once from a new template cause one copy
    Given the qcow2 template "debian" of 1 GiB with the pattern "image"
    When the VMs "first" and "second" are deployed from the template "debian" at once
    Then the template "debian" is cached once
    And the agents executed "DownloadTemplate" 1 time
    And "first-root" holds the pattern "image"
    And "second-root" holds the pattern "image"

  @fault @needs-fault-injection
  @D-20a @D-20b
  Scenario Outline: Deploying from a new template <outcome> and leaves nothing extra when "<call>" is <effect>
    Given the qcow2 template "debian" of 1 GiB with the pattern "image"
    And the call "<call>" will be <effect>
    When the VM "web" is deployed from the template "debian", which <outcome>
    And the VM "web" is expunged
    Then StorPool has no volume of "web-root"
    When the VM "web" is deployed from the template "debian"
    Then the template "debian" is cached once
    And "web-root" holds the pattern "image"

    Examples:
      | call                           | effect             | outcome  |
      | POST VolumeCreate              | refused            | fails    |
      | POST VolumeCreate              | lost               | succeeds |
      | POST VolumeSnapshot            | refused            | fails    |
      | POST VolumeSnapshot            | lost               | succeeds |
      | POST VolumeDelete              | refused in passing | succeeds |
      | POST VolumeDelete              | lost               | succeeds |
      | agent DownloadTemplate/attach  | refused            | fails    |
      | agent DownloadTemplate/convert | refused            | fails    |
      | agent DownloadTemplate/convert | hung               | fails    |
      | agent DownloadTemplate/answer  | lost               | fails    |
      | agent DownloadTemplate/detach  | lost               | fails    |

  @CS-8575
  Scenario: No volume is frozen on the way to a template and its VMs
    Given the qcow2 template "debian" of 1 GiB with the pattern "image"
    And the VM "first" is deployed from the template "debian"
    And the VM "first" is stopped
    When the template "golden" is made from the disk "first-root"
    And the VM "second" is deployed from the template "golden"
    And the snapshot "snap" of "second-root" is taken
    And the template "silver" is made from the snapshot "snap"
    Then StorPool was never asked "POST VolumeFreeze"
    And the base snapshot of "silver" holds the pattern "image"
    And "second-root" holds the pattern "image"

  @SP-33 @KV-G3
  Scenario Outline: A <format> template of <size> comes whole
    Given the <format> template "odd" of <size> with the pattern "image"
    When the VM "web" is deployed from the template "odd"
    Then the cached copy of "odd" has <size>
    And "web-root" holds the pattern "image"

    Examples:
      | format | size     |
      | raw    | 977 KiB  |
      | qcow2  | 977 KiB  |
      | raw    | 1537 KiB |

  @SP-33
  @D-35
  Scenario: A raw template of which CloudStack knows that it ends within a sector gets a volume of whole sectors
    Given the raw template "odd" of 1000001 B with the pattern "image"
    When the VM "web" is deployed from the template "odd"
    Then the cached copy of "odd" has 977 KiB
    And every guest with "web-root" sees 977 KiB
    And "web-root" holds the pattern "image"

  @SP-33
  @D-35
  Scenario: A raw template that ends within a sector comes whole, with zeros up to the next one
    Given the raw template "odd" of 1000001 B with the pattern "image"
    And CloudStack does not know the size of the template "odd"
    When the VM "web" is deployed from the template "odd"
    Then the cached copy of "odd" has 977 KiB
    And "web-root" holds the pattern "image"

@legacy
Feature: Disks that still have the name of an old version of the plugin
  Only a revert gives such a disk an anonymous name. Until then it works like any other: its path on record and its global
  id find it.

  Background:
    Given a zone with 2 hosts and the StorPool pool "primary"
    And the DATA disk "disk", attached, with the pattern "before"

  @row-14
  @D-11a
  Scenario: A revert gives a disk of an old version an anonymous name
    Given the snapshot "snap" of "disk" is taken
    And the pattern "after" is written to "disk"
    And the VM "vm" is stopped
    And the disk "disk" still has the name that an old version of the plugin gave it
    When the disk "disk" is reverted to the snapshot "snap"
    Then the StorPool volume of "disk" has
      | name | anonymous |
      | size | 1 GiB     |
    And "disk" holds the pattern "before"
    When the VM "vm" is started
    Then the guest "vm" reads the pattern "before" from "disk"

  @row-04 @row-05
  @D-11a
  Scenario: A disk of an old version is detached and attached
    Given the disk "disk" still has the name that an old version of the plugin gave it
    When the disk "disk" is detached
    Then "disk" is attached nowhere
    And the StorPool volume of "disk" has
      | cvm | none |
    When the disk "disk" is attached to "vm"
    Then the guest "vm" reads the pattern "before" from "disk"
    And the StorPool volume of "disk" has
      | cvm | of "vm" |

  @row-06
  @D-11a
  Scenario: A VM with a disk of an old version goes to another host
    Given the disk "disk" still has the name that an old version of the plugin gave it
    When the VM "vm" is migrated to another host
    Then "disk" is attached read-write to the host of "vm" only
    And the guest "vm" reads the pattern "before" from "disk"

  @row-09 @row-10
  @D-11a
  Scenario: A disk of an old version has snapshots and volumes made of them
    Given the disk "disk" still has the name that an old version of the plugin gave it
    When the snapshot "snap" of "disk" is taken
    And the pattern "after" is written to "disk"
    And the volume "copy" is created from the snapshot "snap"
    Then "copy" holds the pattern "before"
    And the backup of "snap" holds the pattern "before"
    And the StorPool volume of "copy" has
      | name | anonymous |

  @row-15
  @D-11a @D-25a
  Scenario: A disk of an old version grows
    Given the disk "disk" still has the name that an old version of the plugin gave it
    When the disk "disk" is resized to 2 GiB
    Then the StorPool volume of "disk" has
      | size | 2 GiB |
    And every guest with "disk" sees 2 GiB
    And "disk" holds the pattern "before"

  @row-11 @row-13 @row-18
  @D-25d @D-11a @A-9a
  Scenario: A disk of an old version becomes a template, a download and a disk of another pool
    Given the pool "second" is created with the URL "storpool://{token}@{host}:{port}/ssd"
    And the disk "disk" still has the name that an old version of the plugin gave it
    And the disk "disk" is detached
    When the template "golden" is made from the disk "disk"
    And the disk "disk" is downloaded
    And the disk "disk" is migrated to the pool "second"
    Then the image of "golden" holds the pattern "before"
    And the StorPool volume of "disk" has
      | name     | anonymous |
      | template | ssd       |
    And "disk" holds the pattern "before"

  @row-08
  @D-11a
  Scenario: A disk of an old version is deleted
    Given the disk "disk" still has the name that an old version of the plugin gave it
    And the disk "disk" is detached
    And "disk" holds the pattern "before"
    When the disk "disk" is deleted
    Then StorPool has no volume of "disk"
    And the disk "disk" is Expunged

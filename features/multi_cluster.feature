@multi-cluster @needs-two-clusters
Feature: Two StorPool clusters that are one multi-cluster
  Hosts of both clusters use one pool. A volume is attached wherever its VM runs; where it lives is StorPool's business.

  Background:
    Given a zone with 2 hosts and the StorPool pool "primary", with a second StorPool cluster beside it
    And a CloudStack cluster with 1 host on the other StorPool

  @row-26
  @D-11a
  Scenario: Hosts of both clusters are in the pool, with a check volume for each CloudStack cluster
    Given the running VM "vm" with the DATA disk "disk"
    And the pattern "kept" is written to "disk"
    Then the pool "primary" has the hosts 1, 2 and 3
    And StorPool has 2 check volumes
    And the new cluster is on record in the StorPool cluster "spsm.c"
    And "disk" holds the pattern "kept"

  @row-06
  @D-11a
  Scenario: A VM goes to a host of the other cluster and back
    Given the running VM "vm" with the DATA disk "disk"
    And the pattern "before" is written to "disk"
    And the pattern "booted" is written to "vm-root"
    When the VM "vm" is migrated to host 3
    Then "disk" is attached read-write to the host of "vm" only
    And the guest "vm" reads the pattern "before" from "disk"
    When the pattern "there" is written to "disk"
    And the VM "vm" is migrated to host 1
    Then "disk" is attached read-write to the host of "vm" only
    And the guest "vm" reads the pattern "there" from "disk"
    And the guest "vm" reads the pattern "booted" from "vm-root"

  @row-04 @row-05
  @D-11a
  Scenario Outline: A <kind> disk of one cluster is used by a host of the other
    Given the <kind> disk "disk", detached, with the pattern "before"
    And the VM "vm" becomes Stopped
    When the VM "vm" is started on host 3
    And the disk "disk" is attached to "vm" unless it is attached
    Then the guest "vm" reads the pattern "before" from "disk"
    And "disk" is attached read-write to the host of "vm" only
    When the pattern "there" is written to "disk"
    And the VM "vm" is stopped
    Then "disk" is attached nowhere
    And "disk" holds the pattern "there"

    Examples:
      | kind |
      | ROOT |
      | DATA |

  @row-04 @row-05 @encrypted
  @D-11a @D-25c
  Scenario Outline: An encrypted <kind> disk of one cluster is used by a host of the other
    Given the encrypted <kind> disk "disk", detached, with the pattern "before"
    And the VM "vm" becomes Stopped
    When the VM "vm" is started on host 3
    And the disk "disk" is attached to "vm" unless it is attached
    Then the guest "vm" reads the pattern "before" from "disk"
    And "disk" is attached read-write to the host of "vm" only
    When the pattern "there" is written to "disk"
    And the VM "vm" is stopped
    Then "disk" is attached nowhere
    And the hosts keep no passphrases for guests
    And "disk" lies in one LUKS layer
    And "disk" holds the pattern "there"

    Examples:
      | kind |
      | ROOT |
      | DATA |

  @row-06 @encrypted
  @D-11a @D-25c
  Scenario: A VM with encrypted disks goes to a host of the other cluster and back
    Given the encrypted ROOT disk "root", attached, with the pattern "booted"
    And the encrypted DATA disk "data", attached, with the pattern "before"
    When the VM "vm" is migrated to host 3
    Then "root" is attached read-write to the host of "vm" only
    And "data" is attached read-write to the host of "vm" only
    And the guest "vm" reads the pattern "before" from "data"
    When the pattern "there" is written to "data"
    And the VM "vm" is migrated to host 1
    Then "data" is attached read-write to the host of "vm" only
    And the guest "vm" reads the pattern "there" from "data"
    And the guest "vm" reads the pattern "booted" from "root"
    And "data" lies in one LUKS layer

  @row-09 @row-10 @row-14 @row-16
  @D-11a @D-7a
  Scenario: A disk in use by the other cluster has snapshots, is reverted and restored
    Given the running VM "vm" with the DATA disk "disk"
    And the VM "vm" is migrated to host 3
    And the pattern "before" is written to "disk"
    When the snapshot "snap" of "disk" is taken
    And the pattern "after" is written to "disk"
    And the volume "copy" is created from the snapshot "snap"
    Then "copy" holds the pattern "before"
    And the backup of "snap" holds the pattern "before"
    When the VM "vm" is stopped
    And the disk "disk" is reverted to the snapshot "snap"
    Then "disk" holds the pattern "before"
    When the snapshot "snap" is deleted
    Then StorPool has no snapshot of "snap"

  @row-15
  @D-11a @D-25a
  Scenario: A disk in use by the other cluster grows under its VM
    Given the running VM "vm" with the DATA disk "disk"
    And the VM "vm" is migrated to host 3
    And the pattern "before" is written to "disk"
    When the disk "disk" is resized to 2 GiB
    Then the StorPool volume of "disk" has
      | size | 2 GiB |
    And every guest with "disk" sees 2 GiB
    And the guest "vm" reads the pattern "before" from "disk"

  @row-19 @row-20 @row-21
  @D-20b @D-11a
  Scenario: A VM of the other cluster has VM snapshots
    Given the running VM "vm" with the DATA disk "disk"
    And the VM "vm" is migrated to host 3
    And the pattern "before" is written to "disk"
    When the VM snapshot "group" of "vm" is taken
    And the pattern "after" is written to "disk"
    And the VM "vm" is stopped
    And the VM "vm" is reverted to the VM snapshot "group"
    Then "disk" holds the pattern "before"
    When the VM snapshot "group" is deleted
    Then StorPool has no members of the VM snapshot "group"

  @row-27 @ha
  @CS-10799 @D-11a
  Scenario: A VM of a dead host runs in the other cluster with its disks detached from the dead host first
    Given the running VM "vm" with the DATA disk "disk"
    And the pattern "kept" is written to "disk"
    And CloudStack marks host 2 as Maintenance
    When the host of "vm" is switched off
    And CloudStack restarts the VM "vm" elsewhere
    Then the VM "vm" is Running
    And "disk" is attached read-write to the host of "vm" only
    And the guest "vm" reads the pattern "kept" from "disk"

  @row-27 @ha @encrypted
  @D-11a @D-25c @CS-10799
  Scenario: A VM of a dead host opens its encrypted disks in the other cluster
    Given the encrypted ROOT disk "root", attached, with the pattern "booted"
    And the encrypted DATA disk "data", attached, with the pattern "kept"
    And CloudStack marks host 2 as Maintenance
    When the host of "vm" is switched off
    And CloudStack restarts the VM "vm" elsewhere
    Then the VM "vm" is Running
    And "root" is attached read-write to the host of "vm" only
    And "data" is attached read-write to the host of "vm" only
    And the guest "vm" reads the pattern "booted" from "root"
    And the guest "vm" reads the pattern "kept" from "data"

  @row-27 @ha
  @CS-10799 @D-11a
  Scenario: A VM of a dead host of the other cluster comes back to the first, detached from the dead host first
    Given the running VM "vm" with the DATA disk "disk"
    And the VM "vm" is migrated to host 3
    And the pattern "kept" is written to "disk"
    When the host of "vm" is switched off
    And CloudStack restarts the VM "vm" elsewhere
    Then the VM "vm" is Running
    And "disk" is attached read-write to the host of "vm" only
    And the guest "vm" reads the pattern "kept" from "disk"

  @row-02
  Scenario: VMs of both clusters are deployed from one template
    Given the qcow2 template "debian" of 1 GiB with the pattern "image"
    And the VM "one" is deployed from the template "debian"
    And CloudStack marks host 1 as Maintenance
    And CloudStack marks host 2 as Maintenance
    When the VM "two" is deployed from the template "debian"
    Then "one-root" holds the pattern "image"
    And "two-root" holds the pattern "image"
    And the template "debian" is cached once

  @row-07 @row-08
  @D-11a
  Scenario: Disks in use by the other cluster are deleted
    Given the running VM "vm" with the DATA disk "disk"
    And the VM "vm" is migrated to host 3
    And the pattern "kept" is written to "disk"
    And "disk" holds the pattern "kept"
    When the disk "disk" is detached
    And the disk "disk" is deleted
    And the VM "vm" is expunged
    Then StorPool has no volume of "disk"
    And StorPool has no volume of "vm-root"
    And the pool "primary" has 0 B in use

  @row-13 @row-18 @row-12
  @D-25d @D-11a @A-9a
  Scenario: A disk of the other cluster is downloaded, moved and becomes a template
    Given the pool "second" is created with the URL "storpool://{token}@{host}:{port}/ssd"
    And the running VM "vm" with the DATA disk "disk"
    And the VM "vm" is migrated to host 3
    And the pattern "before" is written to "disk"
    And the snapshot "snap" of "disk" is taken
    And the disk "disk" is detached
    When the template "golden" is made from the snapshot "snap"
    And the disk "disk" is downloaded
    And the disk "disk" is migrated to the pool "second"
    Then the image of "golden" holds the pattern "before"
    And "disk" holds the pattern "before"

  @row-17 @template
  Scenario: The cached copy of a deleted template that both clusters used goes when neither needs it
    Given the qcow2 template "debian" of 1 GiB with the pattern "image"
    And the VM "one" is deployed from the template "debian"
    And CloudStack marks host 1 as Maintenance
    And CloudStack marks host 2 as Maintenance
    And the VM "two" is deployed from the template "debian"
    And the VM "one" is expunged
    When the template "debian" is deleted
    And CloudStack collects garbage
    And CloudStack collects garbage
    Then "two-root" holds the pattern "image"
    When the VM "two" is expunged
    And CloudStack collects garbage
    And CloudStack collects garbage
    Then the template "debian" is not cached

  @row-25
  @D-11a
  Scenario: A pool of two clusters goes with the check volumes of both
    Given a detached DATA disk "data" of 1 GiB with the pattern "kept"
    And "data" holds the pattern "kept"
    And StorPool has 2 check volumes
    And the disk "data" is deleted
    And the VM "maker" is expunged
    When the pool "primary" goes into maintenance
    And the pool "primary" is deleted
    Then the pool "primary" is gone
    And StorPool has no check volumes

  @row-29
  Scenario: The statistics count what both clusters hold
    Given the running VM "one"
    And the pattern "kept" is written to "one-root"
    And CloudStack marks host 1 as Maintenance
    And CloudStack marks host 2 as Maintenance
    And the running VM "two"
    And the pattern "there" is written to "two-root"
    When the statistics are collected
    Then the statistics say that "one-root" uses 16 KiB of 1 GiB
    And the statistics say that "two-root" uses 16 KiB of 1 GiB
    And the statistics know the pool "primary"
    And "one-root" holds the pattern "kept"
    And "two-root" holds the pattern "there"

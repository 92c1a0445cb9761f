@several-storpools @needs-two-clusters
Feature: More than one StorPool
  What concerns two StorPools that do not see each other's volumes is refused before anything is touched.

  Background:
    Given a zone with 2 hosts and the StorPool pool "primary", with another StorPool far away
    And a CloudStack cluster with 1 host on the other StorPool
    And the pool "far" on the other StorPool

  @D-11a
  Scenario: The hosts of each StorPool are connected to its pool
    Given the running VM "vm" with the DATA disk "disk"
    And the pattern "kept" is written to "disk"
    Then the pool "primary" has the hosts 1 and 2
    And the pool "far" has the hosts 3
    And "disk" holds the pattern "kept"

  @row-19
  @D-8a @D-11a
  Scenario: A VM with disks on two StorPools gets no VM snapshot
    Given the stopped VM "vm"
    And the pattern "kept" is written to "vm-root"
    And the DATA disk "disk" of 1 GiB is created on the pool "far" for "vm"
    When the VM snapshot "group" of "vm" is taken, which fails
    Then the VM snapshot "group" is Error
    And StorPool has no members of the VM snapshot "group"
    And StorPool was not asked "POST VolumesGroupSnapshot" meanwhile
    And "vm-root" holds the pattern "kept"

  @row-18 @migration
  @D-37b @D-11a
  Scenario: A disk is not copied to a pool of a StorPool that does not see it
    Given the DATA disk "disk", detached, with the pattern "kept"
    And the StorPool volume of "disk" is remembered
    When the disk "disk" is migrated to the pool "far", which is refused
    Then StorPool was not asked "POST VolumeCreate" meanwhile
    And the StorPool volume of "disk" is the same
    And "disk" holds the pattern "kept"

  @row-18 @migration
  @D-37b @D-11a
  Scenario: A disk of a running VM does not move to a pool of a StorPool that does not see it
    Given the DATA disk "disk", attached, with the pattern "kept"
    When the disk "disk" is migrated live to the pool "far", which is refused
    Then StorPool was not asked "POST VolumeUpdate" meanwhile
    And "disk" holds the pattern "kept"

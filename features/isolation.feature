@isolation
Feature: A plugin that is loaded and not used
  Pools of other storage work as if there were no StorPool: it is asked for nothing, and nobody hears of it.

  Background:
    Given a zone with 2 hosts
    And the primary pool "files" on NFS
    And the running VM "vm" with the DATA disk "disk" on the pool "files"
    And the pattern "before" is written to "disk"
    And the pattern "booted" is written to "vm-root"

  @CS-6317 @CS-6805 @KV-Z5
  Scenario: Without a pool of StorPool nothing is done from time to time, and no log speaks of it
    When the statistics are collected
    And the driver looks for expired safety snapshots
    And the driver looks for objects that nobody has on record
    And host 1 restarts its agent
    Then StorPool was never asked anything
    And no log line says "StorPool"
    And no log line says "storpool"
    And the guest "vm" reads the pattern "before" from "disk"

  @CS-6455 @KV-Z5
  Scenario: A pool of files is served by its own adaptor all its life
    When the VM "vm" is stopped
    And the snapshot "snap" of "disk" is taken
    And the VM "vm" is started
    And the disk "disk" is detached
    And the disk "disk" is attached to "vm"
    Then the guest "vm" reads the pattern "before" from "disk"
    And the guest "vm" reads the pattern "booted" from "vm-root"
    And the backup of "snap" holds the pattern "before"
    And the inventory has the disk "disk" with
      | state     | Ready             |
      | pool      | files             |
      | pool type | NetworkFilesystem |
    When the disk "disk" is detached
    And the disk "disk" is deleted
    And the VM "vm" is expunged
    Then the pool "files" has no files
    And StorPool was never asked anything

  @CS-11452 @KV-Z5
  Scenario: A template of a snapshot on other storage is made there
    Given the VM "vm" is stopped
    And the snapshot "snap" of "disk" is taken
    And the pattern "after" is written to "disk"
    When the template "golden" is made from the snapshot "snap"
    Then the image of "golden" holds the pattern "before"
    And StorPool was never asked anything
    And "disk" holds the pattern "after"

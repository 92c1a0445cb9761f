@crash @KV-T1
Feature: The management server dies in the middle of an operation
  Each operation has written down what it is about to do. When the management server comes back, what was begun is
  finished or removed, nothing is left over, and the operation can be repeated.

  Background:
    Given a zone with 2 hosts and the StorPool pool "primary"

  @row-01
  @D-20b
  Scenario Outline: Deploying a VM from an ISO survives a crash at "<step>"
    Given the management server will die at the step "<step>" of "<operation>"
    When the VM "web" is deployed from the ISO, which fails
    And the management server comes back
    And the VM "web" is expunged
    Then StorPool has no volume of "web-root"
    When the VM "web" is deployed from the ISO
    And the pattern "installed" is written to "web-root"
    Then StorPool has 1 volume of "web-root"
    And "web-root" holds the pattern "installed"

    Examples:
      | operation   | step          |
      | createAsync | create volume |
      | createAsync | record volume |

  @row-02 @SP-1
  @D-20b
  Scenario Outline: Deploying a VM from a new template survives a crash at "<step>" of "<operation>"
    Given the qcow2 template "debian" of 1 GiB with the pattern "image"
    And the management server will die at the step "<step>" of "<operation>"
    When the VM "web" is deployed from the template "debian", which fails
    And the management server comes back
    And the VM "web" is expunged
    Then StorPool has no volume of "web-root"
    When the VM "web" is deployed from the template "debian"
    Then the template "debian" is cached once
    And "web-root" holds the pattern "image"

    Examples:
      | operation                      | step               |
      | copyAsync template => template | create work volume |
      | copyAsync template => template | download template  |
      | copyAsync template => template | snapshot template  |
      | copyAsync template => template | delete work volume |
      | copyAsync template => template | record template    |
      | copyAsync template => volume   | clone template     |
      | copyAsync template => volume   | record volume      |

  @row-03
  @D-20b @D-11a
  Scenario Outline: Creating a DATA disk survives a crash at "<step>"
    Given the running VM "web"
    And the DATA disk "data" of 1 GiB is created
    And the management server will die at the step "<step>" of "<operation>"
    When the disk "data" is attached to "web", which fails
    And the management server comes back
    And the disk "data" is attached to "web" unless it is attached
    And the pattern "fresh" is written to "data"
    Then StorPool has 1 volume of "data"
    And "data" is attached read-write to the host of "web" only
    And "data" holds the pattern "fresh"

    Examples:
      | operation   | step          |
      | createAsync | create volume |
      | createAsync | record volume |

  @row-04
  @D-11a
  Scenario: The tags of an attached disk survive a crash before they are written
    Given the running VM "web"
    And a detached DATA disk "data" of 1 GiB with the pattern "kept"
    And the management server will die at the step "pivot" of "provideVmInfo"
    When the disk "data" is attached to "web"
    And the management server comes back
    Then the StorPool volume of "data" has
      | cvm  | of "web"  |
      | uuid | of "data" |
    And "data" is attached read-write to the host of "web" only
    And the guest "web" reads the pattern "kept" from "data"

  @row-05
  @D-11a
  Scenario: A detach survives a crash before the tags are cleared
    Given the running VM "web" with the DATA disk "data"
    And the pattern "kept" is written to "data"
    And the management server will die at the step "pivot" of "revokeAccess"
    When the disk "data" is detached, which fails
    And the management server comes back
    Then "data" is attached nowhere
    And the StorPool volume of "data" has
      | cvm  | none |
      | disk | none |
    And "data" holds the pattern "kept"

  @row-08
  @CS-5433
  @D-20b @D-11a @D-16b @D-25b
  Scenario Outline: Deleting a DATA disk with a safety snapshot survives a crash at "<step>"
    Given the setting "storpool.delete.after.interval" of the pool is "3600"
    And a detached DATA disk "data" of 1 GiB with the pattern "rescued"
    And the management server will die at the step "<step>" of "deleteAsync"
    When the disk "data" is deleted, which fails
    And the management server comes back
    And the disk "data" is deleted unless it is Expunged
    Then StorPool has no volume of "data"
    And StorPool has 1 safety snapshot
    When the safety snapshot of "data" is known as "rescue"
    And the volume "again" is created from the snapshot "rescue"
    Then "again" holds the pattern "rescued"

    Examples:
      | step                   |
      | safety snapshot        |
      | record safety snapshot |
      | pivot                  |
      | record deletion        |

  @row-09
  @D-20b @D-11a
  Scenario Outline: A snapshot with backup survives a crash at "<step>"
    Given the DATA disk "disk", attached, with the pattern "before"
    And the management server will die at the step "<step>" of "<operation>"
    When the snapshot "snap" of "disk" is taken, which fails
    And the management server comes back
    Then "disk" holds the pattern "before"
    When the snapshot "again" of "disk" is taken
    And the pattern "after" is written to "disk"
    Then the snapshot "again" is backed up on primary and secondary
    And the backup of "again" holds the pattern "before"
    And the snapshot "again" holds the pattern "before"

    Examples:
      | operation                      | step            |
      | takeSnapshot                   | take snapshot   |
      | takeSnapshot                   | record snapshot |
      | copyAsync snapshot => snapshot | back up         |
      | copyAsync snapshot => snapshot | record backup   |

  @row-10
  @D-20b @D-11a
  Scenario Outline: A restore from StorPool survives a crash at "<step>"
    Given the DATA disk "disk", attached, with the pattern "before"
    And the snapshot "snap" of "disk" is taken
    And the management server will die at the step "<step>" of "copyAsync snapshot => volume"
    When the volume "copy" is created from the snapshot "snap", which fails
    And the management server comes back
    And the volume "again" is created from the snapshot "snap"
    Then "again" holds the pattern "before"
    And "disk" holds the pattern "before"

    Examples:
      | step           |
      | clone snapshot |
      | record volume  |

  @row-10
  @D-20b @D-11a @D-2
  Scenario Outline: A restore from secondary storage survives a crash at "<step>"
    Given the DATA disk "disk", attached, with the pattern "before"
    And the snapshot "snap" of "disk" is taken
    And StorPool loses the snapshot of "snap"
    And the management server will die at the step "<step>" of "copyAsync snapshot => volume"
    When the volume "copy" is created from the snapshot "snap", which fails
    And the management server comes back
    And the volume "again" is created from the snapshot "snap"
    Then "again" holds the pattern "before"

    Examples:
      | step                     |
      | create volume for backup |
      | download backup          |

  @row-14
  @D-11a @D-12e @D-25a @D-32b
  Scenario Outline: A revert survives a crash at "<step>"
    Given the DATA disk "disk", detached, with the pattern "before"
    And the snapshot "snap" of "disk" is taken
    And the disk "disk" is resized to 2 GiB
    And the pattern "after" is written to "disk"
    And the management server will die at the step "<step>" of "revertSnapshot"
    When the disk "disk" is reverted to the snapshot "snap", which fails
    And the management server comes back
    Then "disk" holds the pattern "<then>"
    When the disk "disk" is reverted to the snapshot "snap"
    Then "disk" holds the pattern "before"
    And the StorPool volume of "disk" has
      | size | 1 GiB |

    Examples:
      | step        | then   |
      | detach      | after  |
      | pivot       | before |
      | set limit   | before |
      | read size   | before |
      | record size | before |

  @row-15
  @D-11a @D-25a
  Scenario Outline: A live resize survives a crash at "<step>"
    Given the DATA disk "disk", attached, with the pattern "kept"
    And the management server will die at the step "<step>" of "resize"
    When the disk "disk" is resized to 2 GiB, which fails
    And the management server comes back
    And the disk "disk" is resized to 3 GiB
    Then the StorPool volume of "disk" has
      | size | 3 GiB |
    And the inventory has the disk "disk" with
      | size | 3 GiB |
    And every guest with "disk" sees 3 GiB
    And "disk" holds the pattern "kept"

    Examples:
      | step          |
      | pivot         |
      | tell the host |
      | record size   |

  @row-16
  @D-11a @D-7a @D-7b
  Scenario Outline: Deleting a snapshot survives a crash at "<step>"
    Given the DATA disk "disk", attached, with the pattern "kept"
    And the snapshot "snap" of "disk" is taken
    And the management server will die at the step "<step>" of "deleteSnapshot"
    When the snapshot "snap" is deleted, which fails
    And the management server comes back
    And the snapshot "snap" is deleted unless it is Destroyed
    Then StorPool has no snapshot of "snap"
    And secondary storage has no snapshot
    And the snapshot "snap" is Destroyed
    And "disk" holds the pattern "kept"

    Examples:
      | step            |
      | mark            |
      | pivot           |
      | delete backup   |
      | record deletion |

  @row-25
  @D-23c @D-11a
  Scenario Outline: Deleting a pool survives a crash at "<step>"
    Given a detached DATA disk "data" of 1 GiB with the pattern "kept"
    And "data" holds the pattern "kept"
    And the disk "data" is deleted
    And the VM "maker" is expunged
    And the pool "primary" goes into maintenance
    And the management server will die at the step "<step>" of "deleteDataStore"
    When the pool "primary" is deleted, which fails
    And the management server comes back
    And the pool "primary" is deleted unless it is gone
    Then the pool "primary" is gone
    And StorPool has no check volume

    Examples:
      | step                 |
      | pivot                |
      | delete check volumes |
      | delete pool          |

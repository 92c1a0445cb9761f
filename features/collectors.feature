@collectors
Feature: What the plugin does from time to time
  It reports objects on StorPool that nobody has on record, and deletes what an operation has left behind.

  Background:
    Given a zone with 2 hosts and the StorPool pool "primary" behind a meddling proxy

  @D-11a
  Scenario: What is on record is not reported
    Given the running VM "vm" with the DATA disk "disk"
    And the qcow2 template "debian" of 1 GiB with the pattern "image"
    And the pattern "kept" is written to "disk"
    And the snapshot "snap" of "disk" is taken
    And the template "golden" is made from the snapshot "snap"
    And the VM snapshot "group" of "vm" is taken
    And the VM "web" is deployed from the template "debian"
    When the driver looks for objects that nobody has on record
    Then it reports nothing
    And "disk" holds the pattern "kept"
    And "web-root" holds the pattern "image"

  @SP-25
  @D-11a
  Scenario Outline: A <kind> with the role "<role>" that nobody has on record is reported and stays
    Given the running VM "vm" with the DATA disk "disk"
    And the pattern "kept" is written to "disk"
    And StorPool has a <kind> with the role "<role>" that nobody has on record
    And 48 h pass
    When the driver looks for objects that nobody has on record
    Then it reports 1 object
    And it reports the <kind> with the role "<role>"
    And "disk" holds the pattern "kept"

    Examples:
      | kind     | role                    |
      | volume   | volume                  |
      | volume   | check-volume-is-on-host |
      | snapshot | snapshot                |
      | snapshot | group                   |
      | snapshot | template                |

  @D-39 @D-11a
  Scenario Outline: A <kind> with the role "<role>" that an operation left behind is deleted when it is a day old
    Given the running VM "vm" with the DATA disk "disk"
    And the pattern "kept" is written to "disk"
    And StorPool has a <kind> with the role "<role>" that nobody has on record
    When the driver looks for objects that nobody has on record
    Then it reports the <kind> with the role "<role>"
    When 25 h pass
    And the driver looks for objects that nobody has on record
    Then it reports the <kind> with the role "<role>" as deleted
    And StorPool has no <kind> with the role "<role>"
    And "disk" holds the pattern "kept"

    Examples:
      | kind     | role      |
      | volume   | template  |
      | snapshot | temporary |

  @D-11a
  Scenario: Nothing is deleted where the setting says so
    Given the setting "storpool.leftovers.delete.after" of the management server is "0"
    And the running VM "vm" with the DATA disk "disk"
    And the pattern "kept" is written to "disk"
    And StorPool has a snapshot with the role "temporary" that nobody has on record
    And 48 h pass
    When the driver looks for objects that nobody has on record
    Then it reports the snapshot with the role "temporary"
    And "disk" holds the pattern "kept"

  @S-26 @D-11a
  Scenario Outline: A disk that is worked on is not reported, <state>
    Given the running VM "vm" with the DATA disk "disk"
    And the pattern "kept" is written to "disk"
    When the disk "disk" is <state> on record while the driver looks for objects that nobody has on record
    Then it reports nothing
    And "disk" holds the pattern "kept"

    Examples:
      | state        |
      | Migrating    |
      | Snapshotting |
      | Expunging    |
      | Destroy      |

  @delayed-delete
  @S-26 @CS-5433 @D-11a
  Scenario: A safety snapshot is not reported
    Given the setting "storpool.delete.after.interval" of the pool is "3600"
    And a detached DATA disk "data" of 1 GiB with the pattern "rescued"
    And the disk "data" is deleted
    And the safety snapshot of "data" is known as "rescue"
    When the driver looks for objects that nobody has on record
    Then it reports nothing
    And the snapshot "rescue" holds the pattern "rescued"

  @legacy
  @D-11a
  Scenario: A disk that still has the name of an old version is not reported
    Given a detached DATA disk "disk" of 1 GiB with the pattern "kept"
    And the disk "disk" still has the name that an old version of the plugin gave it
    When the driver looks for objects that nobody has on record
    Then it reports nothing
    And "disk" holds the pattern "kept"

  @fault @needs-fault-injection
  @D-30b @D-11a
  Scenario: A pool that does not answer is an error, and the others are looked at
    Given the pool "second" is created with the URL "storpool://{token}@other.test:{port}/ssd"
    And the running VM "vm" with the DATA disk "disk"
    And the pattern "kept" is written to "disk"
    And StorPool has a volume with the role "volume" that nobody has on record
    And StorPool at "other.test:81" no longer answers
    When the driver looks for objects that nobody has on record, which fails
    Then it reports the volume with the role "volume"
    And "disk" holds the pattern "kept"

@row-12 @template
Feature: Make a template of a snapshot, further
  A snapshot that only secondary storage has on record becomes a template there, and StorPool has nothing to do with it.

  Background:
    Given a zone with 2 hosts and the StorPool pool "primary"

  @D-11a
  Scenario Outline: A template is made of the backup of a snapshot whose <kind> disk is gone
    Given the <kind> disk "disk", detached, with the pattern "before"
    And the pattern "far" is written to "disk" at 900 MiB
    And the snapshot "snap" of "disk" is taken
    And the disk "disk" is gone from its VM "vm"
    When the template "golden" is made from the snapshot "snap"
    Then the image of "golden" holds the pattern "before"
    And the image of "golden" holds the pattern "far" at 900 MiB
    And the agents executed "BackupTemplateFromSnapshot" 0 times
    And the template "golden" is not cached
    When the VM "clone" is deployed from the template "golden"
    Then "clone-root" holds the pattern "before"
    And "clone-root" holds the pattern "far" at 900 MiB
    And the template "golden" is cached once

    Examples:
      | kind |
      | ROOT |
      | DATA |

  @D-11a
  Scenario: A template of a backup can be deleted
    Given the DATA disk "disk", detached, with the pattern "before"
    And the snapshot "snap" of "disk" is taken
    And the disk "disk" is deleted
    And the template "golden" is made from the snapshot "snap"
    When the template "golden" is deleted
    And CloudStack collects garbage
    Then there is no trace of a template but ""
    And the backup of "snap" holds the pattern "before"

  @D-11a
  Scenario: A backup that is no image becomes no template
    Given the DATA disk "disk", detached, with the pattern "before"
    And the snapshot "snap" of "disk" is taken
    And the disk "disk" is deleted
    And the backup of "snap" holds the pattern "before"
    When the template "golden" is made from the snapshot "snap" while its backup is damaged, which fails
    Then there is no trace of a template but ""
    When the template "golden" is made from the snapshot "snap"
    Then the image of "golden" holds the pattern "before"

  @D-11a
  Scenario: Two templates of one name stay apart
    Given the DATA disk "disk", detached, with the pattern "before"
    And the snapshot "first" of "disk" is taken
    And the pattern "after" is written to "disk"
    And the snapshot "second" of "disk" is taken
    When the template "golden" is made from the snapshot "first"
    And the template "silver" is made from the snapshot "second" under the name "golden"
    Then the image of "golden" holds the pattern "before"
    And the image of "silver" holds the pattern "after"
    And the base snapshot of "golden" holds the pattern "before"
    And the base snapshot of "silver" holds the pattern "after"

  @A-22 @D-6 @D-11a
  Scenario Outline: A template of a snapshot that is called <name> is an image like any other
    Given the bypass of secondary storage is on
    And the DATA disk "disk", detached, with the pattern "before"
    And the snapshot "snap" of "disk" is taken under the name "<name>"
    When the template "golden" is made from the snapshot "snap"
    Then the image of "golden" holds the pattern "before"
    When the template "golden" is deleted
    And CloudStack collects garbage
    Then there is no trace of a template but ""

    Examples:
      | name            |
      | daily/2024      |
      | ../2/its brother |

  @fault @needs-fault-injection
  @D-5b @D-11a @D-5a @D-7a
  Scenario: A template that failed does not keep its pool
    Given the bypass of secondary storage is on
    And the DATA disk "disk", detached, with the pattern "before"
    And the snapshot "snap" of "disk" is taken
    And the call "agent BackupTemplateFromSnapshot/convert" will be refused
    When the template "golden" is made from the snapshot "snap", which fails
    Then the snapshot "snap" holds the pattern "before"
    When the snapshot "snap" is deleted
    And the disk "disk" is deleted
    And the VM "vm" is expunged
    And the pool "primary" goes into maintenance
    And the pool "primary" is deleted
    Then the pool "primary" is gone

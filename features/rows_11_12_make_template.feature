@template
Feature: Make a template of a volume or of a snapshot
  The image goes to secondary storage, and a base snapshot on StorPool holds the same bytes; VMs are deployed from it.

  Background:
    Given a zone with 2 hosts and the StorPool pool "primary"

  @row-11 @D-11a
  Scenario Outline: A template of a <kind> disk, detached, has its bytes in the image and on StorPool
    Given the <kind> disk "disk", detached, with the pattern "installed"
    When the template "golden" is made from the disk "disk"
    And the pattern "later" is written to "disk"
    Then the image of "golden" holds the pattern "installed"
    And the base snapshot of "golden" holds the pattern "installed"
    And the base snapshot of "golden" has
      | name | anonymous   |
      | cs   | template    |
      | uuid | of "golden" |
      | size | 1 GiB       |
    When the VM "clone" is deployed from the template "golden"
    Then "clone-root" holds the pattern "installed"
    And "disk" holds the pattern "later"
    And the agents executed "DownloadTemplate" 0 times

    Examples:
      | kind |
      | ROOT |
      | DATA |

  @row-11 @row-02
  @D-11a @D-12a
  Scenario: A VM of a template that was made of a disk with an IOPS limit has no limit
    Given the disk offering "fast" with 500 IOPS
    And a detached DATA disk "disk" of 1 GiB with the offering "fast" with the pattern "installed"
    When the template "golden" is made from the disk "disk"
    And the VM "clone" is deployed from the template "golden"
    Then the StorPool volume of "clone-root" has
      | iops     | unlimited |
      | template | hdd       |
    And the StorPool volume of "disk" has
      | iops | 500 |
    And "clone-root" holds the pattern "installed"

  @row-11
  Scenario: A template of a disk of a running VM is refused
    Given the ROOT disk "disk", attached, with the pattern "installed"
    When the template "golden" is made from the disk "disk", which is refused
    Then there is no trace of a template but ""
    And "disk" holds the pattern "installed"

  @row-11 @D-6
  Scenario: A template that was made of a disk can be deleted
    Given the ROOT disk "disk", detached, with the pattern "installed"
    And the template "golden" is made from the disk "disk"
    When the template "golden" is deleted
    And CloudStack collects garbage
    Then there is no trace of a template but ""
    And "disk" holds the pattern "installed"

  @row-11 @fault @needs-fault-injection @D-14
  Scenario Outline: A template of a disk fails and leaves nothing behind when "<call>" is <effect>
    Given the ROOT disk "disk", detached, with the pattern "installed"
    And the call "<call>" will be <effect>
    When the template "golden" is made from the disk "disk", which fails
    Then there is no trace of a template but ""
    And "disk" holds the pattern "installed"
    When the template "golden" is made from the disk "disk"
    Then the image of "golden" holds the pattern "installed"

    Examples:
      | call                                      | effect  |
      | POST VolumeSnapshot                       | refused |
      | agent BackupTemplateFromSnapshot/attach   | refused |
      | agent BackupTemplateFromSnapshot/mount    | refused |
      | agent BackupTemplateFromSnapshot/convert  | refused |
      | agent BackupTemplateFromSnapshot/describe | refused |

  @row-12 @D-11a @CS-11452
  Scenario Outline: A template of a snapshot of a <kind> disk, <state>, the bypass <bypass>, has the bytes of the snapshot
    Given the bypass of secondary storage is <bypass>
    And the <kind> disk "disk", <state>, with the pattern "before"
    And the snapshot "snap" of "disk" is taken
    And the pattern "after" is written to "disk"
    When the template "golden" is made from the snapshot "snap"
    Then the image of "golden" holds the pattern "before"
    And the base snapshot of "golden" holds the pattern "before"
    And the base snapshot of "golden" has
      | name | anonymous   |
      | cs   | template    |
      | uuid | of "golden" |
    When the VM "clone" is deployed from the template "golden"
    Then "clone-root" holds the pattern "before"
    And "disk" holds the pattern "after"
    And the snapshot "snap" holds the pattern "before"

    Examples:
      | kind | state    | bypass |
      | ROOT | attached | on     |
      | ROOT | detached | off    |
      | DATA | attached | off    |
      | DATA | detached | on     |

  @row-12 @D-11a @D-7a
  Scenario: A template outlives the snapshot that it was made of
    Given the DATA disk "disk", detached, with the pattern "before"
    And the snapshot "snap" of "disk" is taken
    And the template "golden" is made from the snapshot "snap"
    When the snapshot "snap" is deleted
    And the disk "disk" is deleted
    And the VM "clone" is deployed from the template "golden"
    Then "clone-root" holds the pattern "before"

  @row-12 @delayed-delete @CS-5433 @D-11a
  Scenario: A template of a safety snapshot is refused
    Given the setting "storpool.delete.after.interval" of the pool is "3600"
    And a detached DATA disk "data" of 1 GiB with the pattern "rescued"
    And the disk "data" is deleted
    And the safety snapshot of "data" is known as "rescue"
    When the template "golden" is made from the snapshot "rescue", which fails
    Then there is no trace of a template but ""
    When the volume "again" is created from the snapshot "rescue"
    Then "again" holds the pattern "rescued"

  @row-12 @fault @needs-fault-injection @D-11a @D-5a @D-5c
  Scenario Outline: A template of a snapshot fails and leaves nothing behind when "<call>" is <effect>
    Given the DATA disk "disk", detached, with the pattern "before"
    And the snapshot "snap" of "disk" is taken
    And the call "<call>" will be <effect>
    When the template "golden" is made from the snapshot "snap", which fails
    Then there is no trace of a template but ""
    And the snapshot "snap" holds the pattern "before"
    When the template "golden" is made from the snapshot "snap"
    Then the image of "golden" holds the pattern "before"

    Examples:
      | call                                      | effect  |
      | POST VolumeCreate                         | refused |
      | agent BackupTemplateFromSnapshot/convert  | refused |
      | agent BackupTemplateFromSnapshot/describe | refused |
      | agent BackupTemplateFromSnapshot/answer   | lost    |

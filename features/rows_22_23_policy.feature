@policy
@D-11a
Feature: Set and delete the backup policy of a VM
  The resource tag vc-policy of a VM is the tag of the same name on all its disks.

  Background:
    Given a zone with 2 hosts and the StorPool pool "primary"
    And the running VM "web" with the DATA disk "data"
    And the pattern "kept" is written to "data"

  @row-22
  Scenario Outline: The policy of a <state> VM is on all its disks
    Given the VM "web" becomes <state>
    When the VM "web" gets the tag "vc-policy" of "nightly"
    Then the StorPool volume of "web-root" has
      | vc-policy | nightly       |
      | uuid      | of "web-root" |
      | cvm       | of "web"      |
      | cs        | volume        |
      | disk      | 0             |
    And the StorPool volume of "data" has
      | vc-policy | nightly   |
      | uuid      | of "data" |
      | cvm       | of "web"  |
      | cs        | volume    |
      | disk      | 1         |
    And "data" holds the pattern "kept"

    Examples:
      | state   |
      | Running |
      | Stopped |

  @row-22
  Scenario: Another tag of a VM is none of StorPool's business
    When the VM "web" gets the tag "owner" of "somebody else"
    Then the hosts asked StorPool to attach nothing meanwhile
    And the StorPool volume of "data" has
      | vc-policy | none |
    And "data" holds the pattern "kept"

  @row-22
  Scenario: A policy that the VM has already is refused
    Given the VM "web" gets the tag "vc-policy" of "nightly"
    When the VM "web" gets the tag "vc-policy" of "weekly", which is refused
    Then the StorPool volume of "data" has
      | vc-policy | nightly |
    And "data" holds the pattern "kept"

  @row-22
  Scenario: A disk gets the policy of its VM when it is attached and loses it when it is detached
    Given the VM "web" gets the tag "vc-policy" of "nightly"
    And a detached DATA disk "late" of 1 GiB with the pattern "late-1"
    When the disk "late" is attached to "web"
    Then the StorPool volume of "late" has
      | vc-policy | nightly |
    When the disk "late" is detached
    Then the StorPool volume of "late" has
      | vc-policy | none |
    And "late" holds the pattern "late-1"

  @row-22 @D-29a
  Scenario Outline: A policy that StorPool does not take, "<value>", is refused before anything changes
    When the VM "web" gets the tag "vc-policy" of "<value>", which is refused
    Then the StorPool volume of "data" has
      | vc-policy | none |
    And "data" holds the pattern "kept"

    Examples:
      | value       |
      | every night |
      | naïve       |

  @row-22 @D-29a @SP-7
  Scenario: Only an administrator sets a policy when the setting says so
    Given the setting "storpool.vc.policy.admin.only" of the management server is "true"
    When the VM "web" gets the tag "vc-policy" of "nightly" from a user, which is refused
    And the VM "web" gets the tag "vc-policy" of "nightly"
    And the VM "web" loses the tag "vc-policy" by a user, which is refused
    Then the StorPool volume of "data" has
      | vc-policy | nightly |
    And "data" holds the pattern "kept"

  @row-22
  Scenario: A user sets a policy unless the setting forbids it
    When the VM "web" gets the tag "vc-policy" of "nightly" from a user
    Then the StorPool volume of "data" has
      | vc-policy | nightly |
    And "data" holds the pattern "kept"

  @row-22 @fault @needs-fault-injection @D-29b
  Scenario: A policy that could not be set is told, and set later
    Given the call "POST VolumeUpdate" will be refused 1 times
    When the VM "web" gets the tag "vc-policy" of "nightly", which fails
    Then the StorPool volume of "web-root" has
      | vc-policy | nightly |
    And the StorPool volume of "data" has
      | vc-policy | nightly |
    And "data" holds the pattern "kept"

  @row-23
  Scenario Outline: The policy of a <state> VM is taken from all its disks
    Given the VM "web" gets the tag "vc-policy" of "nightly"
    And the VM "web" becomes <state>
    When the VM "web" loses the tag "vc-policy"
    Then the StorPool volume of "web-root" has
      | vc-policy | none     |
      | cvm       | of "web" |
    And the StorPool volume of "data" has
      | vc-policy | none     |
      | cvm       | of "web" |
      | disk      | 1        |
    And "data" holds the pattern "kept"
    When the VM "web" gets the tag "vc-policy" of "weekly"
    Then the StorPool volume of "data" has
      | vc-policy | weekly |

    Examples:
      | state   |
      | Running |
      | Stopped |

  @row-23
  Scenario: A policy that the VM does not have is not deleted
    When the VM "web" loses the tag "vc-policy", which is refused
    Then "data" holds the pattern "kept"

  @row-23 @D-29b @fault @needs-fault-injection
  Scenario: A policy that could not be taken away is told, and taken away later
    Given the VM "web" gets the tag "vc-policy" of "nightly"
    And the call "POST VolumeUpdate" will be refused
    When the VM "web" loses the tag "vc-policy", which fails
    Then the StorPool volume of "web-root" has
      | vc-policy | none |
    And the StorPool volume of "data" has
      | vc-policy | none |
    And "data" holds the pattern "kept"

  @crash @row-22
  Scenario: A policy survives a crash
    Given the management server will die at the step "pivot" of "provideVmTags"
    When the VM "web" gets the tag "vc-policy" of "nightly", which fails
    And the management server comes back
    Then the StorPool volume of "web-root" has
      | vc-policy | nightly |
    And "data" holds the pattern "kept"

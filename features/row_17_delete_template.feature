@row-17 @template
Feature: Delete a template
  The image goes from secondary storage at once; the cached copies on pools go with CloudStack's clean-up.

  Background:
    Given a zone with 2 hosts and the StorPool pool "primary"

  Scenario: The cached copy of a deleted template goes when no volume needs it
    Given the qcow2 template "debian" of 1 GiB with the pattern "image"
    And the running VM "other"
    And the pattern "kept" is written to "other-root"
    And the VM "web" is deployed from the template "debian"
    And the VM "web" is expunged
    When the template "debian" is deleted
    And CloudStack collects garbage
    And CloudStack collects garbage
    Then the template "debian" is not cached
    And "other-root" holds the pattern "kept"

  @KV-G1
  Scenario: The clean-up leaves a template alone that is not deleted
    Given the qcow2 template "debian" of 1 GiB with the pattern "image"
    And the VM "web" is deployed from the template "debian"
    When CloudStack collects garbage
    And CloudStack collects garbage
    Then the template "debian" is cached once
    And "web-root" holds the pattern "image"

  @KV-G1
  Scenario: A ROOT disk outlives its template
    Given the qcow2 template "debian" of 1 GiB with the pattern "image"
    And the VM "web" is deployed from the template "debian"
    When the template "debian" is deleted
    And CloudStack collects garbage
    And CloudStack collects garbage
    Then "web-root" holds the pattern "image"
    When the VM "web" is stopped
    And the VM "web" is started
    Then the guest "web" reads the pattern "image" from "web-root"

  @D-6
  Scenario: The base snapshot of a deleted template goes with it
    Given the qcow2 template "debian" of 1 GiB with the pattern "image"
    And the template "debian" has a base snapshot on StorPool
    And the running VM "other"
    And the pattern "kept" is written to "other-root"
    And the VM "web" is deployed from the template "debian"
    And the VM "web" is expunged
    When the template "debian" is deleted
    And CloudStack collects garbage
    Then the template "debian" is not cached
    And StorPool has no base snapshot of "debian"
    And "other-root" holds the pattern "kept"

  Scenario: A deleted template cannot be deployed
    Given the qcow2 template "debian" of 1 GiB with the pattern "image"
    And the running VM "other"
    And the pattern "kept" is written to "other-root"
    When the template "debian" is deleted
    And the VM "web" is deployed from the template "debian", which is refused
    Then "other-root" holds the pattern "kept"

  @fault @needs-fault-injection
  @A-25
  Scenario Outline: A clean-up that fails when "<call>" is <effect> is made up for by the next one
    Given the qcow2 template "debian" of 1 GiB with the pattern "image"
    And the running VM "other"
    And the pattern "kept" is written to "other-root"
    And the VM "web" is deployed from the template "debian"
    And the VM "web" is expunged
    And the template "debian" is deleted
    And the call "<call>" will be <effect>
    When CloudStack collects garbage, which fails
    And CloudStack collects garbage
    Then the template "debian" is not cached
    And "other-root" holds the pattern "kept"

    Examples:
      | call                         | effect  |
      | agent DestroyTemplate/delete | refused |
      | POST SnapshotDelete          | refused |
      | POST SnapshotDelete          | lost    |

@row-02 @template @direct-download @CS-9833
Feature: Hosts download a template themselves
  A host downloads the image of a template that no secondary storage has, makes the cached copy of it on StorPool, and
  removes what it has downloaded. VMs are deployed from the copy as from any other.

  Background:
    Given a zone with 2 hosts and the StorPool pool "primary"

  @A-17a @A-17c
  Scenario Outline: A VM is deployed from a template that a host downloads, <how>
    Given the template "debian" of 1 GiB with the pattern "image", which hosts download themselves<packed>
    When the VM "web" is deployed from the template "debian"
    Then "web-root" holds the pattern "image"
    And the template "debian" is cached once
    And the cached copy of "debian" is on record with 1 GiB
    And the cached copy of "debian" has
      | name     | anonymous   |
      | size     | 1 GiB       |
      | cs       | template    |
      | uuid     | of "debian" |
      | template | hdd         |
    And the StorPool volume of "web-root" has
      | parent | the cached copy of "debian" |
    And no host keeps what it has downloaded
    When the VM "api" is deployed from the template "debian"
    Then "api-root" holds the pattern "image"
    And the agents executed "DirectDownload" 1 time

    Examples:
      | how               | packed   |
      | as it is          |          |
      | out of an archive | , packed |

  @A-17c
  Scenario: A template that a host has downloaded can be deleted
    Given the template "debian" of 1 GiB with the pattern "image", which hosts download themselves
    And the VM "web" is deployed from the template "debian"
    And "web-root" holds the pattern "image"
    And the VM "web" is expunged
    When the template "debian" is deleted
    And CloudStack collects garbage
    Then the template "debian" is not cached

  @A-17b
  Scenario: A download that is no image is refused with the reason
    Given the template "debian" of 1 GiB with the pattern "image", which hosts download themselves, broken
    And the running VM "other"
    And the pattern "kept" is written to "other-root"
    When the VM "web" is deployed from the template "debian", which fails
    Then the error says "image"
    And the template "debian" is not cached
    And no host keeps what it has downloaded
    And "other-root" holds the pattern "kept"

  @fault @needs-fault-injection
  @A-17b @A-17c @A-14 @A-26
  Scenario Outline: A download by a host fails with the reason and leaves nothing when "<call>" is <effect>
    Given the template "debian" of 1 GiB with the pattern "image", which hosts download themselves
    And the call "<call>" will be <effect>
    When the VM "web" is deployed from the template "debian", which fails
    Then the error says "<reason>"
    And the template "debian" is not cached
    And no host keeps what it has downloaded
    When the VM "web" is expunged
    And the VM "web" is deployed from the template "debian"
    Then "web-root" holds the pattern "image"
    And the template "debian" is cached once

    Examples:
      | call                          | effect  | reason    |
      | POST VolumeCreate             | lost    | no answer |
      | agent DirectDownload/create   | refused | create    |
      | agent DirectDownload/attach   | refused | attach    |
      | agent DirectDownload/convert  | refused | convert   |
      | agent DirectDownload/snapshot | refused | snapshot  |
      | agent DirectDownload/convert  | cut     | no answer |
      | agent DirectDownload/answer   | lost    | no answer |

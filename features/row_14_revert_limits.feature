@row-14 @revert
Feature: Revert where StorPool resets the limits of a volume
  Whether a revert keeps the limits of a volume is StorPool's business; the volume must have its own afterwards.

  Background:
    Given a zone with 2 hosts and the StorPool pool "primary" where a revert resets limits

  @D-11a @D-12e
  Scenario Outline: A disk of an offering with <details> has the limit <iops> after a revert that reset it
    Given the disk offering "one" with <details>
    And a detached DATA disk "disk" of 1 GiB with the offering "one" with the pattern "before"
    And the snapshot "snap" of "disk" is taken
    And the StorPool template "hdd" from now on limits to 1000 IOPS
    When the disk "disk" is reverted to the snapshot "snap"
    Then the StorPool volume of "disk" has
      | iops | <iops> |
    And "disk" holds the pattern "before"

    Examples:
      | details    | iops      |
      | 300 IOPS   | 300       |
      | no details | unlimited |

@row-09 @recurring
Feature: Recurring snapshots
  CloudStack takes snapshots of a volume by itself and keeps the newest ones.

  Background:
    Given a zone with 2 hosts and the StorPool pool "primary"

  @D-11a @D-7a
  Scenario Outline: A <kind> disk, <state>, with the bypass <bypass>, has its newest two snapshots
    Given the bypass of secondary storage is <bypass>
    And the <kind> disk "disk", <state>, with the pattern "first"
    When snapshots of "disk" are to be taken every 24 h and 2 of them kept
    Then 23 h pass and no snapshot of "disk" is due
    When 1 h pass and the snapshot "one" of "disk" is taken by its policy
    And the pattern "second" is written to "disk"
    And 24 h pass and the snapshot "two" of "disk" is taken by its policy
    And the pattern "third" is written to "disk"
    And 24 h pass and the snapshot "three" of "disk" is taken by its policy
    Then the snapshot "one" is Destroyed
    And StorPool has 0 snapshots of "one"
    And the snapshot "two" holds the pattern "second"
    And the snapshot "three" holds the pattern "third"
    And the snapshot "three" is backed up on <where>
    And "disk" holds the pattern "third"

    Examples:
      | kind | state    | bypass | where                 |
      | ROOT | attached | on     | primary only          |
      | ROOT | detached | off    | primary and secondary |
      | DATA | attached | off    | primary and secondary |
      | DATA | detached | on     | primary only          |

  @D-11a
  Scenario: A snapshot that fails leaves nothing, and the policy goes on
    Given the bypass of secondary storage is on
    And the DATA disk "disk", attached, with the pattern "first"
    And snapshots of "disk" are to be taken every 24 h and 2 of them kept
    And the call "POST VolumeSnapshot" will be refused
    When 24 h pass and the snapshot "lost" of "disk" is taken by its policy, which fails
    Then the snapshot "lost" is Error
    When 24 h pass and the snapshot "kept" of "disk" is taken by its policy
    Then the snapshot "kept" holds the pattern "first"

  @encrypted
  @D-11a @D-25c
  Scenario Outline: An encrypted DATA disk, <state>, with the bypass <bypass>, has no recurring snapshots
    Given the disk offering "encrypted" with encryption
    And the compute offering "encrypted" with encryption
    And the bypass of secondary storage is <bypass>
    And the encrypted DATA disk "disk", <state>, with the pattern "secret"
    When snapshots of "disk" are to be taken every 24 h and 2 of them kept, which is refused
    Then 48 h pass and no snapshot of "disk" is due
    And "disk" holds the pattern "secret"

    Examples:
      | state    | bypass |
      | attached | on     |
      | attached | off    |
      | detached | on     |
      | detached | off    |

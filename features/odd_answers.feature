@odd-answers
Feature: Answers that lack a part
  Answers that are valid and yet lack a part end in a clear error and change nothing; statistics keep the last figures.

  Background:
    Given a zone with 2 hosts and the StorPool pool "primary" behind a meddling proxy
    And the running VM "web"
    And the pattern "kept" is written to "web-root"

  @row-27 @KV-H1
  @A-5
  Scenario: A list of services without clients does not end a host's heartbeat
    Given StorPool will once answer services without clients
    When the heartbeats of the hosts run
    And the heartbeats of the hosts run
    Then no host has rebooted
    And "web-root" holds the pattern "kept"

  @row-03 @SP-54
  @D-20b @D-20c @D-11a
  Scenario: A volume that StorPool answers without a name is not taken for created
    Given the DATA disk "data" of 1 GiB is created
    And StorPool will once answer a new volume without a name
    When the disk "data" is attached to "web", which fails
    Then StorPool has no volume of "data"
    When the disk "data" is attached to "web"
    And the pattern "fresh" is written to "data"
    Then "data" holds the pattern "fresh"

  @row-08 @delayed-delete @SUS-15
  @CS-5433
  @D-11a @D-16f
  Scenario: A cluster that does not answer ends no safety snapshot
    Given the setting "storpool.delete.after.interval" of the pool is "3600"
    And a detached DATA disk "data" of 1 GiB with the pattern "rescued"
    And the disk "data" is deleted
    And the safety snapshot of "data" is known as "rescue"
    And StorPool will once answer clusters without a response
    When the driver looks for expired safety snapshots, which fails
    Then the snapshot "rescue" is BackedUp
    When the volume "again" is created from the snapshot "rescue"
    Then "again" holds the pattern "rescued"

  @row-29 @CS-7404 @SP-13
  Scenario: The statistics are those of StorPool
    When the statistics are collected
    Then the statistics say that "web-root" uses 16 KiB of 1 GiB
    And the statistics know the pool "primary"
    And "web-root" holds the pattern "kept"

  @row-29 @CS-7404 @SUS-15
  @D-30a
  Scenario: A cluster that does not answer leaves the last figures of a volume
    Given the statistics are collected
    And StorPool will once answer statistics without a response
    When the statistics are collected, whatever comes of it
    Then the statistics say that "web-root" uses 16 KiB of 1 GiB
    And "web-root" holds the pattern "kept"

  @row-29 @KV-Z1 @SUS-22
  @D-30b
  Scenario: A pool that does not answer leaves the figures of the others alone
    Given the pool "second" is created with the URL "storpool://{token}@other.test:{port}/ssd"
    And StorPool at "other.test:81" no longer answers
    When the statistics are collected, whatever comes of it
    Then the statistics say that "web-root" uses 16 KiB of 1 GiB
    And the statistics know the pool "primary"
    And "web-root" holds the pattern "kept"

  @row-29 @KV-Z1
  @D-30a @D-30c
  Scenario: The room of a template is not the sum over those clusters that answered
    Given the statistics are collected
    And StorPool will once answer template figures without a response
    When the statistics are collected, whatever comes of it
    Then the statistics know the pool "primary"
    And "web-root" holds the pattern "kept"

  @row-19 @D-8b @S-20
  @D-20b @D-11a
  Scenario: A VM snapshot that lacks a member fails and leaves nothing behind
    Given the DATA disk "data" of 1 GiB is created
    And the disk "data" is attached to "web"
    And StorPool will once answer a group snapshot without its last member
    When the VM snapshot "group" of "web" is taken, which fails
    Then the VM snapshot "group" is Error
    And StorPool has no members of the VM snapshot "group"
    When the VM snapshot "again" of "web" is taken
    Then StorPool has 2 members of the VM snapshot "again"
    And "web-root" holds the pattern "kept"

@row-28 @snapshot @multi-cluster @needs-two-clusters
Feature: Copy a snapshot of a multi-cluster to another zone
  Exports are asked of the StorPool cluster in which the snapshot lives, whose endpoint its CloudStack cluster names.

  Background:
    Given a zone with 2 hosts and the StorPool pool "primary", with a cluster beside it and another StorPool far away
    And a CloudStack cluster with 1 host on the StorPool cluster beside it
    And a second zone with 1 host and the pool "far" on the other StorPool

  @S-10 @D-11a @D-7a
  Scenario Outline: A snapshot that lives in the cluster beside is copied, the <part> first in its endpoint
    Given the endpoint of that StorPool cluster is on record, the <part> first
    And the DATA disk "disk", detached, with the pattern "before"
    And StorPool moves the volume of "disk" to the cluster beside it
    And the snapshot "snap" of "disk" is taken
    When the snapshot "snap" is copied to the pool "far"
    Then the other StorPool has 1 snapshot of "snap"
    When 2 min pass
    And the driver ends the exports of what has arrived
    And the volume "copy" is created in the second zone from the snapshot "snap"
    Then "copy" holds the pattern "before"
    When the snapshot "snap" is deleted
    Then StorPool has no snapshot of "snap"
    And the other StorPool has no snapshots of "snap"
    And "copy" holds the pattern "before"

    Examples:
      | part    |
      | address |
      | token   |

  @D-21b @D-11a
  Scenario: A snapshot that lives in the cluster of its pool is copied without a look at others
    Given the DATA disk "disk", detached, with the pattern "before"
    And the snapshot "snap" of "disk" is taken
    When the snapshot "snap" is copied to the pool "far"
    Then StorPool was not asked "POST SnapshotUpdate" meanwhile
    And the other StorPool has 1 snapshot of "snap"
    And StorPool exports the snapshot "snap" to "far"
    And the snapshot "snap" holds the pattern "before"

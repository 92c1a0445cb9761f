@row-28 @snapshot @needs-two-clusters
Feature: Copy a snapshot to another zone
  The StorPool of the other zone fetches the snapshot, which keeps its global id. The export ends when all data has arrived,
  and only that one.

  Background:
    Given a zone with 2 hosts and the StorPool pool "primary", with another StorPool far away
    And a second zone with 1 host and the pool "far" on the other StorPool

  @CS-11351 @CS-9478
  @D-11a
  Scenario Outline: A snapshot of a <kind> disk, the bypass <bypass>, is copied and restored in the other zone
    Given the bypass of secondary storage is <bypass>
    And the <kind> disk "disk", attached, with the pattern "before"
    And the pattern "far" is written to "disk" at 900 MiB
    And the snapshot "snap" of "disk" is taken
    And the pattern "after" is written to "disk"
    When the snapshot "snap" is copied to the pool "far"
    Then the other StorPool has 1 snapshot of "snap"
    And StorPool exports the snapshot "snap" to "far"
    And the snapshot "snap" is on record in the pool "far" as well
    When 2 min pass
    And the driver ends the exports of what has arrived
    Then StorPool exports the snapshot "snap" nowhere
    When the volume "copy" is created in the second zone from the snapshot "snap"
    Then "copy" holds the pattern "before"
    And "copy" holds the pattern "far" at 900 MiB
    And the StorPool volume of "copy" has
      | parent   | the snapshot "snap" |
      | template | ssd                 |
    And the snapshot "snap" holds the pattern "before"
    And "disk" holds the pattern "after"

    Examples:
      | kind | bypass |
      | ROOT | on     |
      | ROOT | off    |
      | DATA | on     |
      | DATA | off    |

  @D-11a
  Scenario Outline: A snapshot of a <kind> disk that nobody uses, the bypass <bypass>, is copied and restored in the other zone
    Given the bypass of secondary storage is <bypass>
    And the <kind> disk "disk", detached, with the pattern "before"
    And the snapshot "snap" of "disk" is taken
    And the pattern "after" is written to "disk"
    When the snapshot "snap" is copied to the pool "far"
    And 2 min pass
    And the driver ends the exports of what has arrived
    And the volume "copy" is created in the second zone from the snapshot "snap"
    Then "copy" holds the pattern "before"
    And "disk" holds the pattern "after"
    And StorPool exports the snapshot "snap" nowhere

    Examples:
      | kind | bypass |
      | ROOT | on     |
      | ROOT | off    |
      | DATA | on     |

  @encrypted
  @D-11a @D-7a @D-25c @A-2 @A-24 @SUS-3
  Scenario Outline: The snapshot of an encrypted <kind> disk, <state>, the bypass <bypass>, is copied as it is and restored nowhere
    Given the setting "storpool.encrypted.snapshot.backup" of the pool is "true"
    And the bypass of secondary storage is <bypass>
    And the encrypted <kind> disk "disk", <state>, with the pattern "before"
    And the snapshot "snap" of "disk" is taken
    And the pattern "after" is written to "disk"
    When the snapshot "snap" is copied to the pool "far"
    And 2 min pass
    And the driver ends the exports of what has arrived
    Then StorPool exports the snapshot "snap" nowhere
    And the other StorPool has 1 snapshot of "snap"
    And the snapshot "snap" lies in one LUKS layer
    And the snapshot "snap" holds the pattern "before"
    When the volume "copy" is created in the second zone from the snapshot "snap", which is refused
    Then the error says "encrypted"
    When the snapshot "snap" is deleted
    Then StorPool has no snapshot of "snap"
    And the other StorPool has no snapshots of "snap"
    And "disk" holds the pattern "after"

    Examples:
      | kind | state    | bypass |
      | ROOT | attached | on     |
      | ROOT | attached | off    |
      | ROOT | detached | on     |
      | ROOT | detached | off    |
      | DATA | attached | on     |
      | DATA | attached | off    |
      | DATA | detached | on     |
      | DATA | detached | off    |

  @D-9a @D-11a
  Scenario: An export stays while the data is on its way
    Given the DATA disk "disk", detached, with the pattern "before"
    And the snapshot "snap" of "disk" is taken
    When the snapshot "snap" is copied to the pool "far"
    And the driver ends the exports of what has arrived
    Then StorPool exports the snapshot "snap" to "far"
    When the volume "copy" is created in the second zone from the snapshot "snap"
    Then "copy" holds the pattern "before"
    When 2 min pass
    And the driver ends the exports of what has arrived
    Then StorPool exports the snapshot "snap" nowhere
    And "copy" holds the pattern "before"

  @D-9b @D-11a
  Scenario: The end of an export leaves another one of the same snapshot alone
    Given the DATA disk "disk", detached, with the pattern "before"
    And the snapshot "snap" of "disk" is taken
    And somebody else exports the snapshot "snap" to another location
    When the snapshot "snap" is copied to the pool "far"
    And 2 min pass
    And the driver ends the exports of what has arrived
    Then StorPool exports the snapshot "snap" to that other location only
    And the snapshot "snap" holds the pattern "before"

  @D-11a @D-7a
  Scenario: A copy lives on when its snapshot is deleted in the first zone
    Given the DATA disk "disk", detached, with the pattern "before"
    And the snapshot "snap" of "disk" is taken
    And the snapshot "snap" is copied to the pool "far"
    And 2 min pass
    And the driver ends the exports of what has arrived
    And the volume "copy" is created in the second zone from the snapshot "snap"
    When the snapshot "snap" is deleted
    Then the snapshot "snap" is Destroyed
    And StorPool has no snapshot of "snap"
    And the other StorPool has no snapshots of "snap"
    And secondary storage has no snapshot
    And "copy" holds the pattern "before"

  @D-11a @D-7a @CS-5433
  Scenario: A copied snapshot leaves nothing behind when it is deleted after its disk
    Given the bypass of secondary storage is off
    And the DATA disk "disk", detached, with the pattern "before"
    And the snapshot "snap" of "disk" is taken
    And the snapshot "snap" is copied to the pool "far"
    And 2 min pass
    And the driver ends the exports of what has arrived
    When the disk "disk" is deleted
    And the volume "copy" is created in the second zone from the snapshot "snap"
    And the snapshot "snap" is deleted
    Then the snapshot "snap" is Destroyed
    And "copy" holds the pattern "before"
    And StorPool has no snapshot of "snap"
    And the other StorPool has no snapshots of "snap"
    And secondary storage has no snapshot

  @D-7d @D-11a @D-7a
  Scenario: A snapshot that is still exported is not deleted, and is deleted when the export has ended
    Given the DATA disk "disk", detached, with the pattern "before"
    And the snapshot "snap" of "disk" is taken
    And the snapshot "snap" is copied to the pool "far"
    When the snapshot "snap" is deleted, which fails
    Then the error says "exported"
    And the snapshot "snap" is BackedUp
    When 2 min pass
    And the driver ends the exports of what has arrived
    And the snapshot "snap" is deleted
    Then the snapshot "snap" is Destroyed
    And "disk" holds the pattern "before"

  @D-7d @SUS-18 @D-11a
  Scenario Outline: A deletion that StorPool refuses because of an export says so in whatever words, "<words>"
    Given the DATA disk "disk", detached, with the pattern "before"
    And the snapshot "snap" of "disk" is taken
    And the snapshot "snap" is copied to the pool "far"
    And the call "POST SnapshotDelete" will be refused with "invalidParam", saying "<words>"
    When the snapshot "snap" is deleted, which fails
    Then the error says "snapshot is still exported to another cluster"
    And the snapshot "snap" is BackedUp
    And "disk" holds the pattern "before"

    Examples:
      | words                    |
      | Exported to location far |
      | in use elsewhere         |

  @D-11a
  Scenario: A snapshot is not copied to the zone where it is
    Given the DATA disk "disk", detached, with the pattern "before"
    And the snapshot "snap" of "disk" is taken
    When the snapshot "snap" is copied to the pool "primary", which is refused
    Then "disk" holds the pattern "before"

  @CS-7873
  @D-11a
  Scenario: A snapshot is not copied twice
    Given the DATA disk "disk", detached, with the pattern "before"
    And the snapshot "snap" of "disk" is taken
    And the snapshot "snap" is copied to the pool "far"
    When the snapshot "snap" is copied to the pool "far", which is refused
    Then the other StorPool has 1 snapshot of "snap"
    And "disk" holds the pattern "before"

  @CS-9478
  @D-11a
  Scenario: A snapshot is not copied while the location of the other zone is not known
    Given the DATA disk "disk", detached, with the pattern "before"
    And the snapshot "snap" of "disk" is taken
    And the setting "sp.cluster.location" of the pool "far" is ""
    When the snapshot "snap" is copied to the pool "far", which fails
    Then StorPool exports the snapshot "snap" nowhere
    And the other StorPool has no snapshots of "snap"
    And "disk" holds the pattern "before"

  @D-7d @D-11a @D-7a
  Scenario: A snapshot that is deleted in one zone and not in the other is not deleted
    Given the DATA disk "disk", detached, with the pattern "before"
    And the snapshot "snap" of "disk" is taken
    And the snapshot "snap" is copied to the pool "far"
    And 2 min pass
    And the driver ends the exports of what has arrived
    And the call "POST SnapshotDelete" will be refused with "accessDenied"
    When the snapshot "snap" is deleted, which fails
    And the snapshot "snap" is deleted
    Then the snapshot "snap" is Destroyed
    And StorPool has no snapshot of "snap"
    And the other StorPool has no snapshots of "snap"
    And "disk" holds the pattern "before"

  @fault @needs-fault-injection @CS-9478
  @D-9c @D-11a
  Scenario Outline: A copy fails and leaves neither export nor copy when "<call>" of <where> StorPool is refused
    Given the DATA disk "disk", detached, with the pattern "before"
    And the snapshot "snap" of "disk" is taken
    And the call "<call>" of <where> StorPool will be refused with "accessDenied"
    When the snapshot "snap" is copied to the pool "far", which fails
    Then StorPool exports the snapshot "snap" nowhere
    And the other StorPool has no snapshots of "snap"
    And the snapshot "snap" is BackedUp
    When the snapshot "snap" is copied to the pool "far"
    Then the other StorPool has 1 snapshot of "snap"
    And the snapshot "snap" holds the pattern "before"

    Examples:
      | call                    | where     |
      | POST SnapshotExport     | the first |
      | POST SnapshotFromRemote | the other |
      | POST SnapshotReconcile  | the other |

  @fault @needs-fault-injection
  @D-11a
  Scenario: An export that cannot be ended now ends later
    Given the DATA disk "disk", detached, with the pattern "before"
    And the snapshot "snap" of "disk" is taken
    And the snapshot "snap" is copied to the pool "far"
    And 2 min pass
    And the call "POST SnapshotUnexport" of the first StorPool will be refused with "accessDenied"
    When the driver ends the exports of what has arrived, which fails
    Then StorPool exports the snapshot "snap" to "far"
    When the driver ends the exports of what has arrived
    Then StorPool exports the snapshot "snap" nowhere
    And "disk" holds the pattern "before"

  @crash @CS-9478
  @D-11a
  Scenario Outline: A management server that dies at "<step>" of a copy leaves neither export nor copy, or both
    Given the DATA disk "disk", detached, with the pattern "before"
    And the snapshot "snap" of "disk" is taken
    And the management server will die at the step "<step>" of "copySnapshot"
    When the snapshot "snap" is copied to the pool "far", which fails
    And the management server comes back
    Then StorPool exports the snapshot "snap" nowhere
    And the other StorPool has no snapshots of "snap"
    When the snapshot "snap" is copied to the pool "far"
    Then the other StorPool has 1 snapshot of "snap"
    And the snapshot "snap" holds the pattern "before"

    Examples:
      | step      |
      | export    |
      | fetch     |
      | reconcile |

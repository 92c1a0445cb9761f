@row-13 @download
Feature: Download a volume
  The volume is copied to secondary storage from a temporary snapshot, and stays what it is.

  Background:
    Given a zone with 2 hosts and the StorPool pool "primary"

  @A-9a @A-9c @D-11a
  Scenario Outline: The download of a <kind> disk that nobody uses holds its bytes
    Given the <kind> disk "disk", detached, with the pattern "before"
    And the pattern "far" is written to "disk" at 900 MiB
    And the StorPool volume of "disk" is remembered
    When the disk "disk" is downloaded
    And the pattern "after" is written to "disk"
    Then the download of "disk" holds the pattern "before"
    And the download of "disk" holds the pattern "far" at 900 MiB
    And the download of "disk" is on record with 1 GiB
    And secondary storage has 1 volume
    And the StorPool volume of "disk" is the same
    And StorPool has no temporary snapshots
    And "disk" is attached nowhere
    And "disk" holds the pattern "after"

    Examples:
      | kind |
      | ROOT |
      | DATA |

  @D-11a
  Scenario Outline: A <kind> disk of a running VM is not downloaded
    Given the <kind> disk "disk", attached, with the pattern "before"
    When the disk "disk" is downloaded, which is refused
    Then secondary storage has no volumes
    And "disk" holds the pattern "before"

    Examples:
      | kind |
      | ROOT |
      | DATA |

  @A-9a @D-11a
  Scenario: A download that is there already is used again
    Given the DATA disk "disk", detached, with the pattern "before"
    When the disk "disk" is downloaded
    And the disk "disk" is downloaded
    Then the agents executed "CopyVolumeToSecondary" 1 time
    And the download of "disk" holds the pattern "before"

  @A-9a @D-11a
  Scenario: A download that has expired leaves nothing and can be made again
    Given the DATA disk "disk", detached, with the pattern "before"
    And the disk "disk" is downloaded
    When the download of "disk" expires
    Then secondary storage has no volumes
    When the pattern "after" is written to "disk"
    And the disk "disk" is downloaded
    Then the download of "disk" holds the pattern "after"

  @SP-6
  @A-9a @D-11a
  Scenario: The download of a disk goes with the disk
    Given the DATA disk "disk", detached, with the pattern "before"
    And the disk "disk" is downloaded
    And the download of "disk" holds the pattern "before"
    When the disk "disk" is deleted
    Then secondary storage has no volumes
    And StorPool has no volume of "disk"

  @A-3 @A-9a @A-9c @D-11a
  Scenario: What a guest wrote that looks like an image is downloaded as it is
    Given the DATA disk "disk", detached, with the pattern "a header of an image"
    When the disk "disk" is downloaded
    Then the download of "disk" holds the pattern "a header of an image"
    And the download of "disk" is on record with 1 GiB

  @D-15b @A-9a @D-11a @D-20b
  Scenario: The temporary snapshot of a download ends by itself if nobody deletes it
    Given the DATA disk "disk", detached, with the pattern "before"
    And the call "POST SnapshotDelete" will be refused every time
    When the disk "disk" is downloaded
    Then the download of "disk" holds the pattern "before"
    And StorPool has 1 temporary snapshot
    And each temporary snapshot of StorPool ends by itself

  @D-11a @A-9a
  Scenario: A host that runs out of time leaves no part of a download
    Given the setting "copy.volume.wait" of the management server is "10"
    And the DATA disk "disk", detached, with the pattern "before"
    And the hosts copy 1 KiB a second
    When the disk "disk" is downloaded, which fails
    Then secondary storage has no volumes
    And StorPool has no temporary snapshots
    And "disk" holds the pattern "before"

  @fault @needs-fault-injection
  @D-15a @A-9a @D-11a
  Scenario Outline: A download fails and leaves nothing behind when "<call>" is <effect>
    Given the DATA disk "disk", detached, with the pattern "before"
    And the call "<call>" will be <effect>
    When the disk "disk" is downloaded, which fails
    Then secondary storage has no volumes
    And StorPool has no temporary snapshots
    And the disk "disk" is Ready
    And "disk" holds the pattern "before"
    When the disk "disk" is downloaded
    Then the download of "disk" holds the pattern "before"

    Examples:
      | call                                | effect                 |
      | POST VolumeSnapshot                 | refused with "noSpace" |
      | agent CopyVolumeToSecondary/attach  | refused                |
      | agent CopyVolumeToSecondary/mount   | refused                |
      | agent CopyVolumeToSecondary/convert | refused                |
      | agent CopyVolumeToSecondary/convert | cut                    |
      | agent CopyVolumeToSecondary/convert | hung                   |
      | agent CopyVolumeToSecondary/answer  | lost                   |

  @fault @needs-fault-injection
  @A-9a @D-11a @D-20a @D-20b @A-8
  Scenario Outline: A download succeeds although "<call>" is <effect>
    Given the DATA disk "disk", detached, with the pattern "before"
    And the call "<call>" will be <effect>
    When the disk "disk" is downloaded
    Then StorPool has no temporary snapshots
    And the download of "disk" holds the pattern "before"

    Examples:
      | call                               | effect             |
      | POST VolumeSnapshot                | refused in passing |
      | POST VolumeSnapshot                | lost               |
      | POST VolumeSnapshot                | late by 3 s        |
      | agent CopyVolumeToSecondary/detach | refused            |

  @crash
  @A-9a @D-11a @D-20b
  Scenario Outline: A management server that dies at "<step>" of a download leaves nothing behind
    Given the DATA disk "disk", detached, with the pattern "before"
    And the management server will die at the step "<step>" of "copyAsync volume => volume, away"
    When the disk "disk" is downloaded, which fails
    And the management server comes back
    Then secondary storage has no volumes
    And StorPool has no temporary snapshots
    When the disk "disk" is downloaded
    Then the download of "disk" holds the pattern "before"

    Examples:
      | step                      |
      | temporary snapshot        |
      | copy volume away          |
      | delete temporary snapshot |

@row-04 @attach
@D-11a
Feature: Attach a ROOT or DATA volume
  A host attaches the disks of a VM when the VM starts or when a disk is added to it.

  Background:
    Given a zone with 2 hosts and the StorPool pool "primary"

  Scenario: Starting a VM attaches all its disks to its host and to no other
    Given the stopped VM "web" with the DATA disk "data"
    And the pattern "first" is written to "web-root"
    And the pattern "second" is written to "data"
    When the VM "web" is started
    Then "web-root" is attached read-write to the host of "web" only
    And "data" is attached read-write to the host of "web" only
    And the guest "web" reads the pattern "first" from "web-root"
    And the guest "web" reads the pattern "second" from "data"

  @SP-53
  Scenario: Attaching a disk to a running VM shows it to the guest at once
    Given the running VM "web"
    And a detached DATA disk "data" of 1 GiB with the pattern "kept"
    When the disk "data" is attached to "web"
    Then the guest "web" reads the pattern "kept" from "data"
    And "data" is attached read-write to the host of "web" only
    And the StorPool volume of "data" has
      | cvm  | of "web"       |
      | uuid | of "data"      |
      | cs   | volume         |
      | disk | slot of "data" |

  Scenario: Attaching a disk to a stopped VM leaves the hosts alone until the VM starts
    Given the stopped VM "web"
    And a detached DATA disk "data" of 1 GiB with the pattern "kept"
    When the disk "data" is attached to "web"
    Then "data" is attached nowhere
    When the VM "web" is started
    Then the guest "web" reads the pattern "kept" from "data"

  @SP-12
  Scenario Outline: A DATA disk that is only recorded can be attached to a <state> VM
    Given the <state> VM "web"
    And the DATA disk "data" of 1 GiB is created
    When the disk "data" is attached to "web"
    Then the disk "data" is Ready
    When the pattern "kept" is written to "data"
    Then "data" holds the pattern "kept"

    Examples:
      | state   |
      | running |
      | stopped |

  @SP-9
  Scenario: A disk that is attached cannot be attached again
    Given the running VM "web" with the DATA disk "data"
    And the running VM "db"
    And the pattern "kept" is written to "data"
    When the disk "data" is attached to "db", which is refused
    And the disk "data" is attached to "web", which is refused
    Then "data" is attached read-write to the host of "web" only
    And "data" holds the pattern "kept"

  Scenario: An attached disk gets the backup policy of its VM
    Given the VM "web" with the policy "nightly" is deployed from the ISO
    And a detached DATA disk "data" of 1 GiB with the pattern "kept"
    When the disk "data" is attached to "web"
    Then the StorPool volume of "data" has
      | vc-policy | nightly  |
      | cvm       | of "web" |
    And "data" holds the pattern "kept"

  @CS-8755
  Scenario: Attaching leaves the placement template of a disk alone
    Given the disk offering "fast" with template "ssd"
    And a detached DATA disk "data" of 1 GiB with the offering "fast" with the pattern "kept"
    And the running VM "web"
    When the disk "data" is attached to "web"
    Then the StorPool volume of "data" has
      | template | ssd |
    And "data" holds the pattern "kept"

  Scenario: A VM that moves to the other host by a restart is attached there only
    Given the running VM "web" with the DATA disk "data"
    And the pattern "kept" is written to "data"
    When the VM "web" is stopped
    And the VM "web" is started on host 2
    Then "data" is attached read-write to the host of "web" only
    And the guest "web" reads the pattern "kept" from "data"

  Scenario Outline: A device that appears <span> after the attach <outcome>
    Given the running VM "web"
    And a detached DATA disk "data" of 1 GiB with the pattern "kept"
    When host 1 shows devices after <span>
    And host 2 shows devices after <span>
    And the disk "data" is attached to "web", which <outcome>
    Then "data" is attached to <n> hosts
    And "data" holds the pattern "kept"

    Examples:
      | span   | outcome  | n |
      | 500 ms | succeeds | 1 |
      | 60 s   | fails    | 0 |

  @A-14
  Scenario: A host whose agent was restarted attaches disks as before
    Given the running VM "web"
    And a detached DATA disk "data" of 1 GiB with the pattern "kept"
    When host 1 restarts its agent
    And host 2 restarts its agent
    And the disk "data" is attached to "web"
    Then the guest "web" reads the pattern "kept" from "data"

  @A-18
  Scenario: A host that cannot write its log attaches disks as before
    Given the running VM "web"
    And a detached DATA disk "data" of 1 GiB with the pattern "kept"
    When host 1 cannot write its log
    And host 2 cannot write its log
    And the disk "data" is attached to "web"
    Then the guest "web" reads the pattern "kept" from "data"

  @fault @needs-fault-injection @KV-A1
  @D-11b
  Scenario Outline: Attaching a disk to a running VM <outcome> when "<call>" is <effect>, and can be repeated
    Given the running VM "web"
    And a detached DATA disk "data" of 1 GiB with the pattern "kept"
    And the call "<call>" will be <effect>
    When the disk "data" is attached to "web", which <outcome>
    Then "data" is attached to <n> hosts
    When the disk "data" is attached to "web" unless it is attached
    Then the guest "web" reads the pattern "kept" from "data"
    And "data" is attached read-write to the host of "web" only
    And the StorPool volume of "data" has
      | cvm  | of "web"  |
      | uuid | of "data" |

    Examples:
      | call                    | effect                 | outcome  | n |
      | POST VolumesReassignWait | refused with "busy"   | fails    | 0 |
      | POST VolumesReassignWait | lost                  | fails    | 0 |
      | POST VolumesReassignWait | cut                   | fails    | 0 |
      | agent Attach/connect     | refused                | fails    | 0 |
      | agent Attach/plug       | refused                | fails    | 0 |
      | agent Attach/plug       | lost                   | fails    | 0 |
      | POST VolumeUpdate       | refused in passing     | succeeds | 1 |
      | POST VolumeUpdate       | lost                   | succeeds | 1 |
      | POST VolumeUpdate       | hung                   | succeeds | 1 |
      | POST VolumeUpdate       | refused                | succeeds | 1 |

  @fault @needs-fault-injection
  Scenario Outline: Starting a VM fails, leaves no disk attached and can be repeated when "<call>" is <effect>
    Given the stopped VM "web" with the DATA disk "data"
    And the pattern "kept" is written to "data"
    And the call "<call>" will be <effect>
    When the VM "web" is started, which fails
    Then the VM "web" is Stopped
    And "web-root" is attached nowhere
    And "data" is attached nowhere
    When the VM "web" is started
    Then the guest "web" reads the pattern "kept" from "data"

    Examples:
      | call                | effect          |
      | agent Start/connect | refused 2 times |
      | agent Start/run     | lost            |

  @fault @needs-fault-injection
  Scenario: A VM that StorPool attaches nowhere does not start
    Given the stopped VM "web" with the DATA disk "data"
    And the pattern "kept" is written to "data"
    And the call "POST VolumesReassignWait" will be refused with "busy" every time
    When the VM "web" is started, which fails
    Then the VM "web" is Stopped
    And "web-root" is attached nowhere
    And "data" is attached nowhere
    When the fault is over
    And the VM "web" is started
    Then the guest "web" reads the pattern "kept" from "data"

  @fault @needs-fault-injection
  Scenario Outline: A VM starts on another host when the first one refuses at "<call>"
    Given the stopped VM "web" with the DATA disk "data"
    And the pattern "kept" is written to "data"
    And the call "<call>" on host 1 will be refused every time
    When the VM "web" is started
    Then the VM "web" is Running
    And "web-root" is attached read-write to the host of "web" only
    And "data" is attached read-write to the host of "web" only
    And the guest "web" reads the pattern "kept" from "data"

    Examples:
      | call                |
      | agent Start/connect |
      | agent Start/run     |

  Scenario: A VM starts on another host when the first one is off
    Given the stopped VM "web" with the DATA disk "data"
    And the pattern "kept" is written to "data"
    When host 1 is switched off
    And the VM "web" is started
    Then the VM "web" is Running
    And the guest "web" reads the pattern "kept" from "data"

  @fault @needs-fault-injection
  Scenario: A VM that is to start on a host starts nowhere else
    Given the stopped VM "web" with the DATA disk "data"
    And the pattern "kept" is written to "data"
    And the call "agent Start/run" on host 1 will be refused
    When the VM "web" is started on host 1, which fails
    Then the VM "web" is Stopped
    And "data" is attached nowhere
    And "data" holds the pattern "kept"

  @SP-20 @SP-45
  @CS-10799
  Scenario: A VM stopped by force on a host that is cut off runs elsewhere with its disks detached there first
    Given the running VM "web" with the DATA disk "data"
    And the pattern "kept" is written to "data"
    When the host of "web" is cut off
    And the VM "web" is force-stopped
    And the VM "web" is started
    Then "data" is attached read-write to the host of "web" only
    And "web-root" is attached read-write to the host of "web" only
    And the guest "web" reads the pattern "kept" from "data"

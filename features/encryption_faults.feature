@encrypted @fault @needs-fault-injection
@D-11a @D-25c
Feature: An encryption that fails leaves no volume
  A volume that could not be encrypted is deleted again, whatever the host answers; what the host says is the reason.

  @row-03 @ENC-5
  @D-10b @A-14
  Scenario Outline: A DATA disk is not created when the step "<step>" of its encryption is <effect>, and can be created then
    Given a zone with 2 hosts and the StorPool pool "primary"
    And the disk offering "encrypted" with encryption
    And the running VM "vm"
    And the DATA disk "disk" of 1 MiB with the offering "encrypted" is created
    And the call "agent SetVolumeEncryption/<step>" will be <effect>
    When the disk "disk" is attached to "vm", which fails
    And 1 min passes
    Then StorPool has no volume of "disk"
    And the disk "disk" is Allocated
    When the disk "disk" is attached to "vm"
    And the pattern "secret" is written to "disk"
    Then "disk" lies in one LUKS layer
    And the guest "vm" reads the pattern "secret" from "disk"

    Examples:
      | step   | effect    |
      | attach | refused   |
      | format | refused   |
      | format | cut       |
      | format | hung      |
      | answer | malformed |
      | answer | lost      |

  @row-03
  @A-1 @D-10b
  Scenario: The reason of a failed encryption is the host's own
    Given a zone with 2 hosts and the StorPool pool "primary"
    And the disk offering "encrypted" with encryption
    And the running VM "vm"
    And the DATA disk "disk" of 1 MiB with the offering "encrypted" is created
    And the call "agent SetVolumeEncryption/format" will be refused with "no entropy"
    When the disk "disk" is attached to "vm", which fails
    Then the error says "no entropy"
    When the disk "disk" is attached to "vm"
    And the pattern "secret" is written to "disk"
    Then the guest "vm" reads the pattern "secret" from "disk"

  @row-02 @ENC-5
  @D-10b @A-16 @A-14
  Scenario Outline: A VM is not deployed when the step "<step>" of the encryption of its ROOT disk is <effect>
    Given a zone with 2 hosts and the StorPool pool "primary"
    And the compute offering "encrypted" with encryption
    And the qcow2 template "linux" of 1 MiB with the pattern "boot"
    And the call "agent SetVolumeEncryption/<step>" will be <effect>
    When the VM "web" is deployed from the template "linux" with the compute offering "encrypted", which fails
    And 1 min passes
    Then StorPool has no volume of "web-root"
    And the cached copy of "linux" has 1 MiB
    When the VM "web" is expunged
    And the VM "again" is deployed from the template "linux" with the compute offering "encrypted"
    Then the guest "again" reads the pattern "boot" from "again-root"

    Examples:
      | step    | effect    |
      | convert | refused   |
      | convert | cut       |
      | answer  | malformed |

  @row-03
  @D-10a @D-10b
  Scenario: A host that says yes is not believed without proof
    Given a zone with 2 hosts and the StorPool pool "primary" whose hosts say yes to whatever encryption fails
    And the disk offering "encrypted" with encryption
    And the running VM "vm"
    And the DATA disk "disk" of 1 MiB with the offering "encrypted" is created
    And the call "agent SetVolumeEncryption/format" will be refused
    When the disk "disk" is attached to "vm", which fails
    Then StorPool has no volume of "disk"
    When the disk "disk" is attached to "vm"
    And the pattern "secret" is written to "disk"
    Then "disk" lies in one LUKS layer
    And the guest "vm" reads the pattern "secret" from "disk"

  @row-02
  @D-10c
  Scenario: A ROOT disk is encrypted on a host of another cluster when those near the template cannot
    Given a zone with 2 hosts and the StorPool pool "primary" in 2 clusters
    And the compute offering "encrypted" with encryption
    And the qcow2 template "linux" of 1 MiB with the pattern "boot"
    And host 1 has no encryption
    When the VM "web" is deployed from the template "linux" with the compute offering "encrypted"
    Then "web-root" lies in one LUKS layer
    And the guest "web" reads the pattern "boot" from "web-root"

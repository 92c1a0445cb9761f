@encrypted @CS-7539 @KV-E1
@D-11a @D-25c
Feature: Create, attach, start and delete encrypted volumes
  An offering with encryption gives each volume a passphrase of its own. StorPool gets room for the LUKS header, a host
  that has encryption writes it, and the record keeps the size that was asked for.

  Background:
    Given a zone with 2 hosts and the StorPool pool "primary"
    And the disk offering "encrypted" with encryption
    And the compute offering "encrypted" with encryption

  @row-03 @row-04 @KV-E7 @KV-E9 @ENC-11 @ENC-12 @KV-E8
  Scenario: A DATA disk is a LUKS container with room for its header
    Given the encrypted DATA disk "disk", attached, with the pattern "secret"
    Then the StorPool volume of "disk" has
      | name | anonymous |
      | size | 3 MiB     |
      | uuid | of "disk" |
      | cvm  | of "vm"   |
      | cs   | volume    |
    And the inventory has the disk "disk" with
      | size           | 1 MiB |
      | encrypt format | luks  |
    And every guest with "disk" sees 1 MiB
    And "disk" lies in one LUKS layer
    And the hosts keep 1 passphrase for guests
    And the guest "vm" reads the pattern "secret" from "disk"

  @row-01
  Scenario: A ROOT disk from an ISO is encrypted like a DATA disk
    When the VM "web" is deployed from the ISO with the compute offering "encrypted" and a ROOT size of 1 MiB
    And the pattern "secret" is written to "web-root"
    Then the StorPool volume of "web-root" has
      | size | 3 MiB |
      | disk | 0     |
    And every guest with "web-root" sees 1 MiB
    And "web-root" lies in one LUKS layer
    And the guest "web" reads the pattern "secret" from "web-root"

  @row-02 @KV-E9 @ENC-11 @ENC-12
  Scenario: A ROOT disk from a template is the template in a LUKS container, and the rest of the header's room
    Given the qcow2 template "linux" of 1 MiB with the pattern "boot"
    When the VM "web" is deployed from the template "linux" with the compute offering "encrypted"
    Then the StorPool volume of "web-root" has
      | size | 3 MiB |
      | disk | 0     |
    And the inventory has the disk "web-root" with
      | size           | 1 MiB |
      | encrypt format | luks  |
    And every guest with "web-root" sees 1052 KiB
    And "web-root" lies in one LUKS layer
    And the guest "web" reads the pattern "boot" from "web-root"
    And the cached copy of "linux" has 1 MiB
    When the VM "plain" is deployed from the template "linux"
    Then the guest "plain" reads the pattern "boot" from "plain-root"
    And the hosts keep 1 passphrase for guests

  @row-02 @KV-E2 @KV-E3
  Scenario: Two volumes have two passphrases, and each opens with its own
    Given the encrypted ROOT disk "root", attached, with the pattern "one"
    And the DATA disk "data" of 1 MiB with the offering "encrypted" is created
    When the disk "data" is attached to "vm"
    And the pattern "two" is written to "data"
    Then "root" and "data" have passphrases of their own
    And CloudStack has 2 passphrases on record
    And the hosts keep 2 passphrases for guests
    And the guest "vm" reads the pattern "one" from "root"
    And the guest "vm" reads the pattern "two" from "data"

  @row-02
  @S-18 @D-35
  Scenario: A ROOT disk that is a little smaller than a template of unknown size has room for template and header
    Given the qcow2 template "linux" of 4 MiB with the pattern "boot"
    And CloudStack does not know the size of the template "linux"
    When the VM "web" is deployed from the template "linux" with the compute offering "encrypted" and a ROOT size of 3 MiB
    Then the StorPool volume of "web-root" has
      | size | 6 MiB |
    And the guest "web" reads the pattern "boot" from "web-root"

  @row-04 @row-05
  Scenario Outline: A <kind> disk keeps its contents through detach, attach and a restart of its VM
    Given the encrypted <kind> disk "disk", attached, with the pattern "kept"
    When the VM "vm" is stopped
    Then the hosts keep no passphrases for guests
    And "disk" is attached nowhere
    When the disk "disk" is detached
    Then the inventory has the disk "disk" with
      | vm             | none |
      | encrypt format | luks |
    And "disk" holds the pattern "kept"
    And "disk" lies in one LUKS layer

    Examples:
      | kind |
      | ROOT |
      | DATA |

  @row-04 @row-05
  Scenario: A DATA disk goes from VM to VM while they run
    Given the encrypted DATA disk "disk", attached, with the pattern "kept"
    And the running VM "other"
    When the disk "disk" is detached
    Then the hosts keep no passphrases for guests
    When the disk "disk" is attached to "other"
    Then the guest "other" reads the pattern "kept" from "disk"
    And the hosts keep 1 passphrase for guests

  @row-06 @KV-E2
  Scenario: A VM with two encrypted disks migrates live, and its passphrases go along
    Given the encrypted ROOT disk "root", attached, with the pattern "one"
    And the encrypted DATA disk "data", attached, with the pattern "two"
    When the VM "vm" is migrated to another host
    Then the hosts keep 2 passphrases for guests
    And the guest "vm" reads the pattern "one" from "root"
    And the guest "vm" reads the pattern "two" from "data"

  @row-06 @row-04
  Scenario: A host without encryption gets no encrypted disks
    Given the encrypted DATA disk "disk", detached, with the pattern "kept"
    And the VM "vm" is stopped
    And host 1 has no encryption
    And the VM "vm" is started on host 1
    When the disk "disk" is attached to "vm", which is refused
    Then the error says "the host has no encryption"
    And "disk" holds the pattern "kept"

  @row-06
  Scenario: A VM with encrypted disks starts and migrates where there is encryption only
    Given the encrypted DATA disk "disk", attached, with the pattern "kept"
    And the VM "vm" is stopped
    And host 1 has no encryption
    When the VM "vm" is started on host 1, which is refused
    And the VM "vm" is started
    Then the guest "vm" reads the pattern "kept" from "disk"
    When the VM "vm" is migrated to host 1, which is refused
    Then the error says "the host has no encryption"
    When host 1 has encryption again
    And the VM "vm" is migrated to host 1
    Then the guest "vm" reads the pattern "kept" from "disk"

  @row-27
  Scenario: A VM with encrypted disks that runs nowhere does not start without a host that has encryption
    Given the encrypted DATA disk "disk", attached, with the pattern "kept"
    And the VM "vm" is stopped
    And host 1 has no encryption
    And host 2 has no encryption
    When the VM "vm" is started, which is refused
    Then the error says "has encryption"
    And "disk" holds the pattern "kept"

  @row-02 @row-03
  Scenario Outline: Without a host that has encryption a <kind> disk is not created, and StorPool is asked for nothing
    Given the encrypted DATA disk "kept", attached, with the pattern "kept"
    And the qcow2 template "linux" of 1 MiB with the pattern "boot"
    And the disk "kept" is detached
    And host 1 has no encryption
    And host 2 has no encryption
    And the DATA disk "data" of 1 MiB with the offering "encrypted" is created
    When <action>, which <outcome>
    Then StorPool has no volume of "data"
    And "kept" holds the pattern "kept"

    Examples:
      | kind | action                                                                             | outcome    |
      | DATA | the disk "data" is attached to "vm"                                                | is refused |
      | ROOT | the VM "web" is deployed from the template "linux" with the compute offering "encrypted" | fails      |

  @row-03 @row-08
  Scenario: What an encrypted volume takes of its pool is given back when it is deleted
    Given the encrypted DATA disk "disk", detached, with the pattern "gone"
    And a detached DATA disk "other" of 1 MiB with the pattern "kept"
    Then the pool "primary" has 2052 MiB in use
    When the disk "disk" is deleted
    Then the pool "primary" has 2049 MiB in use
    And CloudStack has no passphrases on record
    And StorPool has no volume of "disk"
    And "other" holds the pattern "kept"

  @row-08
  Scenario: No safety snapshot of an encrypted volume stays behind
    Given the setting "storpool.delete.after.interval" of the pool is "300"
    And the encrypted DATA disk "disk", detached, with the pattern "gone"
    And a detached DATA disk "other" of 1 MiB with the pattern "kept"
    When the disk "disk" is deleted
    Then StorPool has no safety snapshots
    And StorPool has no volume of "disk"
    And "other" holds the pattern "kept"

  @row-07
  Scenario: An encrypted ROOT disk goes with its VM, and its passphrase with it
    Given the encrypted ROOT disk "root", attached, with the pattern "gone"
    And the encrypted DATA disk "data", attached, with the pattern "kept"
    When the VM "vm" is expunged
    Then StorPool has no volume of "root"
    And CloudStack has 1 passphrase on record
    And "data" holds the pattern "kept"

  @KV-E10 @CS-12711 @row-03 @row-04
  @D-10e
  Scenario: A volume whose passphrase a KMS keeps is an encrypted volume
    Given the encrypted DATA disk "disk", detached, with the pattern "kept"
    When the passphrase of "disk" is kept by a KMS
    And the disk "disk" is attached to "vm"
    Then the guest "vm" reads the pattern "kept" from "disk"
    And "disk" lies in one LUKS layer
    When the snapshot "snap" of "disk" is taken, which is refused
    And the VM "vm" is stopped
    And the template "leak" is made from the disk "disk", which is refused
    Then the error says "the volume is encrypted"

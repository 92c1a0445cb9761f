@encrypted
Feature: Create encrypted volumes
  An offering with encryption gives each volume a passphrase of its own. StorPool gets room for the LUKS header, a host
  that has encryption writes it, and the record keeps the size that was asked for.

  Background:
    Given a zone with 2 hosts and the StorPool pool "primary"
    And the disk offering "encrypted" with encryption
    And the compute offering "encrypted" with encryption

  @row-03 @KV-E7 @KV-E9 @CS-7539
  Scenario: A DATA disk is a LUKS container with room for its header
    Given the encrypted DATA disk "disk", attached, with the pattern "secret"
    Then the StorPool volume of "disk" has
      | size | 3 MiB     |
      | uuid | of "disk" |
      | cs   | volume    |
    And the inventory has the disk "disk" with
      | size           | 1 MiB |
      | encrypt format | luks  |
    And every guest with "disk" sees 1 MiB
    And "disk" lies in one LUKS layer
    And the guest "vm" reads the pattern "secret" from "disk"

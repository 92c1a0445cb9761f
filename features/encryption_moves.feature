@encrypted @CS-7539 @KV-E1
@D-11a @D-25c
Feature: Resize and move encrypted volumes
  The room of the LUKS header is counted once, whatever happens to a volume. Encrypted volumes move between pools of
  StorPool only; everything else is refused before anything is touched.

  Background:
    Given a zone with 2 hosts and the StorPool pool "primary"
    And the pool "second" is created with the URL "storpool://{token}@{host}:{port}/ssd"

  @row-15 @KV-E9 @SUS-16
  @D-10d @A-11 @D-25a
  Scenario Outline: An encrypted <kind> disk, <state>, grows by what was asked, and its guest sees that
    Given the encrypted <kind> disk "disk", <state>, with the pattern "kept"
    When the disk "disk" is resized to 2 MiB
    And the pattern "tail" is written to "disk" at 2032 KiB
    Then the StorPool volume of "disk" has
      | size | 4 MiB |
    And the inventory has the disk "disk" with
      | size           | 2 MiB |
      | encrypt format | luks  |
    And every guest with "disk" sees <seen>
    And "disk" holds the pattern "kept"
    And "disk" lies in one LUKS layer
    When the VM "vm" becomes Stopped
    And the VM "vm" becomes Running
    Then every guest with "disk" sees <seen>
    And "disk" holds the pattern "tail" at 2032 KiB

    Examples:
      | kind | state    | seen     |
      | ROOT | attached | 2076 KiB |
      | ROOT | detached | 2076 KiB |
      | DATA | attached | 2 MiB    |
      | DATA | detached | 2 MiB    |

  @row-15
  @D-10d @D-25a
  Scenario: An encrypted disk shrinks to what was asked and its header
    Given the encrypted DATA disk "disk", detached, with the pattern "kept"
    When the disk "disk" is shrunk to 512 KiB
    Then the StorPool volume of "disk" has
      | size | 2560 KiB |
    And the inventory has the disk "disk" with
      | size | 512 KiB |
    And "disk" holds the pattern "kept"

  @row-15 @fault @needs-fault-injection
  @D-10d @D-25a
  Scenario: A resize of an encrypted disk that StorPool refuses changes nothing and can be repeated
    Given the encrypted DATA disk "disk", attached, with the pattern "kept"
    And the call "POST VolumeUpdate" will be refused with "noSpace"
    When the disk "disk" is resized to 2 MiB, which fails
    Then StorPool and the inventory are as before
    When the disk "disk" is resized to 2 MiB
    Then every guest with "disk" sees 2 MiB
    And "disk" holds the pattern "kept"

  @row-24 @row-15
  @D-10d
  Scenario Outline: An encrypted disk, <state>, keeps its size and its room with another encrypted offering
    Given the disk offering "gold" with encryption, tier "gold"
    And the encrypted DATA disk "disk", <state>, with the pattern "kept"
    When the disk "disk" is moved to the offering "gold"
    Then the StorPool volume of "disk" has
      | size | 3 MiB |
      | qc   | gold  |
    And the inventory has the disk "disk" with
      | size     | 1 MiB |
      | offering | gold  |
    And "disk" holds the pattern "kept"

    Examples:
      | state    |
      | attached |
      | detached |

  @row-24 @row-15
  @D-10d
  Scenario: A limit of IOPS on an encrypted disk leaves its room alone
    Given the disk offering "slow" with encryption, 300 IOPS
    And the encrypted DATA disk "disk", attached, with the pattern "kept"
    When the disk "disk" is moved to the offering "slow"
    Then the StorPool volume of "disk" has
      | size | 3 MiB |
      | iops | 300   |
    And "disk" holds the pattern "kept"

  @row-24
  Scenario: A disk does not change between plain and encrypted by its offering
    Given the disk offering "plain" with no details
    And the disk offering "big" with the size 2 MiB
    And the encrypted DATA disk "disk", detached, with the pattern "kept"
    And a detached DATA disk "other" of 1 MiB with the pattern "public"
    When the disk "disk" is moved to the offering "plain", which is refused
    Then the error says "the offering says otherwise"
    When the disk "disk" is moved to the offering "big", which is refused
    And the disk "other" is moved to the offering "encrypted", which is refused
    Then "disk" holds the pattern "kept"
    And "other" holds the pattern "public"

  @row-18 @KV-E3
  @D-25d @D-37c
  Scenario Outline: An encrypted <kind> disk that is not in use is copied to another StorPool pool with its passphrase
    Given the encrypted <kind> disk "disk", detached, with the pattern "kept"
    And the StorPool volume of "disk" is remembered
    When the disk "disk" is migrated to the pool "second"
    Then the StorPool volume of "disk" is another one
    And the StorPool volume of "disk" has
      | size     | 3 MiB     |
      | template | ssd       |
      | uuid     | of "disk" |
      | cs       | volume    |
    And the pool "second" has 3 MiB in use
    And CloudStack has 1 passphrase on record
    And "disk" lies in one LUKS layer
    And "disk" holds the pattern "kept"
    When the VM "vm" becomes Running
    Then "disk" holds the pattern "kept"

    Examples:
      | kind |
      | ROOT |
      | DATA |

  @row-18
  @D-25d
  Scenario Outline: An encrypted <kind> disk of a running VM changes its placement while it is in use
    Given the encrypted <kind> disk "disk", attached, with the pattern "kept"
    And the StorPool volume of "disk" is remembered
    When the disk "disk" is migrated live to the pool "second"
    Then the StorPool volume of "disk" is the same
    And the StorPool volume of "disk" has
      | size     | 3 MiB |
      | template | ssd   |
    And the pool "second" has 3 MiB in use
    And "disk" is attached read-write to the host of "vm" only
    And the guest "vm" reads the pattern "kept" from "disk"

    Examples:
      | kind |
      | ROOT |
      | DATA |

  @row-18
  @D-25d
  Scenario: The snapshots of an encrypted disk go with it to another pool and still open
    Given the bypass of secondary storage is on
    And the encrypted DATA disk "disk", detached, with the pattern "before"
    And the snapshot "snap" of "disk" is taken
    And the pattern "after" is written to "disk"
    When the disk "disk" is migrated to the pool "second"
    Then "disk" holds the pattern "after"
    And the snapshot "snap" holds the pattern "before"
    And the snapshot "snap" lies in one LUKS layer

  @row-18
  Scenario Outline: An encrypted <kind> disk does not leave StorPool, with the bypass <bypass>
    Given the primary pool "files" on NFS
    And the bypass of secondary storage is <bypass>
    And the encrypted <kind> disk "disk", detached, with the pattern "kept"
    When the disk "disk" is migrated to the pool "files", which is refused
    Then the error says "the volume is encrypted"
    And the pool "files" has no files
    And "disk" holds the pattern "kept"

    Examples:
      | kind | bypass |
      | ROOT | on     |
      | ROOT | off    |
      | DATA | on     |
      | DATA | off    |

  @row-18
  Scenario: An encrypted disk of a running VM does not leave StorPool either
    Given the primary pool "files" on NFS
    And the encrypted DATA disk "disk", attached, with the pattern "kept"
    When the disk "disk" is migrated live to the pool "files", which is refused
    Then the guest "vm" reads the pattern "kept" from "disk"

  @row-18
  Scenario Outline: A VM with an encrypted <kind> disk does not move with its disks
    Given the encrypted <kind> disk "disk", attached, with the pattern "kept"
    When the VM "vm" is migrated with its disks to another host and the pool "second", which is refused
    Then the VM "vm" is Running
    And the guest "vm" reads the pattern "kept" from "disk"

    Examples:
      | kind |
      | ROOT |
      | DATA |

  @row-13
  Scenario Outline: An encrypted <kind> disk, <state>, is not downloaded
    Given the encrypted <kind> disk "disk", <state>, with the pattern "kept"
    When the disk "disk" is downloaded, which is refused
    Then secondary storage has no volumes
    And "disk" holds the pattern "kept"

    Examples:
      | kind | state    |
      | ROOT | attached |
      | ROOT | detached |
      | DATA | attached |
      | DATA | detached |

@pool
Feature: Pools and their hosts
  A pool is one StorPool template of one cluster; every host of its zone that has StorPool connects to it.

  @row-25 @CS-8356 @SP-10
  @D-36a
  Scenario Outline: A pool can be added with a URL in the <form> form
    Given a zone with 2 hosts
    When the pool "primary" is created with the URL "<url>"
    Then the pool "primary" is Up
    And the pool "primary" has the hosts 1 and 2
    And StorPool has 1 check volume
    And no log line shows the token
    When the running VM "web"
    And the pattern "kept" is written to "web-root"
    Then "web-root" holds the pattern "kept"

    Examples:
      | form      | url                                                               |
      | key/value | SP_API_HTTP={host}:{port};SP_AUTH_TOKEN={token};SP_TEMPLATE=hdd   |
      | URI       | storpool://{token}@{host}:{port}/hdd                              |

  @row-25 @CS-8356 @SP-14 @KV-E8
  @D-18 @D-36a
  Scenario Outline: A URL <fault> is refused, names <field> and never shows the token
    Given a zone with 2 hosts and the StorPool pool "primary"
    And the running VM "web"
    And the pattern "kept" is written to "web-root"
    When the pool "second" is created with the URL "<url>", which fails
    Then StorPool and the inventory are as before
    And the error says "<field>"
    And no log line shows the token
    And "web-root" holds the pattern "kept"

    Examples:
      | fault                   | field         | url                                                          |
      | without a port          | SP_API_HTTP   | SP_API_HTTP={host};SP_AUTH_TOKEN={token};SP_TEMPLATE=ssd     |
      | with a URI and no port  | SP_API_HTTP   | storpool://{token}@{host}/ssd                                |
      | without a token         | SP_AUTH_TOKEN | SP_API_HTTP={host}:{port};SP_TEMPLATE=ssd                    |
      | without a template      | SP_TEMPLATE   | storpool://{token}@{host}:{port}                             |
      | of another scheme       | storpool://   | http://{host}:{port}/ssd                                     |
      | that is a word          | storpool://   | ssd                                                          |

  @row-25
  @D-19
  Scenario Outline: A StorPool template that has a pool cannot have a second one <by>
    Given a zone with 2 hosts and the StorPool pool "primary"
    And the running VM "web"
    And the pattern "kept" is written to "web-root"
    When the pool "second" is created with the URL "storpool://{token}@<address>/hdd", which is refused
    Then "web-root" holds the pattern "kept"

    Examples:
      | by                        | address           |
      | under the same address    | {host}:{port}     |
      | under another address     | other.test:{port} |

  @row-25
  @D-19
  Scenario: A pool that nobody can read does not stop the next one
    Given a zone with 2 hosts and the StorPool pool "primary"
    And the running VM "web"
    And the pattern "kept" is written to "web-root"
    And the inventory has a pool of an old version of the plugin that nobody can read
    When the pool "second" is created with the URL "storpool://{token}@{host}:{port}/ssd"
    Then the pool "second" is Up
    And "web-root" holds the pattern "kept"

  @row-25
  @D-40
  Scenario: A pool can be given another address of its cluster
    Given a zone with 2 hosts and the StorPool pool "primary"
    And the running VM "web"
    And the pattern "kept" is written to "web-root"
    When the pool "primary" gets the URL "storpool://{token}@other.test:{port}/hdd"
    Then the pool "primary" is reached at "other.test:{port}"
    And "web-root" holds the pattern "kept"

  @row-25
  @D-40
  Scenario: Credentials that do not work are not taken
    Given a zone with 2 hosts and the StorPool pool "primary"
    And the running VM "web"
    And the pattern "kept" is written to "web-root"
    When the pool "primary" gets the URL "storpool://wrong@{host}:{port}/hdd", which fails
    Then StorPool and the inventory are as before
    And "web-root" holds the pattern "kept"

  @row-25
  @D-34a
  Scenario: An alternative address leaves the template of a pool alone
    Given a zone with 2 hosts and the StorPool pool "primary"
    And the setting "sp.alternative.endpoint" of the pool is the URL "SP_API_HTTP=other.test:{port};SP_AUTH_TOKEN={token}"
    And the setting "sp.enable.alternative.endpoint" of the pool is "true"
    When the running VM "web"
    And the pattern "kept" is written to "web-root"
    Then the StorPool volume of "web-root" has
      | template | hdd |
    And "web-root" holds the pattern "kept"

  @row-25
  @D-34b
  Scenario: A pool of an old version of the plugin keeps the UUID that its hosts know
    Given a zone with 2 hosts and the StorPool pool "primary"
    And the running VM "web"
    And the pattern "kept" is written to "web-root"
    And the pool "primary" is on record as an old version of the plugin left it
    When the snapshot "snap" of "web-root" is taken
    Then the pool "primary" has the UUID that its hosts know
    And "web-root" holds the pattern "kept"

  @row-25 @SP-11
  Scenario: A pool that was used goes with its check volume and its cached templates
    Given a zone with 2 hosts and the StorPool pool "primary"
    And the qcow2 template "debian" of 1 GiB with the pattern "image"
    And the VM "web" is deployed from the template "debian"
    And "web-root" holds the pattern "image"
    And the VM "web" is expunged
    When the pool "primary" goes into maintenance
    And the pool "primary" is deleted
    Then the pool "primary" is gone
    And StorPool has no check volume
    And the template "debian" is not cached

  @row-25
  @D-23a
  Scenario: A pool goes although a cached template is recorded by its install path only
    Given a zone with 2 hosts and the StorPool pool "primary"
    And the qcow2 template "debian" of 1 GiB with the pattern "image"
    And the VM "web" is deployed from the template "debian"
    And "web-root" holds the pattern "image"
    And the VM "web" is expunged
    And the pool "primary" goes into maintenance
    When the pool "primary", whose cached templates have an install path only, is deleted
    Then the pool "primary" is gone
    And the template "debian" is not cached

  @row-25
  @D-23b
  Scenario: A pool goes although StorPool has lost a cached template
    Given a zone with 2 hosts and the StorPool pool "primary"
    And the qcow2 template "debian" of 1 GiB with the pattern "image"
    And the VM "web" is deployed from the template "debian"
    And "web-root" holds the pattern "image"
    And the VM "web" is expunged
    When StorPool loses the cached copy of "debian"
    And the pool "primary" goes into maintenance
    And the pool "primary" is deleted
    Then the pool "primary" is gone
    And StorPool has no check volume

  @row-25 @fault @needs-fault-injection
  @D-23c @D-11a
  Scenario: A pool whose check volume cannot be deleted at first leaves none in the end
    Given a zone with 2 hosts and the StorPool pool "primary"
    And a detached DATA disk "data" of 1 GiB with the pattern "kept"
    And "data" holds the pattern "kept"
    And the disk "data" is deleted
    And the VM "maker" is expunged
    And the pool "primary" goes into maintenance
    And the call "POST VolumeDelete" will be refused
    When the pool "primary" is deleted, which fails
    Then the pool "primary" is gone
    And StorPool has no check volume

  @row-25 @CS-12451
  @D-23d @D-11a
  Scenario Outline: A pool with volumes on it is not deleted, <however>
    Given a zone with 2 hosts and the StorPool pool "primary"
    And a detached DATA disk "data" of 1 GiB with the pattern "kept"
    And the pool "primary" goes into maintenance
    When <deletion>, which is refused
    Then "data" holds the pattern "kept"

    Examples:
      | however        | deletion                                         |
      | asked politely | the pool "primary" is deleted                    |
      | even by force  | the plugin is told to delete the pool "primary"  |

  @row-26 @CS-6661b
  @D-22a
  Scenario Outline: A host that <misses> is left out of the pool and harms no other
    Given a zone with 2 hosts and the StorPool pool "primary"
    And the running VM "web"
    And the pattern "kept" is written to "web-root"
    And the call "<call>" will be <effect>
    When another host joins, which fails
    Then the pool "primary" has the hosts 1 and 2
    And StorPool has 1 check volume
    When host 1 connects again
    Then the pool "primary" has the hosts 1 and 2
    And "web-root" holds the pattern "kept"

    Examples:
      | misses               | call                            | effect  |
      | has no StorPool      | agent ModifyStoragePool/confget | refused |
      | does not answer      | agent ModifyStoragePool/answer  | lost    |
      | cannot attach        | agent ModifyStoragePool/attach  | refused |

  @row-26 @SP-10
  Scenario: A host that joins later connects to the pool
    Given a zone with 2 hosts and the StorPool pool "primary"
    And the running VM "web"
    And the pattern "kept" is written to "web-root"
    When another host joins
    Then the pool "primary" has the hosts 1, 2 and 3
    And StorPool has 1 check volume
    And "web-root" holds the pattern "kept"

  @row-26
  @A-15
  Scenario: No check volume stays attached
    Given a zone with 2 hosts and the StorPool pool "primary"
    When another host joins
    Then the check volumes are attached nowhere
    When the running VM "web"
    And the pattern "kept" is written to "web-root"
    Then "web-root" holds the pattern "kept"

  @row-26
  @D-22b
  Scenario: A host that connects again gets the path that it reports on record
    Given a zone with 2 hosts and the StorPool pool "primary"
    And the running VM "web"
    And the pattern "kept" is written to "web-root"
    And host 1 is on record with the path "/old" in the pool "primary"
    When host 1 connects again
    Then host 1 is no longer on record with the path "/old" in the pool "primary"
    And "web-root" holds the pattern "kept"

  @row-26
  @D-22c
  Scenario: A host that connects with another StorPool client has that one on record
    Given a zone with 2 hosts and the StorPool pool "primary"
    And the running VM "web"
    And the pattern "kept" is written to "web-root"
    And host 2 is on record with the StorPool client 77
    When host 2 connects again
    Then the inventory names the StorPool client 2 for host 2
    And "web-root" holds the pattern "kept"

  @row-26
  @D-22d
  Scenario: A host of another StorPool cluster does not change the cluster on record
    Given a zone with 2 hosts and the StorPool pool "primary"
    And the running VM "web"
    And the pattern "kept" is written to "web-root"
    And the hosts are on record in the StorPool cluster "other.c"
    When host 2 connects again
    Then the hosts are still on record in the StorPool cluster "other.c"
    And "web-root" holds the pattern "kept"

  @row-26
  @D-22e
  Scenario: Two management servers that make a check volume at once leave one
    Given a zone with 2 hosts and the StorPool pool "primary"
    And the running VM "web"
    And the pattern "kept" is written to "web-root"
    And another management server will make a check volume for a new cluster at the same moment
    When a host of a new cluster joins
    Then StorPool has 2 check volumes
    And "web-root" holds the pattern "kept"

  @row-26
  @A-13a
  Scenario: A value with an equals sign in a host's configuration counts as a whole
    Given a zone with 2 hosts and the StorPool pool "primary"
    And the running VM "web"
    And the pattern "kept" is written to "web-root"
    When a host of a new cluster joins with the configuration "SP_CLUSTER_ID=sp=2.c"
    Then the new cluster is on record in the StorPool cluster "sp=2.c"
    And "web-root" holds the pattern "kept"

  @row-26
  @A-12
  Scenario: A location is the host's only if its id is the whole first part of the cluster's id
    Given a zone with 2 hosts and the StorPool pool "primary" behind a meddling proxy
    And the running VM "web"
    And the pattern "kept" is written to "web-root"
    And StorPool knows a location whose id is a part of the cluster's
    When another host joins
    Then the setting "sp.cluster.location" of the pool "primary" now is not "elsewhere"
    And "web-root" holds the pattern "kept"

  @row-26 @fault @needs-fault-injection
  @A-13b
  Scenario: A host connects although the list of locations cannot be read
    Given a zone with 2 hosts and the StorPool pool "primary"
    And the running VM "web"
    And the pattern "kept" is written to "web-root"
    And the call "GET LocationsList" will be malformed
    When another host joins
    Then the pool "primary" has the hosts 1, 2 and 3
    And "web-root" holds the pattern "kept"

  @row-26 @CS-11764 @KV-Z2
  Scenario: A pool comes out of maintenance with its hosts connected, twice in a row
    Given a zone with 2 hosts and the StorPool pool "primary"
    And the running VM "web"
    And the pattern "kept" is written to "web-root"
    When the pool "primary" goes into maintenance
    And host 1 restarts its agent
    And host 2 restarts its agent
    And the pool "primary" comes out of maintenance
    Then the pool "primary" is Up
    When the VM "web" is started
    Then the guest "web" reads the pattern "kept" from "web-root"
    When the pool "primary" goes into maintenance
    And the pool "primary" comes out of maintenance
    And the VM "web" is started
    Then the pool "primary" has the hosts 1 and 2
    And the guest "web" reads the pattern "kept" from "web-root"

  @row-26
  Scenario: A host that goes down and comes back has its pool again
    Given a zone with 2 hosts and the StorPool pool "primary"
    And the running VM "web"
    And the pattern "kept" is written to "web-root"
    When CloudStack marks host 2 as Down
    Then the pool "primary" has the hosts 1 and 2
    And StorPool has 1 check volume
    When CloudStack marks host 2 as Up
    And the VM "web" is migrated to host 2
    Then the guest "web" reads the pattern "kept" from "web-root"

  @row-26
  Scenario: A host that CloudStack removes leaves its pool, and the last one takes the cluster's id with it
    Given a zone with 2 hosts and the StorPool pool "primary"
    And the running VM "web"
    And the pattern "kept" is written to "web-root"
    And CloudStack marks host 2 as Maintenance
    When CloudStack removes host 1, which is refused
    And CloudStack removes host 2
    Then the pool "primary" has the hosts 1
    And the StorPool cluster of the hosts is on record as "its own"
    When the VM "web" is stopped
    And CloudStack marks host 1 as Maintenance
    And CloudStack removes host 1
    Then the StorPool cluster of the hosts is on record as "n/a"
    And StorPool has 1 check volume
    And "web-root" holds the pattern "kept"

  @row-29 @CS-5775 @KV-Z2
  Scenario: Statistics go on while a pool is in maintenance and its hosts have restarted
    Given a zone with 2 hosts and the StorPool pool "primary"
    And the pool "second" is created with the URL "storpool://{token}@{host}:{port}/ssd"
    And the running VM "web"
    And the pattern "kept" is written to "web-root"
    When the pool "second" goes into maintenance
    And host 1 restarts its agent
    And host 2 restarts its agent
    And the statistics are collected
    Then the statistics say that "web-root" uses 16 KiB of 1 GiB
    And the statistics know the pool "primary"
    And the statistics know the pool "second"
    When the pattern "more" is written to "web-root" at 1 MiB
    And the statistics are collected
    Then the statistics say that "web-root" uses 32 KiB of 1 GiB
    And the guest "web" reads the pattern "kept" from "web-root"

  @row-25 @SP-11 @CS-6007
  @D-11a @D-25a @D-32b @D-6 @D-7a @D-25d @A-9a
  Scenario: A pool goes after disks have gone through all that there is
    Given a zone with 2 hosts and the StorPool pool "primary"
    And the pool "second" is created with the URL "storpool://{token}@{host}:{port}/ssd"
    And the qcow2 template "debian" of 1 GiB with the pattern "image"
    And the VM "vm" is deployed from the template "debian"
    And the DATA disk "disk" of 1 GiB is created
    And the disk "disk" is attached to "vm"
    And the pattern "first" is written to "disk"
    When the snapshot "snap" of "disk" is taken
    And the VM snapshot "group" of "vm" is taken
    And the disk "disk" is resized to 2 GiB
    And the pattern "second" is written to "disk"
    And the VM "vm" is migrated to another host
    And the VM snapshot "group" is deleted
    And the disk "disk" is migrated live to the pool "second"
    And the VM "vm" is stopped
    And the disk "disk" is reverted to the snapshot "snap"
    And the volume "copy" is created from the snapshot "snap"
    And the template "golden" is made from the snapshot "snap"
    And the disk "disk" is downloaded
    Then "disk" holds the pattern "first"
    And "copy" holds the pattern "first"
    And "vm-root" holds the pattern "image"
    When the disk "disk" is detached
    And the disk "disk" is deleted
    And the disk "copy" is deleted
    And the snapshot "snap" is deleted
    And the VM "vm" is expunged
    And the template "golden" is deleted
    And CloudStack collects garbage
    Then StorPool has no volume of "disk"
    And StorPool has no volume of "copy"
    And StorPool has no snapshot of "snap"
    And secondary storage has no snapshot
    And secondary storage has no volumes
    And StorPool has no temporary snapshots
    And the pool "primary" has 0 B in use
    And the pool "second" has 0 B in use
    When the pool "second" goes into maintenance
    And the pool "second" is deleted
    And the pool "primary" goes into maintenance
    And the pool "primary" is deleted
    Then the pool "primary" is gone
    And StorPool has no check volumes

  @row-26 @SP-16
  @D-11a @D-33b
  Scenario: What needs a host says so where no host is left
    Given a zone with 2 hosts and the StorPool pool "primary"
    And the DATA disk "disk", detached, with the pattern "kept"
    And the VM "vm" is stopped
    And CloudStack marks host 1 as Maintenance
    And CloudStack marks host 2 as Maintenance
    And CloudStack removes host 1
    And CloudStack removes host 2
    When the snapshot "snap" of "disk" is taken, which fails
    Then the error says "host"
    And StorPool has no snapshot of "snap"
    When the VM "vm" is started, which fails
    Then the error says "no host of zone"
    And "disk" holds the pattern "kept"

  @row-26 @SP-46
  @A-13a
  Scenario Outline: A host whose configuration has <fault> does not join the pool, and the setting is named
    Given a zone with 2 hosts and the StorPool pool "primary"
    And the running VM "web"
    And the pattern "kept" is written to "web-root"
    When a host of a new cluster joins with the configuration "<line>", which fails
    Then the error says "SP_OURID"
    And the pool "primary" has the hosts 1 and 2
    And "web-root" holds the pattern "kept"

    Examples:
      | fault               | line            |
      | no node id          | SP_OURID=       |
      | a word for node id  | SP_OURID=second |
      | a node id of nobody | SP_OURID=4711   |

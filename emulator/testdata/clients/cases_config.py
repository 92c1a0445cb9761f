"""Key-value store, iSCSI, locations, clusters and bridges."""

from cases import case
from emulator import refused

MIB = 1 << 20


@case("kvsCreate", "kvsBuckets", "kvsUpdate", "kvsList", "kvsGet", "kvsTryUpdate", "kvsDelete")
def key_value_store(c):
    c.api.kvsCreate("bucket")
    refused("objectExists", c.api.kvsCreate, "bucket")
    start = c.api.kvsBuckets().buckets["bucket"]
    c.api.kvsUpdate("bucket", {"set": {"a": "1", "b": "two words"}})
    got = c.api.kvsList("bucket")
    assert (got.name, got.version, got.pairs) == ("bucket", start + 1, {"a": "1", "b": "two words"})
    assert c.api.kvsGet("bucket", "a").pairs == {"a": "1"}
    c.api.kvsUpdate("bucket", {"set": {"a": ""}, "runIfVersionIs": start + 1})
    assert c.api.kvsList("bucket").pairs == {"b": "two words"}
    assert c.api.kvsTryUpdate("bucket", {"set": {"b": "3"}, "runIfVersionIs": start + 1}) is False
    assert c.api.kvsTryUpdate("bucket", {"set": {"b": "3"}, "runIfVersionIs": start + 2}) is True
    assert c.api.kvsList("bucket").pairs == {"b": "3"}
    refused("runIfVersionIsMismatch", c.api.kvsUpdate, "bucket", {"set": {"b": "4"}, "runIfVersionIs": start})
    c.api.kvsDelete("bucket")
    assert c.api.kvsBuckets().buckets == {}
    refused("objectDoesNotExist", c.api.kvsList, "bucket")
    refused("objectDoesNotExist", c.api.kvsGet, "bucket", "b")
    refused("objectDoesNotExist", c.api.kvsDelete, "bucket")


def order(c, **command):
    return c.api.iSCSIConfigChange({"commands": [command]})


@case("iSCSIConfig", "iSCSIConfigChange", "iSCSISessionsInfo", "iSCSInterfacesInfo")
def iscsi(c):
    base, host = "iqn.2019-08.com.storpool:cl", "iqn.2020-01.com.example:host"
    c.api.volumeCreate({"name": "v", "size": MIB, "template": "ssd"})
    c.api.iSCSIConfigChange({"commands": [
        {"setBaseName": {"name": base}},
        {"createPortalGroup": {"name": "pg1"}},
        {"portalGroupAddNetwork": {"portalGroup": "pg1", "net": "10.0.0.1/24"}},
        {"createPortal": {"portalGroup": "pg1", "controller": 1, "ip": "10.0.0.2"}},
        {"createTarget": {"volumeName": "v"}},
        {"createInitiator": {"name": host, "username": "", "secret": ""}},
        {"initiatorAddNetwork": {"initiator": host, "net": "0.0.0.0/0"}},
        {"export": {"initiator": host, "portalGroup": "pg1", "volumeName": "v"}}]})
    got = c.api.iSCSIConfig().iscsi
    assert got.baseName == base
    group, = got.portalGroups.values()
    assert group.name == "pg1" and [(p.ip, p.port, p.controller) for p in group.portals] == [("10.0.0.2", "3260", 1)]
    assert [n.prefix for n in group.networks] == [24]
    target, = got.targets.values()
    assert (target.name, target.volume) == (base + ":v", "v")
    initiator, = got.initiators.values()
    assert initiator.name == host and initiator.nets == ["0.0.0.0/0"]
    assert [(e.portalGroup, e.target) for e in initiator.exports] == [("pg1", base + ":v")]
    refused("objectExists", order, c, createTarget={"volumeName": "v"})
    refused("objectDoesNotExist", order, c, createTarget={"volumeName": "none"})
    refused("busy", order, c, deletePortalGroup={"name": "pg1"})
    refused("invalidParam", order, c, deleteTarget={"volumeName": "v"})
    assert isinstance(c.api.iSCSISessionsInfo().sessions, list)
    assert isinstance(c.api.iSCSISessionsInfo({"controllerIds": [1]}).sessions, list)
    assert isinstance(c.api.iSCSInterfacesInfo().controllers, list)
    assert isinstance(c.api.iSCSInterfacesInfo({"msecsTimeout": 100}).controllers, list)
    order(c, exportDelete={"initiator": host, "portalGroup": "pg1", "volumeName": "v"})
    order(c, deleteTarget={"volumeName": "v"})
    order(c, deleteInitiator={"name": host})
    order(c, deletePortal={"ip": "10.0.0.2"})
    order(c, deletePortalGroup={"name": "pg1"})
    got = c.api.iSCSIConfig().iscsi
    assert (got.portalGroups, got.targets, got.initiators) == ({}, {}, {})


def locations(c):
    return {entry.name: entry for entry in c.api.locationsList()["locations"]}


@case("locationsList", "locationAdd", "locationUpdate", "locationRename", "locationRemove")
def locations_are_kept(c):
    assert len(locations(c)) == 2, "its own and the remote one"
    c.api.locationAdd({"id": "abcd", "name": "far"})
    assert locations(c)["far"].id == "abcd"
    c.api.locationUpdate({"location": "far", "sendBufferSize": 65536, "recvBufferSize": 131072})
    assert (locations(c)["far"].sendBufferSize, locations(c)["far"].recvBufferSize) == (65536, 131072)
    c.api.locationRename({"location": "far", "name": "near"})
    assert "far" not in locations(c) and locations(c)["near"].id == "abcd"
    refused("objectExists", c.api.locationAdd, {"id": "abce", "name": "near"})
    refused("objectDoesNotExist", c.api.locationUpdate, {"location": "far"})
    c.api.locationRemove({"location": "near"})
    assert "near" not in locations(c)
    refused("objectDoesNotExist", c.api.locationRemove, {"location": "near"})


def clusters(c):
    return {entry.name: entry for entry in c.api.clustersList()["clusters"]}


@case("clustersList", "clusterAdd", "clusterRename", "clusterRemove")
def clusters_are_kept(c):
    before = clusters(c)
    c.api.clusterAdd({"id": "z", "location": "remote", "name": "second"})
    assert (clusters(c)["second"].id, clusters(c)["second"].location) == ("z", "remote")
    c.api.clusterRename({"cluster": "second", "name": "third"})
    assert "second" not in clusters(c) and clusters(c)["third"].id == "z"
    refused("objectDoesNotExist", c.api.clusterAdd, {"id": "y", "location": "nowhere"})
    c.api.clusterRemove({"name": "third"})
    assert sorted(clusters(c)) == sorted(before)
    refused("objectDoesNotExist", c.api.clusterRemove, {"name": "third"})


def bridges(c):
    return {entry.ip: entry for entry in c.api.remoteBridgesList()["remoteBridges"]}


@case("remoteBridgesList", "remoteBridgeAdd", "remoteBridgeRemove")
def bridges_are_kept(c):
    before = bridges(c)
    c.api.remoteBridgeAdd({"location": "remote", "ip": "10.1.1.1", "publicKey": "key1", "minimumDeleteDelay": 3600})
    got = bridges(c)["10.1.1.1"]
    assert (got.location, got.publicKey, got.minimumDeleteDelay) == ("remote", "key1", 3600)
    refused("objectExists", c.api.remoteBridgeAdd, {"location": "remote", "ip": "10.1.1.1", "publicKey": "key2"})
    refused("objectDoesNotExist", c.api.remoteBridgeAdd, {"location": "nowhere", "ip": "10.1.1.2", "publicKey": "key2"})
    c.api.remoteBridgeRemove({"ip": "10.1.1.1"})
    assert sorted(bridges(c)) == sorted(before)
    refused("objectDoesNotExist", c.api.remoteBridgeRemove, {"ip": "10.1.1.1"})

"""Volumes, snapshots and attachments."""

import os
import tempfile
import time

from storpool import spapi

from cases import case
from emulator import refused

MIB = 1 << 20
GIB = 1 << 30


def names(entries):
    return sorted(e.name for e in entries)


def one(entries):
    assert len(entries) == 1, "{0} entries instead of one".format(len(entries))
    return entries[0]


@case("volumeCreate", "volumeList", "volumesList", "volumeDelete")
def volumes_come_and_go(c):
    done = c.api.volumeCreate({"name": "disk1", "size": GIB, "template": "hybrid", "tags": {"cs": "volume", "none": ""}})
    assert done.ok is True and done.name == "disk1" and done.autoName is None
    got = one(c.api.volumeList("disk1"))
    assert (got.name, got.size, got.templateName, got.replication) == ("disk1", GIB, "hybrid", 3)
    assert (got.placeAll, got.placeTail, got.placeHead) == ("hdd", "ssd", "hdd")
    assert got.tags == {"cs": "volume"} and got.globalId == done.globalId and got.parentName == ""
    assert got.objectsCount == 32 and got.iops == "-" and got.bw == "-"
    nameless = c.api.volumeCreate({"size": MIB, "replication": 2, "placeAll": "ssd", "iops": 100, "bw": 200})
    assert nameless.name == "~" + nameless.globalId
    got = one(c.api.volumeList(nameless.name))
    assert (got.iops, got.bw, got.replication, got.templateName) == (100, 200, 2, "")
    assert names(c.api.volumesList()) == ["disk1", nameless.name]
    refused("objectExists", c.api.volumeCreate, {"name": "disk1", "size": GIB})
    refused("objectDoesNotExist", c.api.volumeCreate, {"name": "x", "size": GIB, "template": "none"})
    refused("insufficientResources", c.api.volumeCreate, {"name": "x", "size": 1 << 60, "template": "ssd"})
    generation = done.generation
    gone = c.api.volumeDelete("~" + done.globalId)
    assert gone.generation > generation
    refused("objectDoesNotExist", c.api.volumeList, "disk1")
    refused("objectDoesNotExist", c.api.volumeDelete, "disk1")
    assert names(c.api.volumesList()) == [nameless.name]


@case("volumeCreate", "snapshotsList")
def volumes_start_from_volumes_and_snapshots(c):
    c.api.volumeCreate({"name": "v", "size": MIB, "template": "ssd"})
    c.server.write("v", 4096, b"one" * 1000)
    copy = c.api.volumeCreate({"name": "copy", "baseOn": "v"})
    assert copy.autoName.startswith("v@"), copy.autoName
    snap = c.api.snapshotCreate("v", {"name": "s"})
    c.server.write("v", 4096, b"two" * 1000)
    c.api.volumeCreate({"name": "clone", "parent": "~" + snap.snapshotGlobalId, "size": 2 * MIB})
    assert one(c.api.volumeList("clone")).parentName == "s"
    assert c.server.read("copy", 4096, 3000) == b"one" * 1000
    assert c.server.read("clone", 4096, 3000) == b"one" * 1000
    assert c.server.read("v", 4096, 3000) == b"two" * 1000
    assert not any(s.transient for s in c.api.snapshotsList()), "transient snapshots vanish by themselves"


@case("volumeUpdate")
def volumes_change(c):
    c.api.volumeCreate({"name": "v", "size": MIB, "template": "ssd", "tags": {"a": "1", "b": "2"}})
    c.api.volumeUpdate("v", {"size": 2 * MIB, "iops": 500, "tags": {"a": "", "c": "3"}})
    got = one(c.api.volumeList("v"))
    assert (got.size, got.iops, got.tags) == (2 * MIB, 500, {"b": "2", "c": "3"})
    c.api.volumeUpdate("v", {"sizeAdd": MIB})
    refused("invalidParam", c.api.volumeUpdate, "v", {"size": MIB})
    c.api.volumeUpdate("v", {"size": MIB, "shrinkOk": True})
    c.api.volumeUpdate("v", {"rename": "w", "template": "hdd"})
    got = one(c.api.volumeList("w"))
    assert (got.size, got.templateName, got.placeAll) == (MIB, "hdd", "hdd")
    refused("objectDoesNotExist", c.api.volumeUpdate, "v", {"size": GIB})


@case("volumesStatus", "volumesQuickStatus")
def status_of_everything(c):
    c.api.volumeCreate({"name": "v", "size": GIB, "template": "ssd"})
    c.api.snapshotCreate("v", {"name": "s"})
    c.server.write("v", 0, b"x" * 8192)
    full, quick = c.api.volumesStatus(), c.api.volumesQuickStatus()
    assert sorted(full) == sorted(quick) == ["s", "v"]
    for entries in full, quick:
        assert entries["v"].status == entries["s"].status == "up"
        assert entries["v"].snapshot is False and entries["s"].snapshot is True
        assert entries["v"].missingDrives == [] and entries["v"].decreasedRedundancy is False
    assert full["v"].storedSize == 8192 and full["s"].storedSize == 0
    assert full["v"].onDiskSize >= 3 * 8192


@case("volumesSpace", "snapshotsSpace")
def space_follows_the_bytes(c):
    c.api.volumeCreate({"name": "v", "size": GIB, "template": "ssd"})
    c.server.write("v", 0, b"x" * 65536)
    c.api.snapshotCreate("v", {"name": "s"})
    c.server.write("v", 65536, b"y" * 4096)
    volume, snapshot = one(c.api.volumesSpace()), one(c.api.snapshotsSpace())
    assert (volume.name, volume.storedSize, volume.spaceUsed) == ("v", 4096, 65536 + 4096)
    assert (snapshot.name, snapshot.storedSize) == ("s", 65536)


@case("volumeDescribe", "volumeInfo", "snapshotDescribe", "snapshotInfo")
def placement_is_told(c):
    c.api.volumeCreate({"name": "v", "size": GIB, "template": "ssd"})
    c.api.snapshotCreate("v", {"name": "s"})
    ssds = {d.id for d in c.api.disksList().values() if d.ssd}
    for describe, info, name in (c.api.volumeDescribe, c.api.volumeInfo, "v"), (
            c.api.snapshotDescribe, c.api.snapshotInfo, "s"):
        whole = describe(name)
        assert whole.name == name and len(whole.objects) == 32
        assert all(len(set(chain)) == 3 and ssds.issuperset(chain) for chain in whole.objects)
        counted = info(name)
        assert sum(counted.objectsPerDisk.values()) == 3 * 32
        assert counted.disksCount == len(counted.objectsPerDisk)
        assert sum(chain.count for chain in counted.objectsPerChain) == 32
        refused("objectDoesNotExist", describe, "none")
        refused("objectDoesNotExist", info, "none")


@case("volumeListSnapshots")
def chain_of_snapshots(c):
    c.api.volumeCreate({"name": "v", "size": MIB, "template": "ssd"})
    for name in "s1", "s2", "s3":
        c.api.snapshotCreate("v", {"name": name})
    assert [s.name for s in c.api.volumeListSnapshots("v")] == ["s3", "s2", "s1"]


@case("volumeFreeze")
def frozen_volume_is_a_snapshot(c):
    v = c.api.volumeCreate({"name": "v", "size": MIB, "template": "ssd", "tags": {"a": "1"}})
    c.server.write("v", 512, b"z" * 512)
    c.api.volumeFreeze("v")
    refused("objectDoesNotExist", c.api.volumeList, "v")
    got = one(c.api.snapshotList("v"))
    assert got.globalId == v.globalId and got.tags == {"a": "1"}
    assert c.server.read("v", 512, 512) == b"z" * 512
    c.api.volumeCreate({"name": "w", "size": MIB, "template": "ssd"})
    at = int(time.time()) + 3600
    c.api.volumeFreeze("w", {"targetDeleteDate": at})
    assert one(c.api.snapshotList("w")).targetDeleteDate == at


@case("volumeRebase", "snapshotRebase")
def rebase_keeps_the_bytes(c):
    c.api.volumeCreate({"name": "v", "size": MIB, "template": "ssd"})
    c.server.write("v", 0, b"1" * 512)
    c.api.snapshotCreate("v", {"name": "s1"})
    c.server.write("v", 512, b"2" * 512)
    c.api.snapshotCreate("v", {"name": "s2"})
    c.api.volumeRebase("v", {"parentName": "s1"})
    assert one(c.api.volumeList("v")).parentName == "s1"
    c.api.volumeRebase("v", {})
    assert one(c.api.volumeList("v")).parentName == ""
    c.api.snapshotRebase("s2", {})
    assert one(c.api.snapshotList("s2")).parentName == ""
    for name in "v", "s2":
        assert c.server.read(name, 0, 1024) == b"1" * 512 + b"2" * 512
    refused("objectDoesNotExist", c.api.volumeRebase, "v", {"parentName": "none"})


@case("volumeAbandonDisk", "snapshotAbandonDisk")
def disks_are_abandoned(c):
    c.api.volumeCreate({"name": "v", "size": MIB, "template": "ssd"})
    c.api.snapshotCreate("v", {"name": "s"})
    disk = next(iter(c.api.volumeInfo("v").objectsPerDisk))
    assert c.api.volumeAbandonDisk("v", {"diskId": disk}).ok is True
    assert c.api.snapshotAbandonDisk("s", {"diskId": disk}).ok is True
    refused("objectDoesNotExist", c.api.volumeAbandonDisk, "none", {"diskId": disk})


@case("volumeRevert")
def revert_brings_the_bytes_back(c):
    c.api.volumeCreate({"name": "v", "size": MIB, "template": "ssd"})
    c.server.write("v", 0, b"before" * 512)
    c.api.snapshotCreate("v", {"name": "s"})
    c.server.write("v", 0, b"after-" * 512)
    c.api.volumesReassign([{"volume": "v", "rw": [1]}])
    refused("busy", c.api.volumeRevert, "v", {"toSnapshot": "s"})
    c.api.volumesReassign([{"volume": "v", "detach": "all"}])
    c.api.volumeRevert("v", {"toSnapshot": "s"})
    assert c.server.read("v", 0, 3072) == b"before" * 512
    refused("objectDoesNotExist", c.api.volumeRevert, "v", {"toSnapshot": "none"})


@case("snapshotCreate", "snapshotsList", "snapshotList", "snapshotDelete")
def snapshots_come_and_go(c):
    v = c.api.volumeCreate({"name": "v", "size": MIB, "template": "ssd"})
    at = int(time.time()) + 3600
    done = c.api.snapshotCreate("v", {"name": "s", "bind": True, "targetDeleteDate": at, "tags": {"cs": "snapshot"}})
    got = one(c.api.snapshotList("s"))
    assert got.globalId == done.snapshotGlobalId and got.visibleVolumeId == done.snapshotVisibleVolumeId
    assert (got.onVolume, got.bound, got.autoName, got.deleted) == ("v", True, False, False)
    assert (got.targetDeleteDate, got.tags, got.createdFromGlobalId) == (at, {"cs": "snapshot"}, v.globalId)
    auto = c.api.snapshotCreate("v", {})
    assert auto.autoName.startswith("v@")
    assert names(c.api.snapshotsList()) == sorted(["s", auto.autoName])
    assert one(c.api.snapshotList(auto.autoName)).autoName is True
    refused("objectExists", c.api.snapshotCreate, "v", {"name": "s"})
    refused("invalidParam", c.api.snapshotCreate, "v", {"targetDeleteDate": 1000})
    c.api.snapshotDelete(auto.autoName)
    refused("objectDoesNotExist", c.api.snapshotDelete, auto.autoName)
    assert names(c.api.snapshotsList()) == ["s"]


@case("snapshotUpdate")
def snapshots_change(c):
    c.api.volumeCreate({"name": "v", "size": MIB, "template": "ssd"})
    auto = c.api.snapshotCreate("v", {"tags": {"a": "1"}}).autoName
    c.api.snapshotUpdate(auto, {"rename": "kept", "iops": 1000, "template": "hdd", "tags": {"a": "", "b": "2"}})
    got = one(c.api.snapshotList("kept"))
    assert (got.autoName, got.iops, got.templateName, got.tags) == (False, 1000, "hdd", {"b": "2"})
    c.api.snapshotUpdate("kept", {"deleteAfter": 3600, "bind": True})
    got = one(c.api.snapshotList("kept"))
    assert got.bound is True and abs(got.targetDeleteDate - time.time() - 3600) < 60


@case("snapshotDeleteById")
def snapshots_go_by_global_id(c):
    c.api.volumeCreate({"name": "v", "size": MIB, "template": "ssd"})
    gid = c.api.snapshotCreate("v", {"name": "s"}).snapshotGlobalId
    c.api.snapshotDeleteById(gid)
    refused("objectDoesNotExist", c.api.snapshotList, "s")
    refused("objectDoesNotExist", c.api.snapshotDeleteById, gid)


@case("snapshotCreateGroup")
def groups_are_of_one_moment(c):
    made = [c.api.volumeCreate({"name": n, "size": MIB, "template": "ssd"}) for n in ("v1", "v2")]
    done = c.api.snapshotCreateGroup({
        "tags": {"cs": "group"}, "volumes": [{"volume": "v1", "name": "s1"}, {"volume": "v2", "tags": {"disk": "1"}}]})
    assert [m.volume for m in done.snapshots] == ["v1", "v2"]
    assert [m.volumeGlobalId for m in done.snapshots] == [v.globalId for v in made]
    first, second = (one(c.api.snapshotList("~" + m.snapshotGlobalId)) for m in done.snapshots)
    assert first.name == "s1" and first.tags == {"cs": "group"}
    assert second.tags == {"cs": "group", "disk": "1"} and second.onVolume == "v2"
    refused("objectDoesNotExist", c.api.snapshotCreateGroup, {"volumes": [{"volume": "v1"}, {"volume": "none"}]})
    assert len(c.api.snapshotsList()) == 2, "all or nothing"


@case("volumesReassign", "volumesReassignWait", "attachmentsList")
def attachments_come_and_go(c):
    v = c.api.volumeCreate({"name": "v", "size": MIB, "template": "ssd"})
    c.api.snapshotCreate("v", {"name": "s"})
    c.api.volumesReassign([{"volume": "v", "rw": [1]}, {"snapshot": "s", "ro": [2]}])
    got = {a.volume: a for a in c.api.attachmentsList()}
    assert (got["v"].client, got["v"].rights, got["v"].snapshot, got["v"].globalId) == (1, "rw", False, v.globalId)
    assert (got["s"].client, got["s"].rights, got["s"].snapshot, got["s"].pos) == (2, "ro", True, 0)
    refused("busy", c.api.volumeDelete, "v")
    c.api.volumesReassignWait({"reassign": [{"volume": "v", "rw": [3], "ro": [1]}], "attachTimeout": 5})
    assert sorted((a.client, a.rights) for a in c.api.attachmentsList() if a.volume == "v") == [(1, "ro"), (3, "rw")]
    c.api.volumesReassignWait(
        {"reassign": [{"volume": "v", "detach": [1, 3]}, {"snapshot": "s", "detach": "all", "force": True}]})
    assert c.api.attachmentsList() == []
    err = refused("invalidParam", c.api.volumesReassign, [{"volume": "v", "rw": [99]}])
    assert err.desc == "No such client registered"
    refused("objectDoesNotExist", c.api.volumesReassignWait, {"reassign": [{"volume": "none", "rw": [1]}]})


@case("volumeDevLinkWait")
def device_links_are_looked_for(c):
    with tempfile.TemporaryDirectory() as folder:
        kept, spapi.SP_DEV_PATH = spapi.SP_DEV_PATH, folder + "/"
        try:
            assert c.api.volumeDevLinkWait("v", False, pollTime=0.01, maxTime=0.05) is True
            assert c.api.volumeDevLinkWait("v", True, pollTime=0.01, maxTime=0.05) is False
            os.symlink("/dev/null", os.path.join(folder, "v"))
            assert c.api.volumeDevLinkWait("v", True, pollTime=0.01, maxTime=0.05) is True
        finally:
            spapi.SP_DEV_PATH = kept


@case("volumesList", "volumeList", "snapshotsList", "volumesReassign", "attachmentsList", "volumeCreate", "snapshotCreate")
def multi_cluster_answers_name_the_cluster(c):
    cluster = c.multi.volumeCreate({"name": "v", "size": MIB, "template": "ssd"}).globalId.rsplit(".", 1)[0]
    c.multi.snapshotCreate("v", {"name": "s"})
    for entry in c.multi.volumesList() + c.multi.volumeList("v") + c.multi.snapshotsList():
        assert entry.clusterId == cluster and entry.clusterName
    assert one(c.single.volumesList()).clusterId is None
    c.multi.volumesReassign([{"volume": "v", "rw": [1]}])
    assert one(c.multi.attachmentsList()).volume == "v"

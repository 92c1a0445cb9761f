"""What several clusters and locations exchange."""

from cases import case
from emulator import refused

MIB = 1 << 20


def remote(c):
    """What other locations export to this one, by name."""
    return {entry.name: entry for entry in c.api.snapshotsRemoteList()["snapshots"]}


@case("volumeBackup", "snapshotsRemoteList", "snapshotFromRemote", "volumeFromRemote", "snapshotsRemoteUnexport")
def backup_comes_back(c):
    v = c.api.volumeCreate({"name": "v", "size": MIB, "template": "ssd"})
    c.server.write("v", 0, b"kept" * 512)
    done = c.api.volumeBackup({"volume": "v", "location": "remote", "tags": {"day": "1"}})
    entry = remote(c)["v"]
    assert (entry.location, entry.remoteId, entry.size, entry.tags) == ("remote", done.remoteId, MIB, {"day": "1"})
    c.api.volumeDelete("v")
    c.api.snapshotFromRemote({"remoteId": done.remoteId, "remoteLocation": "remote", "name": "back", "template": "hdd"})
    got = c.api.snapshotList("back")[0]
    assert (got.globalId, got.templateName, got.recoveringFromRemote) == (done.remoteId, "hdd", False)
    assert c.server.read("back", 0, 2048) == b"kept" * 512
    assert remote(c)["v"].localSnapshot == "back"
    refused("objectExists", c.api.snapshotFromRemote,
            {"remoteId": done.remoteId, "remoteLocation": "remote", "name": "again"})
    c.api.snapshotDelete("back")
    c.api.volumeFromRemote({"remoteId": done.remoteId, "remoteLocation": "remote", "name": "v2", "template": "ssd"})
    assert c.server.read("v2", 0, 2048) == b"kept" * 512
    c.api.snapshotsRemoteUnexport({"remoteSnapshots": [{"location": "remote", "globalSnapshotId": done.remoteId}]})
    assert "v" not in remote(c)
    refused("objectDoesNotExist", c.api.volumeBackup, {"volume": "none", "location": "remote"})
    refused("objectDoesNotExist", c.api.volumeBackup, {"volume": "v2", "location": "nowhere"})
    assert v.globalId != done.remoteId


@case("volumesGroupBackup")
def groups_are_backed_up(c):
    for name in "v1", "v2":
        c.api.volumeCreate({"name": name, "size": MIB, "template": "ssd"})
    done = c.api.volumesGroupBackup({"location": "remote", "volumes": ["v1", "v2"]})
    assert sorted(done.backups) == ["v1", "v2"]
    assert {name: entry.remoteId for name, entry in remote(c).items()} == {
        name: one.remoteId for name, one in done.backups.items()}


@case("snapshotExport", "exportsList", "snapshotUnexport")
def exports(c):
    c.api.volumeCreate({"name": "v", "size": MIB, "template": "ssd"})
    gid = c.api.snapshotCreate("v", {"name": "s"}).snapshotGlobalId
    c.api.snapshotExport({"snapshot": "s", "location": "remote"})
    entry, = c.api.exportsList()["exports"]
    assert (entry.snapshot, entry.location, entry.globalId) == ("s", "remote", gid)
    refused("objectExists", c.api.snapshotExport, {"snapshot": "s", "location": "remote"})
    assert "still exported" in refused("busy", c.api.snapshotDelete, "s").desc
    c.api.snapshotUnexport({"snapshot": "s", "location": "remote"})
    assert c.api.exportsList()["exports"] == []
    c.api.snapshotExport({"snapshot": "s", "location": "remote"})
    c.api.snapshotUnexport({"snapshot": "~" + gid, "all": True, "force": True})
    c.api.snapshotDelete("s")
    refused("objectDoesNotExist", c.api.snapshotExport, {"snapshot": "s", "location": "remote"})


@case("volumeMoveToRemote", "volumeAcquire", "volumeExport", "volumeExportsList", "volumesRemoteList", "snapshotMoveToRemote",
      flags=("--member", "spsm.c=spsim2"))
def volumes_move_between_clusters(c):
    there = {"clusterName": "spsim2"}
    gid = c.api.volumeCreate({"name": "v", "size": MIB, "template": "ssd"}).globalId
    c.server.write("v", 0, b"moved" * 512)
    c.api.snapshotCreate("v", {"name": "s"})
    c.single.volumeExport("v", {"cluster": "spsim2"})
    entry, = c.api.volumeExportsList()["exports"]
    assert (entry.snapshot, entry.globalId) == ("v", gid)
    entry, = c.api.volumesRemoteList(**there)["volumes"]
    assert (entry.name, entry.remoteId, entry.size) == ("v", gid, MIB)
    refused("objectDoesNotExist", c.api.volumeExport, "v", {"cluster": "nowhere"})

    c.api.volumeMoveToRemote("v", {"clusterId": "spsm.c"})
    refused("objectDoesNotExist", c.single.volumeList, "v")
    moved = c.single.volumeList("v", **there)[0]
    assert (moved.globalId, moved.size) == (gid, MIB), "the id stays"
    c.api.volumesReassign([{"volume": "v", "rw": [1]}], **there)
    refused("busy", c.multi.volumeAcquire, "v", {})
    c.multi.volumeAcquire("v", {"onRemoteAttached": "detachForce"})
    c.multi.volumeAcquire("v", {})
    assert c.single.volumeList("v")[0].globalId == gid and c.api.attachmentsList(**there) == []
    assert c.server.read("v", 0, 2560) == b"moved" * 512

    c.api.snapshotMoveToRemote("s", {"cluster": "spsim2", "onAttached": "fail"})
    refused("objectDoesNotExist", c.single.snapshotList, "s")
    assert c.single.snapshotList("s", **there)[0].name == "s"
    assert {s.name: s.clusterId for s in c.multi.snapshotsList()} == {"s": "spsm.c"}

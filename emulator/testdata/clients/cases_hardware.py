"""Peers, services, clients, disks, placement, templates, relocator, balancer, maintenance."""

import time

from cases import case
from emulator import refused

MIB = 1 << 20
GIB = 1 << 30


def volume(c, name="v", **kwargs):
    """A volume of a GiB on solid state disks, with a snapshot."""
    done = c.api.volumeCreate(dict({"name": name, "size": GIB, "template": "ssd"}, **kwargs))
    c.api.snapshotCreate(name, {"name": name + "-s"})
    return done


def used_disk(c, name="v"):
    return next(iter(c.api.volumeInfo(name).objectsPerDisk))


def disk(c, ident):
    return c.api.disksList()[ident]


@case("peersList")
def peers(c):
    got = c.api.peersList()
    assert got and all(p.beaconStatus == "NODE_UP" and p.clusterStatus == "CNODE_UP" and p.joined for p in got.values())
    assert all(p.networks for p in got.values())


@case("tasksList")
def settled_cluster_has_no_tasks(c):
    volume(c)
    assert c.api.tasksList() == []


@case("servicesList", "serversList", "serversListBlocked")
def services(c):
    whole = c.api.servicesList()
    assert whole.clusterStatus == "running"
    assert sorted(whole.servers) == [1, 2, 3] and sorted(whole.clients) == [1, 2, 3, 4, 5]
    assert all(s.running and s.uptime >= 0 and s.missingDisks == [] for s in whole.servers.values())
    assert sum(m.active for m in whole.mgmt.values()) == 1
    servers = c.api.serversList()
    assert sorted(servers.servers) == [1, 2, 3] and servers.clients == {}
    assert sorted(c.api.serversListBlocked().servers) == [1, 2, 3]


@case("allPeersActiveRequests")
def nothing_is_under_way_anywhere(c):
    got = c.api.allPeersActiveRequests({"msecsTimeout": 100})
    assert not any(r.status == "request" for r in got.requests)
    assert len(c.api.allPeersActiveRequests().requests) == len(got.requests)


@case("clientsConfigDump", "clientConfigWait", "clientActiveRequests")
def clients(c):
    generation = c.api.volumeCreate({"name": "v", "size": MIB, "template": "ssd"}).generation
    dump = c.api.clientsConfigDump()
    assert [s.id for s in dump] == [1, 2, 3, 4, 5] and all(s.configStatus == "ok" and s.delay == 0 for s in dump)
    waited = c.api.clientConfigWait(2)
    assert [(s.id, s.configStatus) for s in waited] == [(2, "ok")] and waited[0].clientGeneration >= generation
    got = c.api.clientActiveRequests(3)
    assert got.clientId == 3 and got.requests == []
    refused("objectDoesNotExist", c.api.clientConfigWait, 99)
    refused("objectDoesNotExist", c.api.clientActiveRequests, 99)


@case("disksList", "serverDisksList", "serverDiskDescribe", "diskDescribe")
def disks(c):
    volume(c)
    c.server.write("v", 0, b"x" * 4096)
    every = c.api.disksList()
    by_server = [c.api.serverDisksList(s) for s in (1, 2, 3)]
    assert sorted(every) == sorted(d for ds in by_server for d in ds)
    ident = used_disk(c)
    whole = c.api.diskDescribe(ident)
    assert whole.id == ident and whole.up and not whole.empty
    assert {o.volume for o in whole.objects.values()} <= {"v", "v-s"} and all(o.ok for o in whole.objects.values())
    placed = sum(info.objectsPerDisk.get(ident, 0) for info in (c.api.volumeInfo("v"), c.api.snapshotInfo("v-s")))
    assert whole.objectsAllocated == placed and len(whole.objects) in (0, placed)
    same = c.api.serverDiskDescribe(whole.serverId, ident)
    assert sorted(same.objects) == sorted(whole.objects)
    refused("objectDoesNotExist", c.api.serverDiskDescribe, whole.serverId % 3 + 1, ident)
    refused("objectDoesNotExist", c.api.diskDescribe, 4000)
    refused("objectDoesNotExist", c.api.serverDisksList, 9)


@case("diskEject", "diskForget")
def ejected_and_forgotten_disks(c):
    volume(c)
    ident = used_disk(c)
    c.api.diskEject(ident)
    gone = disk(c, ident)
    assert gone.up is False and gone.generationLeft >= 0
    assert c.api.volumesStatus()["v"].decreasedRedundancy is True
    c.api.diskForget(ident)
    assert ident not in c.api.disksList()
    assert ident not in c.api.placementGroupDescribe("ssd").disks
    refused("objectDoesNotExist", c.api.diskForget, ident)


@case("diskIgnore", "diskRetrim", "diskActiveRequests", "diskSetDesc")
def orders_to_disks(c):
    ident = sorted(c.api.disksList())[0]
    c.api.diskSetDesc(ident, {"description": "shelf 1"})
    assert disk(c, ident).description == "shelf 1"
    assert c.api.diskRetrim(ident).ok is True
    assert c.api.diskIgnore(ident).ok is True
    got = c.api.diskActiveRequests(ident)
    assert got.diskId == ident and got.requests == []
    refused("objectDoesNotExist", c.api.diskActiveRequests, 4000)
    refused("objectDoesNotExist", c.api.diskSetDesc, 4000, {"description": "none"})


@case("diskSoftEject", "diskSoftEjectPause", "diskSoftEjectCancel", "tasksList", "volumeRelocatorStatus",
      flags=("--clock", "virtual"))
def soft_eject(c):
    volume(c)
    c.server.write("v", 0, b"x" * (64 * MIB // 8))
    ident = used_disk(c)
    placed = disk(c, ident).objectsAllocated
    c.api.diskSoftEject(ident)
    assert disk(c, ident).softEject == "on"
    assert ident in c.api.volumesStatus()["v"].softEjectingDrives
    c.api.diskSoftEjectPause(ident)
    assert disk(c, ident).softEject == "paused"
    c.api.diskSoftEjectCancel(ident)
    assert disk(c, ident).softEject == "off" and disk(c, ident).objectsAllocated == placed
    c.api.diskSoftEject(ident)
    c.server.advance("24h")
    assert disk(c, ident).objectsAllocated == 0 and c.api.tasksList() == []
    assert c.api.volumeRelocatorStatus().volumesToRelocate == 0
    assert c.api.volumesStatus()["v"].decreasedRedundancy is False


@case("diskScrubStart", "diskScrubPause", "diskScrubContinue")
def scrubbing(c):
    volume(c)
    c.server.write("v", 0, b"x" * 65536)
    ident = used_disk(c)
    c.api.diskScrubPause(ident)
    assert disk(c, ident).scrubbingPaused is True
    c.api.diskScrubStart(ident)
    assert disk(c, ident).scrubbingPaused is True
    c.api.diskScrubContinue(ident)
    assert disk(c, ident).scrubbingPaused is False


@case("placementGroupsList", "placementGroupDescribe", "placementGroupUpdate", "placementGroupDelete")
def placement_groups(c):
    assert sorted(c.api.placementGroupsList()) == ["default", "hdd", "ssd"]
    every = sorted(c.api.disksList())
    c.api.placementGroupUpdate("mine", {"addDisks": every[:3], "rmDisks": []})
    assert c.api.placementGroupDescribe("mine").disks == set(every[:3])
    c.api.placementGroupUpdate("mine", {"addDisks": [every[3]], "rmDisks": [every[0]], "rename": "ours"})
    got = c.api.placementGroupDescribe("ours")
    assert got.disks == set(every[1:4]) and got.name == "ours"
    refused("objectDoesNotExist", c.api.placementGroupDescribe, "mine")
    refused("objectDoesNotExist", c.api.placementGroupUpdate, "ours", {"addDisks": [4000], "rmDisks": []})
    refused("busy", c.api.placementGroupDelete, "ssd")
    c.api.placementGroupDelete("ours")
    assert "ours" not in c.api.placementGroupsList()


@case("faultSetsList")
def fault_sets(c):
    for name, group in c.api.faultSetsList().items():
        assert group.name == name and group.servers


@case("vagList", "vagUpdate", "volumeUpdateVag", "snapshotUpdateVag")
def volume_allocation_groups(c):
    volume(c)
    first = c.api.vagList(c.api.volumeList("v")[0].visibleVolumeId)
    assert first.replication == 3 and first.placeAll == "ssd" and first.diskSetsConstraintsViolated is False
    c.api.vagUpdate({"vagId": str(first.vagId), "targetsCount": 16})
    assert len(c.api.vagList(first.vagId).targetDiskSets) == 16
    assert c.api.volumeUpdateVag("v", {"vagId": "parent"}).ok is True
    assert c.api.snapshotUpdateVag("v-s", {"vagId": first.vagId}).ok is True
    refused("objectDoesNotExist", c.api.vagList, 1 << 40)
    refused("objectDoesNotExist", c.api.volumeUpdateVag, "none", {"vagId": "parent"})


@case("volumeTemplatesList", "volumeTemplateDescribe", "volumeTemplateCreate", "volumeTemplateUpdate", "volumeTemplateDelete")
def templates(c):
    assert sorted(t.name for t in c.api.volumeTemplatesList()) == ["hdd", "hybrid", "ssd"]
    c.api.volumeTemplateCreate({"name": "t", "replication": 2, "placeAll": "ssd", "size": GIB, "iops": 100})
    got = c.api.volumeTemplateDescribe("t")
    assert (got.replication, got.placeAll, got.placeTail, got.size, got.iops, got.bw) == (2, "ssd", "ssd", GIB, 100, "-")
    c.api.volumeCreate({"name": "v", "template": "t"})
    c.api.volumeTemplateUpdate("t", {"rename": "u", "iops": 200, "propagate": True})
    v = c.api.volumeList("v")[0]
    assert (v.iops, v.templateName, v.size) == (200, "u", GIB)
    refused("objectExists", c.api.volumeTemplateCreate, {"name": "u"})
    refused("objectDoesNotExist", c.api.volumeTemplateDescribe, "t")
    c.api.volumeTemplateDelete("u")
    assert c.api.volumeList("v")[0].templateName == ""


@case("volumeTemplatesStatus")
def template_status_counts(c):
    volume(c)
    c.server.write("v", 0, b"x" * 65536)
    got = {t.name: t for t in c.api.volumeTemplatesStatus()}
    assert sorted(got) == ["hdd", "hybrid", "ssd"]
    ssd = got["ssd"]
    assert (ssd.volumesCount, ssd.snapshotsCount, ssd.storedSize) == (1, 1, 65536)
    assert 0 < ssd.stored.free <= ssd.stored.capacity


@case("volumeRelocatorStatus")
def relocator(c):
    got = c.api.volumeRelocatorStatus()
    assert (got.status, got.volumesToRelocate, got.recoveringFromRemote) == ("on", 0, 0)


def settled(targets):
    """A cluster at rest has nothing to move."""
    up = [t for t in targets.values() if t.generationLeft == -1]
    assert up
    for t in up:
        for figure in t.objectsAllocated, t.storedSize, t.onDiskSize:
            assert figure.current == figure.target and figure.delta == figure.toRecover == 0
    return sum(t.objectsAllocated.current for t in up)


@case("volumeRelocatorDisks", "volumeRelocatorVolumeDisks", "volumeRelocatorSnapshotDisks")
def relocator_has_nothing_to_move(c):
    volume(c)
    settled(c.api.volumeRelocatorDisks())
    assert settled(c.api.volumeRelocatorVolumeDisks("v")) == 3 * 32
    assert settled(c.api.volumeRelocatorSnapshotDisks("v-s")) == 3 * 32
    refused("objectDoesNotExist", c.api.volumeRelocatorVolumeDisks, "none")


@case("volumeBalancerGetStatus")
def balancer_is_idle(c):
    got = c.api.volumeBalancerGetStatus()
    assert got.status == "nothing to do" and got.auto is False


@case("volumeBalancerSetStatus", flags=("--clock", "virtual"))
def balancer_obeys(c):
    def status():
        return c.api.volumeBalancerGetStatus().status

    c.api.volumeBalancerSetStatus({"cmd": "start"})
    assert status() == "working"
    refused("invalidParam", c.api.volumeBalancerSetStatus, {"cmd": "commit"})
    c.server.advance("1m")
    assert status() == "ready"
    c.api.volumeBalancerSetStatus({"cmd": "commit"})
    c.server.advance("1m")
    assert status() == "nothing to do"
    c.api.volumeBalancerSetStatus({"cmd": "start"})
    c.api.volumeBalancerSetStatus({"cmd": "stop"})
    assert status() == "nothing to do"


@case("volumeBalancerVolumesStatus", "volumeBalancerDisks", "volumeBalancerVolumeDisks", "volumeBalancerSnapshotDisks",
      "volumeBalancerVolumeDiskSets", "volumeBalancerSnapshotDiskSets")
def balancer_has_nothing_to_move(c):
    volume(c)
    got = {v.name: v for v in c.api.volumeBalancerVolumesStatus()}
    assert sorted(got) == ["v", "v-s"] and got["v-s"].snapshot and not got["v"].reallocated and not got["v"].blocked
    settled(c.api.volumeBalancerDisks())
    assert settled(c.api.volumeBalancerVolumeDisks("v")) == 3 * 32
    assert settled(c.api.volumeBalancerSnapshotDisks("v-s")) == 3 * 32
    for sets in c.api.volumeBalancerVolumeDiskSets("v"), c.api.volumeBalancerSnapshotDiskSets("v-s"):
        assert sets.currentDiskSets and sets.currentDiskSets == sets.balancerDiskSets
    refused("objectDoesNotExist", c.api.volumeBalancerVolumeDiskSets, "none")


@case("maintenanceList", "maintenanceSet", "maintenanceComplete")
def maintenance(c):
    assert c.api.maintenanceList().nodes == []
    c.api.maintenanceSet({"nodeId": 1, "duration": 3600, "description": "new memory"})
    node = c.api.maintenanceList().nodes[0]
    assert (node.nodeId, node.duration, node.description, node.overrun) == (1, 3600, "new memory", False)
    assert abs(node.started - time.time()) < 60 and 3500 < node.remaining <= 3600
    c.api.maintenanceComplete({"nodeId": 1})
    assert c.api.maintenanceList().nodes == []
    refused("objectDoesNotExist", c.api.maintenanceComplete, {"nodeId": 1})

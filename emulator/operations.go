package emulator

// Operations returns the table of all calls of the API, in the order of the API reference.
func Operations() []Op {
	var ops []Op
	ops = append(ops, serviceOps()...)
	ops = append(ops, diskOps()...)
	ops = append(ops, volumeOps()...)
	ops = append(ops, snapshotOps()...)
	ops = append(ops, exchangeOps()...)
	ops = append(ops, attachmentOps()...)
	ops = append(ops, placementOps()...)
	ops = append(ops, templateOps()...)
	ops = append(ops, relocatorOps()...)
	ops = append(ops, iscsiOps()...)
	ops = append(ops, remoteOps()...)
	ops = append(ops, otherOps()...)
	return ops
}

// Why members of requests have no effect.
const (
	atOnce       = "who answers does so at once, so that no time limit is reached"
	templateTags = "templates show no tags, and volumes do not inherit any"
)

func serviceOps() []Op {
	return []Op{
		op("GET", "NetworkPeersList", 0, networkPeers),
		op("GET", "TasksList", 0, tasksList),
		op("GET", "ServicesList", 0, servicesList),
		op("GET", "ServersListBlocked", 0, serversListBlocked),
		op("GET", "AllPeersActiveRequests", 0, allPeersActiveRequests).but("msecsTimeout", atOnce),
		op("GET", "ServersList", 0, serversList),
		op("GET", "ServerDisksList/{serverId}", 0, serverDisksList),
		op("GET", "ServerDiskDescribe/{serverId}/{diskId}", 0, serverDiskDescribe),
		op("GET", "ClientsConfigDump", 0, clientsConfigDump),
		op("GET", "ClientConfigWait/{clientId}", 0, clientConfigWait),
		op("GET", "ClientActiveRequests/{clientId}", 0, clientActiveRequests),
	}
}

func diskOps() []Op {
	return []Op{
		op("GET", "DisksList", 0, disksList),
		op("GET", "DiskDescribe/{diskId}", 0, diskDescribe),
		op("POST", "DiskEject/{diskId}", Changes, diskEject),
		op("POST", "DiskForget/{diskId}", Changes, diskForget),
		op("POST", "DiskIgnore/{diskId}", Changes, diskIgnore),
		op("POST", "DiskSoftEject/{diskId}", Changes, diskSoftEject("on")),
		op("POST", "DiskSoftEjectPause/{diskId}", Changes, diskSoftEject("paused")),
		op("POST", "DiskSoftEjectCancel/{diskId}", Changes, diskSoftEject("off")),
		op("POST", "DiskSetDescription/{diskId}", Changes, diskSetDescription),
		op("GET", "DiskActiveRequests/{diskId}", 0, diskActiveRequests),
		op("POST", "DiskScrubStart/{diskId}", Changes, diskScrubStart),
		op("POST", "DiskScrubPause/{diskId}", Changes, diskScrubPause(true)),
		op("POST", "DiskScrubContinue/{diskId}", Changes, diskScrubPause(false)),
		op("POST", "DiskRetrim/{diskId}", Changes, diskRetrim),
	}
}

func volumeOps() []Op {
	return []Op{
		op("GET", "VolumesList", Multi, volumesList),
		op("GET", "VolumesGetStatus", Multi, volumesGetStatus),
		op("GET", "VolumesGetStatusQuick", Multi, volumesGetStatusQuick),
		op("GET", "VolumesSpace", Multi|AllClusters, volumesSpace),
		op("GET", "Volume/{volumeName}", Multi, volumeGet),
		op("GET", "VolumeDescribe/{volumeName}", Multi, volumeDescribe),
		op("GET", "VolumeGetInfo/{volumeName}", Multi, volumeGetInfo),
		op("GET", "VolumeListSnapshots/{volumeName}", 0, volumeListSnapshots),
		op("POST", "VolumeCreate", Multi|Changes, volumeCreate),
		op("POST", "VolumeUpdate/{volumeName}", Multi|Changes, volumeUpdate),
		op("POST", "VolumeFreeze/{volumeName}", Multi|Changes, volumeFreeze),
		op("POST", "VolumeRebase/{volumeName}", Changes, volumeRebase),
		op("POST", "VolumeAbandonDisk/{volumeName}", Changes, volumeAbandonDisk),
		op("POST", "VolumeDelete/{volumeName}", Multi|Changes, volumeDelete),
		op("POST", "VolumeBackup", Multi|Changes, volumeBackup),
		op("POST", "VolumesGroupBackup", Multi|Changes, volumesGroupBackup),
		op("POST", "VolumeMoveToRemote/{volumeName}", Changes, volumeMoveToRemote),
		op("POST", "VolumeExport/{volumeName}", Changes, volumeExport),
		op("POST", "VolumeAcquire/{volumeName}", Multi|Changes, volumeAcquire),
		op("POST", "VolumeFromRemote", Changes, volumeFromRemote),
		op("POST", "VolumeRevert/{volumeName}", Multi|Changes, volumeRevert),
	}
}

func snapshotOps() []Op {
	return []Op{
		op("GET", "SnapshotsList", Multi|AllClusters, snapshotsList),
		op("GET", "SnapshotsSpace", Multi, snapshotsSpace),
		op("GET", "Snapshot/{snapshotName}", Multi, snapshotGet),
		op("GET", "SnapshotDescribe/{snapshotName}", Multi, snapshotDescribe),
		op("GET", "SnapshotGetInfo/{snapshotName}", Multi, snapshotGetInfo),
		op("POST", "VolumeSnapshot/{volumeName}", Multi|Changes, volumeSnapshot),
		op("POST", "SnapshotUpdate/{snapshotName}", Multi|Changes, snapshotUpdate),
		op("POST", "SnapshotRebase/{snapshotName}", Changes, snapshotRebase),
		op("POST", "VolumeAbandonDisk/{snapshotName}", Changes, snapshotAbandonDisk),
		op("POST", "SnapshotDelete/{snapshotName}", Multi|Changes, snapshotDelete),
		op("POST", "SnapshotDeleteById/{globalVolumeId}", Changes, snapshotDeleteByID),
		op("POST", "VolumesGroupSnapshot", Multi|Changes, volumesGroupSnapshot),
	}
}

func exchangeOps() []Op {
	return []Op{
		op("POST", "SnapshotFromRemote", Changes, snapshotFromRemote),
		op("POST", "SnapshotMoveToRemote/{snapshotName}", Changes, snapshotMoveToRemote),
		op("POST", "SnapshotExport", Changes, snapshotExport),
		op("POST", "SnapshotUnexport", Changes, snapshotUnexport),
		op("GET", "ExportsList", 0, exportsList),
		op("GET", "VolumeExportsList", 0, volumeExportsList),
		op("GET", "SnapshotsRemoteList", 0, snapshotsRemoteList),
		op("GET", "VolumesRemoteList", 0, volumesRemoteList),
		op("POST", "SnapshotsRemoteUnexport", Changes, snapshotsRemoteUnexport),
	}
}

func attachmentOps() []Op {
	return []Op{
		op("GET", "AttachmentsList", Multi, attachmentsList),
		op("POST", "VolumesReassign", Multi|Changes, volumesReassign),
		op("POST", "VolumesReassignWait", Multi|Changes, volumesReassignWait),
	}
}

func placementOps() []Op {
	return []Op{
		op("GET", "PlacementGroupsList", 0, placementGroupsList),
		op("GET", "PlacementGroupDescribe/{placementGroupName}", 0, placementGroupDescribe),
		op("POST", "PlacementGroupUpdate/{placementGroupName}", Changes, placementGroupUpdate),
		op("POST", "PlacementGroupDelete/{placementGroupName}", Changes, placementGroupDelete),
		op("GET", "FaultSetsList", 0, faultSetsList),
		op("GET", "VagList/{vagName}", 0, vagList),
		op("POST", "VolumeUpdateVag/{volumeName}", Changes, volumeUpdateVAG),
		op("POST", "SnapshotUpdateVag/{snapshotName}", Changes, snapshotUpdateVAG),
		op("POST", "VagUpdate", Changes, vagUpdate),
	}
}

func templateOps() []Op {
	return []Op{
		op("GET", "VolumeTemplatesList", 0, templatesList),
		op("GET", "VolumeTemplatesStatus", AllClusters, templatesStatus),
		op("GET", "VolumeTemplateDescribe/{templateName}", 0, templateDescribe),
		op("POST", "VolumeTemplateCreate", Changes, templateCreate).but("tags", templateTags),
		op("POST", "VolumeTemplateUpdate/{templateName}", Changes, templateUpdate).but("tags", templateTags),
		op("POST", "VolumeTemplateDelete/{templateName}", Changes, templateDelete),
	}
}

func relocatorOps() []Op {
	return []Op{
		op("GET", "VolumeRelocatorStatus", 0, relocatorState),
		op("GET", "VolumeRelocatorDisksList", 0, disksTargets),
		op("GET", "VolumeRelocatorVolumeDisks/{volumeName}", 0, volumeDisksTargets),
		op("GET", "VolumeRelocatorSnapshotDisks/{snapshotName}", 0, snapshotDisksTargets),
		op("GET", "VolumeBalancerStatus", 0, balancerState),
		op("POST", "VolumeBalancerStatus", Changes, balancerCommand),
		op("GET", "VolumeBalancerVolumesStatus", 0, balancerVolumes),
		op("GET", "VolumeBalancerDisksList", 0, disksTargets),
		op("GET", "VolumeBalancerVolumeDisks/{volumeName}", 0, volumeDisksTargets),
		op("GET", "VolumeBalancerSnapshotDisks/{snapshotName}", 0, snapshotDisksTargets),
		op("GET", "VolumeBalancerVolumeDiskSets/{volumeName}", 0, volumeBalancerSets),
		op("GET", "VolumeBalancerSnapshotDiskSets/{snapshotName}", 0, snapshotBalancerSets),
	}
}

func iscsiOps() []Op {
	return []Op{
		op("GET", "iSCSIConfig", 0, iscsiConfig),
		op("POST", "iSCSIConfig", Changes, iscsiConfigChange),
		op("GET", "iSCSISessionsInfo", 0, iscsiSessionsInfo).but("msecsTimeout", atOnce),
		op("GET", "iSCSInterfacesInfo", 0, iscsiInterfacesInfo).but("msecsTimeout", atOnce),
	}
}

func remoteOps() []Op {
	return []Op{
		op("GET", "LocationsList", 0, locationsList),
		op("POST", "LocationAdd", Changes, locationAdd),
		op("POST", "LocationRemove", Changes, locationRemove),
		op("POST", "LocationUpdate", Changes, locationUpdate),
		op("POST", "LocationRename", Changes, locationRename),
		op("GET", "ClustersList", 0, clustersList),
		op("POST", "ClusterAdd", Changes, clusterAdd),
		op("POST", "ClusterRemove", Changes, clusterRemove),
		op("POST", "ClusterRename", Changes, clusterRename),
		op("GET", "RemoteBridgesList", 0, remoteBridgesList),
		op("POST", "RemoteBridgeAdd", Changes, remoteBridgeAdd),
		op("POST", "RemoteBridgeRemove", Changes, remoteBridgeRemove),
	}
}

func otherOps() []Op {
	const (
		reverts = "announced for release 21.0 by the title of its documentation only: neither its query nor its body is public; " +
			"revert the volumes one by one with VolumeRevert"
		deletes = "announced for release 21.0 by the title of its documentation only: neither its query nor its body is public; " +
			"delete the snapshots one by one with SnapshotDelete"
		mgmtConfig = "known from the chapter mgmtConfig of the CLI only: neither its query nor its answer is public; " +
			"what clients need of it they read from their configuration files"
		groups   = "the public balancer script calls it, and no public source gives the shape of its answer"
		diskSets = "the public balancer script calls it with disk sets that it has computed; no public source gives the shape of " +
			"its body, and the emulator places by rule"
	)
	return []Op{
		op("GET", "MaintenanceList", 0, maintenanceList),
		op("POST", "MaintenanceSet", Changes, maintenanceSet),
		op("POST", "MaintenanceComplete", Changes, maintenanceComplete),
		op("GET", "KV", 0, kvList),
		op("GET", "KV/List/{bucketName}", 0, kvListBucket),
		op("GET", "KV/Get/{bucketName}/{keyName}", 0, kvGet),
		op("POST", "KV/Create/{bucketName}", Changes, kvCreate),
		op("POST", "KV/Delete/{bucketName}", Changes, kvDelete),
		op("POST", "KV/Set/{bucketName}", Changes, kvSet),
		op("GET", "VolumesAndSnapshotsList", 0, volumesAndSnapshotsList),
		op("POST", "SnapshotReconcile/{snapshotName}", Changes, snapshotReconcile),
		op("GET", allClustersQuery, Multi|AllClusters, allClusters),
		op("GET", "DiskGetInfo/{diskId}", 0, diskGetInfo),
		absent("GET", "VolumeBalancerGroups", 0, groups),
		absent("POST", "__BalancerDiskSetsUpdate", Changes, diskSets),
		absent("POST", "(group revert)", Changes, reverts),
		absent("POST", "(delete several snapshots)", Changes, deletes),
		absent("GET", "(management configuration)", 0, mgmtConfig),
	}
}

package emulator

import "slices"

// Choice is something that public sources leave open: what the emulator does, and the knob that makes it do otherwise
// where there is one.
type Choice struct {
	// Topic is the heading under which it is listed.
	Topic string
	// Source is the section of the specification that leaves it open: "storpool-api 4.5".
	Source string
	// Open says what no source tells, Here what the emulator does.
	Open, Here string
	Knob       Knob
}

// Knob is how a choice is taken otherwise, in three ways that mean the same.
type Knob struct {
	Flag    string // of spsim serve, without dashes; its environment variable follows from it
	Option  string // of [New]
	JSON    string // path in a [Document]
	Default string
}

// Choices returns every choice, topic by topic.
func Choices() []Choice {
	return slices.Concat(
		about("Transport and errors", transportChoices()),
		about("Names, tags and numbers", nameChoices()),
		about("Volumes and snapshots", volumeChoices()),
		about("Attachments", attachmentChoices()),
		about("Templates, placement and figures", placementChoices()),
		about("Several clusters", clusterChoices()),
		about("Exports and backups", exportChoices()),
		about("Services, clients and disks", serviceChoices()),
		about("Key-value store", kvChoices()),
		about("iSCSI", iscsiChoices()),
	)
}

func about(topic string, all []Choice) []Choice {
	for i := range all {
		all[i].Topic, all[i].Source = topic, "storpool-api "+all[i].Source
	}
	return all
}

// behaviourKnob is a knob that is a member of [cluster.Behaviour].
func behaviourKnob(flag, member, json, value string) Knob {
	return Knob{Flag: flag, Option: "WithBehaviour: " + member, JSON: "behaviour." + json, Default: value}
}

func fixed(source, open, here string) Choice { return Choice{Source: source, Open: open, Here: here} }

func transportChoices() []Choice {
	return []Choice{
		{
			Source: "2.3, 16", Open: "HTTP status of an error, for each name",
			Here: "404 objectDoesNotExist and unknownQuery, 409 objectExists and busy, 400 invalidParam, 401 accessDenied, " +
				"503 transient errors, 504 timeout, 507 insufficientResources, 501 notSupported, 500 any other",
			Knob: Knob{Flag: "status", Option: "WithStatus", JSON: "behaviour.status", Default: "byName"},
		},
		{
			Source: "2.4, 16", Open: "whether members are refused that the call does not know",
			Here: "they are accepted, shown in the call log and counted",
			Knob: Knob{Flag: "strict", Option: "WithStrict", JSON: "behaviour.strict", Default: "false"},
		},
		fixed("2.2", "`clusterName` of a MultiCluster reply", "it is there, as in list entries"),
		fixed("2.3", "error names for malformed JSON, an unknown query, a wrong token",
			"invalidParam, unknownQuery, accessDenied"),
		fixed("17.1", "texts of `descr`, and the full list of error names",
			"texts of our own, but for the two that clients read: `No such client registered` and `is open at client`"),
		fixed("17.11", "a query that tells the identity of a cluster", "there is none; ClustersList and LocationsList have it"),
	}
}

func nameChoices() []Choice {
	return []Choice{
		{
			Source: "4.3, 16", Open: "name of an anonymous snapshot of a nameless volume", Here: "`~` and its global id",
			Knob: behaviourKnob("anonymous-at-names", "AnonymousAtNames", "anonymousAtNames", "false"),
		},
		{
			Source: "4.4, 16, 17.9", Open: "characters of tag values", Here: "any printable text",
			Knob: behaviourKnob("strict-tag-values", "StrictTagValues", "strictTagValues", "false"),
		},
		{
			Source: "4.5, 16, 17.4", Open: "granularity of sizes", Here: "multiples of 512 bytes",
			Knob: behaviourKnob("size-granularity", "SizeGranularity", "sizeGranularity", "512"),
		},
		{
			Source: "4.5, 16, 17.4", Open: "largest size of a volume", Here: "what the placement groups hold, over replication",
			Knob: behaviourKnob("max-volume-size", "MaxVolumeSize", "maxVolumeSize", "from the disks"),
		},
		fixed("4.2", "sequence of global ids", "a counter to the base of 36 that starts at the seed"),
		fixed("4.2", "global id of a frozen volume", "the volume's"),
		fixed("4.3", "number in a generated name `volume@N`", "visibleVolumeId of the snapshot"),
		fixed("4.3", "name of the transient snapshot of a nameless volume", "`<global id of the volume>@N`, without tilde"),
		fixed("4.3", "name of a nameless snapshot while it is being deleted", "`*` and the global id, without tilde"),
		fixed("4.3", "renaming a generated snapshot", "it gets a real name, and autoName is false"),
		fixed("4.3", "whether sub-clusters share a namespace", "each cluster has its own"),
		fixed("4.4", "empty tag values at creation", "they are not stored"),
		fixed("4.5, 17.9", "how iops 0 is shown", "as `-`, like no limit"),
		fixed("4.5", "longest chain of snapshots", "none"),
	}
}

func volumeChoices() []Choice {
	return []Choice{
		{
			Source: "6.5, 16", Open: "how long a deleted snapshot with one child is listed as `*name`", Here: "not at all",
			Knob: behaviourKnob("delete-delay", "DeleteDelay", "deleteDelay", "0s"),
		},
		{
			Source: "6.2, 16", Open: "how long the snapshot made by baseOn stays", Here: "not at all",
			Knob: behaviourKnob("transient-lifetime", "TransientLifetime", "transientLifetime", "0s"),
		},
		{
			Source: "6.6, 16, 17.7", Open: "limits of a reverted volume", Here: "they stay",
			Knob: behaviourKnob("revert-resets-limits", "RevertResetsLimits", "revertResetsLimits", "false"),
		},
		{
			Source: "6.6, 16", Open: "revert of an attached volume", Here: "busy",
			Knob: behaviourKnob("revert-attached", "RevertAttached", "revertAttached", "false"),
		},
		fixed("5", "what is read beyond the end of a smaller parent", "zeros"),
		fixed("5, 17.6", "onVolume of a snapshot whose volume is gone", "`-`"),
		fixed("5, 17.7", "mcState of an object of one cluster", "clusterLocal"),
		fixed("5", "internal numbers of list entries", "consistent ones of our own; 0 where nothing is behind them"),
		fixed("6.1", "where settings come from", "request, then template of the request, then source, then defaults; replication 3"),
		fixed("6.2", "parent together with baseOn, or no size from anywhere", "invalidParam"),
		fixed("6.2", "a volume as parent, or a snapshot as baseOn", "objectDoesNotExist"),
		fixed("6.2", "a size below that of the source", "invalidParam"),
		fixed("6.3", "an update that changes nothing", "succeeds, and the generation stays"),
		fixed("6.3", "size together with sizeAdd, or shrinking without shrinkOk", "invalidParam"),
		fixed("6.4", "a volume that is listed twice in VolumesGroupSnapshot", "invalidParam, and nothing is made"),
		fixed("6.4", "a planned deletion of what is attached or exported", "it happens as soon as nothing holds the snapshot"),
		fixed("6.5", "deletion of a snapshot with children",
			"it succeeds; the content goes to the only child, and with several children the snapshot lingers until one is left"),
		fixed("6.6", "size after a revert", "it stays, or with revertSize is that of the snapshot"),
		fixed("6.7", "freeze of a volume that is attached rw", "busy; an attachment that is ro stays"),
		fixed("A.8", "VolumeAbandonDisk, DiskIgnore, DiskRetrim", "acknowledged, without effect"),
		fixed("A.8", "order of VolumeListSnapshots", "nearest ancestor first"),
	}
}

func attachmentChoices() []Choice {
	return []Choice{
		{
			Source: "7.2, 16, 17.8", Open: "answer of VolumesReassignWait when attachTimeout expires",
			Here: "error timeout; the change stays",
			Knob: behaviourKnob("timeout-succeeds", "TimeoutSucceeds", "timeoutSucceeds", "false"),
		},
		fixed("7.2", "order of the checks of a reassign", "object, clients, rights, open devices, free slots; all items or none"),
		fixed("7.2", "unknown clients in detach, and detaching what is not attached", "ignored"),
		fixed("7.2", "one client in ro and in rw", "invalidParam"),
		fixed("7.2", "rights of an attachment that is there", "they change in place, and pos stays"),
		fixed("7.2", "rw on a snapshot", "attached ro"),
		fixed("7.2", "when clients apply a change", "at once while they run, on their return when they are down"),
	}
}

func placementChoices() []Choice {
	return []Choice{
		fixed("8", "capacity of a template",
			"allocation groups of the disks that are up, times 512 MiB, times 4096/4224, over replication; the smallest of the three groups"),
		fixed("8, A.12", "debugging figures u1, u2 and u3", "capacity, free and used bytes"),
		fixed("A.11", "an unknown disk in PlacementGroupUpdate", "objectDoesNotExist"),
		fixed("A.11", "deletion of a placement group that is in use", "busy"),
		fixed("A.12", "objects of a template that is deleted", "they keep their settings, and templateName is empty"),
		fixed("A.13, A.14", "estimates of the relocator and the balancer", "the present placement: nothing is ever out of balance"),
	}
}

func clusterChoices() []Choice {
	return []Choice{
		fixed("9", "RemoteCommand to a cluster that nobody knows", "objectDoesNotExist"),
		fixed("9, 17.3", "members that identify the cluster in AllClusters entries", "clusterId and clusterName"),
		fixed("9", "cluster of a new volume under MultiCluster/", "that of the source, else the one that got the request"),
		fixed("9, 17.7", "mcMode of a reassign", "move brings the volume here, export leaves it there and exports it"),
		fixed("17.3", "other members of VolumesAndSnapshotsList", "those of the status lists"),
	}
}

func exportChoices() []Choice {
	return []Choice{
		{
			Source: "10, 16", Open: "how long the copy of an object from another location takes", Here: "no time",
			Knob: behaviourKnob("remote-copy", "RemoteCopy", "remoteCopy", "0s"),
		},
		fixed("10, 17.7", "what SnapshotReconcile does", "it makes the copy an object of this cluster"),
		fixed("10", "the local snapshot of a backup", "it goes when the copy is done"),
		fixed("10", "a copy whose export is withdrawn by force", "it ends where it is: what is missing cannot be read, and its status is data lost"),
		fixed("10", "a copy between clusters that do not reach each other", "it goes on"),
		fixed("9", "a volume that moves to another cluster", "at once, without its parent; a template or placement group that is missing there becomes the default"),
		fixed("9", "a cluster that cannot be reached", "clusterUnreachable, transient; an `error` entry in AllClusters"),
		fixed("9", "RemoteCommand to a location that is not emulated as a cluster", "objectDoesNotExist; its snapshots are exchanged all the same"),
		fixed("A.9", "export of a snapshot to a location that has it", "objectExists"),
		fixed("A.9", "SnapshotFromRemote of what is not exported to us", "objectDoesNotExist"),
	}
}

func serviceChoices() []Choice {
	return []Choice{
		fixed("A.4, A.6, A.7", "requests in flight", "none: what is answered is done"),
		fixed("A.3", "ServersListBlocked", "ServicesList"),
		fixed("A.5", "disks of an unknown server", "objectDoesNotExist"),
		fixed("A.5", "clients in ServersList", "an empty map"),
		fixed("A.7", "generationLeft of an ejected disk", "the generation of the ejection"),
		fixed("5, 11", "what a cluster without quorum answers",
			"clusterDown, transient, to every change; ServersListBlocked says waiting; half or more of the servers down is no quorum too"),
		fixed("5", "a device whose data cannot be reached, has no room, or whose client is dead", "its reads and writes fail; on a real host they hang"),
		fixed("14", "a disk that comes back", "in sync at once, never `up soon`"),
		fixed("14", "DiskForget of the last replica", "nothing is lost: contents are kept apart from the disks that account for them"),
		fixed("14", "speed of a soft-eject and of a scrub", "200 MiB and 64 MiB a second of the clock"),
		fixed("14", "cancel of a soft-eject", "what was moved is back at once"),
		fixed("A.14", "a run of the balancer", "works for 1 s and commits for 1 s; blocked while a disk is down"),
		fixed("A.17", "limits of maintenance", "one replica and a bare majority must stay; a node that is in maintenance already answers invalidParam"),
		fixed("14", "counters of disks", "from the size of the disk and what is placed on it, by the sample of the bindings"),
	}
}

func kvChoices() []Choice {
	return []Choice{
		fixed("12", "version of a new bucket", "1"),
		fixed("12", "KV/Get of a key that the bucket does not have", "the bucket with no pairs"),
		fixed("12", "a KV/Set that changes nothing", "the version grows by one, as with every success"),
		fixed("12", "a value that is not text", "invalidParam"),
	}
}

func iscsiChoices() []Choice {
	return []Choice{
		fixed("13", "whether the commands before a refused one stay", "all commands of a call are done, or none"),
		fixed("13", "base name of a new cluster", "`iqn.2019-08.com.storpool:` and the cluster id"),
		fixed("13", "numeric ids", "the lowest that is free, from 1"),
		fixed("13", "setBaseName while there are targets", "targets keep their names"),
		fixed("13", "a volume whose name is no part of an iSCSI name", "createTarget answers invalidParam"),
		fixed("13", "renaming or deleting a volume that is a target", "the target keeps its name; deletion and freeze answer busy"),
		fixed("13", "deletePortalGroup with portals or exports, deleteInitiator with exports", "busy"),
		fixed("13", "deleteTarget while exported, exportDelete of nothing", "invalidParam, objectDoesNotExist"),
		fixed("13", "a network, portal or export that is there already", "objectExists"),
		fixed("13", "an address outside of the networks of the portal group", "accepted"),
		fixed("13", "currentControllerId", "targets are dealt out to the controllers that have a portal"),
		fixed("13", "sessions", "none: the emulator speaks no iSCSI; tests open them with cluster.ISCSILogin"),
		fixed("13", "a controller that is unknown", "status timeout"),
	}
}

package cover

import "slices"

// plugin are the field problems of the plugin outside of CloudStack's tree.
func plugin() []Regression {
	return in("2.1", []Regression{
		{ID: "SP-1", What: "a management server that died in a template's copy left a volume and a snapshot of one name"},
		{ID: "SP-2", What: "a cached template that StorPool had lost stayed on record: no VM could be deployed from it"},
		{ID: "SP-3", What: "a delete that failed dropped the record, and one of what was gone failed for ever"},
		{
			ID: "SP-4", What: "one sub-cluster that was down stopped creates and attaches in the others",
			Shown: []Test{{"emulator/moves_test.go", "TestAVolumeIsFoundWhileAnotherSubClusterIsCutOff"}},
		},
		{
			ID: "SP-5", What: "a command for a host went to the secondary storage VM",
			Reason: "the harness has no secondary storage VM: commands cannot go elsewhere than to a host",
		},
		{ID: "SP-6", What: "a volume that had been downloaded could not be deleted"},
		{ID: "SP-7", What: "a revert lost the tags of a volume, and any user could set the tag of a policy"},
		{ID: "SP-8", What: "a migration between pools did not change the placement template (the same as CS-6661a)"},
		{ID: "SP-9", What: "a volume was attached a second time"},
		{ID: "SP-10", What: "a pool could be used only after the agents had restarted"},
		{ID: "SP-11", What: "left-overs stopped the deletion of a pool"},
		{ID: "SP-12", What: "the attach of a volume that was only recorded crashed"},
		{ID: "SP-13", What: "thin volumes were counted with their full size"},
		{
			ID: "SP-14", What: "the token of a pool was there to read",
			Beyond: "the answers of list calls: the harness has no API that lists pools",
		},
		{ID: "SP-15", What: "a migrated volume had another uuid tag and another limit"},
		{ID: "SP-16", What: "a cluster without hosts crashed what needed one"},
	})
}

// integrations are the problems of Proxmox, OpenNebula, OpenStack, and those of CSI, disaster recovery and the bindings.
func integrations() []Regression {
	return slices.Concat(proxmox(), openNebula(), openStack(), others())
}

func proxmox() []Regression {
	return in("2.2", []Regression{
		{
			ID: "SP-20", What: "a disk that was attached to a dead node kept its VM from starting",
			Shown: []Test{{"emulator/walkthrough_proxmox_test.go", "TestProxmoxDiskLife"}},
		},
		{ID: "SP-21", What: "a migration that was cut short took the disk from the VM that ran"},
		{
			ID: "SP-22", What: "an attachment to read, of a backup program, was turned into one to write",
			Shown: []Test{{"emulator/walkthrough_proxmox_test.go", "TestProxmoxLeavesAReadersAttachmentAsItIs"}},
		},
		{
			ID: "SP-23", What: "one slow call made whole operations run out of time",
			Shown: []Test{{"driver/spapi/retry_test.go", "TestACallThatHangsEndsAfterItsTimeAndIsNotRepeated"}},
		},
		{
			ID: "SP-24", What: "the size of a volume over a snapshot was taken from the snapshot",
			Shown: []Test{{"emulator/cluster/volumes_test.go", "TestACloneOfASnapshotMayBeLargerAndInheritsNoTags"}},
		},
		{
			ID: "SP-25", What: "disks of another installation on the same StorPool were taken for one's own",
			Shown: []Test{{"emulator/walkthrough_proxmox_test.go", "TestTwoProxmoxesWithEqualVMsShareAStorPool"}},
		},
		{
			ID: "SP-26", What: "volumes of a remote cluster were changed",
			Shown: []Test{{"emulator/federation_test.go", "TestObjectsAreFoundWhereverTheyLiveInTheMultiCluster"}},
		},
	})
}

func openNebula() []Regression {
	return in("2.3", []Regression{
		{
			ID: "SP-30", What: "the revert of a VM lost the tags of its disks (the same as SP-7)",
			Shown: []Test{{"emulator/walkthrough_opennebula_test.go", "TestOpenNebulaRevertsByRenaming"}},
		},
		{ID: "SP-31", What: "a disk that moved lost its class, or changed its placement template"},
		{
			ID: "SP-32", What: "the delete of a disk removed others whose names begin alike",
			Shown: []Test{{"emulator/walkthrough_opennebula_test.go", "TestOpenNebulaDeletesOneOfDisksWithNamesAlike"}},
		},
		{ID: "SP-33", What: "an image whose size is not a multiple of StorPool's unit could not be converted"},
		{ID: "SP-34", What: "a migration that failed left the disks attached to the target (the same as SP-21)"},
		{
			ID: "SP-35", What: "an attach ran out of time because another host's client was dead",
			Shown: []Test{{"emulator/cluster/attach_test.go", "TestReassignWaitWaitsForClientsThatAreDown"}},
		},
		{
			ID: "SP-36", What: "very large documents, and ids with and without their prefix, were not understood",
			Shown: []Test{
				{"emulator/wire_test.go", "TestLongListIsWholeOverEveryWire"},
				{"emulator/faults_test.go", "TestRuleFindsItsObjectByEverySpelling"},
			},
		},
	})
}

func openStack() []Regression {
	return in("2.4", []Regression{
		{ID: "SP-40", What: "a change of type that failed was not taken back"},
		{
			ID: "SP-41", What: "the fake API of unit tests renamed volumes wrongly, and hid wrong code",
			Beyond: "recordings of a cluster: the emulator is held against the catalogue of calls and against real clients",
			Shown: []Test{
				{"emulator/cluster/volumes_test.go", "TestVolumesSwapNamesOverAThirdAndKeepWhatIsTheirs"},
				{"emulator/contract_test.go", "TestEveryReadAnswersByTheCatalogue"},
				{"emulator/whole_test.go", "TestEveryChangeAnswersByTheCatalogue"},
			},
		},
		{
			ID: "SP-42", What: "a revert gave a volume another identity",
			Shown: []Test{{"emulator/cluster/lineage_test.go", "TestARevertKeepsTheVolumeAndTakesTheContents"}},
		},
		{
			ID: "SP-43", What: "a clone took the room of its source once more",
			Shown: []Test{{"emulator/walkthrough_openstack_test.go", "TestCinderClonesInTheSameTemplateTakeNoRoom"}},
		},
		{ID: "SP-44", What: "volumes whose class was their placement template had to get it by a tag"},
		{ID: "SP-45", What: "a volume was attached to more than one node (the same as CS-10799)"},
		{ID: "SP-46", What: "a host without a node id misbehaved without a word"},
	})
}

func others() []Regression {
	return in("2.5", []Regression{
		{
			ID: "SP-50", What: "checks before a create or a delete raced with the one of somebody else",
			Shown: []Test{{"emulator/history_test.go", "TestConcurrentCallsAreLinearizable"}},
		},
		{
			ID: "SP-51", What: "ids with and without ~, and those of nodes, were mixed up",
			Shown: []Test{
				{"emulator/walkthrough_csi_test.go", "TestCSIVolumeLife"},
				{"driver/connection_test.go", "TestPathsAndNamesAreTheTwoSidesOfOneID"},
			},
		},
		{
			ID: "SP-52", What: "sizes, arguments, access modes and folders were not checked by CSI's rules",
			Reason: "the rules are a CSI driver's, before it asks StorPool: there is none here",
		},
		{ID: "SP-53", What: "the tag uuid was not CloudStack's at all times, and a volume was not found by it"},
		{
			ID: "SP-54", What: "a volume without a name was answered without its global id, and a missing setting was no error",
			Shown: []Test{
				{"emulator/cluster/cluster_test.go", "TestANamelessVolumeIsKnownByItsGlobalID"},
				{"driver/spapi/retry_test.go", "TestAClientNamesWhatIsMissing"},
			},
		},
	})
}

package cover

// in gives all regressions of a section the same source.
func in(section string, of []Regression) []Regression {
	for i := range of {
		of[i].Source = "upstream-history " + section
	}
	return of
}

// mended are the bugs of CloudStack's plugin that were fixed.
func mended() []Regression {
	return in("1.1", []Regression{
		{ID: "CS-6317", What: "management servers without a StorPool pool got StorPool's log files"},
		{
			ID: "CS-6455", What: "pools of another type were given to StorPool's adaptor and could not be used after an upgrade",
			Beyond: "the upgrade of records that the old version had given the wrong type: the harness begins with an empty database",
		},
		{ID: "CS-6805", What: "log lines of pools of other storage spoke of StorPool"},
		{ID: "CS-6735", What: "the first VM of a zone failed because nobody knew the size of its template"},
		{ID: "CS-6902", What: "a volume kept its IOPS limit when its new offering had none"},
		{ID: "CS-6661a", What: "no disk of a running VM moved from one StorPool pool to another"},
		{ID: "CS-6661b", What: "one host without StorPool made a pool fail for the whole zone"},
		{
			ID: "CS-6661c", What: "a migration took the wrong branch when the ids of pools were above 127",
			Reason: "the ids were boxed numbers that were compared by identity; Go compares their values",
		},
		{
			ID: "CS-8045", What: "host HA needed a pool of files, and restarted VMs whose disks were still attached to the dead host",
			Shown: []Test{{"agentsim/pool_test.go", "TestAHeartbeatTellsUnknownFromDown"}},
		},
		{
			ID: "CS-8445", What: "VMs that CloudStack did not make could not be listed when their disks were block devices",
			Reason: "the harness has no import of VMs, so that nothing lists them",
		},
		{ID: "CS-8377", What: "a disk that outlived its VM kept the tags of the VM and of its backup policy"},
		{ID: "CS-8843", What: "a disk that was deleted by mistake could not be brought back, and the rows of its snapshots went with it"},
		{
			ID: "CS-9855", What: "a deleted snapshot stayed in the list",
		},
		{ID: "CS-8575", What: "templates were made by freezing volumes, a call that the plugin must not use"},
		{ID: "CS-10662", What: "a template was recorded with the size of its file, so that its volumes were too small or too large"},
		{ID: "CS-10775", What: "a guest did not see that its disk had grown"},
		{ID: "CS-10799", What: "a VM stopped by force on a host that is cut off started elsewhere: two hosts wrote its disks"},
		{ID: "CS-11211", What: "a volume that is only recorded has no path, and crashed who looked at it"},
		{ID: "CS-11452", What: "a change for one storage broke templates of snapshots on others, and its repair StorPool"},
		{
			ID: "CS-11351", What: "what was made of a copied snapshot in another zone came with the size and offering of the first one",
			Beyond: "the deployment of a VM from it: VMs of the harness come from an ISO or a template",
		},
		{
			ID: "CS-11490a", What: "a template of a copied snapshot was made in the first zone, and left a temporary backup",
			Reason: "the harness makes a template in the zone of the snapshot only: the action has no zone",
		},
		{ID: "CS-11490b", What: "a volume of a snapshot that has a backup came out empty"},
		{ID: "CS-11764", What: "a pool did not come out of maintenance after the agents had restarted"},
		{ID: "CS-12347", What: "a snapshot in Error left files behind"},
		{ID: "CS-12451", What: "the deletion of a pool with detached volumes crashed"},
		{
			ID: "CS-7845", What: "the plugin did not build outside of a checkout",
			Reason: "it is about a build, not about what a plugin does",
		},
		{ID: "CS-5433", What: "the deletion of a volume dropped the records of snapshots that lived on"},
		{ID: "CS-5775", What: "statistics crashed when agents had restarted while a pool was in maintenance"},
	})
}

// added are CloudStack's features that the plugin got or had to follow.
func added() []Regression { //nolint:funlen // a table
	return in("1.2", []Regression{
		{ID: "CS-6007", What: "every action of the plugin leaves nothing behind"},
		{ID: "CS-7404", What: "capacity and use of volumes are StorPool's own figures, and the last good ones stay"},
		{ID: "CS-7539", What: "each action on an encrypted volume is proven on bytes or refused with a reason"},
		{ID: "CS-8356", What: "both forms of a pool's URL give the same pool, and bad ones name the field without the token"},
		{ID: "CS-8755", What: "tier and placement template are those of the offering, through every action"},
		{
			ID: "CS-9478", What: "a snapshot is copied to another zone with all its bytes, or leaves nothing there",
			Beyond: "the second completion of a job: jobs of the harness return once",
		},
		{
			ID: "CS-9833", What: "a template that hosts download is cached once with its size, and a download that breaks off leaves nothing",
			Beyond: "checksums, which the harness gives no template, and two pools at once",
		},
		{
			ID: "CS-10077", What: "what a guest discards is free on StorPool",
			Beyond: "the option in the description of the domain: guests of the harness are not described in XML",
		},
		{ID: "CS-10587", What: "the tag disk is the slot of an attached volume, and absent of a detached one"},
		{
			ID: "CS-10503", What: "a VM is deployed from a volume or a snapshot",
			Reason: "VMs of the harness come from an ISO or a template",
		},
		{ID: "CS-10093", What: "a volume is attached twice during a migration only"},
		{ID: "CS-11625", What: "a volume that comes from other storage has the type of its new pool, and secondary storage stays empty"},
		{
			ID: "CS-12711", What: "a volume whose key a KMS keeps is an encrypted volume",
			Beyond: "the change of keys and a KMS that is down: the harness has its reference and no KMS",
		},
		{
			ID: "CS-10111", What: "a host reboots for a heartbeat that failed only if that is wanted",
			Beyond: "the setting that forbids it, which a host of the harness has from its maker",
			Shown:  []Test{{"agentsim/heartbeat_test.go", "TestAHostThatOnlyRecordsItsRebootsStaysUp"}},
		},
		{
			ID: "CS-8875", What: "the scope of a pool changes between cluster and zone with its volumes attached",
			Reason: "pools of the harness belong to a zone; no action changes their scope",
		},
		{
			ID: "CS-10381", What: "a host outside of a pool's access group never gets an attachment",
			Reason: "the harness has no access groups",
		},
		{
			ID: "CS-7873", What: "a snapshot in several zones has one copy in each, and each is deleted alone",
			Beyond: "the list of the copies, and the deletion in one zone, which the harness's action does not offer",
			Shown:  []Test{{"driver/strategy_test.go", "TestADeletionInOneZoneLeavesTheOtherAlone"}},
		},
		{ID: "CS-9270", What: "the clean-up after a deleted volume leaves StorPool's snapshots alone"},
		{
			ID: "CS-13043", What: "a volume is made of a snapshot by the way that its storage says it has",
			Beyond: "the ways of other block storage",
			Shown:  []Test{{"driver/tags_test.go", "TestTheFixedAnswers"}},
		},
		{
			ID: "CS-CORE", What: "a change of core's internals changes no call of the plugin",
			Reason: "it names no behaviour of its own: every scenario answers it, and the frozen requests do",
			Shown:  []Test{{"driver/golden_test.go", "TestTheRequestsAreThoseOfThePlugin"}},
		},
		{
			ID: "CS-14203", What: "volumes are backed up to NAS and restored with all their bytes",
			Reason: "the harness has no backup provider",
		},
	})
}

package cover

import "slices"

// general are the problems of KVM storage that are nobody's in particular.
func general() []Regression { //nolint:funlen // a table
	return slices.Concat(
		in("3.1", []Regression{
			{ID: "KV-E1", What: "nobody could tell which actions work on encrypted volumes (the same as CS-7539)"},
			{ID: "KV-E2", What: "a live migration used the key of another volume"},
			{ID: "KV-E3", What: "a disk was copied without its key"},
			{ID: "KV-E4", What: "a snapshot of an encrypted VM kept it from starting"},
			{ID: "KV-E5", What: "a restored backup of an encrypted volume did not boot"},
			{ID: "KV-E6", What: "ciphertext was written through the open device, or plaintext beside it"},
			{ID: "KV-E7", What: "a volume was plain although it was said to be encrypted"},
			{ID: "KV-E8", What: "passphrases and tokens were in logs, descriptions and the database"},
			{ID: "KV-E9", What: "the room of the header was taken from the guest, or forgotten at a resize"},
			{ID: "KV-E10", What: "a volume whose key a KMS keeps was not taken for encrypted (the same as CS-12711)"},
		}),
		in("3.2", []Regression{
			{ID: "KV-S1", What: "objects and files without a record stayed on primary and secondary storage"},
			{ID: "KV-S2", What: "a backup that failed took the last good copy with it"},
			{ID: "KV-S3", What: "a snapshot that had failed was shown as backed up"},
			{
				ID: "KV-S4", What: "a chain of snapshots was lost, or its members were no full copies",
				Shown: []Test{{"scenarios/world/machine_test.go", "TestAnySequenceOfActionsKeepsBytesAndInvariants"}},
			},
			{ID: "KV-S5", What: "snapshots of one name, or of one second, overwrote each other"},
			{ID: "KV-S6", What: "snapshots of a VM and of its volumes broke each other"},
			{ID: "KV-S7", What: "a disk in use was reverted, or a snapshot deleted twice"},
			{
				ID: "KV-S8", What: "snapshots of a removed pool, zone or account broke the list",
				Reason: "the harness has no lists, accounts or removed zones: scenarios look at the records themselves",
			},
			{
				ID: "KV-S9", What: "resource counters did not return to where they had been",
				Reason: "the harness has no accounts with limits; what pools give out is KV-R3",
			},
			{ID: "KV-S10", What: "nobody could tell where a snapshot lives"},
		}),
		in("3.3", []Regression{{
			ID: "KV-T1", What: "a restart, a lost answer or a time-out left objects between two states",
			Shown: []Test{{"scenarios/sweep/sweep_test.go", "TestWhateverStepGoesWrongAnOperationSucceedsOrChangesNothing"}},
		}}),
		in("3.4", []Regression{
			{ID: "KV-M1", What: "the source was deleted although its migration had failed"},
			{ID: "KV-M2", What: "a copy that failed was not noticed, and the disk was blank"},
			{ID: "KV-M3", What: "some disks of a VM had moved and others had not"},
		}),
		in("3.5", []Regression{{
			ID: "KV-A1", What: "a late answer to an attach or detach left a disk with the wrong host, or with none",
			Shown: []Test{{"scenarios/mgmt/doubt_test.go", "TestAnAttachThatComesTooLateIsTakenBack"}},
		}}),
		in("3.6", []Regression{
			{ID: "KV-R1", What: "request, record, storage and guest disagreed about a size"},
			{ID: "KV-R2", What: "the limits of an offering were not applied"},
			{ID: "KV-R3", What: "the records of use kept the size from before a resize"},
		}),
		in("3.7", []Regression{
			{ID: "KV-G1", What: "the clean-up removed templates that were needed"},
			{ID: "KV-G2", What: "two deployments at once copied a template twice"},
			{ID: "KV-G3", What: "templates had wrong sizes"},
		}),
		in("3.8", []Regression{{
			ID: "KV-H1", What: "hosts rebooted because storage was slow or one pool was away",
			Shown: []Test{{"agentsim/pool_test.go", "TestOnlyAHostThatIsReallyDownReboots"}},
		}}),
		in("3.9", []Regression{
			{ID: "KV-Z1", What: "statistics were wrong, or missing because one pool did not answer"},
			{ID: "KV-Z2", What: "pools did not come out of maintenance"},
			{
				ID: "KV-Z3", What: "a restore said success and had restored nothing",
				Beyond: "backup providers: snapshots are what the harness restores",
			},
			{
				ID: "KV-Z4", What: "volumes on block storage that CloudStack did not make could not be imported",
				Reason: "the harness has no import of volumes",
			},
			{ID: "KV-Z5", What: "a plugin that was loaded and not used changed something, or a change for it broke others"},
		}),
	)
}

// encryption are the scenarios of the snapshots of encrypted volumes.
func encryption() []Regression {
	return in("5.7", []Regression{
		{ID: "ENC-1", What: "the snapshot of an encrypted volume on NFS failed"},
		{ID: "ENC-2", What: "the snapshot of a plain volume on NFS has to stay a plain image"},
		{ID: "ENC-3", What: "the backup of an encrypted volume was encrypted a second time"},
		{ID: "ENC-4", What: "the backup of a plain volume has to stay a plain image"},
		{ID: "ENC-5", What: "a file with a key must not stay, whatever becomes of a backup"},
		{ID: "ENC-6", What: "a conversion that fails must leave neither an attachment nor a snapshot nor a file"},
		{ID: "ENC-7", What: "a wrong passphrase must not make a backup that nobody can open"},
		{ID: "ENC-8", What: "secondary storage that is not NFS must be refused, with nothing left attached"},
		{ID: "ENC-9", What: "the size that is reported has to be that of the file"},
		{ID: "ENC-10", What: "the restore of a backup has to be the volume"},
		{ID: "ENC-11", What: "plaintext must be found nowhere"},
		{ID: "ENC-12", What: "a passphrase must be found nowhere"},
		{ID: "ENC-13", What: "snapshots of an encrypted volume in use were allowed and refused the wrong way round"},
	})
}

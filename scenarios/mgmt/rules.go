package mgmt

import (
	"slices"

	"github.com/spsim/spsim/driver/inventory"
)

// rules are the decisions that CloudStack's core takes otherwise, each named for the decision.
type rules struct {
	// keepsPrimaryRecord tells whether a primary record of a snapshot outlives its volume, given the volume's pool and
	// all the snapshot's records.
	keepsPrimaryRecord func(r inventory.SnapshotRef, home inventory.ID, records []inventory.SnapshotRef) bool
	// fencesBeforeStart tells whether the volumes of a VM that was not seen to stop are detached everywhere before
	// it starts.
	fencesBeforeStart func() bool
	// snapshotName is the name of a new snapshot, given whether the volume has a living one of that name: the backup is
	// a file of that name (agent 8).
	snapshotName func(name, uuid string, taken bool) string
	// snapshotsEncrypted tells whether an encrypted volume may have a snapshot.
	snapshotsEncrypted func(running, onStorPool, bypass bool) bool
}

// correct returns the decisions of a correct core.
func correct() rules {
	return rules{
		keepsPrimaryRecord: stays, fencesBeforeStart: func() bool { return true }, snapshotName: distinct,
		snapshotsEncrypted: primaryOnly,
	}
}

// distinct adds the snapshot's uuid to a name that is taken.
func distinct(name, uuid string, taken bool) string {
	if taken {
		return name + "-" + uuid
	}
	return name
}

// stays keeps the record of a snapshot that has no backup, and the records of its copies in other pools.
func stays(r inventory.SnapshotRef, home inventory.ID, records []inventory.SnapshotRef) bool {
	return r.Store != home || !slices.ContainsFunc(records, func(other inventory.SnapshotRef) bool {
		return other.Role == inventory.Image && other.State == inventory.RefReady
	})
}

package mgmt

import (
	"github.com/spsim/spsim/driver/inventory"
	"github.com/spsim/spsim/driver/quirk"
)

// Quirks describes the known defects of CloudStack's core that this server can show.
func Quirks() []quirk.Info { return quirk.Infos(quirks()) }

func quirks() []quirk.Quirk[rules] {
	return []quirk.Quirk[rules]{
		{
			Info: quirk.Info{
				ID: "CS-5433", Severity: "B", Source: "upstream-history 1.1",
				Reason: "deleting a volume drops the only record of a snapshot that stays on primary storage",
			},
			Apply: func(r *rules) {
				r.keepsPrimaryRecord = func(inventory.SnapshotRef, inventory.ID, []inventory.SnapshotRef) bool { return false }
			},
		},
		{
			Info: quirk.Info{
				ID: "CS-10799", Also: []string{"SP-45"}, Severity: "A", Source: "upstream-history 1.1",
				Reason: "a VM stopped by force on an unreachable host starts elsewhere while its disks are still attached there",
			},
			Apply: func(r *rules) { r.fencesBeforeStart = func() bool { return false } },
		},
		{
			Info: quirk.Info{
				ID: "KV-S5", Severity: "A", Source: "upstream-history 3.2",
				Reason: "two snapshots of a volume with the same name, or of the same second, share one backup file",
			},
			Apply: func(r *rules) { r.snapshotName = func(name, _ string, _ bool) string { return name } },
		},
		{
			Info: quirk.Info{
				ID: "SUS-3", Severity: "A", Source: "upstream-history 6",
				Reason: "an encrypted volume of a running VM may have snapshots when they are backed up, and not when they stay on StorPool",
			},
			Apply: func(r *rules) {
				r.snapshotsEncrypted = func(running, onStorPool, bypass bool) bool { return !running || onStorPool && !bypass }
			},
		},
	}
}

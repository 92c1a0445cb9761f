package check

import (
	"fmt"

	"github.com/spsim/spsim/driver/inventory"
)

// groups compares VM snapshots with their details and with StorPool (driver-management 3.3, 5, 12.2).
func groups(f *facts, report report) {
	current := map[inventory.ID]inventory.ID{}
	known := map[inventory.ID]bool{0: true}
	for _, s := range f.Inventory.VMSnapshots {
		known[s.ID] = true
	}
	for _, s := range f.Inventory.VMSnapshots {
		if f.busy[inventory.Owner{Kind: inventory.OfVMSnapshot, ID: s.ID}] {
			continue
		}
		name := fmt.Sprintf("VM snapshot %d", s.ID)
		if other, ok := current[s.VM]; ok && s.Current {
			report(name, "is current, and VM snapshot %d of the VM as well", other)
		}
		if s.Current {
			current[s.VM] = s.ID
		}
		if !known[s.Parent] {
			report(name, "has the parent %d, which does not exist", s.Parent)
		}
		if _, ok := f.vms[s.VM]; !ok {
			report(name, "belongs to no VM")
		}
		switch s.State {
		case inventory.VMSnapshotReady:
			f.members(s, name, report)
		case inventory.VMSnapshotError:
			if n := len(f.details(inventory.OfVMSnapshot, s.ID)); n > 0 {
				report(name, "is Error and has %d details", n)
			}
		default:
			report(name, "is %s", s.State)
		}
	}
}

// members judges the snapshots of a VM snapshot.
func (f *facts) members(s inventory.VMSnapshot, name string, report report) {
	n := 0
	for volume, path := range f.details(inventory.OfVMSnapshot, s.ID) {
		if volume == snapshotPool {
			continue
		}
		n++
		gid := globalID(path)
		x, ok := f.objects[gid]
		switch {
		case f.excused(gid):
		case !ok || !x.Snapshot:
			report(name, "has the member %s of volume %s, and StorPool has no such snapshot", path, volume)
		case x.Tags["uuid"] != s.UUID || x.Tags["cvm"] != f.vms[s.VM].UUID:
			report(objectName(x), "has the tags uuid=%q and cvm=%q instead of those of %s", x.Tags["uuid"], x.Tags["cvm"], name)
		}
	}
	if n == 0 {
		report(name, "is Ready and has no members")
	}
	if id, ok := f.detailID(inventory.OfVMSnapshot, s.ID, snapshotPool); !ok || f.pools[id].ID == 0 {
		report(name, "names no pool that exists")
	}
}

package check

import (
	"fmt"
	"path"
	"slices"
	"strings"

	"github.com/spsim/spsim/driver"
	"github.com/spsim/spsim/driver/inventory"
)

// snapshots compares snapshots with their details and store records.
func snapshots(f *facts, report report) {
	refs := map[inventory.ID][]inventory.SnapshotRef{}
	for _, r := range f.Inventory.SnapshotRefs {
		if _, ok := f.snapshots[r.Snapshot]; !ok {
			report(fmt.Sprintf("snapshot record %d", r.ID), "belongs to no snapshot")
		}
		refs[r.Snapshot] = append(refs[r.Snapshot], r)
	}
	for _, s := range f.Inventory.Snapshots {
		switch s.State {
		case inventory.SnapshotBackedUp:
			f.livingSnapshot(s, refs[s.ID], report)
		case inventory.SnapshotError, inventory.SnapshotDestroyed:
			f.deadSnapshot(s, refs[s.ID], report)
		default: // [states] reports it
		}
	}
}

func (f *facts) livingSnapshot(s inventory.Snapshot, refs []inventory.SnapshotRef, report report) {
	detail, hasDetail := f.detail(inventory.OfSnapshot, s.ID, s.UUID)
	_, safety := f.detail(inventory.OfSnapshot, s.ID, delayDelete)
	ready := 0
	for _, r := range refs {
		if r.State != inventory.RefReady {
			continue
		}
		ready++
		onStorPool := strings.HasPrefix(r.Path, "/dev/storpool")
		switch {
		case r.Role == inventory.Image && onStorPool:
			report(snapshotName(s), "has a backup on record that is on StorPool: %s", r.Path)
		case r.Role == inventory.Primary && !safety && r.Path != detail:
			report(snapshotName(s), "has the path %q in its primary record and %q in its detail", r.Path, detail)
		case r.Role == inventory.Primary && f.pools[r.Store].ID == 0:
			report(snapshotName(s), "has a primary record on pool %d, which does not exist", r.Store)
		}
	}
	if _, onStorPool := f.objects[globalID(detail)]; ready == 0 && !onStorPool {
		report(snapshotName(s), "is BackedUp and on no store")
	} else if ready == 0 {
		report(snapshotName(s), "is BackedUp and has no record of a store")
	}
	if _, ok := f.detailID(inventory.OfSnapshot, s.ID, snapshotPool); hasDetail && !ok {
		report(snapshotName(s), "has a path in its details and no %s", snapshotPool)
	}
}

func (f *facts) deadSnapshot(s inventory.Snapshot, refs []inventory.SnapshotRef, report report) {
	for _, r := range refs {
		if r.State != inventory.RefDestroyed {
			report(snapshotName(s), "is %s and has a record on %s store %d in state %s", s.State, r.Role, r.Store, r.State)
		}
	}
	for _, name := range []string{s.UUID, snapshotPool, delayDelete} {
		if value, ok := f.detail(inventory.OfSnapshot, s.ID, name); ok {
			report(snapshotName(s), "is %s and has the detail %s=%s", s.State, name, value)
		}
	}
}

// place is where a file is: on secondary storage, or on a primary pool.
type place struct {
	store, pool inventory.ID
	name        string
}

func (p place) String() string {
	if p.pool != 0 {
		return fmt.Sprintf("pool %d as %s", p.pool, p.name)
	}
	return fmt.Sprintf("secondary storage %d as %s", p.store, p.name)
}

// files compares secondary storage and primary pools of files with the records.
func files(f *facts, report report) {
	there := map[place]int64{}
	for _, x := range f.Files {
		there[place{x.Store, x.Pool, x.Name}] = x.Size
	}
	known := map[place]bool{}
	at := func(owner string, p place, length int64) {
		known[p] = true
		got, ok := there[p]
		switch {
		case !ok || got == 0:
			report(owner, "is not on %s", p)
		case length > 0 && got != length:
			report(owner, "has %d bytes on record, and %d on %s", length, got, p)
		}
	}
	need := func(owner string, store inventory.ID, name string, length int64) {
		at(owner, place{store: store, name: name}, length)
	}
	for _, v := range f.Inventory.Volumes {
		if p := (place{pool: v.Pool, name: v.Path}); f.onFiles(v) && v.Path != "" && v.State == inventory.VolumeReady {
			at(volumeName(v), p, 0)
		} else {
			known[p] = v.State != inventory.VolumeExpunged // it may be gone already
		}
		if v.State == inventory.VolumeUploaded && !slices.ContainsFunc(f.Inventory.VolumeStores, func(r inventory.VolumeStore) bool { return r.Volume == v.ID }) {
			report(volumeName(v), "is uploaded and on no record of secondary storage")
		}
	}
	for _, r := range f.Inventory.VolumeStores {
		if r.State == inventory.RefReady {
			need(fmt.Sprintf("copy of volume %d", r.Volume), r.Store, r.Path, r.PhysicalSize)
		}
	}
	for _, r := range f.Inventory.SnapshotRefs {
		if r.Role == inventory.Image && r.State == inventory.RefReady {
			need("backup of "+snapshotName(f.snapshots[r.Snapshot]), r.Store, r.Path, r.PhysicalSize)
		}
	}
	for _, st := range f.Inventory.TemplateStores {
		if st.State == inventory.RefReady {
			owner := "template " + f.templates[st.Template].Name
			need(owner, st.Store, st.Path, st.PhysicalSize)
			need("description of "+owner, st.Store, path.Join(path.Dir(st.Path), "template.properties"), 0)
		}
	}
	for _, x := range f.Files {
		if p := (place{x.Store, x.Pool, x.Name}); !known[p] {
			where := fmt.Sprintf("secondary storage %d", x.Store)
			if x.Pool != 0 {
				where = fmt.Sprintf("pool %d", x.Pool)
			}
			report(fmt.Sprintf("file %s on %s", x.Name, where), "(%d bytes) is on no record", x.Size)
		}
	}
}

func states(f *facts, report report) {
	for _, m := range f.Inventory.VMs {
		switch m.State {
		case inventory.VMStarting, inventory.VMStopping, inventory.VMMigrating:
			report(vmName(m), "is %s", m.State)
		default:
		}
	}
	for _, v := range f.Inventory.Volumes {
		switch v.State {
		case inventory.VolumeAllocated, inventory.VolumeUploaded, inventory.VolumeReady, inventory.VolumeDestroy, inventory.VolumeExpunged:
		default:
			report(volumeName(v), "is %s", v.State)
		}
	}
	for _, s := range f.Inventory.Snapshots {
		switch s.State {
		case inventory.SnapshotBackedUp, inventory.SnapshotError, inventory.SnapshotDestroyed:
		default:
			report(snapshotName(s), "is %s", s.State)
		}
	}
	settled := func(owner string, st inventory.RefState) {
		if st != inventory.RefReady && st != inventory.RefDestroyed {
			report(owner, "is %s", st)
		}
	}
	for _, r := range f.Inventory.SnapshotRefs {
		settled(fmt.Sprintf("record of %s on %s store %d", snapshotName(f.snapshots[r.Snapshot]), r.Role, r.Store), r.State)
	}
	for _, r := range f.Inventory.VolumeStores {
		settled(fmt.Sprintf("copy of volume %d on secondary storage %d", r.Volume, r.Store), r.State)
	}
	for _, c := range f.Inventory.TemplatePools {
		settled(fmt.Sprintf("cached template %s on pool %d", f.templates[c.Template].Name, c.Pool), c.State)
	}
	for _, st := range f.Inventory.TemplateStores {
		settled(fmt.Sprintf("template %s on secondary storage %d", f.templates[st.Template].Name, st.Store), st.State)
	}
}

// intents allows none but the ones that watch for what a lost call may yet make, and those that cannot be finished yet.
func intents(f *facts, report report) {
	for _, i := range f.Inventory.Intents {
		if i.Action != driver.ActionStrays && !f.Unsettled {
			report("operation "+i.Op, "(%s of %s %d) is open at step %s", i.Action, i.Kind, i.Object, i.Step)
		}
	}
}

package check

import (
	"strconv"
	"strings"

	"github.com/spsim/spsim/driver/inventory"
	"github.com/spsim/spsim/scenarios/mgmt"
)

type report = func(object, format string, args ...any)

// owners maps the global id of every object that the inventory knows to the role it has there (the cs tag).
func (f *facts) owners() map[string]string {
	out := map[string]string{}
	for gid := range f.volumes {
		out[gid] = "volume"
	}
	for gid := range f.checks {
		out[gid] = "check-volume-is-on-host"
	}
	for _, s := range f.Inventory.Snapshots {
		if s.State == inventory.SnapshotDestroyed || s.State == inventory.SnapshotError {
			continue
		}
		if path, ok := f.detail(inventory.OfSnapshot, s.ID, s.UUID); ok {
			out[globalID(path)] = "snapshot"
		}
		if name, ok := f.detail(inventory.OfSnapshot, s.ID, delayDelete); ok {
			out[strings.TrimPrefix(name, "~")] = "delayDelete"
		}
	}
	for _, c := range f.Inventory.TemplatePools {
		out[globalID(c.LocalPath)] = "template"
	}
	for _, st := range f.Inventory.TemplateStores {
		out[globalID(st.LocalPath)] = "template"
	}
	for _, s := range f.Inventory.VMSnapshots {
		for name, path := range f.details(inventory.OfVMSnapshot, s.ID) {
			if name != snapshotPool {
				out[globalID(path)] = "group"
			}
		}
	}
	delete(out, "")
	return out
}

func owned(f *facts, report report) {
	owners := f.owners()
	for _, x := range f.Objects {
		if _, ok := owners[x.GlobalID]; !ok && !x.Transient && !f.inProgress(x) && !f.excused(x.GlobalID) {
			report(objectName(x), "is in no record")
		}
	}
}

// backed looks from the records to StorPool.
func backed(f *facts, report report) {
	need := func(owner, path string, snapshot bool) {
		gid := globalID(path)
		x, ok := f.objects[gid]
		switch {
		case f.excused(gid):
		case gid == "":
			report(owner, "has the path %q, which is no StorPool device", path)
		case !ok:
			report(owner, "has the path %s, and StorPool has no such object", path)
		case x.Snapshot != snapshot:
			report(owner, "has the path %s, and %s is of the wrong kind", path, objectName(x))
		}
	}
	for _, v := range f.Inventory.Volumes {
		if v.State == inventory.VolumeReady && !f.onFiles(v) {
			need(volumeName(v), v.Path, false)
		}
	}
	for _, p := range f.Inventory.Pools {
		for name, path := range f.details(inventory.OfPool, p.ID) {
			if strings.HasPrefix(name, checkVolume) {
				need("check volume of pool "+p.Name, path, false)
			}
		}
	}
	for _, c := range f.Inventory.TemplatePools {
		if c.State == inventory.RefReady && !c.Marked { // one that is being evicted may be gone already
			need("cached template "+f.templates[c.Template].Name, c.LocalPath, true)
		}
	}
	for _, st := range f.Inventory.TemplateStores {
		if st.LocalPath != "" {
			need("base snapshot of template "+f.templates[st.Template].Name, st.LocalPath, true)
		}
	}
	for _, r := range f.Inventory.SnapshotRefs {
		if r.Role == inventory.Primary && r.State == inventory.RefReady {
			need("primary record of "+snapshotName(f.snapshots[r.Snapshot]), r.Path, true)
		}
	}
}

func sizes(f *facts, report report) {
	for gid, v := range f.volumes {
		x, ok := f.objects[gid]
		if ok && v.State == inventory.VolumeReady && x.Size != size(v) && !f.excused(gid) {
			report(volumeName(v), "has %d bytes on record, which makes %d on StorPool, and %s has %d",
				v.Size, size(v), objectName(x), x.Size)
		}
	}
	for _, r := range f.Inventory.SnapshotRefs {
		x, ok := f.objects[globalID(r.Path)]
		s := f.snapshots[r.Snapshot]
		of := f.volume(s.Volume)
		of.Size = s.Size
		if ok && r.Role == inventory.Primary && r.State == inventory.RefReady && x.Size != size(of) && !f.excused(x.GlobalID) {
			report(snapshotName(s), "has %d bytes on record, and %s has %d", s.Size, objectName(x), x.Size)
		}
	}
	for _, h := range f.Hosts {
		for _, g := range h.Guests {
			f.guestSizes(g, report)
		}
	}
}

// guestSizes compares what a guest sees, in whole KiB, with the record.
func (f *facts) guestSizes(g Guest, report report) {
	for _, d := range g.Disks {
		v, ok := f.volumes[globalID(d.Path)]
		if !ok || f.excused(globalID(d.Path)) {
			continue
		}
		if _, pending := f.detail(inventory.OfVolume, v.ID, mgmt.GuestSizePending); pending {
			continue
		}
		if d.Size != guestSize(v) {
			report(volumeName(v), "has %d bytes on record, and guest %s sees %d", v.Size, g.Name, d.Size)
		}
	}
}

// guestSize is what the guest of a volume sees: whole KiB, and of a disk that qemu-img has encrypted what the smaller header
// leaves of the room for a header (agent 12).
func guestSize(v inventory.Volume) int64 {
	if v.Encrypted() && v.Template != 0 {
		return (v.Size + luksRoom - qemuHeader) / 1024 * 1024
	}
	return v.Size / 1024 * 1024
}

// tags compares the tags of owned objects with driver-management 5.
func tags(f *facts, report report) {
	for gid, role := range f.owners() {
		x, ok := f.objects[gid]
		if !ok || f.excused(gid) {
			continue
		}
		want := map[string]string{"cs": role}
		optional := map[string]bool{"op": true, policyTag: role == "template" && x.Tags[policyTag] == "no"} // of a volume's (5)
		if v, ok := f.volumes[gid]; ok {
			if v.State != inventory.VolumeReady {
				continue
			}
			f.volumeTags(v, want)
		} else if uuid, ok := f.uuidOf(gid); ok {
			want["uuid"] = uuid
			optional["cvm"] = x.Tags["cs"] == "snapshot" // of the time when it was taken
		} else {
			optional["uuid"], optional["cvm"] = true, true
		}
		for key, value := range want {
			if got := x.Tags[key]; got != value {
				report(objectName(x), "has the tag %s=%q instead of %q", key, got, value)
			}
		}
		for key, value := range x.Tags {
			if _, ok := want[key]; !ok && !optional[key] {
				report(objectName(x), "has the tag %s=%q and should not", key, value)
			}
		}
	}
}

func (f *facts) volumeTags(v inventory.Volume, want map[string]string) {
	want["uuid"] = v.UUID
	if t := f.tier(v); t != "" {
		want["qc"] = t
	}
	if m, ok := f.vms[v.VM]; ok {
		want["cvm"] = m.UUID
		if p, _ := f.detail(inventory.Tag, m.ID, policyTag); p != "" {
			want["vc-policy"] = p
		}
		if v.HasDevice {
			want["disk"] = strconv.Itoa(v.DeviceID)
		}
	}
}

// uuidOf is the uuid of the snapshot or template whose object it is.
func (f *facts) uuidOf(gid string) (string, bool) {
	for _, s := range f.Inventory.Snapshots {
		if path, ok := f.detail(inventory.OfSnapshot, s.ID, s.UUID); ok && globalID(path) == gid {
			return s.UUID, true
		}
	}
	for _, c := range f.Inventory.TemplatePools {
		if globalID(c.LocalPath) == gid {
			return f.templates[c.Template].UUID, true
		}
	}
	for _, st := range f.Inventory.TemplateStores {
		if globalID(st.LocalPath) == gid {
			return f.templates[st.Template].UUID, true
		}
	}
	return "", false
}

func policies(f *facts, report report) {
	for gid, v := range f.volumes {
		x, ok := f.objects[gid]
		if !ok || v.State != inventory.VolumeReady || f.excused(gid) {
			continue
		}
		if want := f.template(v); want != "" && x.Template != want {
			report(volumeName(v), "should have the placement template %q, and %s has %q", want, objectName(x), x.Template)
		}
		if f.tier(v) == "" && x.IOPS != v.MaxIOPS {
			report(volumeName(v), "should have a limit of %d IOPS (0 is none), and %s has %d", v.MaxIOPS, objectName(x), x.IOPS)
		}
	}
}

func usedBytes(f *facts, report report) {
	sum := map[inventory.ID]int64{}
	for _, v := range f.volumes {
		sum[v.Pool] += size(v)
	}
	for _, p := range f.Inventory.Pools {
		if p.Provider == inventory.StorPool && p.Used != sum[p.ID] {
			report("pool "+p.Name, "has %d used bytes on record, and its volumes have %d", p.Used, sum[p.ID])
		}
	}
}

package story

import (
	"fmt"
	"maps"
	"slices"
)

// disk is a volume as the model has it.
type disk struct {
	vm     string // empty when it is detached
	mib    int64
	pool   string // empty as long as no storage has it
	root   bool
	sealed bool // encrypted
	far    bool // in the second zone
}

// group is a VM snapshot. One that failed, or whose deletion did, stays until it is deleted again.
type group struct {
	vm      string
	useless bool
}

// model is what CloudStack should have on record, by the names of the story.
type model struct {
	vms       map[string]bool // true for running
	disks     map[string]disk
	snapshots map[string]string // name to disk
	groups    map[string]group
	templates map[string]bool
	copied    map[string]bool // snapshots that the second zone has as well
	tagged    map[string]bool // VMs with a policy
	named     int             // names given so far
}

func newModel() *model {
	return &model{
		vms: map[string]bool{}, disks: map[string]disk{}, snapshots: map[string]string{}, groups: map[string]group{},
		templates: map[string]bool{}, copied: map[string]bool{}, tagged: map[string]bool{},
	}
}

func (m *model) clone() *model {
	return &model{
		vms: maps.Clone(m.vms), disks: maps.Clone(m.disks), snapshots: maps.Clone(m.snapshots), groups: maps.Clone(m.groups),
		templates: maps.Clone(m.templates), copied: maps.Clone(m.copied), tagged: maps.Clone(m.tagged), named: m.named,
	}
}

// facts are the model in the words of [steps.Story.Facts].
func (m *model) facts() map[string]string {
	out := map[string]string{}
	for name, running := range m.vms {
		out["VM "+name] = map[bool]string{true: "Running", false: "Stopped"}[running]
	}
	for name, d := range m.disks {
		where := "detached"
		if d.vm != "" {
			where = "in " + d.vm
		}
		pool := d.pool
		if pool == "" {
			pool = "nowhere yet"
		}
		out["disk "+name] = fmt.Sprintf("%s, %d MiB, %s", where, d.mib, pool)
	}
	for name, of := range m.snapshots {
		out["snapshot "+name] = "of " + of
	}
	for name := range m.templates {
		out["template "+name] = "active"
	}
	for name, g := range m.groups {
		out["VM snapshot "+name] = "of " + g.vm
		if g.useless {
			out["VM snapshot "+name] += ", of no use"
		}
	}
	return out
}

// differences are the lines of two sets of facts that are not the same.
func differences(want, got map[string]string) (out []string) {
	keys := map[string]bool{}
	for k := range want {
		keys[k] = true
	}
	for k := range got {
		keys[k] = true
	}
	for _, k := range slices.Sorted(maps.Keys(keys)) {
		if want[k] != got[k] {
			out = append(out, fmt.Sprintf("%s: should be %q, is %q", k, want[k], got[k]))
		}
	}
	return out
}

// name gives a new name.
func (m *model) name(kind string) string {
	m.named++
	return fmt.Sprintf("%s%d", kind, m.named)
}

// grouped tells whether a VM has VM snapshots, which forbid to change its disks.
func (m *model) grouped(vm string) bool {
	for _, g := range m.groups {
		if g.vm == vm {
			return true
		}
	}
	return false
}

// taken tells whether a disk has snapshots.
func (m *model) taken(disk string) bool {
	for _, of := range m.snapshots {
		if of == disk {
			return true
		}
	}
	return false
}

// used tells whether a disk is in a VM that runs.
func (m *model) used(d disk) bool { return d.vm != "" && m.vms[d.vm] }

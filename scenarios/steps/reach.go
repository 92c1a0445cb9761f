package steps

import (
	"context"
	"fmt"
	"hash/fnv"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/spsim/spsim/agentsim"
	"github.com/spsim/spsim/driver/inventory"
	"github.com/spsim/spsim/driver/quirk"
	"github.com/spsim/spsim/scenarios/check"
	"github.com/spsim/spsim/scenarios/mgmt"
	"github.com/spsim/spsim/scenarios/world"
)

// Defect is a known upstream defect and where it lives.
type Defect = world.Quirk

// Defects lists the known defects of driver, agent and CloudStack's core.
func Defects() []Defect { return world.Quirks() }

// CheckDriver refuses a selection of defects that no world accepts.
func CheckDriver(selection string) error {
	var infos []quirk.Info
	for _, d := range Defects() {
		infos = append(infos, d.Info)
	}
	_, err := quirk.Parse(selection, infos)
	return err
}

func (s *scene) m() *mgmt.Server       { return s.w.Mgmt }
func (s *scene) inv() *inventory.Store { return s.w.Inventory }

// perform runs what may wait as an actor of the world's clock.
func (s *scene) perform(ctx context.Context, do func(context.Context) error) (err error) {
	s.sight = sight{}
	s.w.Do(func(context.Context) { err = do(ctx) }) //nolint:contextcheck // the step's context replaces the world's
	return err
}

// seedOf makes a seed of its own for each scenario, so that it is the same alone and among others.
func seedOf(seed int64, title string) int64 {
	h := fnv.New64a()
	_, _ = fmt.Fprintf(h, "%d %s", seed, title) // a hash accepts everything
	return int64(h.Sum64()>>1) | 1
}

// invariants judges the world at rest.
func (s *scene) invariants(ctx context.Context) error {
	return s.look(ctx, s.w.Judge)
}

// observe looks at the world, unless nothing has been done since the last look.
func (s *scene) observe(ctx context.Context) (*check.Observation, error) {
	if now := s.stamp(); s.sight.seen != nil && now == s.sight.stamp {
		return s.sight.seen, nil
	}
	err := s.look(ctx, s.w.Observe)
	return s.sight.seen, err
}

// look remembers what it sees.
func (s *scene) look(ctx context.Context, see func(context.Context) (*check.Observation, error)) error {
	var o *check.Observation
	err := s.perform(ctx, func(ctx context.Context) (err error) {
		o, err = see(ctx)
		return err
	})
	s.sight = sight{seen: o, stamp: s.stamp()}
	return err
}

// sight is the last look at the world, nothing once something was performed after it.
type sight struct {
	seen  *check.Observation
	stamp stamp
}

// stamp changes with what is done to the world by others than [scene.perform], as far as it can be seen at once.
type stamp struct {
	generation int64
	revision   uint64
	calls      int
}

func (s *scene) stamp() stamp {
	return stamp{s.w.Target.Generation(), s.inv().Revision(), s.w.Asked()}
}

// lines writes what matters of an observation: StorPool's objects and attachments, files, rows and details.
func lines(o *check.Observation) []string {
	var out []string
	add := func(format string, args ...any) { out = append(out, fmt.Sprintf(format, args...)) }
	for _, x := range o.Objects {
		add("object %+v", x)
	}
	for _, x := range o.Attachments {
		add("attachment %+v", x)
	}
	for _, x := range o.Files {
		add("file %+v", x)
	}
	i := o.Inventory
	for _, x := range i.VMs {
		add("VM %+v", x)
	}
	for _, x := range i.Volumes {
		add("volume %+v", x)
	}
	for _, x := range i.Snapshots {
		add("snapshot %+v", x)
	}
	for _, x := range i.SnapshotRefs {
		add("snapshot record %+v", x)
	}
	for _, x := range i.TemplatePools {
		add("cached template %+v", x)
	}
	for _, x := range i.Pools {
		add("pool %+v", x)
	}
	for owner, details := range i.Details {
		for _, name := range slices.Sorted(maps.Keys(details)) {
			add("detail of %s %d: %s=%s", owner.Kind, owner.ID, name, details[name])
		}
	}
	slices.Sort(out)
	return out
}

// difference lists the lines that only one of two observations has.
func difference(before, after *check.Observation) string {
	a, b := lines(before), lines(after)
	var out []string
	for _, l := range a {
		if _, found := slices.BinarySearch(b, l); !found {
			out = append(out, "- "+l)
		}
	}
	for _, l := range b {
		if _, found := slices.BinarySearch(a, l); !found {
			out = append(out, "+ "+l)
		}
	}
	return strings.Join(out, "\n")
}

// gidOf returns the global id in a device path, or an error that names the object.
func gidOf(path, name string) (string, error) {
	if gid := world.GlobalID(path); gid != "" {
		return gid, nil
	}
	return "", fmt.Errorf("the path of %q in the inventory is %q", name, path)
}

// host returns the row of the n-th host.
func (s *scene) hostRow(n string) (inventory.Host, error) {
	i, err := strconv.Atoi(n)
	if err != nil || i < 1 || i > len(s.w.Hosts) {
		return inventory.Host{}, fmt.Errorf("the zone has no host %s", n)
	}
	return s.w.Hosts[i-1], nil
}

// agent returns the n-th host itself.
func (s *scene) agent(n string) (*agentsim.Host, error) {
	row, err := s.hostRow(n)
	if err != nil {
		return nil, err
	}
	return s.w.Fleet.Host(row.UUID)
}

// hostOf returns the host on which a VM runs.
func (s *scene) hostOf(vm string) (inventory.Host, error) {
	id, err := s.vm(vm)
	if err != nil {
		return inventory.Host{}, err
	}
	m, err := rowOf(s, id, func(tx *inventory.Tx) *inventory.Table[inventory.VM] { return tx.VMs })
	if err != nil {
		return inventory.Host{}, err
	}
	return rowOf(s, m.Host, func(tx *inventory.Tx) *inventory.Table[inventory.Host] { return tx.Hosts })
}

// record returns the Ready record of a snapshot on a store of a role.
func (s *scene) record(snapshot inventory.ID, role inventory.Role) (ref inventory.SnapshotRef, ok bool) {
	_ = s.inv().View(func(tx *inventory.Tx) error { // the function returns no error
		ref, ok = tx.SnapshotRefs.Find(func(r inventory.SnapshotRef) bool {
			return r.Snapshot == snapshot && r.Role == role && r.State == inventory.RefReady
		})
		return nil
	})
	return ref, ok
}

package steps

import (
	"context"
	"fmt"
	"strconv"

	"github.com/cucumber/godog"

	"github.com/spsim/spsim/driver/inventory"
	"github.com/spsim/spsim/emulator"
	"github.com/spsim/spsim/scenarios/mgmt"
	"github.com/spsim/spsim/scenarios/world"
)

// otherStorPool is the name of the StorPool beside the first one.
const otherStorPool = "other"

// Several StorPools: in another location, with a zone of its own, or as sub-clusters of one.
var (
	reFarZone  = expression(`^a second zone with (\d+) hosts? and the pool "([^"]+)" on the other StorPool$`)
	reFarHosts = expression(`^a CloudStack cluster with (\d+) hosts? on the other StorPool$`)
	reFarPool  = expression(`^the pool "([^"]+)" on the other StorPool$`)
	reCopySnap = expression(`^the snapshot "([^"]+)" is copied to the pool "([^"]+)"` + outcome)
	reRestore2 = expression(`^the volume "([^"]+)" is created in the second zone from the snapshot "([^"]+)"` + outcome)
	reUnexport = expression(`^the driver ends the exports of what has arrived` + outcome)
	reArmOther = expression(`^the call "([^"]+)" of the other StorPool will be (.+?)( every time)?$`)
	reOnOther  = expression(`^the other StorPool has (no|\d+) snapshots? of "([^"]+)"$`)
	reMadeOn   = expression(`^the DATA disk "([^"]+)" of (\d+ \w+) is created on the pool "([^"]+)" for "([^"]+)"$`)
	reNotAsked = expression(`^StorPool was not asked "([^"]+)" meanwhile$`)
)

func (s *scene) siteSteps(sc *godog.ScenarioContext) {
	sc.Step(reFarZone(), s.farZone)
	sc.Step(reFarHosts(), s.farHosts)
	sc.Step(reFarPool(), s.farPool)
	sc.Step(reCopySnap(), s.copySnapshot)
	sc.Step(reRestore2(), s.restoreFar)
	sc.Step(reUnexport(), s.endExports)
	sc.Step(reArmOther(), s.armOther)
	sc.Step(reOnOther(), s.onOther)
	sc.Step(reMadeOn(), s.makeOn)
	sc.Step(reNotAsked(), s.notAsked)
}

// federate makes a target of the default cluster and another one.
func (s *scene) federate(o world.Options, hosts int, other emulator.Member) (world.Target, error) {
	f, err := world.NewFederated(o.Seed, hosts, o.Behaviour, other)
	if err != nil {
		return nil, err
	}
	s.own = f
	return f, nil
}

// other is the StorPool beside the first one.
func (s *scene) other() (world.Target, *emulator.Server, error) {
	f, ok := s.w.Target.(*world.Federated)
	if !ok {
		return nil, nil, Skip("the target has one StorPool only")
	}
	at, err := f.At(otherStorPool)
	if err != nil {
		return nil, nil, err
	}
	e, ok := at.(interface{ Server() *emulator.Server })
	if !ok {
		return nil, nil, Skip("the other StorPool is no emulator")
	}
	return at, e.Server(), nil
}

func (s *scene) farZone(ctx context.Context, hosts, pool string) error {
	z, err := s.m().AddZone("zone-2")
	if err != nil {
		return err
	}
	s.zones = map[string]inventory.ID{"first": s.w.Zone.ID, "second": z.ID}
	if err := s.addFarHosts(ctx, z.ID, hosts); err != nil {
		return err
	}
	return s.addFarPool(ctx, z.ID, pool)
}

func (s *scene) farHosts(ctx context.Context, hosts string) error {
	return s.addFarHosts(ctx, s.zone, hosts)
}

func (s *scene) farPool(ctx context.Context, pool string) error {
	return s.addFarPool(ctx, s.zone, pool)
}

func (s *scene) addFarHosts(ctx context.Context, zone inventory.ID, hosts string) error {
	n, err := strconv.Atoi(hosts)
	if err != nil {
		return fmt.Errorf("hosts %q: %w", hosts, err)
	}
	c, err := s.m().AddCluster(zone, "far-cluster")
	if err != nil {
		return err
	}
	s.newCluster = c.ID
	return s.perform(ctx, func(ctx context.Context) error {
		for range n {
			h, err := s.w.AddHostAt(ctx, c.ID, otherStorPool)
			if err != nil && (h.ID == 0 || zone != s.zone) {
				return err
			}
		}
		return nil
	})
}

func (s *scene) addFarPool(ctx context.Context, zone inventory.ID, pool string) error {
	at, _, err := s.other()
	if err != nil {
		return err
	}
	return s.perform(ctx, func(ctx context.Context) error {
		p, err := s.m().CreatePool(ctx, poolRequest(pool, zone, world.URLOf(at, "ssd")))
		s.pools[pool] = p.ID
		return err
	})
}

func (s *scene) copySnapshot(ctx context.Context, snapshot, pool, outcome string) error {
	id, err := s.snapshot(snapshot)
	if err != nil {
		return err
	}
	to, err := s.pool(pool)
	if err != nil {
		return err
	}
	return s.act(ctx, outcome, func(ctx context.Context) error {
		_, err := s.m().CopySnapshot(ctx, id, to)
		return err
	})
}

func (s *scene) restoreFar(ctx context.Context, volume, snapshot, outcome string) error {
	id, err := s.snapshot(snapshot)
	if err != nil {
		return err
	}
	return s.act(ctx, outcome, func(ctx context.Context) error {
		row, err := s.m().CreateVolumeFromSnapshot(ctx, mgmt.RestoreSpec{Snapshot: id, Name: volume, Zone: s.zones["second"]})
		if row.ID != 0 {
			s.disks[volume] = row.ID
			delete(s.written, volume)
		}
		if err == nil {
			s.written[volume] = clone(s.taken[snapshot])
		}
		return err
	})
}

// endExports is what the driver does from time to time.
func (s *scene) endExports(ctx context.Context, outcome string) error {
	return s.act(ctx, outcome, s.w.Driver.UnexportSnapshots)
}

func (s *scene) armOther(call, what, every string) error {
	at, _, err := s.other()
	if err != nil {
		return err
	}
	r, err := rule(call, what, every)
	if err != nil {
		return err
	}
	_, err = at.Arm(r)
	return err
}

// onOther counts the snapshots of a snapshot on the other StorPool.
func (s *scene) onOther(n, snapshot string) error {
	want, err := count(n)
	if err != nil {
		return err
	}
	uuid, err := s.uuid(snapshot)
	if err != nil {
		return err
	}
	_, e, err := s.other()
	if err != nil {
		return err
	}
	found := 0
	for o := range e.Cluster().Snapshots().All() {
		if o.Tags.Map()["uuid"] == uuid && !o.Snap.Deleted {
			found++
		}
	}
	if found != want {
		return fmt.Errorf("it has %d", found)
	}
	return nil
}

// makeOn creates a disk of a stopped VM on a pool that core would not choose.
func (s *scene) makeOn(ctx context.Context, disk, bytes, pool, vm string) error {
	if err := s.createDisk(ctx, disk, bytes, ""); err != nil {
		return err
	}
	id, err := s.pool(pool)
	if err != nil {
		return err
	}
	m, err := s.vm(vm)
	if err != nil {
		return err
	}
	return s.act(ctx, "", func(ctx context.Context) error {
		v, err := s.m().CreateVolumeOn(ctx, s.disks[disk], id)
		if err != nil {
			return err
		}
		_, err = s.m().AttachVolume(ctx, v.ID, m, mgmt.FreeDevice)
		return err
	})
}

// notAsked looks at the calls of the last action.
func (s *scene) notAsked(call string) error {
	for _, e := range s.w.Journal()[s.journal:] {
		if e.Call == call {
			return fmt.Errorf("%s asked it", e.Caller)
		}
	}
	return nil
}

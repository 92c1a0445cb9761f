package steps

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"

	"github.com/spsim/spsim/driver/inventory"
	"github.com/spsim/spsim/emulator"
	"github.com/spsim/spsim/emulator/cluster"
	"github.com/spsim/spsim/scenarios/mgmt"
	"github.com/spsim/spsim/scenarios/world"
)

// otherStorPool is the name of the StorPool beside the first one.
const otherStorPool = "other"

// besideStorPool is the name of a sub-cluster where the other StorPool is far away.
const besideStorPool = "beside"

// Several StorPools: in another location, with a zone of its own, or as sub-clusters of one.
var (
	reFarZone  = expression(`^a second zone with (\d+) hosts? and the pool "([^"]+)" on the other StorPool$`)
	reFarHosts = expression(`^a CloudStack cluster with (\d+) hosts? on the other StorPool$`)
	reBeside   = expression(`^a CloudStack cluster with (\d+) hosts? on the StorPool cluster beside it$`)
	reEndpoint = expression(`^the endpoint of that StorPool cluster is on record, the (address|token) first$`)
	reMoveAway = expression(`^StorPool moves the volume of "([^"]+)" to the cluster beside it$`)
	reFarPool  = expression(`^the pool "([^"]+)" on the other StorPool$`)
	reCopySnap = expression(`^the snapshot "([^"]+)" is copied to the pool "([^"]+)"` + outcome)
	reRestore2 = expression(`^the volume "([^"]+)" is created in the second zone from the snapshot "([^"]+)"` + outcome)
	reUnexport = expression(`^the driver ends the exports of what has arrived` + outcome)
	reArmOther = expression(`^the call "([^"]+)" of the (first|other) StorPool will be (.+?)( every time)?$`)
	reExports  = expression(`^StorPool exports the snapshot "([^"]+)" (nowhere|to "([^"]+)"|to that other location only)$`)
	rePlantExp = expression(`^somebody else exports the snapshot "([^"]+)" to another location$`)
	reOnPool2  = expression(`^the snapshot "([^"]+)" is on record in the pool "([^"]+)" as well$`)
	reOnOther  = expression(`^the other StorPool has (no|\d+) snapshots? of "([^"]+)"$`)
	reMadeOn   = expression(`^the DATA disk "([^"]+)" of (\d+ \w+) is created on the pool "([^"]+)" for "([^"]+)"$`)
	reNotAsked = expression(`^StorPool was not asked "([^"]+)" meanwhile$`)
)

func (s *scene) siteSteps(sc registrar) {
	sc.Step(reFarZone(), s.farZone)
	sc.Step(reFarHosts(), s.farHosts)
	sc.Step(reBeside(), s.besideHosts)
	sc.Step(reEndpoint(), s.endpointIs)
	sc.Step(reMoveAway(), s.moveBeside)
	sc.Step(reFarPool(), s.farPool)
	sc.Step(reCopySnap(), s.copySnapshot)
	sc.Step(reRestore2(), s.restoreFar)
	sc.Step(reUnexport(), s.endExports)
	sc.Step(reArmOther(), s.armAt)
	sc.Step(reExports(), s.exports)
	sc.Step(rePlantExp(), s.plantExport)
	sc.Step(reOnPool2(), s.recordedInAsWell)
	sc.Step(reOnOther(), s.onOther)
	sc.Step(reMadeOn(), s.makeOn)
	sc.Step(reNotAsked(), s.notAsked)
}

// federate makes a target of the default cluster and others.
func (s *scene) federate(o world.Options, hosts int, others ...emulator.Member) (world.Target, error) {
	f, err := world.NewFederated(o.Seed, hosts, o.Behaviour, others...)
	if err != nil {
		return nil, err
	}
	s.own = f
	return f, nil
}

// other is the StorPool beside the first one.
func (s *scene) other() (world.Target, *emulator.Server, error) { return s.storPoolAt(otherStorPool) }

// storPoolAt is one of several StorPools with its emulator.
func (s *scene) storPoolAt(which string) (world.Target, *emulator.Server, error) {
	f, ok := s.w.Target.(*world.Federated)
	if !ok {
		return nil, nil, Skip("the target has one StorPool only")
	}
	at, err := f.At(which)
	if err != nil {
		return nil, nil, err
	}
	e, ok := at.(interface{ Server() *emulator.Server })
	if !ok {
		return nil, nil, Skip("the StorPool " + which + " is no emulator")
	}
	return at, e.Server(), nil
}

func (s *scene) farZone(ctx context.Context, hosts, pool string) error {
	z, err := s.m().AddZone("zone-2")
	if err != nil {
		return err
	}
	s.zones = map[string]inventory.ID{"first": s.w.Zone.ID, "second": z.ID}
	if err := s.addHostsAt(ctx, z.ID, hosts, otherStorPool); err != nil {
		return err
	}
	return s.addFarPool(ctx, z.ID, pool)
}

func (s *scene) farHosts(ctx context.Context, hosts string) error {
	return s.addHostsAt(ctx, s.zone, hosts, otherStorPool)
}

func (s *scene) besideHosts(ctx context.Context, hosts string) error {
	return s.addHostsAt(ctx, s.zone, hosts, besideStorPool)
}

// beside is the sub-cluster beside the first one.
func (s *scene) beside() (world.Target, *emulator.Server, error) { return s.storPoolAt(besideStorPool) }

// endpointIs records how the API of the cluster beside is reached.
func (s *scene) endpointIs(first string) error {
	at, _, err := s.beside()
	if err != nil {
		return err
	}
	hostPort, token := at.Endpoint()
	text := "SP_API_HTTP=" + hostPort + ";SP_AUTH_TOKEN=" + token
	if first == "token" {
		text = "SP_AUTH_TOKEN=" + token + ";SP_API_HTTP=" + hostPort
	}
	return s.m().SetSetting(inventory.Owner{Kind: inventory.OfCluster, ID: s.newCluster}, "sp.cluster.endpoint", text)
}

// moveBeside is what an administrator of StorPool does.
func (s *scene) moveBeside(ctx context.Context, disk string) error {
	o, err := s.object(ctx, "volume", disk)
	if err != nil {
		return err
	}
	_, e, err := s.beside()
	if err != nil {
		return err
	}
	return e.Cluster().VolumeAcquire(cluster.Ref("~"+o.GlobalID), cluster.OnAttachedFail)
}

func (s *scene) farPool(ctx context.Context, pool string) error {
	return s.addFarPool(ctx, s.zone, pool)
}

func (s *scene) addHostsAt(ctx context.Context, zone inventory.ID, hosts, member string) error {
	n, err := strconv.Atoi(hosts)
	if err != nil {
		return fmt.Errorf("hosts %q: %w", hosts, err)
	}
	c, err := s.m().AddCluster(zone, "far-cluster")
	if err != nil {
		return err
	}
	if zone == s.zone {
		s.newCluster = c.ID
	}
	return s.perform(ctx, func(ctx context.Context) error {
		for range n {
			h, err := s.w.AddHostAt(ctx, c.ID, member)
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

// armAt arms a rule on the calls of one StorPool of several.
func (s *scene) armAt(call, which, what, every string) error {
	at, _, err := s.other()
	if err != nil {
		return err
	}
	if which == "first" {
		at = s.w.Target
	}
	r, err := rule(call, what, every)
	if err != nil {
		return err
	}
	_, err = at.Arm(r)
	return err
}

// anotherLocation is one that the default cluster knows, with nobody behind it.
func anotherLocation(c *cluster.Cluster) (string, error) {
	for _, l := range c.Locations()[1:] {
		if l.Name != "far" {
			return l.Name, nil
		}
	}
	return "", errors.New("StorPool knows no other location")
}

// exports compares the locations that may read the StorPool snapshot of a snapshot.
func (s *scene) exports(snapshot, where, to string) error {
	id, err := s.snapshot(snapshot)
	if err != nil {
		return err
	}
	gid, err := gidOf(s.detailOf(id), snapshot)
	if err != nil {
		return err
	}
	e, err := s.emulator()
	if err != nil {
		return err
	}
	var want, got []string
	switch {
	case to != "":
		want = append(want, to)
	case where != "nowhere":
		other, err := anotherLocation(e.Cluster())
		if err != nil {
			return err
		}
		want = append(want, other)
	}
	for _, x := range e.Cluster().Exports() {
		if x.GlobalID == gid {
			got = append(got, x.Location)
		}
	}
	if !slices.Equal(got, want) {
		return fmt.Errorf("it exports it to %v, not to %v", got, want)
	}
	return nil
}

func (s *scene) plantExport(snapshot string) error {
	id, err := s.snapshot(snapshot)
	if err != nil {
		return err
	}
	gid, err := gidOf(s.detailOf(id), snapshot)
	if err != nil {
		return err
	}
	e, err := s.emulator()
	if err != nil {
		return err
	}
	to, err := anotherLocation(e.Cluster())
	if err != nil {
		return err
	}
	return e.Cluster().SnapshotExport(cluster.Ref("~"+gid), to)
}

func (s *scene) recordedInAsWell(snapshot, pool string) error {
	id, err := s.snapshot(snapshot)
	if err != nil {
		return err
	}
	to, err := s.pool(pool)
	if err != nil {
		return err
	}
	return s.inv().View(func(tx *inventory.Tx) error {
		_, ok := tx.SnapshotRefs.Find(func(r inventory.SnapshotRef) bool {
			return r.Snapshot == id && r.Role == inventory.Primary && r.Store == to && r.State == inventory.RefReady
		})
		if !ok {
			return errors.New("it is not")
		}
		return nil
	})
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

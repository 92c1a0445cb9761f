package steps

import (
	"context"
	"errors"
	"fmt"
	"strconv"

	"github.com/spsim/spsim/agentsim"
	"github.com/spsim/spsim/driver"
	"github.com/spsim/spsim/driver/inventory"
	"github.com/spsim/spsim/driver/spapi"
	"github.com/spsim/spsim/emulator"
	"github.com/spsim/spsim/emulator/cluster"
	"github.com/spsim/spsim/scenarios/mgmt"
)

// What somebody else has done: other programs on StorPool, older versions of the plugin, another management server.
var (
	reBase      = expression(`^the template "([^"]+)" has a base snapshot on StorPool$`)
	reLoseBase  = expression(`^StorPool loses the base snapshot of "([^"]+)"$`)
	reNoBase    = expression(`^StorPool has no base snapshot of "([^"]+)"$`)
	reUnsized   = expression(`^CloudStack does not know the size of the template "([^"]+)"$`)
	reForeign   = expression(`^somebody else has a snapshot with the tag "([^"]+)" on StorPool$`)
	reDeviceRef = expression(`^the snapshot "([^"]+)", which an older plugin recorded as its own backup, is deleted` + outcome)
	reStale     = expression(`^the primary record of "([^"]+)" is lost$`)
	reRival     = expression(`^another management server will make a check volume for a new cluster at the same moment$`)
	reNewClust  = expression(`^a host of a new cluster joins(?: with the configuration "([^"]+)")?` + outcome)
	reClusterID = expression(`^the new cluster is on record in the StorPool cluster "([^"]+)"$`)
	reLimited   = expression(`^the StorPool template "([^"]+)" from now on limits to (\d+) IOPS$`)
	reMeddle    = expression(`^StorPool will once answer (.+)$`)
	reLocations = expression(`^StorPool knows a location whose id is a part of the cluster's$`)
	reElsewhere = expression(`^the snapshot "([^"]+)" of "([^"]+)" is taken to secondary storage on "([^"]+)"` + outcome)
	rePluginDel = expression(`^the plugin is told to delete the StorPool object of the snapshot "([^"]+)"` + outcome)
	reSecond    = expression(`^a second zone with (\d+) hosts? and the StorPool pool "([^"]+)" over "([^"]+)"$`)
	reIn        = expression(`^what follows is in the (first|second) zone$`)
)

func (s *scene) plantSteps(sc registrar) {
	sc.Step(reBase(), s.plantBase)
	sc.Step(reLoseBase(), s.loseBase)
	sc.Step(reNoBase(), s.noBase)
	sc.Step(reUnsized(), s.forgetSize)
	sc.Step(reForeign(), s.plantForeign)
	sc.Step(reDeviceRef(), s.deleteDeviceRef)
	sc.Step(reStale(), s.losePrimaryRecord)
	sc.Step(reRival(), s.rival)
	sc.Step(reNewClust(), s.joinNewCluster)
	sc.Step(reClusterID(), s.newClusterIs)
	sc.Step(reLimited(), s.limitTemplate)
	sc.Step(reMeddle(), s.meddle)
	sc.Step(reLocations(), s.plantLocation)
	sc.Step(reElsewhere(), s.takeTo)
	sc.Step(rePluginDel(), s.pluginDeletesSnapshot)
	sc.Step(reSecond(), s.secondZone)
	sc.Step(reIn(), s.goToZone)
}

// emulator returns the emulator, or ends the scenario on a target that is none.
func (s *scene) emulator() (*emulator.Server, error) {
	e, ok := s.w.Target.(interface{ Server() *emulator.Server })
	if !ok {
		return nil, Skip("only the emulator can be changed behind everybody's back")
	}
	return e.Server(), nil
}

func bytesOf(n int64) *int64 { return &n }

// plantBase is what a template made from a volume or a snapshot leaves on StorPool (driver-management 10.3).
func (s *scene) plantBase(template string) error {
	id, err := s.template(template)
	if err != nil {
		return err
	}
	row, err := rowOf(s, id, func(tx *inventory.Tx) *inventory.Table[inventory.Template] { return tx.Templates })
	if err != nil {
		return err
	}
	e, err := s.emulator()
	if err != nil {
		return err
	}
	c := e.Cluster()
	made, err := c.VolumeCreate(cluster.VolumeSpec{Size: &row.Size, Template: "hdd"})
	if err != nil {
		return fmt.Errorf("volume for the base snapshot: %w", err)
	}
	ref := cluster.Ref("~" + made.GlobalID)
	for _, m := range s.images[template] {
		if err := c.WriteContent(ref, m.off, pattern(s.o.Seed, m.name)); err != nil {
			return fmt.Errorf("write the base snapshot: %w", err)
		}
	}
	snap, err := c.VolumeSnapshot(ref, cluster.SnapshotSpec{Tags: map[string]string{"uuid": row.UUID, "cs": "template"}})
	if err != nil {
		return fmt.Errorf("base snapshot: %w", err)
	}
	if err := c.VolumeDelete(ref, cluster.OnAttachedDetachForce); err != nil {
		return fmt.Errorf("volume for the base snapshot: %w", err)
	}
	return s.inv().Update(func(tx *inventory.Tx) error {
		for _, r := range tx.TemplateStores.All(func(r inventory.TemplateStore) bool { return r.Template == id }) {
			r.LocalPath = devByID + snap.GlobalID
			tx.TemplateStores.Put(r)
		}
		tx.Details.Set(inventory.Owner{Kind: inventory.OfTemplate, ID: id}, "spStoragePoolId", strconv.Itoa(int(s.w.Pool.ID)))
		s.bases[template] = snap.GlobalID
		return nil
	})
}

func (s *scene) loseBase(ctx context.Context, template string) error {
	return s.perform(ctx, func(ctx context.Context) error { return s.w.Lose(ctx, s.bases[template], true) })
}

func (s *scene) noBase(ctx context.Context, template string) error {
	o, err := s.observe(ctx)
	if err != nil {
		return err
	}
	for _, x := range o.Objects {
		if x.GlobalID == s.bases[template] {
			return fmt.Errorf("StorPool has ~%s", x.GlobalID)
		}
	}
	return nil
}

// forgetSize is the state of a template before anybody has looked into its image (CS-6735).
func (s *scene) forgetSize(template string) error {
	id, err := s.template(template)
	if err != nil {
		return err
	}
	return s.inv().Update(func(tx *inventory.Tx) error {
		return tx.Templates.Change(id, func(t *inventory.Template) { t.Size = 0 })
	})
}

func (s *scene) plantForeign(tag string) error {
	e, err := s.emulator()
	if err != nil {
		return err
	}
	c := e.Cluster()
	made, err := c.VolumeCreate(cluster.VolumeSpec{Name: "foreign", Size: bytesOf(1 << 20), Template: "hdd"})
	if err != nil {
		return fmt.Errorf("foreign volume: %w", err)
	}
	snap, err := c.VolumeSnapshot("foreign", cluster.SnapshotSpec{Name: "foreign-1", Tags: map[string]string{tag: "yes"}})
	if err != nil {
		return fmt.Errorf("foreign snapshot: %w", err)
	}
	s.w.Excuse(made.GlobalID, "somebody else's")
	s.w.Excuse(snap.GlobalID, "somebody else's")
	return nil
}

// deleteDeviceRef deletes a snapshot with a backup that was bypassed in the way of the older plugin (driver-management 12.1).
func (s *scene) deleteDeviceRef(ctx context.Context, snapshot, outcome string) error {
	id, err := s.snapshot(snapshot)
	if err != nil {
		return err
	}
	row, err := rowOf(s, id, func(tx *inventory.Tx) *inventory.Table[inventory.Snapshot] { return tx.Snapshots })
	if err != nil {
		return err
	}
	path := s.detailOf(id)
	err = s.inv().Update(func(tx *inventory.Tx) error {
		tx.SnapshotRefs.Put(inventory.SnapshotRef{
			Snapshot: id, Volume: row.Volume, Role: inventory.Image, Store: s.w.Store.ID, Path: path,
			Size: row.Size, State: inventory.RefReady,
		})
		return nil
	})
	if err != nil {
		return err
	}
	return s.deleteSnapshot(ctx, snapshot, "", outcome)
}

// losePrimaryRecord is what core does to a snapshot's record when its volume goes.
func (s *scene) losePrimaryRecord(snapshot string) error {
	ref, ok := s.record(s.snapshots[snapshot], inventory.Primary)
	if !ok {
		return errors.New("there is no such record")
	}
	return s.inv().Update(func(tx *inventory.Tx) error {
		tx.SnapshotRefs.Delete(ref.ID)
		return nil
	})
}

// rival records a check volume of its own between the creation and the recording of the driver's.
func (s *scene) rival() error {
	s.rivalry = true
	return nil
}

// atStep is called at each step of the driver.
func (s *scene) atStep(_ context.Context, operation, step string) error {
	if s.dieIn > 0 {
		if s.dieIn--; s.dieIn == 0 {
			s.diedAt = fmt.Sprintf("the management server will die at the step %q of %q", step, operation)
			s.w.CrashAt(operation, step)
		}
	}
	if !s.rivalry || step != "record check volume" {
		return nil
	}
	s.rivalry = false
	e, err := s.emulator()
	if err != nil {
		return err
	}
	made, err := e.Cluster().VolumeCreate(cluster.VolumeSpec{
		Size: bytesOf(512), Template: "hdd", Tags: map[string]string{"cs": "check-volume-is-on-host"},
	})
	if err != nil {
		return fmt.Errorf("the rival's check volume: %w", err)
	}
	return s.inv().Update(func(tx *inventory.Tx) error {
		name := fmt.Sprintf("SP_VOLUME_ON_CLUSTER-%d", s.newCluster)
		tx.Details.Set(inventory.Owner{Kind: inventory.OfPool, ID: s.w.Pool.ID}, name, devByID+made.GlobalID)
		return nil
	})
}

// joinNewCluster adds a CloudStack cluster with one host, whose configuration may hold a line of its own.
func (s *scene) joinNewCluster(ctx context.Context, conf, outcome string) error {
	c, err := s.m().AddCluster(s.zone, "new")
	if err != nil {
		return err
	}
	s.newCluster = c.ID
	n := len(s.w.Hosts) + 1
	name := fmt.Sprintf("host-%d", n)
	hostPort, token := s.w.Target.Endpoint()
	api, err := spapi.New(spapi.Config{
		HostPort: hostPort, Token: token, Clock: s.w.Clock, Transport: s.w.Target.Transport(name),
	})
	if err != nil {
		return err
	}
	cfg := agentsim.HostConfig{Name: name, OurID: n, ClusterID: s.w.Target.ClusterID(), API: api, Devices: s.w.Target.Devices(n)}
	if conf != "" {
		cfg.Conf = []string{conf}
	}
	return s.act(ctx, outcome, func(ctx context.Context) error {
		online := func(h inventory.Host) error { //nolint:contextcheck // a host lives longer than the step
			cfg.UUID = h.UUID
			_, err := s.w.Fleet.AddHost(cfg)
			return err
		}
		h, err := s.m().AddHost(ctx, mgmt.HostSpec{Cluster: c.ID, Name: name, Online: online})
		s.w.Hosts = append(s.w.Hosts, h)
		return err
	})
}

func (s *scene) newClusterIs(id string) error {
	got := ""
	_ = s.inv().View(func(tx *inventory.Tx) error { // the function returns no error
		got, _ = tx.Details.Get(inventory.Owner{Kind: inventory.OfCluster, ID: s.newCluster}, clusterSetting)
		return nil
	})
	if got != id {
		return fmt.Errorf("it is on record in %q", got)
	}
	return nil
}

// limitTemplate changes what later volumes, and volumes whose limits are reset, get.
func (s *scene) limitTemplate(template, iops string) error {
	n, err := strconv.ParseInt(iops, 10, 64)
	if err != nil {
		return fmt.Errorf("limit %q: %w", iops, err)
	}
	e, err := s.emulator()
	if err != nil {
		return err
	}
	limit := cluster.Limit(n)
	if err := e.Cluster().TemplateUpdate(template, cluster.TemplateChange{Policy: cluster.Policy{IOPS: &limit}}); err != nil {
		return fmt.Errorf("limit template %q: %w", template, err)
	}
	return nil
}

func (s *scene) meddle(words string) error {
	p, ok := s.w.Target.(*proxy)
	if !ok {
		return errors.New(`the scenario needs a zone "behind a meddling proxy"`)
	}
	return p.meddle(words)
}

func (s *scene) plantLocation() error {
	return s.meddle("locations, the first of them with a part of the cluster's id")
}

// takeTo takes a snapshot while CloudStack believes secondary storage to be elsewhere.
func (s *scene) takeTo(ctx context.Context, snapshot, disk, url, outcome string) error {
	move := func(url string) error {
		return s.inv().Update(func(tx *inventory.Tx) error {
			return tx.SecondaryStores.Change(s.w.Store.ID, func(st *inventory.SecondaryStore) { st.URL = url })
		})
	}
	id, err := s.disk(disk)
	if err != nil {
		return err
	}
	return s.act(ctx, outcome, func(ctx context.Context) error {
		if err := move(url); err != nil {
			return err
		}
		row, err := s.m().CreateSnapshot(ctx, id, snapshot)
		s.snapshots[snapshot] = row.ID
		if back := move(s.w.Store.URL); back != nil {
			return back
		}
		return err
	})
}

// pluginDeletesSnapshot is the form of the call that others than the snapshot strategy use (driver-management 9.4).
func (s *scene) pluginDeletesSnapshot(ctx context.Context, snapshot, outcome string) error {
	id, err := s.snapshot(snapshot)
	if err != nil {
		return err
	}
	return s.act(ctx, outcome, func(ctx context.Context) error {
		return s.w.Driver.DeleteAsync(ctx, driver.Object{
			Kind: driver.SnapshotObject, ID: id, Role: inventory.Primary, Store: s.w.Pool.ID,
		})
	})
}

// secondZone adds a zone with hosts and a pool.
func (s *scene) secondZone(ctx context.Context, hosts, pool, template string) error {
	n, err := strconv.Atoi(hosts)
	if err != nil {
		return fmt.Errorf("hosts %q: %w", hosts, err)
	}
	z, err := s.m().AddZone("zone-2")
	if err != nil {
		return err
	}
	c, err := s.m().AddCluster(z.ID, "zone-2-cluster")
	if err != nil {
		return err
	}
	s.zones = map[string]inventory.ID{"first": s.w.Zone.ID, "second": z.ID}
	return s.perform(ctx, func(ctx context.Context) error {
		for range n {
			if _, err := s.w.AddHost(ctx, c.ID); err != nil {
				return err
			}
		}
		p, err := s.m().CreatePool(ctx, poolRequest(pool, z.ID, s.w.URL(template)))
		s.pools[pool] = p.ID
		return err
	})
}

func (s *scene) goToZone(which string) error {
	s.zone = s.zones[which]
	return nil
}

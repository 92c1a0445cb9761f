package sweep

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/spsim/spsim/driver"
	"github.com/spsim/spsim/driver/inventory"
	"github.com/spsim/spsim/emulator"
	"github.com/spsim/spsim/scenarios/mgmt"
	"github.com/spsim/spsim/scenarios/stage"
	"github.com/spsim/spsim/scenarios/world"
)

// poolOperations are those of pools, of disks that go from one storage to another, and of snapshots that go to another zone.
func poolOperations() []Operation {
	return []Operation{
		newOperation("create pool", stage.AttachedDisk(), stage.SecondPool, poolThere),
		newOperation("delete pool", stage.Steps(stage.AttachedDisk(), stage.SecondPool, emptied), deletePool, poolGone),
		newOperation("join host", stage.AttachedDisk(), joinHost, hostJoined),
		newOperation("upload and attach", stage.Steps(stage.RunningVM, uploaded), stage.AttachDisk, attached('a')),
		newOperation("move to NFS", stage.Steps(stage.DetachedDisk(), filePool), move(false), moved),
		newOperation("move from NFS", stage.Steps(filePool, fileDisk), move(false), moved),
		newOperation("move VM with its disks", stage.Steps(filePool, fileVM), moveVM, vmMoved),
		farOperation("copy snapshot", stage.Steps(stage.Bypass, secondZone, stage.AttachedDisk(), stage.TakeSnapshot), copySnapshot, snapshotCopied),
		farOperation("end export", stage.Steps(stage.Bypass, secondZone, stage.AttachedDisk(), stage.TakeSnapshot, copySnapshot, arrived), endExport, exportEnded),
		farOperation("delete copied snapshot", stage.Steps(stage.Bypass, secondZone, stage.AttachedDisk(), stage.TakeSnapshot, copySnapshot, arrived, endExport),
			deleteSnapshot, snapshotGone),
	}
}

func farOperation(name string, prepare, act, done func(context.Context, *stage.Stage) error) Operation {
	op := newOperation(name, prepare, act, done)
	op.far = true
	return op
}

// farStorPool is a StorPool in another location.
const farStorPool = "far"

// federated is a target with a StorPool far away.
func federated(seed int64) (*world.Federated, error) {
	o := world.Options{Seed: seed}
	o.Behaviour.RemoteCopy = time.Minute
	return world.NewFederated(seed, 2, o.Behaviour, emulator.Member{ID: "faraw.a", Name: farStorPool, Location: "far"})
}

func poolThere(ctx context.Context, s *stage.Stage) error {
	_, err := stage.Find(s, func(tx *inventory.Tx) *inventory.Table[inventory.Pool] { return tx.Pools },
		func(p inventory.Pool) bool { return p.Name == "second" && p.State == inventory.PoolUp })
	if err != nil {
		return fmt.Errorf("there is no pool: %w", err)
	}
	return holdsAgain(ctx, s)
}

// emptied takes the second pool out of use.
func emptied(ctx context.Context, s *stage.Stage) error { return s.Mgmt.MaintainPool(ctx, s.Second.ID) }

func deletePool(ctx context.Context, s *stage.Stage) error {
	return s.Mgmt.DeletePool(ctx, s.Second.ID)
}

func poolGone(ctx context.Context, s *stage.Stage) error {
	_, err := stage.Find(s, func(tx *inventory.Tx) *inventory.Table[inventory.Pool] { return tx.Pools },
		func(p inventory.Pool) bool { return p.ID == s.Second.ID })
	if !errors.Is(err, inventory.ErrNotFound) {
		return errors.Join(errors.New("the pool is there"), err)
	}
	return holdsAgain(ctx, s)
}

func joinHost(ctx context.Context, s *stage.Stage) error {
	_, err := s.AddHost(ctx, s.Clusters[0].ID)
	return err
}

// hostJoined wants a host more than the world began with, connected to the pool.
func hostJoined(ctx context.Context, s *stage.Stage) error {
	h, err := stage.Find(s, func(tx *inventory.Tx) *inventory.Table[inventory.Host] { return tx.Hosts },
		func(h inventory.Host) bool { return h.ID != s.Hosts[0].ID && h.ID != s.Hosts[1].ID })
	if err != nil {
		return fmt.Errorf("there is no further host: %w", err)
	}
	_, err = stage.Find(s, func(tx *inventory.Tx) *inventory.Table[inventory.PoolHost] { return tx.PoolHosts },
		func(p inventory.PoolHost) bool { return p.Host == h.ID && p.Pool == s.Pool.ID })
	if err != nil {
		return fmt.Errorf("host %d is not in the pool: %w", h.ID, err)
	}
	return holdsAgain(ctx, s)
}

func uploaded(_ context.Context, s *stage.Stage) error {
	v, err := s.Mgmt.UploadVolume(mgmt.UploadSpec{
		Name: "data", Zone: s.Zone.ID, Offering: s.Disk.ID, Size: stage.MiB,
		Write: func(w io.WriterAt) error {
			_, err := w.WriteAt(stage.Pattern('a'), 0)
			return err
		},
	})
	s.Volume = v.ID
	return err
}

// filePool adds a pool on NFS.
func filePool(ctx context.Context, s *stage.Stage) (err error) {
	s.Second, err = s.Mgmt.CreateFilePool(ctx, mgmt.FilePoolSpec{
		Name: "files", Zone: s.Zone.ID, URL: "nfs://nfs.test/export/files", Capacity: 1 << 40,
	})
	return err
}

// fileVM is a running VM with its disks on the pool on NFS; what it does next goes to World.Pool.
func fileVM(ctx context.Context, s *stage.Stage) error {
	m, err := s.Mgmt.DeployVM(ctx, mgmt.VMSpec{
		Name: "vm", Zone: s.Zone.ID, Offering: s.Compute.ID, Template: s.ISO.ID, RootSize: stage.MiB, Host: s.Hosts[0].ID, Pool: s.Second.ID,
		Data: []mgmt.VolumeSpec{{Name: "data", Offering: s.Disk.ID, Size: stage.MiB}},
	})
	if err != nil {
		return err
	}
	s.VM = m.ID
	root, err := s.RootOf(m.ID)
	if err != nil {
		return err
	}
	data, err := s.FindVolume(func(v inventory.Volume) bool { return v.VM == m.ID && v.Kind == inventory.Data })
	if err != nil {
		return err
	}
	s.Root, s.Volume, s.Second = root.ID, data.ID, s.Pool
	return errors.Join(s.Write(ctx, s.Root, 'r'), s.Write(ctx, s.Volume, 'a'))
}

// fileDisk is a DATA disk on the pool on NFS that nothing uses.
func fileDisk(ctx context.Context, s *stage.Stage) error {
	return stage.Steps(fileVM, stage.DetachDisk)(ctx, s)
}

func moveVM(ctx context.Context, s *stage.Stage) error {
	_, err := s.Mgmt.MigrateVMWithVolumes(ctx, s.VM, s.Hosts[1].ID, map[inventory.ID]inventory.ID{s.Root: s.Second.ID, s.Volume: s.Second.ID})
	return err
}

func vmMoved(ctx context.Context, s *stage.Stage) error {
	m, err := s.VMRow("vm")
	if err == nil && (m.Host != s.Hosts[1].ID || m.State != inventory.VMRunning) {
		err = fmt.Errorf("the VM is %s on host %d", m.State, m.Host)
	}
	if err != nil {
		return err
	}
	root, err := s.RootOf(m.ID)
	if err != nil {
		return err
	}
	return errors.Join(moved(ctx, s), s.Holds(ctx, root.ID, 'r'))
}

// secondZone adds a zone with a host and a pool on the StorPool far away.
func secondZone(ctx context.Context, s *stage.Stage) error {
	z, err := s.Mgmt.AddZone("zone-2")
	if err != nil {
		return err
	}
	c, err := s.Mgmt.AddCluster(z.ID, "cluster-2")
	if err != nil {
		return err
	}
	if _, err := s.AddHostAt(ctx, c.ID, farStorPool); err != nil {
		return err
	}
	f, ok := s.Target.(*world.Federated)
	if !ok {
		return errors.New("the target has one StorPool only")
	}
	at, err := f.At(farStorPool)
	if err != nil {
		return err
	}
	s.Second, err = s.Mgmt.CreatePool(ctx, driver.PoolRequest{Name: "far", Zone: z.ID, URL: world.URLOf(at, "ssd"), Capacity: 100 << 40})
	return err
}

func copySnapshot(ctx context.Context, s *stage.Stage) error {
	_, err := s.Mgmt.CopySnapshot(ctx, s.Snapshot, s.Second.ID)
	return err
}

func snapshotCopied(ctx context.Context, s *stage.Stage) error {
	r, err := stage.Find(s, func(tx *inventory.Tx) *inventory.Table[inventory.SnapshotRef] { return tx.SnapshotRefs },
		func(r inventory.SnapshotRef) bool {
			return r.Snapshot == s.Snapshot && r.Store == s.Second.ID && r.State == inventory.RefReady
		})
	if err != nil {
		return fmt.Errorf("the far pool has no copy: %w", err)
	}
	if r.Path == "" {
		return errors.New("the copy has no path")
	}
	return snapshotHolds(ctx, s)
}

// snapshotHolds wants the snapshot and its disk as they were.
func snapshotHolds(ctx context.Context, s *stage.Stage) error {
	b := make([]byte, len(stage.Pattern('a')))
	if err := s.ReadSnapshot(ctx, s.Snapshot, 0, b); err != nil {
		return err
	}
	return errors.Join(same(b, "the snapshot"), s.Holds(ctx, s.Volume, 'a'))
}

// arrived waits until a copy has all its data.
func arrived(ctx context.Context, s *stage.Stage) error { return s.Clock.Sleep(ctx, 2*time.Minute) }

func endExport(ctx context.Context, s *stage.Stage) error { return s.Driver.UnexportSnapshots(ctx) }

// exportEnded wants no export on record any more.
func exportEnded(ctx context.Context, s *stage.Stage) error {
	left := 0
	err := s.Inventory.View(func(tx *inventory.Tx) error {
		left = len(tx.Details.Named(inventory.OfSnapshot, func(name string) bool { return name == "SP_RECOVERED_SNAPSHOT" }))
		return nil
	})
	if err == nil && left > 0 {
		err = fmt.Errorf("%d exports are on record", left)
	}
	return errors.Join(err, snapshotHolds(ctx, s))
}

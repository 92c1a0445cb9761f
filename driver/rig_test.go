package driver

import (
	"context"
	"path"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/spsim/spsim/driver/agentapi"
	"github.com/spsim/spsim/driver/inventory"
)

const gib = int64(1) << 30

// rig is a bench with a pool that both hosts are connected to, a secondary storage, and hosts that do their work.
type rig struct {
	*bench
	pool  inventory.ID
	store inventory.ID
	files *fakeImages
}

// fakeImages records what is deleted on secondary storage.
type fakeImages struct {
	gone []string
	err  error
}

func (f *fakeImages) DeleteSnapshotFile(_ context.Context, ref inventory.SnapshotRef) error {
	f.gone = append(f.gone, ref.Path)
	return f.err
}

func newRig(t *testing.T, quirks string) *rig {
	t.Helper()
	b := newBench(t, quirks)
	r := &rig{bench: b, files: &fakeImages{}}
	b.config.Images = r.files
	b.restart()
	r.pool = b.pool()
	b.hosts.Answer = atWork
	b.change(func(tx *inventory.Tx) {
		for host := range inventory.ID(2) {
			tx.PoolHosts.Put(inventory.PoolHost{Pool: r.pool, Host: host + 1})
		}
		r.store = tx.SecondaryStores.Put(inventory.SecondaryStore{Zone: 1, UUID: "store", URL: "nfs://server/export"}).ID
	})
	return r
}

// atWork answers as a host that did what it was told.
func atWork(host inventory.ID, cmd agentapi.Command) (*agentapi.Answer, error) {
	switch c := cmd.(type) {
	case agentapi.BackupSnapshot:
		return &agentapi.Answer{OK: true, Payload: agentapi.Snapshot{Path: path.Join(c.Dest.Path, c.Dest.Name), PhysicalSize: 42}}, nil
	case agentapi.DownloadTemplate:
		if c.DestTemplate != nil {
			out := *c.DestTemplate
			out.Size = 3 * gib
			return &agentapi.Answer{OK: true, Payload: out}, nil
		}
		return &agentapi.Answer{OK: true, Payload: *c.DestVolume}, nil
	case agentapi.ResizeVolume:
		return &agentapi.Answer{OK: true, Payload: agentapi.Resized{Size: c.NewSize, GuestNotified: true}}, nil
	default:
		return obeyFurther(host, cmd)
	}
}

// sick answers no.
func sick(inventory.ID, agentapi.Command) (*agentapi.Answer, error) {
	return &agentapi.Answer{Details: "disk on fire"}, nil
}

// mute does not answer.
func mute(inventory.ID, agentapi.Command) (*agentapi.Answer, error) { return nil, nil }

// volume puts the row of a volume that is to be created.
func (r *rig) volume(change func(*inventory.Volume)) inventory.ID {
	r.t.Helper()
	v := inventory.Volume{UUID: "V", Name: "disk", Kind: inventory.Data, Zone: 1, Pool: r.pool, Size: 10 * gib, Format: "QCOW2", Account: "2"}
	if change != nil {
		change(&v)
	}
	r.change(func(tx *inventory.Tx) { v = tx.Volumes.Put(v) })
	return v.ID
}

// made puts a volume there, on StorPool too, as CreateAsync does, and forgets the calls.
func (r *rig) made(change func(*inventory.Volume)) inventory.ID {
	r.t.Helper()
	id := r.volume(change)
	_, err := r.CreateAsync(r.t.Context(), r.onPool(VolumeObject, id))
	require.NoError(r.t, err)
	r.change(func(tx *inventory.Tx) {
		require.NoError(r.t, tx.Volumes.Change(id, func(v *inventory.Volume) { v.State = inventory.VolumeReady }))
	})
	r.sp.made()
	return id
}

// taken takes a snapshot of a volume, with a record on the pool, and forgets the calls.
func (r *rig) taken(volume inventory.ID) inventory.ID {
	r.t.Helper()
	id := r.snapshot(volume)
	_, err := r.TakeSnapshot(r.t.Context(), id)
	require.NoError(r.t, err)
	r.change(func(tx *inventory.Tx) {
		s, _ := tx.Snapshots.Get(id)
		s.State = inventory.SnapshotBackedUp
		tx.Snapshots.Put(s)
		for _, ref := range refsOf(tx, id, inventory.Primary) {
			ref.State = inventory.RefReady
			tx.SnapshotRefs.Put(ref)
		}
	})
	r.sp.made()
	return id
}

// snapshot puts the rows of a snapshot to be taken.
func (r *rig) snapshot(volume inventory.ID) inventory.ID {
	r.t.Helper()
	var s inventory.Snapshot
	r.change(func(tx *inventory.Tx) {
		v, _ := tx.Volumes.Get(volume)
		s = tx.Snapshots.Put(inventory.Snapshot{
			UUID: "S", Name: "snap", Volume: volume, Zone: 1, Size: v.Size, State: inventory.SnapshotCreating, Account: "2",
		})
		tx.SnapshotRefs.Put(inventory.SnapshotRef{
			Snapshot: s.ID, Volume: volume, Role: inventory.Primary, Store: r.pool, State: inventory.RefCreating,
		})
	})
	return s.ID
}

// backedUp gives a snapshot a backup on record.
func (r *rig) backedUp(snapshot inventory.ID) {
	r.t.Helper()
	r.change(func(tx *inventory.Tx) {
		tx.SnapshotRefs.Put(inventory.SnapshotRef{
			Snapshot: snapshot, Role: inventory.Image, Store: r.store, Path: "snapshots/2/1/snap", State: inventory.RefReady,
		})
	})
}

// template puts a template on secondary storage.
func (r *rig) template(change func(*inventory.TemplateStore)) inventory.ID {
	r.t.Helper()
	var t inventory.Template
	r.change(func(tx *inventory.Tx) {
		t = tx.Templates.Put(inventory.Template{UUID: "T", Name: "debian", Zone: 1, Size: 2 * gib, Format: "QCOW2"})
		s := inventory.TemplateStore{Template: t.ID, Store: r.store, Path: "template/tmpl/2/1/x.qcow2", State: inventory.RefReady}
		if change != nil {
			change(&s)
		}
		tx.TemplateStores.Put(s)
	})
	return t.ID
}

// vm puts a VM with the backup policy gold.
func (r *rig) vm() inventory.ID {
	r.t.Helper()
	var vm inventory.VM
	r.change(func(tx *inventory.Tx) {
		vm = tx.VMs.Put(inventory.VM{UUID: "M", Instance: "i-2-1-VM", Zone: 1, Host: 1, State: inventory.VMRunning})
		tx.Details.Set(inventory.Owner{Kind: inventory.Tag, ID: vm.ID}, "vc-policy", "gold")
	})
	return vm.ID
}

// offering puts a disk offering with details given as name, value, ...
func (r *rig) offering(iops int64, details ...string) inventory.ID {
	r.t.Helper()
	var o inventory.DiskOffering
	r.change(func(tx *inventory.Tx) {
		o = tx.DiskOfferings.Put(inventory.DiskOffering{MaxIOPS: iops})
		for i := 0; i < len(details); i += 2 {
			tx.Details.Set(inventory.Owner{Kind: inventory.OfDiskOffering, ID: o.ID}, details[i], details[i+1])
		}
	})
	return o.ID
}

// set stores a detail.
func (r *rig) set(kind inventory.Kind, id inventory.ID, name, value string) {
	r.t.Helper()
	r.change(func(tx *inventory.Tx) { tx.Details.Set(inventory.Owner{Kind: kind, ID: id}, name, value) })
}

// detailsOf returns the details of a row.
func (r *rig) detailsOf(kind inventory.Kind, id inventory.ID) (out map[string]string) {
	r.t.Helper()
	r.view(func(tx *inventory.Tx) { out = tx.Details.Of(inventory.Owner{Kind: kind, ID: id}) })
	return out
}

func (r *rig) volumeRow(id inventory.ID) (out inventory.Volume) {
	r.t.Helper()
	r.view(func(tx *inventory.Tx) { out, _ = tx.Volumes.Get(id) })
	return out
}

func (r *rig) snapshotRow(id inventory.ID) (out inventory.Snapshot) {
	r.t.Helper()
	r.view(func(tx *inventory.Tx) { out, _ = tx.Snapshots.Get(id) })
	return out
}

// refs returns the store records of a snapshot.
func (r *rig) refs(snapshot inventory.ID) (out []inventory.SnapshotRef) {
	r.t.Helper()
	r.view(func(tx *inventory.Tx) {
		out = tx.SnapshotRefs.All(func(s inventory.SnapshotRef) bool { return s.Snapshot == snapshot })
	})
	return out
}

// used returns the used bytes of the pool.
func (r *rig) used() int64 { return r.row(r.pool).Used }

func (r *rig) onPool(kind ObjectKind, id inventory.ID) Object {
	return Object{Kind: kind, ID: id, Role: inventory.Primary, Store: r.pool}
}

func (r *rig) onStore(kind ObjectKind, id inventory.ID) Object {
	return Object{Kind: kind, ID: id, Role: inventory.Image, Store: r.store}
}

// refuse makes StorPool refuse the n-th call of a name from now on.
func (r *rig) refuse(call string, n int) { r.fault(call, n, fakeFault{Refuse: "busy"}) }

// fault makes something happen to the n-th call of a name from now on.
func (r *rig) fault(call string, n int, f fakeFault) {
	r.sp.mu.Lock()
	defer r.sp.mu.Unlock()
	n += r.sp.count[call]
	r.sp.Fault = func(name string, at int) *fakeFault {
		if name == call && at == n {
			return &f
		}
		return nil
	}
}

// names returns the calls without their bodies.
func names(calls []fakeCall) (out []string) {
	for _, c := range calls {
		out = append(out, c.Call)
	}
	return out
}

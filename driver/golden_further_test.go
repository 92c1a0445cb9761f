package driver

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/spsim/spsim/driver/inventory"
)

// furtherGoldens are the requests about templates that are made, moves, VM snapshots and policies.
func furtherGoldens() []golden { return append(moveGoldens(), groupGoldens()...) }

func template(r *rig) inventory.ID {
	return r.template(func(s *inventory.TemplateStore) { s.Path, s.State = "", inventory.RefCreating })
}

// ssdPool adds a second pool of the same StorPool.
func (r *rig) ssdPool() (id inventory.ID) {
	r.change(func(tx *inventory.Tx) {
		id = tx.Pools.Put(inventory.Pool{Zone: 1, Provider: inventory.StorPool, Type: inventory.StorPool, Capacity: 1 << 40}).ID
		putDescriptor(tx, id, descriptor{"10.0.0.1:81", poolToken, "ssd"})
	})
	return id
}

// moved moves a volume of a VM in a state, none without one, to another pool of StorPool.
func movedIn(state inventory.VMState, live bool) func(*rig, func()) error {
	return func(r *rig, made func()) error {
		vm := inventory.ID(0)
		if state != "" {
			vm = r.vm()
			r.change(func(tx *inventory.Tx) {
				require.NoError(r.t, tx.VMs.Change(vm, func(v *inventory.VM) { v.State = state }))
			})
		}
		id := r.made(func(v *inventory.Volume) { v.VM, v.MaxIOPS = vm, 500 })
		pool := r.ssdPool()
		to := id
		if !live {
			to = r.volume(func(v *inventory.Volume) { v.UUID, v.MaxIOPS = "W", 500 })
		}
		made()
		_, err := r.CopyAsync(r.t.Context(), r.onPool(VolumeObject, id), Object{VolumeObject, to, inventory.Primary, pool})
		return err
	}
}

func moveGoldens() []golden {
	return []golden{
		{
			name: "template of a volume",
			run: func(r *rig, made func()) error {
				volume, id := r.made(nil), template(r)
				made()
				_, err := r.CopyAsync(r.t.Context(), r.onPool(VolumeObject, volume), r.onStore(TemplateObject, id))
				return err
			},
			upstream: []fakeCall{{"VolumeSnapshot/~a.b.1", `{"name":"","tags":{"cs":"template","uuid":"T","vc-policy":"no"}}`}},
			correct:  []fakeCall{{"VolumeSnapshot/~a.b.1", `{"name":"","tags":{"cs":"template","op":"id-3","uuid":"T","vc-policy":"no"}}`}},
		},
		{
			name: "template of a snapshot",
			run: func(r *rig, made func()) error {
				snapshot, id := r.taken(r.made(nil)), template(r)
				made()
				_, err := r.TemplateFromSnapshot(r.t.Context(), r.onPool(SnapshotObject, snapshot), r.onStore(TemplateObject, id))
				return err
			},
			upstream: []fakeCall{
				{"VolumeCreate", `{"name":"","size":10737418240,"parent":"~a.b.2","template":"hdd","tags":{"cs":"template","uuid":"T","vc-policy":"no"}}`},
				{"SnapshotUpdate/~a.b.2", `{}`},
				{"VolumeSnapshot/~a.b.3", `{"name":"","tags":{"cs":"template","uuid":"T"}}`},
				{"VolumeDelete/~a.b.3", `{"onAttached":"detachForce"}`},
			},
			correct: []fakeCall{
				{"VolumeCreate", `{"name":"","size":10737418240,"parent":"~a.b.2","template":"hdd","tags":{"cs":"template","op":"id-4","uuid":"T","vc-policy":"no"}}`},
				{"VolumeSnapshot/~a.b.3", `{"name":"","tags":{"cs":"template","op":"id-4","uuid":"T"}}`},
				{"VolumeDelete/~a.b.3", `{"onAttached":"detachForce"}`},
			},
		},
		{
			name:     "live move",
			run:      movedIn(inventory.VMRunning, true),
			upstream: []fakeCall{{"VolumeUpdate/~a.b.1", `{"template":"ssd"}`}},
			correct:  []fakeCall{{"Volume/~a.b.1", ""}, {"VolumeUpdate/~a.b.1", `{"template":"ssd"}`}},
		},
		{
			name:     "7: offline copy of a detached volume",
			run:      movedIn("", false),
			upstream: []fakeCall{{"VolumeCreate", `{"baseOn":"~a.b.1","iops":500,"template":"ssd","tags":{"cs":"volume","uuid":"V"}}`}},
			correct: []fakeCall{
				{"Volume/~a.b.1", ""},
				{"VolumeCreate", `{"baseOn":"~a.b.1","iops":500,"template":"ssd","tags":{"cs":"volume","op":"id-3","uuid":"V","vc-policy":""}}`},
			},
		},
		{
			name: "7: offline copy of a volume of a stopped VM",
			run:  movedIn(inventory.VMStopped, false),
			upstream: []fakeCall{{
				"VolumeCreate",
				`{"baseOn":"~a.b.1","iops":500,"template":"ssd","tags":{"cs":"volume","cvm":"M","uuid":"V","vc-policy":"gold"}}`,
			}},
			correct: []fakeCall{
				{"Volume/~a.b.1", ""},
				{"VolumeCreate", `{"baseOn":"~a.b.1","iops":500,"template":"ssd",` +
					`"tags":{"cs":"volume","cvm":"M","op":"id-3","uuid":"V","vc-policy":"gold"}}`},
			},
		},
		{
			name: "download",
			run: func(r *rig, made func()) error {
				id := r.made(nil)
				made()
				_, err := r.CopyAsync(r.t.Context(), r.onPool(VolumeObject, id), r.onStore(VolumeObject, id))
				return err
			},
			upstream: []fakeCall{
				{"VolumeSnapshot/~a.b.1", `{"name":"","tags":{"cs":"temporary","uuid":"V"}}`},
				{"SnapshotUpdate/~a.b.2", `{}`},
				{"VolumesReassign", detachSnapshot},
				{"SnapshotDelete/~a.b.2", ""},
			},
			correct: []fakeCall{
				{"VolumeSnapshot/~a.b.1", `{"name":"","deleteAfter":14400,"tags":{"cs":"temporary","op":"id-3","uuid":"V"}}`},
				{"VolumesReassign", detachSnapshot},
				{"SnapshotDelete/~a.b.2", ""},
			},
		},
		{
			name: "import",
			run: func(r *rig, made func()) error {
				vm, foreign := r.vm(), r.elsewhere()
				from := r.volume(func(v *inventory.Volume) { v.Pool, v.VM, v.HasDevice, v.DeviceID = foreign, vm, true, 1 })
				to := r.volume(func(v *inventory.Volume) { v.UUID = "W" })
				made()
				_, err := r.CopyAsync(r.t.Context(), Object{VolumeObject, from, inventory.Primary, foreign}, r.onPool(VolumeObject, to))
				return err
			},
			upstream: []fakeCall{
				{"VolumeCreate", `{"name":"","size":10737418240,"template":"hdd","tags":{"cs":"volume","cvm":"M","uuid":"W","vc-policy":"gold"}}`},
			},
			correct: []fakeCall{
				{"VolumeCreate", `{"name":"","size":10737418240,"template":"hdd",` +
					`"tags":{"cs":"volume","cvm":"M","disk":"1","op":"id-2","uuid":"V","vc-policy":"gold"}}`},
				{"Volume/~a.b.1", ""},
			},
		},
	}
}

// grouped is a stopped VM with two disks and the row of a snapshot to be taken.
func (r *rig) grouped() (snapshot inventory.ID) {
	r.t.Helper()
	vm := r.vm()
	for _, uuid := range []string{"V", "W"} {
		r.made(func(v *inventory.Volume) { v.UUID, v.Name, v.VM, v.MaxIOPS = uuid, uuid, vm, 500 })
	}
	r.change(func(tx *inventory.Tx) {
		require.NoError(r.t, tx.VMs.Change(vm, func(v *inventory.VM) { v.State = inventory.VMStopped }))
		snapshot = tx.VMSnapshots.Put(inventory.VMSnapshot{UUID: "G", VM: vm, State: inventory.VMSnapshotAllocated}).ID
	})
	return snapshot
}

// photographed is grouped with the snapshot taken.
func (r *rig) photographed() (snapshot inventory.ID) {
	r.t.Helper()
	snapshot = r.grouped()
	require.NoError(r.t, r.TakeVMSnapshot(r.t.Context(), snapshot))
	r.sp.made()
	return snapshot
}

func groupGoldens() []golden {
	take := func(r *rig, made func()) error {
		id := r.grouped()
		made()
		return r.TakeVMSnapshot(r.t.Context(), id)
	}
	drop := func(r *rig, made func()) error {
		id := r.photographed()
		made()
		return r.DeleteVMSnapshot(r.t.Context(), id)
	}
	const members = `"volumes":[{"name":"","volume":"~a.b.1"},{"name":"","volume":"~a.b.2"}]}`
	gone := []fakeCall{
		{"VolumesReassign", `[{"snapshot":"~a.b.3","detach":"all","force":true}]`},
		{"SnapshotDelete/~a.b.3", ""},
		{"VolumesReassign", `[{"snapshot":"~a.b.4","detach":"all","force":true}]`},
		{"SnapshotDelete/~a.b.4", ""},
	}
	policy := func(r *rig, made func()) error {
		vm := r.vm()
		id := r.made(func(v *inventory.Volume) { v.VM = vm })
		made()
		if err := r.ProvideVMTags(r.t.Context(), vm, id); err != nil {
			return err
		}
		r.change(func(tx *inventory.Tx) { tx.Details.Delete(inventory.Owner{Kind: inventory.Tag, ID: vm}, tagPolicy) })
		return r.ProvideVMTags(r.t.Context(), vm, id)
	}
	policies := []fakeCall{
		{"VolumeUpdate/~a.b.1", `{"tags":{"vc-policy":"gold"}}`},
		{"VolumeUpdate/~a.b.1", `{"tags":{"vc-policy":""}}`},
	}
	return []golden{
		{
			name: "VM snapshot", run: take,
			upstream: []fakeCall{{"VolumesGroupSnapshot", `{"tags":{"cs":"group","cvm":"M","uuid":"G"},` + members}},
			correct:  []fakeCall{{"VolumesGroupSnapshot", `{"tags":{"cs":"group","cvm":"M","op":"id-4","uuid":"G"},` + members}},
		},
		{name: "delete VM snapshot", run: drop, upstream: gone, correct: gone},
		{name: "policy of a VM", run: policy, upstream: policies, correct: policies},
		{
			name: "revert VM",
			run: func(r *rig, made func()) error {
				id := r.photographed()
				made()
				_, err := r.RevertVMSnapshot(r.t.Context(), id)
				return err
			},
			upstream: []fakeCall{
				{"VolumesReassign", `[{"volume":"~a.b.1","detach":"all","force":true}]`},
				{"VolumeRevert/~a.b.1", `{"toSnapshot":"~a.b.3"}`},
				{"VolumeUpdate/~a.b.1", `{"iops":500,"tags":{}}`},
				{"VolumesReassign", `[{"volume":"~a.b.2","detach":"all","force":true}]`},
				{"VolumeRevert/~a.b.2", `{"toSnapshot":"~a.b.4"}`},
				{"VolumeUpdate/~a.b.2", `{"iops":500,"tags":{}}`},
			},
			correct: []fakeCall{
				{"Snapshot/~a.b.3", ""},
				{"Volume/~a.b.1", ""},
				{"Snapshot/~a.b.4", ""},
				{"Volume/~a.b.2", ""},
				{"VolumesGroupSnapshot", `{"tags":{"cs":"temporary","cvm":"M","op":"id-5","uuid":"G"},` + members},
				{"VolumesReassign", `[{"volume":"~a.b.1","detach":"all","force":true}]`},
				{"VolumeRevert/~a.b.1", `{"toSnapshot":"~a.b.3","revertSize":true}`},
				{"VolumeUpdate/~a.b.1", `{"iops":500,"tags":{}}`},
				{"Volume/~a.b.1", ""},
				{"VolumesReassign", `[{"volume":"~a.b.2","detach":"all","force":true}]`},
				{"VolumeRevert/~a.b.2", `{"toSnapshot":"~a.b.4","revertSize":true}`},
				{"VolumeUpdate/~a.b.2", `{"iops":500,"tags":{}}`},
				{"Volume/~a.b.2", ""},
				{"VolumesList", ""},
				{"SnapshotsList", ""},
				{"VolumesReassign", `[{"snapshot":"~a.b.5","detach":"all","force":true}]`},
				{"SnapshotDelete/~a.b.5", ""},
				{"VolumesReassign", `[{"snapshot":"~a.b.6","detach":"all","force":true}]`},
				{"SnapshotDelete/~a.b.6", ""},
			},
		},
	}
}

func TestTheRequestsOfACopyToAnotherLocationAreThoseOfThePlugin(t *testing.T) {
	t.Parallel()
	for quirks, want := range map[string][]fakeCall{
		"upstream": {
			{"SnapshotUpdate/~a.b.3", `{}`},
			{"SnapshotExport", `{"snapshot":"~a.b.3","location":"east"}`},
			{"SnapshotFromRemote", `{"remoteId":"a.b.3","remoteLocation":"west","template":"ssd","name":"","tags":{"cs":"snapshot","uuid":"s1"}}`},
			{"SnapshotReconcile/~a.b.3", ""},
			{"SnapshotsList", ""},
			{"SnapshotUpdate/~a.b.3", `{}`},
			{"SnapshotUnexport", `{"snapshot":"~a.b.3","force":true,"all":true}`},
		},
		"correct": {
			{"SnapshotExport", `{"snapshot":"~a.b.3","location":"east"}`},
			{"SnapshotFromRemote", `{"remoteId":"a.b.3","remoteLocation":"west","template":"ssd","name":"","tags":{"cs":"snapshot","op":"id-3","uuid":"s1"}}`},
			{"SnapshotReconcile/~a.b.3", ""},
			{"Snapshot/~a.b.3", ""},
			{"SnapshotUnexport", `{"snapshot":"~a.b.3","location":"east"}`},
		},
	} {
		s := newStage(t, quirks)
		withLocation(s)
		calls := &recorder{next: s.config.Transport}
		s.config.Transport = calls
		s.restart()
		_, err := s.CopySnapshot(t.Context(), s.on(SnapshotObject, stageSnapshot, inventory.Primary), s.at(SnapshotObject, stageSnapshot, secondPool))
		require.NoError(t, err)
		if quirks == "correct" {
			s.far.find("~a.b.3", true).Remote = false
		}
		require.NoError(t, s.UnexportSnapshots(t.Context()))
		got := calls.calls
		for i := range got {
			if got[i].Call == "SnapshotFromRemote" {
				assert.JSONEq(t, want[i].Body, got[i].Body)
				got[i].Body = want[i].Body
			}
		}
		assert.Equal(t, want, got, quirks)
		assert.Empty(t, s.sp.find("~a.b.3", true).Exports)
	}
}

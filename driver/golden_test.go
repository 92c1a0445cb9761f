package driver

import (
	"fmt"
	"slices"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/spsim/spsim/driver/agentapi"
	"github.com/spsim/spsim/driver/inventory"
)

// golden is an entry point with the requests that it makes: as the existing plugin makes them, and as this driver does.
type golden struct {
	name string
	// run prepares and calls the entry point; it returns what came of it. It calls made when the preparation is over.
	run      func(r *rig, made func()) error
	upstream []fakeCall
	correct  []fakeCall
}

const detachSnapshot = `[{"snapshot":"~a.b.2","detach":"all","force":true}]`

func goldens() []golden {
	return slices.Concat(volumeGoldens(), changeGoldens(), copyGoldens(), furtherGoldens())
}

func volumeGoldens() []golden {
	return []golden{
		{
			name: "1: createAsync of a detached volume without details and limit",
			run: func(r *rig, made func()) error {
				id := r.volume(nil)
				made()
				_, err := r.CreateAsync(r.t.Context(), r.onPool(VolumeObject, id))
				return err
			},
			upstream: []fakeCall{{"VolumeCreate", `{"size":10737418240,"template":"hdd","tags":{"cs":"volume","uuid":"V","vc-policy":""}}`}},
			correct:  []fakeCall{{"VolumeCreate", `{"size":10737418240,"template":"hdd","tags":{"cs":"volume","op":"id-2","uuid":"V","vc-policy":""}}`}},
		},
		{
			name: "2: createAsync with VM, policy, tier, device and limit",
			run: func(r *rig, made func()) error {
				tier := r.offering(0, "SP_QOSCLASS", "ssd", "SP_TEMPLATE", "nvme")
				vm := r.vm()
				id := r.volume(func(v *inventory.Volume) {
					v.VM, v.Offering, v.MaxIOPS, v.DeviceID, v.HasDevice = vm, tier, 500, 1, true
				})
				made()
				_, err := r.CreateAsync(r.t.Context(), r.onPool(VolumeObject, id))
				return err
			},
			upstream: []fakeCall{{"VolumeCreate", `{"size":10737418240,"iops":500,"template":"hdd",` +
				`"tags":{"cs":"volume","cvm":"M","disk":"1","qc":"ssd","uuid":"V","vc-policy":"gold"}}`}},
			correct: []fakeCall{{"VolumeCreate", `{"size":10737418240,"template":"hdd",` +
				`"tags":{"cs":"volume","cvm":"M","disk":"1","op":"id-2","qc":"ssd","uuid":"V","vc-policy":"gold"}}`}},
		},
		{
			name: "deleteAsync of a volume",
			run: func(r *rig, made func()) error {
				id := r.made(nil)
				made()
				return r.DeleteAsync(r.t.Context(), r.onPool(VolumeObject, id))
			},
			upstream: []fakeCall{{"VolumeDelete/~a.b.1", `{"onAttached":"detachForce"}`}},
			correct:  []fakeCall{{"VolumeDelete/~a.b.1", `{"onAttached":"detachForce"}`}},
		},
		{
			name: "deleteAsync of a volume that leaves a safety snapshot",
			run: func(r *rig, made func()) error {
				id := r.made(nil)
				r.set(inventory.OfPool, r.pool, SettingDeleteAfter, "60")
				made()
				return r.DeleteAsync(r.t.Context(), r.onPool(VolumeObject, id))
			},
			upstream: []fakeCall{
				{"VolumeSnapshot/~a.b.1", `{"deleteAfter":60,"tags":{"cs":"delayDelete"}}`},
				{"VolumeDelete/~a.b.1", `{"onAttached":"detachForce"}`},
			},
			correct: []fakeCall{
				{"VolumeSnapshot/~a.b.1", `{"deleteAfter":60,"tags":{"cs":"delayDelete","op":"id-3"}}`},
				{"VolumeDelete/~a.b.1", `{"onAttached":"detachForce"}`},
			},
		},
		{
			name: "4: takeSnapshot of an attached volume",
			run: func(r *rig, made func()) error {
				vm := r.vm()
				id := r.snapshot(r.made(func(v *inventory.Volume) { v.VM = vm }))
				made()
				_, err := r.TakeSnapshot(r.t.Context(), id)
				return err
			},
			upstream: []fakeCall{{"VolumeSnapshot/~a.b.1", `{"name":"","tags":{"cs":"snapshot","cvm":"M","uuid":"S"}}`}},
			correct:  []fakeCall{{"VolumeSnapshot/~a.b.1", `{"name":"","tags":{"cs":"snapshot","cvm":"M","op":"id-3","uuid":"S"}}`}},
		},
		{
			name: "8: delete of a snapshot",
			run: func(r *rig, made func()) error {
				id := r.taken(r.made(nil))
				made()
				return r.DeleteSnapshot(r.t.Context(), id, 0)
			},
			upstream: []fakeCall{{"VolumesReassign", detachSnapshot}, {"SnapshotDelete/~a.b.2", ""}},
			correct:  []fakeCall{{"VolumesReassign", detachSnapshot}, {"SnapshotDelete/~a.b.2", ""}},
		},
		{
			name: "9: revert of a volume with a limit",
			run: func(r *rig, made func()) error {
				id := r.made(func(v *inventory.Volume) { v.MaxIOPS = 500 })
				snapshot := r.taken(id)
				made()
				_, err := r.RevertSnapshot(r.t.Context(), snapshot, id)
				return err
			},
			upstream: []fakeCall{
				{"VolumesReassign", `[{"volume":"~a.b.1","detach":"all","force":true}]`},
				{"VolumeRevert/~a.b.1", `{"toSnapshot":"~a.b.2"}`},
				{"VolumeUpdate/~a.b.1", `{"iops":500,"tags":{}}`},
			},
			correct: []fakeCall{
				{"Snapshot/~a.b.2", ""},
				{"Volume/~a.b.1", ""},
				{"VolumesReassign", `[{"volume":"~a.b.1","detach":"all","force":true}]`},
				{"VolumeRevert/~a.b.1", `{"toSnapshot":"~a.b.2","revertSize":true}`},
				{"VolumeUpdate/~a.b.1", `{"iops":500,"tags":{}}`},
				{"Volume/~a.b.1", ""},
			},
		},
	}
}

func changeGoldens() []golden {
	resize := func(r ResizeRequest, details ...string) func(*rig, func()) error {
		return func(rig *rig, made func()) error {
			id := rig.made(nil)
			if details != nil {
				r.Offering = rig.offering(0, details...)
			}
			made()
			_, err := rig.Resize(rig.t.Context(), id, r)
			return err
		}
	}
	return []golden{
		{
			name:     "5: plain resize without limit",
			run:      resize(ResizeRequest{Size: 20 * gib}),
			upstream: []fakeCall{{"VolumeUpdate/~a.b.1", `{"size":21474836480,"shrinkOk":false,"iops":0}`}},
			correct:  []fakeCall{{"VolumeUpdate/~a.b.1", `{"size":21474836480,"shrinkOk":false}`}},
		},
		{
			name:     "6: resize to a tier",
			run:      resize(ResizeRequest{Size: 20 * gib}, "SP_QOSCLASS", "ssd"),
			upstream: []fakeCall{{"VolumeUpdate/~a.b.1", `{"size":21474836480,"shrinkOk":false,"tags":{"qc":"ssd"}}`}},
			correct:  []fakeCall{{"VolumeUpdate/~a.b.1", `{"size":21474836480,"shrinkOk":false,"template":"hdd","tags":{"qc":"ssd"}}`}},
		},
		{
			name:     "6: resize to a template",
			run:      resize(ResizeRequest{Size: 20 * gib}, "SP_TEMPLATE", "nvme"),
			upstream: []fakeCall{{"VolumeUpdate/~a.b.1", `{"size":21474836480,"shrinkOk":false,"template":"nvme","tags":{}}`}},
			correct:  []fakeCall{{"VolumeUpdate/~a.b.1", `{"size":21474836480,"shrinkOk":false,"template":"nvme","tags":{"qc":""}}`}},
		},
		{
			name: "10: revokeAccess of a detached volume",
			run: func(r *rig, made func()) error {
				id := r.made(nil)
				made()
				return r.RevokeAccess(r.t.Context(), id)
			},
			upstream: []fakeCall{{"VolumeUpdate/~a.b.1", `{"tags":{"cvm":"","disk":"","vc-policy":""}}`}},
			correct:  []fakeCall{{"VolumeUpdate/~a.b.1", `{"tags":{"cvm":"","disk":"","vc-policy":""}}`}},
		},
		{
			name: "provideVmInfo",
			run: func(r *rig, made func()) error {
				vm := r.vm()
				id := r.made(func(v *inventory.Volume) { v.VM, v.DeviceID, v.HasDevice = vm, 2, true })
				made()
				return r.ProvideVMInfo(r.t.Context(), vm, id)
			},
			upstream: []fakeCall{{
				"VolumeUpdate/~a.b.1",
				`{"template":"hdd","tags":{"cs":"volume","cvm":"M","disk":"2","uuid":"~a.b.1","vc-policy":"gold"}}`,
			}},
			correct: []fakeCall{{"VolumeUpdate/~a.b.1", `{"tags":{"cs":"volume","cvm":"M","disk":"2","uuid":"V","vc-policy":"gold"}}`}},
		},
		{
			name: "detachVolumeFromAllStorageNodes",
			run: func(r *rig, made func()) error {
				id := r.made(nil)
				made()
				return r.DetachVolumeFromAllStorageNodes(r.t.Context(), id)
			},
			upstream: []fakeCall{{"VolumesReassign", `[{"volume":"~a.b.1","detach":"all","force":true}]`}},
			correct:  []fakeCall{{"VolumesReassign", `[{"volume":"~a.b.1","detach":"all","force":true}]`}, {"AttachmentsList", ""}},
		},
	}
}

func copyGoldens() []golden {
	work := `{"name":"","size":2147483648,%s"template":"hdd","tags":{"cs":"template",%s"uuid":"T","vc-policy":"no"}}`
	cache := func(change func(*inventory.TemplateStore)) func(*rig, func()) error {
		return func(r *rig, made func()) error {
			r.sp.add(fakeObject{Snapshot: true, Size: 2 * gib})
			id := r.template(change)
			made()
			_, err := r.CopyAsync(r.t.Context(), r.onStore(TemplateObject, id), r.onPool(TemplateObject, id))
			return err
		}
	}
	based := cache(func(s *inventory.TemplateStore) { s.LocalPath = devPath("a.b.1") })
	return []golden{
		{
			name: "3: template cached from its base snapshot",
			run:  based,
			upstream: []fakeCall{
				{"VolumeCreate", fmt.Sprintf(work, `"parent":"~a.b.1",`, "")},
				{"VolumeSnapshot/~a.b.2", `{"name":"","tags":{"cs":"template","uuid":"T"}}`},
				{"VolumeDelete/~a.b.2", `{"onAttached":"detachForce"}`},
			},
			correct: []fakeCall{
				{"VolumeCreate", fmt.Sprintf(work, `"parent":"~a.b.1",`, `"op":"id-2",`)},
				{"VolumeSnapshot/~a.b.2", `{"name":"","tags":{"cs":"template","op":"id-2","uuid":"T"}}`},
				{"VolumeDelete/~a.b.2", `{"onAttached":"detachForce"}`},
			},
		},
		{
			name: "template cached by download",
			run:  cache(nil),
			upstream: []fakeCall{
				{"VolumeCreate", fmt.Sprintf(work, "", "")},
				{"VolumeSnapshot/~a.b.2", `{"name":"","tags":{"cs":"template","uuid":"T"}}`},
				{"VolumeDelete/~a.b.2", `{"onAttached":"detachForce"}`},
			},
			correct: []fakeCall{
				{"VolumeCreate", fmt.Sprintf(work, "", `"op":"id-2",`)},
				{"VolumeSnapshot/~a.b.2", `{"name":"","tags":{"cs":"template","op":"id-2","uuid":"T"}}`},
				{"VolumeDelete/~a.b.2", `{"onAttached":"detachForce"}`},
			},
		},
		{
			name: "root volume of a cached template",
			run: func(r *rig, made func()) error {
				require.NoError(r.t, based(r, func() {}))
				id := r.volume(func(v *inventory.Volume) { v.MaxIOPS, v.HasDevice = 300, true })
				made()
				_, err := r.CopyAsync(r.t.Context(), r.onStore(TemplateObject, 1), r.onPool(VolumeObject, id))
				return err
			},
			upstream: []fakeCall{{"VolumeCreate", `{"size":10737418240,"parent":"~a.b.3","template":"hdd",` +
				`"tags":{"cs":"volume","disk":"0","uuid":"V","vc-policy":""}}`}},
			correct: []fakeCall{{"VolumeCreate", `{"size":10737418240,"parent":"~a.b.3","iops":300,"template":"hdd",` +
				`"tags":{"cs":"volume","disk":"0","op":"id-3","uuid":"V","vc-policy":""}}`}},
		},
		{
			name: "volume from a snapshot of a limited volume",
			run: func(r *rig, made func()) error {
				snapshot := r.taken(r.made(func(v *inventory.Volume) { v.MaxIOPS = 500 }))
				id := r.volume(func(v *inventory.Volume) { v.UUID, v.DeviceID, v.HasDevice = "W", 1, true })
				made()
				_, err := r.CopyAsync(r.t.Context(), r.onPool(SnapshotObject, snapshot), r.onPool(VolumeObject, id))
				return err
			},
			upstream: []fakeCall{{"VolumeCreate", `{"size":10737418240,"parent":"~a.b.2","iops":500,"template":"hdd",` +
				`"tags":{"cs":"volume","uuid":"W","vc-policy":""}}`}},
			correct: []fakeCall{{"VolumeCreate", `{"size":10737418240,"parent":"~a.b.2","iops":0,"template":"hdd",` +
				`"tags":{"cs":"volume","op":"id-4","uuid":"W","vc-policy":""}}`}},
		},
		{
			name: "backup of a snapshot",
			run: func(r *rig, made func()) error {
				snapshot := r.taken(r.made(nil))
				made()
				_, err := r.CopyAsync(r.t.Context(), r.onPool(SnapshotObject, snapshot), r.onStore(SnapshotObject, snapshot))
				return err
			},
			upstream: []fakeCall{{"SnapshotUpdate/~a.b.2", `{}`}},
		},
	}
}

func TestTheRequestsAreThoseOfThePlugin(t *testing.T) {
	t.Parallel()
	for _, g := range goldens() {
		for driver, want := range map[string][]fakeCall{"upstream": g.upstream, "correct": g.correct} {
			t.Run(driver+" "+g.name, func(t *testing.T) {
				t.Parallel()
				r := newRig(t, driver)
				require.NoError(t, g.run(r, func() { r.sp.made() }))
				assert.Equal(t, want, r.sp.made())
				assert.Empty(t, r.intents())
			})
		}
	}
}

func TestTheRequestOfAnEncryptedVolumeHasRoomForItsHeader(t *testing.T) {
	t.Parallel()
	v := target{row: inventory.Volume{Size: 10 * gib, PassphraseID: 1}}
	d := newBench(t, "").Driver
	assert.Equal(t, int64(10739515392), d.createRequest(&conn{}, v).Size)
}

func TestAHostIsToldOfAResizeWhatTheScriptNeeds(t *testing.T) {
	t.Parallel()
	r := newRig(t, "")
	vm := r.vm()
	id := r.made(func(v *inventory.Volume) { v.VM = vm })
	_, err := r.Resize(t.Context(), id, ResizeRequest{Size: 20 * gib, Instance: "i-2-1-VM", Hosts: []inventory.ID{2}})
	require.NoError(t, err)
	require.Len(t, r.hosts.Sent, 1)
	assert.Equal(t, []inventory.ID{2}, r.hosts.To)
	assert.Equal(t, agentapi.ResizeVolume{
		Path: devPath("a.b.1"), Pool: *poolTO(r.row(r.pool)), CurrentSize: 10 * gib, NewSize: 20 * gib, VM: "i-2-1-VM", Attached: true,
	}, r.hosts.Sent[0])
}

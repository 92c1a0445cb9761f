package world_test

import (
	"bytes"
	"context"
	"fmt"
	"slices"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/spsim/spsim/driver/inventory"
	"github.com/spsim/spsim/emulator/fault"
	"github.com/spsim/spsim/scenarios/mgmt"
	"github.com/spsim/spsim/scenarios/world"
)

// grain is the unit of sizes and offsets in bytes; small, so that whole volumes are compared.
const grain = 4096

// disk is a volume as the model has it: its bytes and where it is.
type disk struct {
	id       inventory.ID
	bytes    []byte
	vm       inventory.ID // 0: detached
	recorded bool         // StorPool has not heard of it yet
}

// shot is a snapshot as the model has it.
type shot struct {
	id    inventory.ID
	of    *disk
	bytes []byte
}

// machine drives the management server and a model of bytes side by side.
type machine struct {
	w       *world.World
	ctx     context.Context //nolint:containedctx // one case's
	vms     []inventory.ID
	running map[inventory.ID]bool
	disks   []*disk
	shots   []*shot
	faulty  bool // a fault is armed: the next action may fail, and then has to leave everything as it was
}

func (m *machine) pick(t *rapid.T, which func(*disk) bool) *disk {
	var fit []*disk
	for _, d := range m.disks {
		if which(d) {
			fit = append(fit, d)
		}
	}
	if len(fit) == 0 {
		t.Skip("no such disk")
	}
	return rapid.SampledFrom(fit).Draw(t, "disk")
}

func (m *machine) shot(t *rapid.T) *shot {
	if len(m.shots) == 0 {
		t.Skip("no snapshot")
	}
	return rapid.SampledFrom(m.shots).Draw(t, "snapshot")
}

func on(d *disk) bool                { return d.vm != 0 }
func off(d *disk) bool               { return d.vm == 0 }
func made(d *disk) bool              { return !d.recorded }
func (m *machine) idle(d *disk) bool { return d.vm == 0 || !m.running[d.vm] }

// did judges the outcome of an action; it tells whether the model follows it.
func (m *machine) did(t *rapid.T, err error) bool {
	if !m.faulty {
		require.NoError(t, err)
	}
	if err != nil {
		t.Logf("failed: %v", err)
	}
	return err == nil
}

func size(t *rapid.T) int64 { return rapid.Int64Range(1, 8).Draw(t, "size") * grain }

func (m *machine) create(t *rapid.T) {
	n := size(t)
	v, err := m.w.Mgmt.CreateVolume(m.ctx, mgmt.VolumeSpec{Name: "d", Zone: m.w.Zone.ID, Offering: m.w.Disk.ID, Size: n})
	require.NoError(t, err)
	m.disks = append(m.disks, &disk{id: v.ID, bytes: make([]byte, n), recorded: true})
}

func (m *machine) attach(t *rapid.T) {
	d := m.pick(t, off)
	vm := rapid.SampledFrom(m.vms).Draw(t, "vm")
	v, err := m.w.Mgmt.AttachVolume(m.ctx, d.id, vm, mgmt.FreeDevice)
	if m.did(t, err) {
		d.vm = vm
	}
	d.recorded = v.Path == ""
}

func (m *machine) detach(t *rapid.T) {
	d := m.pick(t, on)
	_, err := m.w.Mgmt.DetachVolume(m.ctx, d.id)
	if m.did(t, err) {
		d.vm = 0
	}
}

func (m *machine) write(t *rapid.T) {
	d := m.pick(t, made)
	seen := m.seen(t, d)
	at := rapid.IntRange(0, seen/grain-1).Draw(t, "at") * grain
	p := bytes.Repeat([]byte{rapid.Byte().Draw(t, "byte")}, rapid.IntRange(1, (seen-at)/grain).Draw(t, "length")*grain)
	require.NoError(t, m.w.WriteVolume(m.ctx, d.id, int64(at), p))
	copy(d.bytes[at:], p)
}

// seen is how much of a volume can be reached: a guest that was not told of a grow sees its old size until its next start.
func (m *machine) seen(t *rapid.T, d *disk) int {
	if !m.running[d.vm] {
		return len(d.bytes)
	}
	n, err := m.w.GuestSize(m.ctx, d.vm, d.id)
	require.NoError(t, err)
	return min(len(d.bytes), int(n))
}

func (m *machine) resize(t *rapid.T) {
	d := m.pick(t, func(*disk) bool { return true })
	n := size(t)
	_, err := m.w.Mgmt.ResizeVolume(m.ctx, mgmt.ResizeSpec{Volume: d.id, Size: n, ShrinkOK: true})
	now := append(bytes.Clone(d.bytes[:min(n, int64(len(d.bytes)))]), make([]byte, max(0, n-int64(len(d.bytes))))...)
	if m.did(t, err) || m.passed(t, d, now) {
		d.bytes = now
	}
}

// passed tells whether an action that failed had its effect all the same, which it may once it is past its pivot.
func (m *machine) passed(t *rapid.T, d *disk, now []byte) bool {
	m.w.Disarm()
	require.NoError(t, m.w.Check(m.ctx))
	var v inventory.Volume
	require.NoError(t, m.w.Inventory.View(func(tx *inventory.Tx) (err error) {
		v, err = tx.Volumes.Must(d.id)
		return err
	}))
	if v.Size != int64(len(now)) || d.recorded {
		return false
	}
	got := make([]byte, m.seen(t, &disk{id: d.id, vm: d.vm, bytes: now}))
	require.NoError(t, m.w.ReadVolume(m.ctx, d.id, 0, got))
	return bytes.Equal(got, now[:len(got)])
}

func (m *machine) snapshot(t *rapid.T) {
	d := m.pick(t, made)
	backup := rapid.SampledFrom([]string{"true", "false"}).Draw(t, "backup")
	require.NoError(t, m.w.Mgmt.SetSetting(inventory.Global(), mgmt.BackupSetting, backup))
	s, err := m.w.Mgmt.CreateSnapshot(m.ctx, d.id, "")
	if m.did(t, err) {
		m.shots = append(m.shots, &shot{id: s.ID, of: d, bytes: bytes.Clone(d.bytes)})
	}
}

func (m *machine) clone(t *rapid.T) {
	s := m.shot(t)
	v, err := m.w.Mgmt.CreateVolumeFromSnapshot(m.ctx, mgmt.RestoreSpec{Snapshot: s.id, Name: "c"})
	if m.did(t, err) {
		m.disks = append(m.disks, &disk{id: v.ID, bytes: bytes.Clone(s.bytes)})
	}
}

func (m *machine) revert(t *rapid.T) {
	s := m.shot(t)
	if !slices.Contains(m.disks, s.of) || !m.idle(s.of) {
		t.Skip("the disk is gone or in use")
	}
	_, err := m.w.Mgmt.RevertSnapshot(m.ctx, s.id)
	if m.did(t, err) || m.passed(t, s.of, s.bytes) {
		s.of.bytes = bytes.Clone(s.bytes)
	}
}

func (m *machine) deleteDisk(t *rapid.T) {
	d := m.pick(t, off)
	v, err := m.w.Mgmt.DeleteVolume(m.ctx, d.id)
	m.did(t, err)
	if err == nil || v.State == inventory.VolumeDestroy { // the collector does the rest
		m.disks = slices.DeleteFunc(m.disks, func(o *disk) bool { return o == d })
	}
}

func (m *machine) deleteSnapshot(t *rapid.T) {
	s := m.shot(t)
	_, err := m.w.Mgmt.DeleteSnapshot(m.ctx, s.id)
	if m.did(t, err) {
		m.shots = slices.DeleteFunc(m.shots, func(o *shot) bool { return o == s })
	}
}

func (m *machine) power(t *rapid.T) {
	vm := rapid.SampledFrom(m.vms).Draw(t, "vm")
	var err error
	if m.running[vm] {
		_, err = m.w.Mgmt.StopVM(m.ctx, vm, false)
	} else {
		host := rapid.SampledFrom(m.w.Hosts).Draw(t, "host").ID
		_, err = m.w.Mgmt.StartVM(m.ctx, vm, host)
	}
	if m.did(t, err) {
		m.running[vm] = !m.running[vm]
	}
}

// fault makes the next matching call go wrong, for one action.
func (m *machine) fault(t *rapid.T) {
	if m.faulty {
		t.Skip("one fault at a time")
	}
	rule := fault.Rule{
		Call: rapid.SampledFrom([]string{
			"POST VolumeCreate", "POST VolumeUpdate", "POST VolumeDelete", "POST VolumeSnapshot", "POST VolumeRevert",
			"POST VolumesReassign", "POST VolumesReassignWait", "POST SnapshotDelete", "POST SnapshotUpdate",
			"agent BackupSnapshot/*", "agent ResizeVolume/*", "agent Attach/*",
		}).Draw(t, "call"),
		Nth:    rapid.IntRange(1, 2).Draw(t, "nth"),
		Effect: fault.Effect{Kind: rapid.SampledFrom([]fault.Kind{fault.Refuse, fault.Transient, fault.Lose, fault.Cut}).Draw(t, "kind")},
	}
	require.NoError(t, m.w.Arm(rule))
	m.faulty = true
}

// judge checks invariants and every byte.
func (m *machine) judge(t *rapid.T) {
	if err := m.w.Check(m.ctx); err != nil {
		t.Fatalf("%v", err)
	}
	for _, d := range m.disks {
		if d.recorded {
			continue
		}
		got := make([]byte, m.seen(t, d))
		require.NoError(t, m.w.ReadVolume(m.ctx, d.id, 0, got))
		require.True(t, bytes.Equal(d.bytes[:len(got)], got), "volume %d holds other bytes", d.id)
	}
}

// actions wraps each action: a fault lives for one of them.
func (m *machine) actions() map[string]func(*rapid.T) {
	all := map[string]func(*rapid.T){"": m.judge, "fault": m.fault}
	for name, f := range map[string]func(*rapid.T){
		"create": m.create, "attach": m.attach, "detach": m.detach, "write": m.write, "resize": m.resize, "snapshot": m.snapshot,
		"clone": m.clone, "revert": m.revert, "deleteDisk": m.deleteDisk, "deleteSnapshot": m.deleteSnapshot, "power": m.power,
	} {
		all[name] = func(t *rapid.T) {
			f(t)
			m.w.Disarm()
			m.faulty = false
		}
	}
	return all
}

// TestAnySequenceOfActionsKeepsBytesAndInvariants is the whole house against a model of byte slices.
func TestAnySequenceOfActionsKeepsBytesAndInvariants(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		w, err := world.New(world.Options{})
		defer func() { assert.NoError(t, w.Close()) }()
		require.NoError(t, err)
		w.Do(func(ctx context.Context) {
			m := &machine{w: w, ctx: ctx, running: map[inventory.ID]bool{}}
			for range 2 {
				vm, err := w.Mgmt.DeployVM(ctx, mgmt.VMSpec{
					Name: "vm", Zone: w.Zone.ID, Offering: w.Compute.ID, Template: w.ISO.ID, RootSize: grain,
				})
				require.NoError(t, err)
				m.vms, m.running[vm.ID] = append(m.vms, vm.ID), true
			}
			t.Repeat(m.actions())
		})
	})
}

// GoString keeps rapid's report short.
func (d *disk) GoString() string {
	return fmt.Sprintf("volume %d of %d bytes in VM %d", d.id, len(d.bytes), d.vm)
}

// GoString keeps rapid's report short.
func (s *shot) GoString() string { return fmt.Sprintf("snapshot %d of volume %d", s.id, s.of.id) }

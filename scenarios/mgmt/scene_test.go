package mgmt_test

import (
	"bytes"
	"context"
	"io"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/spsim/spsim/driver/inventory"
	"github.com/spsim/spsim/scenarios/mgmt"
	"github.com/spsim/spsim/scenarios/world"
)

const (
	mib = 1 << 20
	gib = 1 << 30
)

// scene is a world with shortcuts; every success is followed by the invariants.
type scene struct {
	*world.World
	t   *testing.T
	ctx context.Context //nolint:containedctx // one test's
}

// play runs f as the actor of a fresh world.
func play(t *testing.T, o world.Options, f func(s *scene)) {
	t.Helper()
	w, err := world.New(o)
	t.Cleanup(func() { assert.NoError(t, w.Close()) })
	require.NoError(t, err)
	w.Do(func(ctx context.Context) { f(&scene{w, t, ctx}) })
}

// ok requires success and the invariants.
func (s *scene) ok(err error) {
	s.t.Helper()
	require.NoError(s.t, err)
	s.holds()
}

func (s *scene) holds() {
	s.t.Helper()
	require.NoError(s.t, s.Check(s.ctx))
}

// refused requires core's refusal for a reason, and that nothing changed.
func (s *scene) refused(err error, reason string) {
	s.t.Helper()
	var r *mgmt.Refused
	require.ErrorAs(s.t, err, &r)
	assert.Contains(s.t, r.Reason, reason)
	s.holds()
}

func (s *scene) set(key, value string) {
	s.t.Helper()
	require.NoError(s.t, s.Mgmt.SetSetting(inventory.Global(), key, value))
}

// bypass switches backups to secondary storage off or on.
func (s *scene) bypass(on bool) {
	s.t.Helper()
	s.set(mgmt.BackupSetting, map[bool]string{true: "false", false: "true"}[on])
}

func (s *scene) deploy(spec mgmt.VMSpec) inventory.VM {
	s.t.Helper()
	m, err := s.Mgmt.DeployVM(s.ctx, s.spec(spec))
	s.ok(err)
	return m
}

// spec fills what a test leaves out: from ISO with a root disk of 64 MiB.
func (s *scene) spec(spec mgmt.VMSpec) mgmt.VMSpec {
	spec.Zone, spec.Name = s.Zone.ID, "vm"
	if spec.Offering == 0 {
		spec.Offering = s.Compute.ID
	}
	if spec.Template == 0 {
		spec.Template, spec.RootSize = s.ISO.ID, 64*mib
	}
	return spec
}

func (s *scene) data(size int64) mgmt.VolumeSpec {
	return mgmt.VolumeSpec{Name: "data", Zone: s.Zone.ID, Offering: s.Disk.ID, Size: size}
}

// attached makes a data volume and attaches it.
func (s *scene) attached(vm inventory.ID, size int64) inventory.Volume {
	s.t.Helper()
	v, err := s.Mgmt.CreateVolume(s.ctx, s.data(size))
	s.ok(err)
	v, err = s.Mgmt.AttachVolume(s.ctx, v.ID, vm, mgmt.FreeDevice)
	s.ok(err)
	return v
}

func (s *scene) root(vm inventory.ID) (v inventory.Volume) {
	s.t.Helper()
	require.NoError(s.t, s.Inventory.View(func(tx *inventory.Tx) error {
		v, _ = tx.Volumes.Find(func(v inventory.Volume) bool { return v.VM == vm && v.DeviceID == 0 })
		return nil
	}))
	require.NotZero(s.t, v.ID)
	return v
}

func (s *scene) volume(id inventory.ID) inventory.Volume {
	s.t.Helper()
	return must(s, func(tx *inventory.Tx) (inventory.Volume, error) { return tx.Volumes.Must(id) })
}

func (s *scene) vm(id inventory.ID) inventory.VM {
	s.t.Helper()
	return must(s, func(tx *inventory.Tx) (inventory.VM, error) { return tx.VMs.Must(id) })
}

func (s *scene) host(id inventory.ID) inventory.Host {
	s.t.Helper()
	return must(s, func(tx *inventory.Tx) (inventory.Host, error) { return tx.Hosts.Must(id) })
}

// must reads a row that is there.
func must[T any](s *scene, read func(*inventory.Tx) (T, error)) (row T) {
	s.t.Helper()
	require.NoError(s.t, s.Inventory.View(func(tx *inventory.Tx) (err error) {
		row, err = read(tx)
		return err
	}))
	return row
}

func (s *scene) snap(volume inventory.ID) inventory.Snapshot {
	s.t.Helper()
	sn, err := s.Mgmt.CreateSnapshot(s.ctx, volume, "")
	s.ok(err)
	return sn
}

func pattern(b byte) []byte { return bytes.Repeat([]byte{b, b ^ 0xff, 0x5a}, 30<<10) }

func (s *scene) write(volume inventory.ID, off int64, b byte) {
	s.t.Helper()
	require.NoError(s.t, s.WriteVolume(s.ctx, volume, off, pattern(b)))
}

func (s *scene) reads(volume inventory.ID, off int64, want []byte) {
	s.t.Helper()
	got := make([]byte, len(want))
	require.NoError(s.t, s.ReadVolume(s.ctx, volume, off, got))
	assert.True(s.t, bytes.Equal(want, got), "volume %d at %d holds other bytes", volume, off)
}

// template registers a template of a size whose first bytes are a pattern.
func (s *scene) template(size int64, b byte) inventory.Template {
	s.t.Helper()
	tmpl, err := s.Mgmt.RegisterTemplate(s.ctx, mgmt.TemplateSpec{
		Name: "linux", Zone: s.Zone.ID, Size: size,
		Write: func(w io.WriterAt) error {
			_, err := w.WriteAt(pattern(b), 0)
			return err
		},
	})
	s.ok(err)
	return tmpl
}

// calls counts the journal's entries of a call.
func (s *scene) calls(call string) (n int) {
	for _, e := range s.Journal() {
		if e.Call == call {
			n++
		}
	}
	return n
}

package scenarios_test

import (
	"cmp"
	"context"
	"net/http"
	"slices"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/spsim/spsim/agentsim"
	"github.com/spsim/spsim/agentsim/image"
	"github.com/spsim/spsim/driver/inventory"
	"github.com/spsim/spsim/emulator/cluster"
	"github.com/spsim/spsim/emulator/fault"
	"github.com/spsim/spsim/scenarios/mgmt"
	"github.com/spsim/spsim/scenarios/world"
)

const mib = 1 << 20

// meter is an emulator that counts what is done on it: time spent in calls and on bytes, and bytes read from devices.
type meter struct {
	*world.Embedded
	spent atomic.Int64 // nanoseconds
	read  atomic.Int64 // bytes
}

func (m *meter) Transport(caller string) http.RoundTripper {
	return timed{m.Embedded.Transport(caller), m}
}

func (m *meter) Devices(client int) agentsim.Devices { return metered{m.Embedded.Devices(client), m} }

type timed struct {
	http.RoundTripper
	meter *meter
}

func (t timed) RoundTrip(r *http.Request) (*http.Response, error) {
	defer t.meter.add(time.Now())
	return t.RoundTripper.RoundTrip(r)
}

func (m *meter) add(since time.Time) { m.spent.Add(int64(time.Since(since))) }

type metered struct {
	agentsim.Devices
	meter *meter
}

func (d metered) Open(ctx context.Context, path string) (agentsim.Device, error) {
	dev, err := d.Devices.Open(ctx, path)
	if err != nil {
		return nil, err
	}
	return meteredDevice{dev, d.meter}, nil
}

type meteredDevice struct {
	agentsim.Device
	meter *meter
}

func (d meteredDevice) ReadAt(p []byte, off int64) (int, error) {
	defer d.meter.add(time.Now())
	d.meter.read.Add(int64(len(p)))
	return d.Device.ReadAt(p, off)
}

func (d meteredDevice) WriteAt(p []byte, off int64) (int, error) {
	defer d.meter.add(time.Now())
	return d.Device.WriteAt(p, off)
}

// NextData passes the device's holes on; without them every byte would be read.
func (d meteredDevice) NextData(off int64) (from, to int64, err error) {
	x, ok := d.Device.(image.Extents)
	if !ok {
		size, err := d.Size()
		return off, size, err
	}
	return x.NextData(off)
}

// metre builds a world on a meter.
func metre(tb testing.TB, o world.Options) (*world.World, *meter) {
	tb.Helper()
	target, err := world.NewEmbedded(1, 2, cluster.Behaviour{})
	require.NoError(tb, err)
	m := &meter{Embedded: target}
	o.Target = m
	w, err := world.New(o)
	tb.Cleanup(func() {
		require.NoError(tb, w.Close())
		require.NoError(tb, m.Close())
	})
	require.NoError(tb, err)
	return w, m
}

// machine deploys a VM with a data disk and gives both volumes.
func machine(ctx context.Context, tb testing.TB, w *world.World) (vm, root, data inventory.ID) {
	tb.Helper()
	m, err := w.Mgmt.DeployVM(ctx, mgmt.VMSpec{
		Name: "vm", Zone: w.Zone.ID, Offering: w.Compute.ID, Template: w.ISO.ID, RootSize: mib,
		Data: []mgmt.VolumeSpec{{Name: "data", Zone: w.Zone.ID, Offering: w.Disk.ID, Size: mib}},
	})
	require.NoError(tb, err)
	require.NoError(tb, w.Inventory.View(func(tx *inventory.Tx) error {
		for _, v := range tx.Volumes.All(func(v inventory.Volume) bool { return v.VM == m.ID }) {
			if v.Kind == inventory.Root {
				root = v.ID
			} else {
				data = v.ID
			}
		}
		return nil
	}))
	return m.ID, root, data
}

// BenchmarkB12TimeCompression compares the seconds that pass on the world's clock with those of the machine: a backup
// whose first call meets three transient errors and whose bytes take tens of seconds on the way.
func BenchmarkB12TimeCompression(b *testing.B) {
	const size, speed = 32 * mib, mib // bytes, bytes a second
	for b.Loop() {
		ratios := make([]float64, 5)
		for i := range ratios {
			w, _ := metre(b, world.Options{Throughput: speed})
			w.Do(func(ctx context.Context) {
				require.NoError(b, w.Mgmt.SetSetting(inventory.Global(), mgmt.BackupSetting, "true"))
				vm, err := w.Mgmt.DeployVM(ctx, mgmt.VMSpec{
					Name: "vm", Zone: w.Zone.ID, Offering: w.Compute.ID, Template: w.ISO.ID, RootSize: size,
				})
				require.NoError(b, err)
				require.NoError(b, w.WriteVolume(ctx, 1, 0, make([]byte, size)))
				require.NoError(b, w.Arm(fault.Rule{
					Call: "POST VolumeSnapshot", Times: 3, Effect: fault.Effect{Kind: fault.Transient, Error: "starting"},
				}))
				real0, virtual0 := time.Now(), w.Clock.Now()
				_, err = w.Mgmt.CreateSnapshot(ctx, 1, "")
				require.NoError(b, err)
				simulated := w.Clock.Now().Sub(virtual0)
				require.Greater(b, simulated, 30*time.Second, "VM %d", vm.ID)
				ratios[i] = simulated.Seconds() / time.Since(real0).Seconds()
			})
		}
		report(b, ratios)
	}
}

// report gives the median of ratios and their spread.
func report(b *testing.B, ratios []float64) {
	b.Helper()
	slices.Sort(ratios)
	median := ratios[len(ratios)/2]
	b.ReportMetric(median, "ratio")
	b.ReportMetric((ratios[len(ratios)-1]-ratios[0])/cmp.Or(median, 1), "spread")
}

// BenchmarkB13Overhead compares the time of an action with the time that its StorPool calls and the bytes of its hosts
// take: what is above 1 is the driver, the hosts' steps and files, CloudStack's records and the journal.
func BenchmarkB13Overhead(b *testing.B) {
	const rounds = 9
	times := map[string][]float64{}
	for b.Loop() {
		for range rounds {
			w, m := metre(b, world.Options{})
			w.Do(func(ctx context.Context) { measureActions(ctx, b, w, m, times) })
		}
	}
	for _, action := range actions() {
		b.Run(action, func(b *testing.B) {
			for b.Loop() {
				report(b, times[action])
			}
		})
	}
}

func actions() []string {
	return []string{"deploy", "attach", "snapshot", "backup", "restore", "resize", "migrate", "detach", "delete"}
}

// measureActions does each action once and appends the ratio of its time to the time of its calls and bytes.
func measureActions(ctx context.Context, b *testing.B, w *world.World, m *meter, times map[string][]float64) {
	b.Helper()
	var data inventory.Volume
	var vm, root inventory.ID
	var snapshot inventory.Snapshot
	does := map[string]func() error{
		"deploy": func() error { vm, root, _ = machine(ctx, b, w); return nil },
		"attach": func() (err error) { // which makes the volume on StorPool as well
			data, err = w.Mgmt.CreateVolume(ctx, mgmt.VolumeSpec{Name: "d", Zone: w.Zone.ID, Offering: w.Disk.ID, Size: mib})
			if err != nil {
				return err
			}
			data, err = w.Mgmt.AttachVolume(ctx, data.ID, vm, mgmt.FreeDevice)
			return err
		},
		"snapshot": func() error {
			if err := w.Mgmt.SetSetting(inventory.Global(), mgmt.BackupSetting, "false"); err != nil {
				return err
			}
			_, err := w.Mgmt.CreateSnapshot(ctx, data.ID, "")
			return err
		},
		"backup": func() (err error) {
			if err = w.Mgmt.SetSetting(inventory.Global(), mgmt.BackupSetting, "true"); err == nil {
				snapshot, err = w.Mgmt.CreateSnapshot(ctx, root, "")
			}
			return err
		},
		"restore": func() error {
			_, err := w.Mgmt.CreateVolumeFromSnapshot(ctx, mgmt.RestoreSpec{Snapshot: snapshot.ID})
			return err
		},
		"resize": func() error {
			_, err := w.Mgmt.ResizeVolume(ctx, mgmt.ResizeSpec{Volume: data.ID, Size: 2 * mib})
			return err
		},
		"migrate": func() error { return migrateElsewhere(ctx, w, vm) },
		"detach":  func() error { _, err := w.Mgmt.DetachVolume(ctx, data.ID); return err },
		"delete":  func() error { _, err := w.Mgmt.DeleteVolume(ctx, data.ID); return err },
	}
	for _, action := range actions() {
		spent0, start := m.spent.Load(), time.Now()
		require.NoError(b, does[action](), action)
		whole, below := time.Since(start), time.Duration(m.spent.Load()-spent0)
		times[action] = append(times[action], float64(whole)/float64(below))
	}
}

func migrateElsewhere(ctx context.Context, w *world.World, vm inventory.ID) error {
	var on inventory.ID
	if err := w.Inventory.View(func(tx *inventory.Tx) error {
		m, err := tx.VMs.Must(vm)
		on = m.Host
		return err
	}); err != nil {
		return err
	}
	to := slices.IndexFunc(w.Hosts, func(h inventory.Host) bool { return h.ID != on })
	_, err := w.Mgmt.MigrateVM(ctx, vm, w.Hosts[to].ID)
	return err
}

// sparseBackup backs a volume of size bytes up with a range of written bytes in its middle, and gives how many bytes the
// host read for it.
func sparseBackup(tb testing.TB, size, written int64) int64 {
	tb.Helper()
	w, m := metre(tb, world.Options{})
	moved := int64(0)
	w.Do(func(ctx context.Context) {
		require.NoError(tb, w.Mgmt.SetSetting(inventory.Global(), mgmt.BackupSetting, "true"))
		_, err := w.Mgmt.DeployVM(ctx, mgmt.VMSpec{
			Name: "vm", Zone: w.Zone.ID, Offering: w.Compute.ID, Template: w.ISO.ID, RootSize: size,
		})
		require.NoError(tb, err)
		chunk := make([]byte, mib)
		for off := int64(0); off < written; off += mib {
			chunk[0] = byte(off / mib % 255)
			chunk[1] = 1
			require.NoError(tb, w.WriteVolume(ctx, 1, size/2+off, chunk))
		}
		before := m.read.Load()
		s, err := w.Mgmt.CreateSnapshot(ctx, 1, "")
		require.NoError(tb, err)
		moved = m.read.Load() - before
		got := make([]byte, 2)
		require.NoError(tb, w.ReadBackup(ctx, s.ID, size/2+written-mib, got))
		require.Equal(tb, []byte{byte((written/mib - 1) % 255), 1}, got)
	})
	return moved
}

// BenchmarkB14SparseBackup compares the bytes that a backup of a volume of 100 GiB reads with the 1 GiB written to it.
func BenchmarkB14SparseBackup(b *testing.B) {
	for b.Loop() {
		const written = 1 << 30
		report(b, []float64{float64(sparseBackup(b, 100<<30, written)) / written})
	}
}

func TestABackupReadsWhatWasWrittenAndNoMore(t *testing.T) {
	t.Parallel()
	moved := sparseBackup(t, 100<<30, 8*mib)
	require.GreaterOrEqual(t, moved, int64(8*mib))
	require.LessOrEqual(t, moved, int64(9*mib))
}

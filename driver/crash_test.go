package driver

import (
	"context"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/spsim/spsim/driver/agentapi"
	"github.com/spsim/spsim/driver/inventory"
	"github.com/spsim/spsim/driver/spapi"
)

// trial is an operation to be interrupted.
type trial struct {
	name    string
	prepare func(s *stage)                            // beyond what every stage has; may be nil
	run     func(ctx context.Context, s *stage) error // may be repeated
	watched bool                                      // it passes although something is left to Reconcile
	gone    bool                                      // it deletes: what it deletes need not be there when it is repeated
}

// stage is a bench with a pool, its hosts, an offering, a volume, a snapshot, a template with its cached copy and a
// secondary storage, all in agreement.
type stage struct {
	*bench
	poolID  inventory.ID
	foreign []string // objects of others

	expected []string // of wrong, for a while
	far      *fakeStorPool
}

const (
	stageVolume   inventory.ID = 1
	stageSnapshot inventory.ID = 1
	newVolume     inventory.ID = 2
	newSnapshot   inventory.ID = 2
	cachedID      inventory.ID = 1 // template
	uncachedID    inventory.ID = 2
)

func newStage(t *testing.T, quirks string) *stage {
	t.Helper()
	s := &stage{bench: newBench(t, quirks), far: newFakeStorPool()}
	s.far.Cluster = "z.b"
	s.config.Images = noFiles{}
	s.hosts.Answer = obey
	s.restart()
	s.poolID = s.pool()
	require.NoError(t, s.AttachZone(t.Context(), s.poolID, KVM))
	volume := s.sp.add(fakeObject{Size: 1 << 30, Template: "hdd", Tags: spapi.Tags{"cs": "volume"}})
	snapshot := s.sp.add(fakeObject{Snapshot: true, Size: 1 << 29, Tags: spapi.Tags{"cs": "snapshot"}})
	base := s.sp.add(fakeObject{Snapshot: true, Size: 1 << 30})
	cached := s.sp.add(fakeObject{Snapshot: true, Size: 1 << 30})
	s.foreign = []string{s.sp.add(fakeObject{Size: 512, Tags: spapi.Tags{"op": "somebody else's"}})}
	s.change(func(tx *inventory.Tx) {
		tx.SecondaryStores.Put(inventory.SecondaryStore{Zone: 1, URL: "nfs://nas/sec"})
		tx.DiskOfferings.Put(inventory.DiskOffering{MaxIOPS: 500})
		tx.Volumes.Put(inventory.Volume{
			UUID: "v1", Kind: inventory.Root, Zone: 1, Pool: s.poolID, PoolType: "StorPool", Path: devPath(volume), Size: 1 << 30,
			Format: "QCOW2", State: inventory.VolumeReady, MaxIOPS: 500,
		})
		tx.Volumes.Put(inventory.Volume{
			UUID: "v2", Kind: inventory.Data, Zone: 1, Pool: s.poolID, Size: 1 << 30, Format: "QCOW2", State: inventory.VolumeCreating,
		})
		s.putSnapshots(tx, snapshot)
		s.putTemplates(tx, base, cached)
		require.NoError(t, charge(tx, s.poolID, 1<<30))
	})
	return s
}

func (s *stage) putSnapshots(tx *inventory.Tx, snapshot string) {
	taken := tx.Snapshots.Put(inventory.Snapshot{UUID: "s1", Volume: 1, Zone: 1, Size: 1 << 29, State: inventory.SnapshotBackedUp})
	tx.SnapshotRefs.Put(inventory.SnapshotRef{
		Snapshot: taken.ID, Volume: 1, Role: inventory.Primary, Store: s.poolID, State: inventory.RefReady,
	})
	recordSnapshot(tx, taken, s.poolID, devPath(snapshot))
	fresh := tx.Snapshots.Put(inventory.Snapshot{UUID: "s2", Volume: 1, Zone: 1, Size: 1 << 30, State: inventory.SnapshotCreating})
	tx.SnapshotRefs.Put(inventory.SnapshotRef{
		Snapshot: fresh.ID, Volume: 1, Role: inventory.Primary, Store: s.poolID, State: inventory.RefCreating,
	})
}

func (s *stage) putTemplates(tx *inventory.Tx, base, cached string) {
	for i, uuid := range []string{"t1", "t2"} {
		tx.Templates.Put(inventory.Template{UUID: uuid, Zone: 1, Size: 1 << 30, Format: "QCOW2"})
		tx.TemplateStores.Put(inventory.TemplateStore{
			Template: inventory.ID(i + 1), Store: 1, Path: "template/tmpl/" + uuid, State: inventory.RefReady,
		})
	}
	require.NoError(s.t, tx.TemplateStores.Change(1, func(r *inventory.TemplateStore) { r.LocalPath = devPath(base) }))
	tx.Details.Set(inventory.Owner{Kind: inventory.OfTemplate, ID: 1}, detailPool, fmt.Sprint(s.poolID))
	tx.TemplatePools.Put(inventory.TemplatePool{
		Template: 1, Pool: s.poolID, LocalPath: devPath(cached), InstallPath: devPath(cached), Size: 1 << 30, State: inventory.RefReady,
	})
	tx.TemplatePools.Put(inventory.TemplatePool{Template: 2, Pool: s.poolID, State: inventory.RefCreating})
}

// noFiles is a secondary storage on which everything can be deleted.
type noFiles struct{}

func (noFiles) DeleteSnapshotFile(context.Context, inventory.SnapshotRef) error { return nil }

// obey is a host that does what it is told.
func obey(host inventory.ID, cmd agentapi.Command) (*agentapi.Answer, error) {
	switch c := cmd.(type) {
	case agentapi.BackupSnapshot:
		return &agentapi.Answer{OK: true, Payload: agentapi.Snapshot{Path: c.Dest.Path + "/" + c.Dest.Name, PhysicalSize: 7}}, nil
	case agentapi.DownloadTemplate:
		if c.DestTemplate != nil {
			return &agentapi.Answer{OK: true, Payload: *c.DestTemplate}, nil
		}
		return &agentapi.Answer{OK: true, Payload: *c.DestVolume}, nil
	case agentapi.ResizeVolume:
		return &agentapi.Answer{OK: true, Payload: agentapi.Resized{Size: c.NewSize, GuestNotified: true}}, nil
	default:
		return obeyFurther(host, cmd)
	}
}

func (s *stage) volume(id inventory.ID) Object {
	return Object{Kind: VolumeObject, ID: id, Role: inventory.Primary, Store: s.poolID}
}

func (s *stage) on(kind ObjectKind, id inventory.ID, role inventory.Role) Object {
	o := Object{Kind: kind, ID: id, Role: role, Store: s.poolID}
	if role == inventory.Image {
		o.Store = 1
	}
	return o
}

// setState puts a row into the state in which CloudStack's core has it during an operation.
func setState(volume inventory.ID, state inventory.VolumeState) func(*stage) {
	return func(s *stage) {
		s.change(func(tx *inventory.Tx) {
			require.NoError(s.t, tx.Volumes.Change(volume, func(v *inventory.Volume) { v.State = state }))
		})
	}
}

// backingUp has the old snapshot on its way to secondary storage.
func backingUp(s *stage) {
	s.change(func(tx *inventory.Tx) {
		require.NoError(s.t, tx.Snapshots.Change(stageSnapshot, func(r *inventory.Snapshot) { r.State = inventory.SnapshotBackingUp }))
		tx.SnapshotRefs.Put(inventory.SnapshotRef{
			Snapshot: stageSnapshot, Volume: 1, Role: inventory.Image, Store: 1, State: inventory.RefCreating,
		})
	})
}

// lostSnapshot has the old snapshot on secondary storage only.
func lostSnapshot(s *stage) {
	s.change(func(tx *inventory.Tx) {
		name := snapshotName(tx, mustGet(s.t, tx.Snapshots, stageSnapshot))
		s.sp.remove(name[1:])
		tx.SnapshotRefs.Put(inventory.SnapshotRef{
			Snapshot: stageSnapshot, Volume: 1, Role: inventory.Image, Store: 1, State: inventory.RefReady, Path: "snapshots/x",
		})
		forgetSnapshot(tx, mustGet(s.t, tx.Snapshots, stageSnapshot))
		for _, ref := range refsOf(tx, stageSnapshot, inventory.Primary) {
			tx.SnapshotRefs.Delete(ref.ID)
		}
	})
}

func mustGet[T any](t *testing.T, table *inventory.Table[T], id inventory.ID) T {
	t.Helper()
	row, err := table.Must(id)
	require.NoError(t, err)
	return row
}

func trials() []trial { return append(firstTrials(), furtherTrials()...) }

func firstTrials() []trial {
	return []trial{
		{name: "create volume", run: func(ctx context.Context, s *stage) error {
			_, err := s.CreateAsync(ctx, s.volume(newVolume))
			return err
		}},
		{name: "take snapshot", run: func(ctx context.Context, s *stage) error {
			_, err := s.TakeSnapshot(ctx, newSnapshot)
			return err
		}},
		{name: "volume from snapshot", run: func(ctx context.Context, s *stage) error {
			_, err := s.CopyAsync(ctx, s.on(SnapshotObject, stageSnapshot, inventory.Primary), s.volume(newVolume))
			return err
		}},
		{name: "volume from backup", prepare: lostSnapshot, run: func(ctx context.Context, s *stage) error {
			_, err := s.CopyAsync(ctx, s.on(SnapshotObject, stageSnapshot, inventory.Image), s.volume(newVolume))
			return err
		}},
		{name: "volume from template", run: func(ctx context.Context, s *stage) error {
			_, err := s.CopyAsync(ctx, s.on(TemplateObject, cachedID, inventory.Primary), s.volume(newVolume))
			return err
		}},
		{name: "cache template", run: func(ctx context.Context, s *stage) error {
			_, err := s.CopyAsync(ctx, s.on(TemplateObject, uncachedID, inventory.Image), s.on(TemplateObject, uncachedID, inventory.Primary))
			return err
		}},
		{name: "back up snapshot", gone: true, prepare: backingUp, run: func(ctx context.Context, s *stage) error {
			_, err := s.CopyAsync(ctx, s.on(SnapshotObject, stageSnapshot, inventory.Primary), s.on(SnapshotObject, stageSnapshot, inventory.Image))
			return err
		}},
		{name: "delete volume", prepare: setState(stageVolume, inventory.VolumeExpunging), run: func(ctx context.Context, s *stage) error {
			return s.DeleteAsync(ctx, s.volume(stageVolume))
		}},
		{
			name: "delete volume with a safety snapshot",
			prepare: func(s *stage) {
				set(s.bench, s.poolID, SettingDeleteAfter, "60")
				setState(stageVolume, inventory.VolumeExpunging)(s)
			},
			run: func(ctx context.Context, s *stage) error { return s.DeleteAsync(ctx, s.volume(stageVolume)) },
		},
		{name: "resize", prepare: setState(stageVolume, inventory.VolumeResizing), run: func(ctx context.Context, s *stage) error {
			_, err := s.Resize(ctx, stageVolume, ResizeRequest{Size: 2 << 30})
			return err
		}},
		{name: "revert", prepare: setState(stageVolume, inventory.VolumeReverting), run: func(ctx context.Context, s *stage) error {
			_, err := s.RevertSnapshot(ctx, stageSnapshot, stageVolume)
			return err
		}},
		{name: "clear tags", run: func(ctx context.Context, s *stage) error { return s.RevokeAccess(ctx, stageVolume) }},
		{name: "delete snapshot", gone: true, run: func(ctx context.Context, s *stage) error {
			return s.DeleteSnapshot(ctx, stageSnapshot, 0)
		}},
		{name: "delete template", run: func(ctx context.Context, s *stage) error { return s.DeleteTemplate(ctx, cachedID) }},
		{
			name: "connect the first host of a cluster", prepare: func(s *stage) {
				s.change(func(tx *inventory.Tx) {
					tx.Clusters.Put(inventory.Cluster{Zone: 1})
					tx.Hosts.Put(inventory.Host{Zone: 1, Cluster: 2, State: inventory.HostUp})
				})
			},
			run: func(ctx context.Context, s *stage) error { return s.HostConnect(ctx, 3, s.poolID) },
		},
		{
			name: "delete pool", gone: true, prepare: func(s *stage) {
				s.change(func(tx *inventory.Tx) {
					for _, v := range tx.Volumes.All(nil) {
						s.foreign = append(s.foreign, apiName(v.Path, false))
						tx.Volumes.Delete(v.ID)
					}
					for id := inventory.ID(1); id <= 2; id++ {
						s.foreign = append(s.foreign, apiName(snapshotName(tx, mustGet(s.t, tx.Snapshots, id)), false))
						forgetSnapshot(tx, mustGet(s.t, tx.Snapshots, id))
					}
					tx.Details.Clear(inventory.Owner{Kind: inventory.OfTemplate, ID: 1})
				})
			},
			run: func(ctx context.Context, s *stage) error { return s.DeleteDataStore(ctx, s.poolID) },
		},
	}
}

// wrong lists what does not agree between StorPool and the inventory.
func (s *stage) wrong() (out []string) {
	there := append(s.sp.names(), s.far.names()...)
	s.view(func(tx *inventory.Tx) {
		for _, id := range there {
			if !owned(tx, id) && !slices.Contains(s.foreign, id) {
				out = append(out, "object without an owner: "+id)
			}
		}
		named := func(what, path string) {
			if id := apiName(path, false); id != "" && !slices.Contains(there, id) {
				out = append(out, what+" names what is not there: "+id)
			}
		}
		sums := map[inventory.ID]int64{}
		for _, v := range tx.Volumes.All(nil) {
			named("volume", v.Path)
			if v.Path != "" {
				sums[v.Pool] += spSize(v.Size, v.Encrypted())
			}
			if !slices.Contains([]inventory.VolumeState{
				inventory.VolumeReady, inventory.VolumeAllocated, inventory.VolumeDestroy, inventory.VolumeExpunged,
			}, v.State) {
				out = append(out, fmt.Sprintf("volume %d is %s", v.ID, v.State))
			}
		}
		for _, p := range tx.Pools.All(func(p inventory.Pool) bool { return p.Used != sums[p.ID] && p.Provider == inventory.StorPool }) {
			out = append(out, fmt.Sprintf("pool %d has %d used bytes for %d", p.ID, p.Used, sums[p.ID]))
		}
		for _, r := range tx.SnapshotRefs.All(func(r inventory.SnapshotRef) bool { return r.State != inventory.RefDestroyed }) {
			named("snapshot record", r.Path)
		}
		for _, t := range tx.TemplatePools.All(nil) {
			named("cached template", t.LocalPath)
		}
		for _, kind := range []inventory.Kind{inventory.OfSnapshot, inventory.OfPool, inventory.OfVMSnapshot} {
			for _, found := range tx.Details.Named(kind, func(string) bool { return true }) {
				named(found.Name, found.Value)
			}
		}
		for _, i := range tx.Intents.All(func(i inventory.Intent) bool { return i.Action != ActionStrays }) {
			out = append(out, fmt.Sprintf("open intent: %s at %s", i.Action, i.Step))
		}
	})
	return out
}

// stepsOf counts the steps of an operation that nothing interrupts.
func stepsOf(t *testing.T, x trial) (names []string) {
	t.Helper()
	s := newStage(t, "")
	if x.prepare != nil {
		x.prepare(s)
	}
	for _, at := range s.steps(func() { require.NoError(t, x.run(t.Context(), s), x.name) }) {
		names = append(names, at[1])
	}
	return names
}

// TestACrashAtAnyStepIsRecovered kills the driver at each step of each operation.
func TestACrashAtAnyStepIsRecovered(t *testing.T) {
	t.Parallel()
	for _, x := range trials() {
		t.Run(x.name, func(t *testing.T) {
			t.Parallel()
			names := stepsOf(t, x)
			require.NotEmpty(t, names)
			for n, name := range names {
				s := newStage(t, "")
				if x.prepare != nil {
					x.prepare(s)
				}
				s.crashAt(n)
				require.ErrorIs(t, x.run(t.Context(), s), errCrash, "%s at step %d (%s)", x.name, n, name)
				s.restart()
				require.NoError(t, s.Reconcile(t.Context()), "%s at step %d (%s)", x.name, n, name)
				assert.Empty(t, s.idle(), "%s at step %d (%s)", x.name, n, name)
				require.NoError(t, s.Reconcile(t.Context()), "again")
				s.time.Advance(time.Hour)
				require.NoError(t, s.Reconcile(t.Context()))
				assert.Empty(t, s.intents(), "%s at step %d (%s)", x.name, n, name)
				if x.gone {
					continue
				}
				require.NoError(t, x.run(t.Context(), s), "%s again after a crash at step %d (%s)", x.name, n, name)
				assert.Empty(t, s.idle(), "%s again after a crash at step %d (%s)", x.name, n, name)
			}
		})
	}
}

// idle is wrong but for the states of volumes that nobody has worked on.
func (s *stage) idle() (out []string) {
	for _, text := range s.wrong() {
		if text != "volume 2 is Creating" && !slices.Contains(s.expected, text) {
			out = append(out, text)
		}
	}
	return out
}

// TestALostAnswerIsMadeGood breaks the connection at each call that changes StorPool, before or after it is executed.
func TestALostAnswerIsMadeGood(t *testing.T) {
	t.Parallel()
	for _, x := range trials() {
		for _, done := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s, executed %t", x.name, done), func(t *testing.T) {
				t.Parallel()
				for n := 1; ; n++ {
					s := newStage(t, "")
					if x.prepare != nil {
						x.prepare(s)
					}
					struck := false
					s.sp.hit(n, func() *fakeFault { struck = true; return &fakeFault{Lost: true, Do: done} })
					err := x.run(t.Context(), s)
					if !struck {
						assert.True(t, n > 1 || slices.Contains([]string{"back up snapshot", "direct download"}, x.name), "it changes StorPool")
						return
					}
					require.NoError(t, err, "call %d", n)
					s.settleStates()
					assert.Empty(t, s.idle(), "call %d", n)
				}
			})
		}
	}
}

// TestARefusalLeavesNothingBehind refuses each call that changes StorPool.
func TestARefusalLeavesNothingBehind(t *testing.T) {
	t.Parallel()
	for _, x := range trials() {
		t.Run(x.name, func(t *testing.T) {
			t.Parallel()
			for n, struck := 1, true; struck; n++ {
				s := newStage(t, "")
				if x.prepare != nil {
					x.prepare(s)
				}
				struck = false
				s.sp.hit(n, func() *fakeFault { struck = true; return &fakeFault{Refuse: spapi.NameBusy} })
				err := x.run(t.Context(), s)
				if !struck {
					require.NoError(t, err)
				}
				require.NoError(t, s.Reconcile(t.Context()), "call %d", n)
				s.settleStates()
				assert.Empty(t, s.idle(), "call %d: %v", n, err)
				if !x.watched {
					assert.Empty(t, s.intents(), "call %d: a refusal leaves no doubt", n)
				}
			}
		})
	}
}

// settleStates does what CloudStack's core does after an operation that succeeded.
func (s *stage) settleStates() {
	s.change(func(tx *inventory.Tx) {
		for _, v := range tx.Volumes.All(nil) {
			switch v.State {
			case inventory.VolumeExpunging:
				v.State = inventory.VolumeExpunged
			case inventory.VolumeCreating, inventory.VolumeReady, inventory.VolumeAllocated:
			default:
				v.State = inventory.VolumeReady
			}
			tx.Volumes.Put(v)
		}
	})
}

// TestALateEffectIsRemoved executes a create whose connection broke after the operation is long over.
func TestALateEffectIsRemoved(t *testing.T) {
	t.Parallel()
	for quirks, leaks := range map[string]bool{"": false, "D-20b": true} {
		s := newStage(t, quirks)
		var late func()
		s.sp.Fault = func(call string, _ int) *fakeFault {
			if call == "VolumeCreate" && late == nil {
				body := s.sp.Calls[len(s.sp.Calls)-1].Body
				late = func() { s.sp.volumeCreate(decode[spapi.VolumeCreate]([]byte(body))) }
				return &fakeFault{Lost: true}
			}
			return nil
		}
		_, err := s.CreateAsync(t.Context(), s.volume(newVolume))
		assert.Equal(t, leaks, err != nil, "without the mark a lost create is not repeated: %v", err)
		s.settleStates()
		if !leaks {
			assert.Equal(t, []string{ActionStrays}, s.intents(), "what a lost call may yet make is watched for")
			require.NoError(t, s.Reconcile(t.Context()))
			assert.Equal(t, []string{ActionStrays}, s.intents(), "until the lease is over")
		}
		late()
		assert.NotEmpty(t, s.idle())
		require.NoError(t, s.Reconcile(t.Context()))
		assert.Equal(t, leaks, len(s.idle()) > 0, "%v", s.idle())
		s.time.Advance(time.Hour)
		require.NoError(t, s.Reconcile(t.Context()))
		assert.Empty(t, s.intents())
	}
}

// TestAnOperationThatGivesUpLeavesNothing lets StorPool execute a create but never answer.
func TestAnOperationThatGivesUpLeavesNothing(t *testing.T) {
	t.Parallel()
	s := newStage(t, "")
	s.sp.Fault = func(call string, n int) *fakeFault {
		switch {
		case call == "VolumeCreate":
			return &fakeFault{Lost: true, Do: true}
		case call == "VolumesList" && n == 1:
			return &fakeFault{Refuse: "accessDenied"}
		default:
			return nil
		}
	}
	_, err := s.CreateAsync(t.Context(), s.volume(newVolume))
	require.Error(t, err)
	assert.Empty(t, s.idle())
}

func TestReconcileLeavesOthersAndTheLivingAlone(t *testing.T) {
	t.Parallel()
	s := newStage(t, "")
	s.change(func(tx *inventory.Tx) {
		tx.Intents.Put(inventory.Intent{Op: "theirs", Action: actionCreate, Pool: s.poolID, Owner: "other", Lease: s.time.Now().Add(time.Minute)})
	})
	living, err := s.begin(actionCreate, inventory.Intent{Pool: s.poolID, Kind: inventory.OfVolume, Object: newVolume})
	require.NoError(t, err)
	mine := s.sp.add(fakeObject{Tags: spapi.Tags{"op": living.id}})
	theirs := s.sp.add(fakeObject{Tags: spapi.Tags{"op": "theirs"}})
	require.NoError(t, s.Reconcile(t.Context()))
	assert.Contains(t, s.sp.names(), mine)
	assert.Contains(t, s.sp.names(), theirs)
	s.time.Advance(time.Hour)
	require.NoError(t, s.Reconcile(t.Context()))
	assert.Contains(t, s.sp.names(), mine, "an operation in progress is never an orphan")
	assert.NotContains(t, s.sp.names(), theirs, "their lease is over")
	assert.Equal(t, []string{actionCreate}, s.intents())
}

func TestReconcileGoesOnAfterAFailureAndNamesIt(t *testing.T) {
	t.Parallel()
	s := newStage(t, "")
	s.change(func(tx *inventory.Tx) {
		for _, action := range []string{"unheard of", actionCreate} {
			tx.Intents.Put(inventory.Intent{Op: "x", Action: action, Pool: s.poolID, Owner: "other"})
		}
	})
	require.ErrorContains(t, s.Reconcile(t.Context()), "reconcile unheard of x: no way to recover")
	assert.Equal(t, []string{"unheard of"}, s.intents())
}

func TestReconcileNeedsNoPoolThatIsGone(t *testing.T) {
	t.Parallel()
	s := newStage(t, "")
	s.change(func(tx *inventory.Tx) {
		tx.Intents.Put(inventory.Intent{Op: "x", Action: ActionStrays, Pool: 99, Owner: "other"})
		tx.Intents.Put(inventory.Intent{Op: "x", Action: actionCreate, Pool: 99, Owner: "management", Lease: s.time.Now().Add(time.Hour)})
	})
	require.NoError(t, s.Reconcile(t.Context()))
	assert.Empty(t, s.intents())
}

func TestEveryActionCanBeRecovered(t *testing.T) {
	t.Parallel()
	known := recoveries()
	for _, x := range trials() {
		s := newStage(t, "")
		if x.prepare != nil {
			x.prepare(s)
		}
		for _, at := range s.steps(func() { require.NoError(t, x.run(t.Context(), s)) }) {
			assert.Contains(t, known, at[0])
		}
	}
}

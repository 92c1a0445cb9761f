package driver

import (
	"context"
	"net/http"
	"slices"

	"github.com/stretchr/testify/require"

	"github.com/spsim/spsim/driver/agentapi"
	"github.com/spsim/spsim/driver/inventory"
	"github.com/spsim/spsim/driver/spapi"
)

// obeyFurther is obey for the commands about templates, moves and encryption.
func obeyFurther(host inventory.ID, cmd agentapi.Command) (*agentapi.Answer, error) {
	switch c := cmd.(type) {
	case agentapi.BackupTemplateFromSnapshot:
		out := c.Dest
		out.Path, out.PhysicalSize = out.Path+"/"+out.UUID+".qcow2", 7
		return &agentapi.Answer{OK: true, Payload: out}, nil
	case agentapi.CopyVolumeToSecondary:
		out := c.Dest
		out.Path += "/" + out.UUID
		return &agentapi.Answer{OK: true, Payload: out}, nil
	case agentapi.DownloadVolume:
		return &agentapi.Answer{OK: true, Payload: c.Dest}, nil
	case agentapi.ModifyTargets:
		return &agentapi.Answer{OK: true, Payload: agentapi.Connected{Paths: c.Paths}}, nil
	case agentapi.SetVolumeEncryption:
		out := c.Volume
		out.EncryptFormat = formatLUKS
		return &agentapi.Answer{OK: true, Payload: out}, nil
	default:
		return connected(host), nil
	}
}

// encryptedRow makes a volume one with a passphrase, and the first host one that can encrypt.
func encryptedRow(id inventory.ID) func(*stage) {
	return func(s *stage) {
		s.change(func(tx *inventory.Tx) {
			key := tx.Passphrases.Put(inventory.Passphrase{Value: []byte("opensesame")})
			require.NoError(s.t, tx.Volumes.Change(id, func(v *inventory.Volume) { v.PassphraseID = key.ID }))
			require.NoError(s.t, tx.Hosts.Change(1, func(h *inventory.Host) { h.Encryption = true }))
		})
	}
}

const (
	stageVM      inventory.ID = 1
	secondDisk   inventory.ID = 3
	newTemplate  inventory.ID = 3
	vmSnapshotID inventory.ID = 1
	secondPool   inventory.ID = 2
)

// withVM gives the volume a VM and a second disk.
func withVM(state inventory.VMState) func(*stage) {
	return func(s *stage) {
		second := s.sp.add(fakeObject{Size: 1 << 30, Template: "hdd", Tags: spapi.Tags{"cs": "volume"}})
		s.change(func(tx *inventory.Tx) {
			vm := tx.VMs.Put(inventory.VM{UUID: "M", Instance: "i-2-1-VM", Zone: 1, Host: 1, State: state})
			require.NoError(s.t, tx.Volumes.Change(stageVolume, func(v *inventory.Volume) { v.VM = vm.ID }))
			tx.Volumes.Put(inventory.Volume{
				UUID: "v3", Name: "data", Kind: inventory.Data, Zone: 1, Pool: s.poolID, PoolType: "StorPool", Path: devPath(second), Size: 1 << 30,
				Format: "QCOW2", State: inventory.VolumeReady, VM: vm.ID,
			})
			tx.VMSnapshots.Put(inventory.VMSnapshot{UUID: "G", VM: vm.ID, State: inventory.VMSnapshotAllocated})
			require.NoError(s.t, charge(tx, s.poolID, 1<<30))
		})
	}
}

// withVMSnapshot gives the VM a snapshot.
func withVMSnapshot(s *stage) {
	withVM(inventory.VMStopped)(s)
	require.NoError(s.t, s.TakeVMSnapshot(s.t.Context(), vmSnapshotID))
	s.sp.made()
}

// withPool adds a second pool of StorPool.
func withPool(s *stage) {
	s.change(func(tx *inventory.Tx) {
		p := tx.Pools.Put(inventory.Pool{
			UUID: "ssd;x", Zone: 1, Provider: inventory.StorPool, Type: inventory.StorPool, State: inventory.PoolUp, Capacity: 1 << 40,
		})
		putDescriptor(tx, p.ID, descriptor{"10.0.0.1:81", poolToken, "ssd"})
	})
}

// withNFS adds a pool that is not StorPool's, and has both hosts connected to it.
func withNFS(s *stage) {
	s.change(func(tx *inventory.Tx) {
		p := tx.Pools.Put(inventory.Pool{Zone: 1, Provider: "DefaultPrimary", Type: "NetworkFilesystem", State: inventory.PoolUp, Capacity: 1 << 40})
		for host := range inventory.ID(2) {
			tx.PoolHosts.Put(inventory.PoolHost{Pool: p.ID, Host: host + 1})
		}
	})
}

// withForeign has a volume on a pool that is not StorPool's.
func withForeign(s *stage) {
	withNFS(s)
	s.change(func(tx *inventory.Tx) {
		tx.Volumes.Put(inventory.Volume{
			ID: secondDisk, UUID: "v3", Kind: inventory.Data, Zone: 1, Pool: secondPool, Path: "v3", Size: 1 << 30, Format: "QCOW2",
			State: inventory.VolumeMigrating,
		})
	})
}

// withTemplate records a template that is to be made.
func withTemplate(s *stage) {
	s.change(func(tx *inventory.Tx) {
		tx.Templates.Put(inventory.Template{UUID: "t3", Zone: 1, Format: "QCOW2"})
		tx.TemplateStores.Put(inventory.TemplateStore{Template: newTemplate, Store: 1, State: inventory.RefCreating})
	})
}

func (s *stage) at(kind ObjectKind, id, pool inventory.ID) Object {
	return Object{Kind: kind, ID: id, Role: inventory.Primary, Store: pool}
}

func all(prepare ...func(*stage)) func(*stage) {
	return func(s *stage) {
		for _, f := range prepare {
			f(s)
		}
	}
}

func furtherTrials() []trial {
	return slices.Concat(moveTrials(), groupTrials(), encryptionTrials(), farTrials())
}

func encryptionTrials() []trial {
	return []trial{
		{name: "create encrypted volume", prepare: encryptedRow(newVolume), run: func(ctx context.Context, s *stage) error {
			_, err := s.CreateAsync(ctx, s.volume(newVolume))
			return err
		}},
		{name: "encrypted volume from template", prepare: encryptedRow(newVolume), run: func(ctx context.Context, s *stage) error {
			_, err := s.CopyAsync(ctx, s.on(TemplateObject, cachedID, inventory.Primary), s.volume(newVolume))
			return err
		}},
	}
}

func moveTrials() []trial {
	migrating := setState(stageVolume, inventory.VolumeMigrating)
	return []trial{
		{name: "template of volume", prepare: withTemplate, run: func(ctx context.Context, s *stage) error {
			_, err := s.CopyAsync(ctx, s.volume(stageVolume), s.on(TemplateObject, newTemplate, inventory.Image))
			return err
		}},
		{name: "template of snapshot", prepare: withTemplate, run: func(ctx context.Context, s *stage) error {
			_, err := s.TemplateFromSnapshot(ctx, s.on(SnapshotObject, stageSnapshot, inventory.Primary), s.on(TemplateObject, newTemplate, inventory.Image))
			return err
		}},
		{name: "live move", prepare: all(withPool, withVM(inventory.VMRunning), migrating), run: func(ctx context.Context, s *stage) error {
			_, err := s.CopyAsync(ctx, s.volume(stageVolume), s.at(VolumeObject, stageVolume, secondPool))
			return err
		}},
		{name: "offline move", prepare: all(withPool, migrating), run: func(ctx context.Context, s *stage) error {
			_, err := s.CopyAsync(ctx, s.volume(stageVolume), s.at(VolumeObject, newVolume, secondPool))
			return err
		}},
		{name: "import", prepare: withForeign, run: func(ctx context.Context, s *stage) error {
			_, err := s.CopyAsync(ctx, s.at(VolumeObject, secondDisk, secondPool), s.volume(newVolume))
			return err
		}},
		{name: "download", watched: true, prepare: migrating, run: func(ctx context.Context, s *stage) error {
			_, err := s.CopyAsync(ctx, s.volume(stageVolume), s.on(VolumeObject, stageVolume, inventory.Image))
			return err
		}},
		{name: "move away", watched: true, prepare: all(withNFS, migrating), run: func(ctx context.Context, s *stage) error {
			_, err := s.CopyAsync(ctx, s.volume(stageVolume), s.at(VolumeObject, newVolume, secondPool))
			return err
		}},
	}
}

func groupTrials() []trial {
	return []trial{
		{name: "VM snapshot", prepare: withVM(inventory.VMRunning), run: func(ctx context.Context, s *stage) error {
			return s.TakeVMSnapshot(ctx, vmSnapshotID)
		}},
		{name: "revert VM", prepare: withVMSnapshot, run: func(ctx context.Context, s *stage) error {
			_, err := s.RevertVMSnapshot(ctx, vmSnapshotID)
			return err
		}},
		{name: "delete VM snapshot", prepare: withVMSnapshot, run: func(ctx context.Context, s *stage) error {
			return s.DeleteVMSnapshot(ctx, vmSnapshotID)
		}},
		{name: "set policy", prepare: withVM(inventory.VMRunning), run: func(ctx context.Context, s *stage) error {
			return s.ProvideVMTags(ctx, stageVM, stageVolume)
		}},
	}
}

// migratable has a VM that runs on the first host until it is migrated.
func migratable(s *stage) {
	all(withPool, withVM(inventory.VMRunning))(s)
	at := inventory.ID(1)
	s.hosts.Answer = func(host inventory.ID, cmd agentapi.Command) (*agentapi.Answer, error) {
		switch cmd.(type) {
		case agentapi.Migrate:
			at = 2
			return &agentapi.Answer{OK: true}, nil
		case agentapi.CheckVM:
			return &agentapi.Answer{OK: true, Payload: agentapi.VMFound{Running: host == at}}, nil
		default:
			return obey(host, cmd)
		}
	}
}

func (s *stage) migration() Migration {
	return Migration{VM: stageVM, From: 1, To: 2, Moves: []Move{{stageVolume, secondPool}, {secondDisk, s.poolID}}}
}

// twoLocations carries the calls for another address to another StorPool; faults are armed in the first.
type twoLocations struct{ near, far *fakeStorPool }

func (l *twoLocations) RoundTrip(r *http.Request) (*http.Response, error) {
	if r.URL.Host != "10.0.0.2:81" {
		return l.near.RoundTrip(r)
	}
	l.near.mu.Lock()
	fault := l.near.Fault
	l.near.mu.Unlock()
	l.far.mu.Lock()
	l.far.Fault = fault
	l.far.mu.Unlock()
	return l.far.RoundTrip(r)
}

// withLocation adds a pool in another location.
func withLocation(s *stage) {
	withPool(s)
	s.config.Transport = &twoLocations{s.sp, s.far}
	s.restart()
	s.change(func(tx *inventory.Tx) {
		zone := tx.Zones.Put(inventory.Zone{Name: "far"})
		require.NoError(s.t, tx.Pools.Change(secondPool, func(p *inventory.Pool) { p.Zone = zone.ID }))
		putDescriptor(tx, secondPool, descriptor{"10.0.0.2:81", poolToken, "ssd"})
	})
	set(s.bench, s.poolID, SettingClusterLocation, "west")
	set(s.bench, secondPool, SettingClusterLocation, "east")
	s.change(func(tx *inventory.Tx) {
		tx.SnapshotRefs.Put(inventory.SnapshotRef{
			Snapshot: stageSnapshot, Volume: 1, Role: inventory.Primary, Store: secondPool, State: inventory.RefCreating,
		})
	})
}

// downloads has hosts that make the snapshot of a template by themselves.
func downloads(s *stage) {
	s.hosts.Answer = func(host inventory.ID, cmd agentapi.Command) (*agentapi.Answer, error) {
		c, ok := cmd.(agentapi.DirectDownload)
		if !ok {
			return obey(host, cmd)
		}
		out := c.Template
		out.Path = devPath(s.sp.add(fakeObject{
			Snapshot: true, Size: out.Size, Template: "hdd", Tags: spapi.Tags{"cs": "template", "uuid": c.Template.UUID},
		}))
		return &agentapi.Answer{OK: true, Payload: out}, nil
	}
}

func farTrials() []trial {
	return []trial{
		{name: "migrate VM", gone: true, prepare: migratable, run: func(ctx context.Context, s *stage) error {
			_, err := s.MigrateVM(ctx, s.migration())
			return err
		}},
		{name: "copy snapshot to another location", prepare: withLocation, run: func(ctx context.Context, s *stage) error {
			_, err := s.CopySnapshot(ctx, s.on(SnapshotObject, stageSnapshot, inventory.Primary), s.at(SnapshotObject, stageSnapshot, secondPool))
			return err
		}},
		{name: "direct download", prepare: downloads, run: func(ctx context.Context, s *stage) error {
			_, err := s.DirectDownload(ctx, uncachedID, s.poolID, 1, "/tmp/image")
			return err
		}},
	}
}

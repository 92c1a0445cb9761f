package mgmt

import (
	"context"
	"errors"
	"fmt"

	"github.com/spsim/spsim/driver"
	"github.com/spsim/spsim/driver/agentapi"
	"github.com/spsim/spsim/driver/inventory"
)

// Bypass is false for a pool of files: a snapshot there is its copy on secondary storage.
func (b *byPool) Bypass(pool inventory.ID) (bool, error) {
	if _, files := b.files(pool); files {
		return false, nil
	}
	return b.Driver.Bypass(pool)
}

// TakeSnapshot keeps nothing on a pool of files; the backup reads the file of the volume. One that a guest has open is
// refused: nobody would bring its contents to rest.
func (b *byPool) TakeSnapshot(ctx context.Context, snapshot inventory.ID) (driver.Result, error) {
	sn, err := b.s.snapshot(snapshot)
	if err != nil || !b.onFiles(sn.Volume) {
		return b.Driver.TakeSnapshot(ctx, snapshot)
	}
	v, err := b.s.volume(sn.Volume)
	if err != nil {
		return driver.Result{}, err
	}
	if m, err := b.s.vm(v.VM); err == nil && m.State != inventory.VMStopped {
		return driver.Result{}, fmt.Errorf("snapshot of volume %d: its VM is %s, and this server takes no snapshots of files in use", v.ID, m.State)
	}
	return driver.Result{Path: v.Path, Size: v.Size}, nil
}

// CopyAsync has a host back up the file of a snapshot's volume, an encrypted one with its key on both sides (agent 13). The
// record on primary storage goes then: there is nothing.
func (b *byPool) CopyAsync(ctx context.Context, src, dst driver.Object) (driver.Result, error) {
	p, files := b.files(src.Store)
	if !files || src.Kind != driver.SnapshotObject || src.Role != inventory.Primary || dst.Role != inventory.Image {
		return b.Driver.CopyAsync(ctx, src, dst)
	}
	cmd, err := b.fileBackup(src.ID, dst.Store)
	if err != nil {
		return driver.Result{}, err
	}
	made, err := b.s.askPool(ctx, p, cmd)
	if errors.Is(err, ErrSilent) {
		err = errors.Join(err, &driver.AgentError{Command: cmd.Command(), Silent: true})
	}
	if err != nil {
		return driver.Result{}, err
	}
	out, ok := made.Payload.(agentapi.Snapshot)
	if !ok {
		return driver.Result{}, fmt.Errorf("back up snapshot %d: %w: the answer names no file", src.ID, ErrAgent)
	}
	err = b.s.update(func(tx *inventory.Tx) error {
		for _, r := range tx.SnapshotRefs.All(func(r inventory.SnapshotRef) bool {
			return r.Snapshot == src.ID && r.Role == inventory.Primary
		}) {
			tx.SnapshotRefs.Delete(r.ID)
		}
		return nil
	})
	return driver.Result{Path: out.Path, PhysicalSize: out.PhysicalSize}, err
}

// fileBackup is the command that backs up the file of a snapshot's volume.
func (b *byPool) fileBackup(snapshot, store inventory.ID) (cmd agentapi.BackupSnapshot, err error) {
	err = b.s.inv.View(func(tx *inventory.Tx) error {
		sn, err := tx.Snapshots.Must(snapshot)
		if err != nil {
			return err
		}
		v, err := tx.Volumes.Must(sn.Volume)
		if err != nil {
			return err
		}
		st, err := tx.SecondaryStores.Must(store)
		if err != nil {
			return err
		}
		ref, ok := tx.SnapshotRefs.Find(func(r inventory.SnapshotRef) bool {
			return r.Snapshot == snapshot && r.Role == inventory.Image && r.Store == store
		})
		if !ok {
			return fmt.Errorf("back up snapshot %d: it has no record on secondary storage %d", snapshot, store)
		}
		d := disk(tx, v)
		file := agentapi.Volume{UUID: v.UUID, Name: v.Name, Path: v.Path, Size: v.Size, Pool: &d.Pool, Passphrase: d.Passphrase}
		if m, attached := tx.VMs.Get(v.VM); attached {
			file.VM = m.Instance
		}
		cmd.Source = agentapi.Snapshot{UUID: sn.UUID, Name: sn.Name, Path: v.Path, Volume: &file, Pool: &d.Pool}
		cmd.Dest = agentapi.Snapshot{
			UUID: sn.UUID, Name: sn.Name, Path: ref.Path, Store: &agentapi.Store{UUID: st.UUID, URL: st.URL},
		}
		return nil
	})
	return cmd, err
}

// RevertSnapshot refuses volumes on a pool of files.
func (b *byPool) RevertSnapshot(ctx context.Context, snapshot, volume inventory.ID) (driver.Result, error) {
	if b.onFiles(volume) {
		return driver.Result{}, notOnFiles("revert", volume)
	}
	return b.Driver.RevertSnapshot(ctx, snapshot, volume)
}

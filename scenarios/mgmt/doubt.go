package mgmt

import (
	"context"
	"errors"
	"fmt"
	"path"
	"strconv"
	"strings"

	"github.com/spsim/spsim/driver/agentapi"
	"github.com/spsim/spsim/driver/inventory"
)

// Doubt is the detail of a volume or VM whose host did not say whether it did a command, and may yet do it:
// "attach <VM> <host>", "detach <VM> <host>", "stop <VM> <host>" or "arrive <VM> <host>". For a snapshot it is the file on secondary storage
// that a backup may yet make. [Server.Sync] settles it.
const Doubt = "doubt"

// doubt is a [Doubt] taken apart.
type doubt struct {
	what     string
	vm, host inventory.ID
}

func (d doubt) String() string { return fmt.Sprintf("%s %d %d", d.what, d.vm, d.host) }

func parseDoubt(text string) (d doubt, ok bool) {
	n, err := fmt.Sscanf(text, "%s %d %d", &d.what, &d.vm, &d.host)
	return d, n == 3 && err == nil
}

func (s *Server) setDoubt(own inventory.Owner, d doubt) error {
	return s.update(func(tx *inventory.Tx) error {
		tx.Details.Set(own, Doubt, d.String())
		return nil
	})
}

func (s *Server) clearDoubt(own inventory.Owner) error {
	return s.update(func(tx *inventory.Tx) error {
		tx.Details.Delete(own, Doubt)
		return nil
	})
}

func (s *Server) doubtOf(own inventory.Owner) (d doubt, there bool) {
	_ = s.inv.View(func(tx *inventory.Tx) error { // the function returns no error
		text, _ := tx.Details.Get(own, Doubt)
		d, there = parseDoubt(text)
		return nil
	})
	return d, there
}

func ofVolume(id inventory.ID) inventory.Owner {
	return inventory.Owner{Kind: inventory.OfVolume, ID: id}
}

func ofVM(id inventory.ID) inventory.Owner { return inventory.Owner{Kind: inventory.OfVM, ID: id} }

// Sync asks hosts again that left a command in doubt, as core does when it hears from a host: an attach that was given
// up is taken back, a detach that failed as well, a stop is repeated, the
// files of backups and copies that were given up are removed. What a host does not answer stays in doubt.
func (s *Server) Sync(ctx context.Context) error {
	var volumes, vms, unseen, snapshots []inventory.Detail
	err := s.inv.View(func(tx *inventory.Tx) error {
		is := func(name string) func(string) bool { return func(n string) bool { return n == name } }
		volumes = tx.Details.Named(inventory.OfVolume, is(Doubt))
		vms = tx.Details.Named(inventory.OfVM, is(Doubt))
		snapshots = tx.Details.Named(inventory.OfSnapshot, is(Doubt))
		unseen = tx.Details.Named(inventory.OfVM, is(UnseenStop))
		return nil
	})
	errs := []error{err, s.syncStrays(ctx)}
	for _, d := range volumes {
		errs = append(errs, s.syncVolume(ctx, d.Owner.ID))
	}
	for _, d := range vms {
		errs = append(errs, s.syncVM(ctx, d.Owner.ID))
	}
	for _, d := range unseen {
		errs = append(errs, s.syncStopped(ctx, d.Owner.ID))
	}
	for _, d := range snapshots {
		errs = append(errs, s.syncBackup(d))
	}
	return errors.Join(errs...)
}

func (s *Server) syncVolume(ctx context.Context, id inventory.ID) error {
	v, unlock, err := s.lockVolume(ctx, id)
	if err != nil {
		return err
	}
	defer unlock()
	return s.settleVolume(ctx, v)
}

// settleVolume settles the doubt about a volume, whose queue the caller holds; nil without one, or while the host is
// silent.
func (s *Server) settleVolume(ctx context.Context, v inventory.Volume) error {
	d, there := s.doubtOf(ofVolume(v.ID))
	if !there {
		return nil
	}
	m, err := s.vm(d.vm)
	if err != nil && !errors.Is(err, inventory.ErrNotFound) {
		return err
	}
	to, err := s.disk(v)
	if err != nil {
		return err
	}
	there = m.State == inventory.VMRunning && m.Host == d.host && v.VM == m.ID
	switch {
	case there: // on record it is attached: a repetition changes nothing
		err = s.send(ctx, d.host, agentapi.Attach{VM: m.Instance, Disk: to})
	case v.VM == 0: // on record it is detached
		if err = s.send(ctx, d.host, agentapi.Detach{VM: m.Instance, Disk: to}); err == nil {
			err = s.driver.DetachVolumeFromAllStorageNodes(ctx, v.ID)
		}
	}
	if errors.Is(err, ErrAgent) {
		s.log.WarnContext(ctx, "still in doubt", "volume", v.ID, "doubt", d.String(), "error", err)
		return nil
	}
	return errors.Join(err, s.clearDoubt(ofVolume(v.ID)))
}

func (s *Server) syncVM(ctx context.Context, id inventory.ID) error {
	unlock, err := s.lock(ctx, vmKey(id))
	if err != nil {
		return err
	}
	defer unlock()
	d, there := s.doubtOf(ofVM(id))
	m, err := s.vm(id)
	if err != nil || !there {
		return err
	}
	if d.what == arrive {
		return s.settleArrival(ctx, m, d)
	}
	if m.State != inventory.VMRunning || m.Host != d.host {
		return s.clearDoubt(ofVM(id))
	}
	if err := s.halt(ctx, m, false); err != nil {
		s.log.WarnContext(ctx, "still in doubt", "vm", id, "doubt", d.String(), "error", err)
		return nil
	}
	_, err = s.stopped(m, true)
	return err
}

// syncStopped makes sure that a stopped VM does not run where it was left, and that a start which was given up and went
// on left none of its volumes attached.
func (s *Server) syncStopped(ctx context.Context, id inventory.ID) error {
	unlock, err := s.lock(ctx, vmKey(id))
	if err != nil {
		return err
	}
	defer unlock()
	m, err := s.vm(id)
	if err != nil || m.State != inventory.VMStopped && m.State != inventory.VMError {
		return err
	}
	host := ""
	var volumes []inventory.Volume
	err = s.inv.View(func(tx *inventory.Tx) error {
		host, _ = tx.Details.Get(ofVM(id), UnseenStop)
		if s.rules.fencesBeforeStart() {
			volumes = volumesOf(tx, id)
		}
		return nil
	})
	if err != nil || !s.haltZombie(ctx, id, host) {
		return err
	}
	return s.detachAll(ctx, id, volumes)
}

// doubtBackup notes the file that a host which did not answer may yet make.
func (s *Server) doubtBackup(ref inventory.SnapshotRef, name string) error {
	return s.update(func(tx *inventory.Tx) error {
		own := inventory.Owner{Kind: inventory.OfSnapshot, ID: ref.Snapshot}
		tx.Details.Set(own, Doubt, fmt.Sprintf("%d %s", ref.Store, path.Join(ref.Path, name)))
		return nil
	})
}

// syncBackup removes the file of a backup that was given up, unless it is another snapshot's by now.
func (s *Server) syncBackup(d inventory.Detail) error {
	store, file, _ := strings.Cut(d.Value, " ")
	id, err := strconv.ParseInt(store, 10, 64)
	if err != nil {
		return fmt.Errorf("backup in doubt of snapshot %d: %w", d.Owner.ID, err)
	}
	used := false
	err = s.inv.View(func(tx *inventory.Tx) error {
		_, used = tx.SnapshotRefs.Find(func(r inventory.SnapshotRef) bool {
			return r.Role == inventory.Image && r.Store == inventory.ID(id) && r.Path == file
		})
		return nil
	})
	if err == nil && !used {
		err = s.images.remove(inventory.ID(id), file)
	}
	if err != nil {
		return err
	}
	return s.clearDoubt(d.Owner)
}

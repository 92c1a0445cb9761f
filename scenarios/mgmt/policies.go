package mgmt

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/spsim/spsim/driver/inventory"
)

// CreateSnapshotPolicy has a snapshot of a volume taken every so often, the first one after that time, and as many kept.
// Volumes that are encrypted have none (driver-strategies 10.2, E8).
func (s *Server) CreateSnapshotPolicy(volume inventory.ID, every time.Duration, keep int) (p inventory.SnapshotPolicy, err error) {
	err = s.update(func(tx *inventory.Tx) error {
		v, err := tx.Volumes.Must(volume)
		if err != nil {
			return err
		}
		reason := ""
		switch {
		case v.Encrypted():
			reason = "the volume is encrypted"
		case v.State != inventory.VolumeReady:
			reason = "the volume is " + string(v.State)
		case every <= 0 || keep < 1:
			reason = fmt.Sprintf("%d snapshots every %s are none", keep, every)
		}
		if reason != "" {
			return &Refused{"createSnapshotPolicy", fmt.Sprintf("volume %d", volume), reason}
		}
		p = tx.SnapshotPolicies.Put(inventory.SnapshotPolicy{Volume: volume, Every: every, Keep: keep, Next: s.clock.Now().Add(every)})
		return nil
	})
	return p, err
}

// DeleteSnapshotPolicy ends a policy; its snapshots stay.
func (s *Server) DeleteSnapshotPolicy(policy inventory.ID) error {
	return s.update(func(tx *inventory.Tx) error {
		if _, err := tx.SnapshotPolicies.Must(policy); err != nil {
			return err
		}
		tx.SnapshotPolicies.Delete(policy)
		return nil
	})
}

// RunSnapshotPolicies takes the snapshots that are due and deletes those that are too many, as core's scheduler does. A
// policy whose snapshot failed goes on at its next time; one whose volume is gone ends.
func (s *Server) RunSnapshotPolicies(ctx context.Context) error {
	var due []inventory.SnapshotPolicy
	err := s.update(func(tx *inventory.Tx) error {
		now := s.clock.Now()
		for _, p := range tx.SnapshotPolicies.All(nil) {
			v, ok := tx.Volumes.Get(p.Volume)
			if !ok || v.State == inventory.VolumeDestroy || v.State == inventory.VolumeExpunged {
				tx.SnapshotPolicies.Delete(p.ID)
				continue
			}
			if p.Next.After(now) {
				continue
			}
			for !p.Next.After(now) { // times that passed unseen are not made up for
				p.Next = p.Next.Add(p.Every)
			}
			due = append(due, tx.SnapshotPolicies.Put(p))
		}
		return nil
	})
	if err != nil {
		return err
	}
	var errs []error
	for _, p := range due {
		if _, err := s.createSnapshot(ctx, p.Volume, "", recurring); err != nil {
			errs = append(errs, err)
			continue
		}
		errs = append(errs, s.thinOut(ctx, p))
	}
	return errors.Join(errs...)
}

// thinOut deletes the oldest snapshots that a policy has taken beyond those it keeps.
func (s *Server) thinOut(ctx context.Context, p inventory.SnapshotPolicy) error {
	var taken []inventory.Snapshot
	err := s.inv.View(func(tx *inventory.Tx) error {
		taken = tx.Snapshots.All(func(sn inventory.Snapshot) bool {
			return sn.Volume == p.Volume && sn.Type == recurring && sn.State == inventory.SnapshotBackedUp
		})
		return nil
	})
	if err != nil {
		return err
	}
	for len(taken) > p.Keep {
		if _, err := s.DeleteSnapshot(ctx, taken[0].ID); err != nil {
			return err
		}
		taken = taken[1:]
	}
	return nil
}

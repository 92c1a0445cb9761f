package sweep

import (
	"context"
	"errors"
	"fmt"

	"github.com/spsim/spsim/driver/inventory"
	"github.com/spsim/spsim/scenarios/mgmt"
	"github.com/spsim/spsim/scenarios/stage"
)

func snapshotTaken(ctx context.Context, s *stage.Stage) error {
	sn, err := stage.Find(s, func(tx *inventory.Tx) *inventory.Table[inventory.Snapshot] { return tx.Snapshots },
		func(x inventory.Snapshot) bool { return x.Volume == s.Volume && x.State == inventory.SnapshotBackedUp })
	if err != nil {
		return fmt.Errorf("there is no snapshot: %w", err)
	}
	b := make([]byte, len(stage.Pattern('a')))
	if err := s.ReadSnapshot(ctx, sn.ID, 0, b); err != nil {
		return err
	}
	if err := same(b, "the snapshot"); err != nil {
		return err
	}
	_, err = stage.Find(s, func(tx *inventory.Tx) *inventory.Table[inventory.SnapshotRef] { return tx.SnapshotRefs },
		func(r inventory.SnapshotRef) bool { return r.Snapshot == sn.ID && r.Role == inventory.Image })
	if errors.Is(err, inventory.ErrNotFound) {
		return nil // bypassed
	}
	if err := s.ReadBackup(ctx, sn.ID, 0, b); err != nil {
		return err
	}
	return errors.Join(same(b, "the backup"), s.Holds(ctx, s.Volume, 'a'))
}

func restore(ctx context.Context, s *stage.Stage) error {
	_, err := s.Mgmt.CreateVolumeFromSnapshot(ctx, mgmt.RestoreSpec{Snapshot: s.Snapshot, Name: "restored", Pool: s.Pool.ID})
	return err
}

func restored(ctx context.Context, s *stage.Stage) error {
	v, err := s.FindVolume(func(v inventory.Volume) bool { return v.Name == "restored" && v.State == inventory.VolumeReady })
	if err != nil {
		return fmt.Errorf("there is no volume: %w", err)
	}
	return errors.Join(s.Holds(ctx, v.ID, 'a'), s.Holds(ctx, s.Volume, 'a'))
}

func revert(ctx context.Context, s *stage.Stage) error {
	_, err := s.Mgmt.RevertSnapshot(ctx, s.Snapshot)
	return err
}

func holdsAgain(ctx context.Context, s *stage.Stage) error {
	return errors.Join(s.Holds(ctx, s.Volume, 'a'), s.Holds(ctx, s.Root, 'r'))
}

func deleteSnapshot(ctx context.Context, s *stage.Stage) error {
	_, err := s.Mgmt.DeleteSnapshot(ctx, s.Snapshot)
	return err
}

func snapshotGone(ctx context.Context, s *stage.Stage) error {
	sn, err := stage.Find(s, func(tx *inventory.Tx) *inventory.Table[inventory.Snapshot] { return tx.Snapshots },
		func(x inventory.Snapshot) bool { return x.ID == s.Snapshot })
	if err == nil && sn.State != inventory.SnapshotDestroyed {
		return fmt.Errorf("the snapshot is %s", sn.State)
	}
	return s.Holds(ctx, s.Volume, 'a')
}

func baked(ctx context.Context, s *stage.Stage) error {
	t, err := stage.Find(s, func(tx *inventory.Tx) *inventory.Table[inventory.Template] { return tx.Templates },
		func(t inventory.Template) bool { return t.Name == "baked" && !t.Removed })
	if err != nil {
		return fmt.Errorf("there is no template: %w", err)
	}
	b := make([]byte, len(stage.Pattern('a')))
	if err := s.ReadTemplate(ctx, t.ID, 0, b); err != nil {
		return err
	}
	return errors.Join(same(b, "the template"), s.Holds(ctx, s.Volume, 'a'))
}

func migrated(ctx context.Context, s *stage.Stage) error {
	m, err := s.VMRow("vm")
	if err == nil && (m.Host != s.Hosts[1].ID || m.State != inventory.VMRunning) {
		err = fmt.Errorf("the VM is %s on host %d", m.State, m.Host)
	}
	if err != nil {
		return err
	}
	return errors.Join(s.Holds(ctx, s.Volume, 'a'), s.Holds(ctx, s.Root, 'r'))
}

func groupRow(s *stage.Stage, is func(inventory.VMSnapshot) bool) (inventory.VMSnapshot, error) {
	return stage.Find(s, func(tx *inventory.Tx) *inventory.Table[inventory.VMSnapshot] { return tx.VMSnapshots }, is)
}

func groupTaken(ctx context.Context, s *stage.Stage) error {
	if _, err := groupRow(s, func(g inventory.VMSnapshot) bool { return g.State == inventory.VMSnapshotReady }); err != nil {
		return fmt.Errorf("there is no VM snapshot: %w", err)
	}
	return holdsAgain(ctx, s)
}

func groupGone(ctx context.Context, s *stage.Stage) error {
	if g, err := groupRow(s, func(g inventory.VMSnapshot) bool { return g.ID == s.Group }); err == nil {
		return fmt.Errorf("the VM snapshot is %s", g.State)
	}
	return holdsAgain(ctx, s)
}

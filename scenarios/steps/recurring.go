package steps

import (
	"context"
	"errors"
	"strconv"

	"github.com/spsim/spsim/driver/inventory"
)

var (
	reRecur  = expression(`^snapshots of "([^"]+)" are to be taken every (\d+ \w+) and (\d+) of them kept` + outcome)
	reDue    = expression(`^(\d+ \w+) pass and the snapshot "([^"]+)" of "([^"]+)" is taken by its policy` + outcome)
	reNotDue = expression(`^(\d+ \w+) pass and no snapshot of "([^"]+)" is due$`)
)

func (s *scene) recurringSteps(sc registrar) {
	sc.Step(reRecur(), s.recur)
	sc.Step(reDue(), s.takeDue)
	sc.Step(reNotDue(), s.takeNone)
}

func (s *scene) recur(ctx context.Context, disk, every, keep, outcome string) error {
	id, err := s.disk(disk)
	if err != nil {
		return err
	}
	span, err := duration(every)
	if err != nil {
		return err
	}
	n, err := strconv.Atoi(keep)
	if err != nil {
		return err
	}
	return s.act(ctx, outcome, func(context.Context) error {
		_, err := s.m().CreateSnapshotPolicy(id, span, n)
		return err
	})
}

// takeDue lets time pass, runs core's scheduler, and gives the snapshot that it has taken a name.
func (s *scene) takeDue(ctx context.Context, span, name, disk, outcome string) error {
	newest, err := s.schedule(ctx, span, disk, outcome)
	switch {
	case err != nil:
		return err
	case newest == 0:
		return errors.New("no snapshot was taken")
	}
	s.snapshots[name] = newest
	s.taken[name] = clone(s.written[disk])
	return nil
}

func (s *scene) takeNone(ctx context.Context, span, disk string) error {
	newest, err := s.schedule(ctx, span, disk, "")
	if err == nil && newest != 0 {
		err = errors.New("a snapshot was taken")
	}
	return err
}

// schedule gives the snapshot of the disk that is new afterwards, 0 when there is none.
func (s *scene) schedule(ctx context.Context, span, disk, outcome string) (newest inventory.ID, err error) {
	id, err := s.disk(disk)
	if err != nil {
		return 0, err
	}
	d, err := duration(span)
	if err != nil {
		return 0, err
	}
	before, err := s.newestSnapshot(id)
	if err != nil {
		return 0, err
	}
	err = s.act(ctx, outcome, func(ctx context.Context) error {
		if err := s.pass(ctx, d); err != nil {
			return err
		}
		return s.m().RunSnapshotPolicies(ctx)
	})
	if err != nil {
		return 0, err
	}
	if newest, err = s.newestSnapshot(id); newest == before {
		newest = 0
	}
	return newest, err
}

func (s *scene) newestSnapshot(volume inventory.ID) (newest inventory.ID, err error) {
	err = s.inv().View(func(tx *inventory.Tx) error {
		for _, sn := range tx.Snapshots.All(func(sn inventory.Snapshot) bool { return sn.Volume == volume }) {
			newest = sn.ID
		}
		return nil
	})
	return newest, err
}

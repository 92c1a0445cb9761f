package steps

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"

	"github.com/cucumber/godog"

	"github.com/spsim/spsim/driver/inventory"
	"github.com/spsim/spsim/scenarios/report"
)

// open makes the scenario's world.
func (s *scene) open(ctx context.Context, sc *godog.Scenario) (context.Context, error) {
	s.title = sc.Name
	return ctx, nil
}

// judge runs the invariants after a step that passed.
func (s *scene) judge(ctx context.Context, _ *godog.Step, status godog.StepResultStatus, err error) (context.Context, error) {
	if s.w == nil {
		return ctx, nil
	}
	var broken error
	if status == godog.StepPassed {
		broken = s.invariants(ctx)
	}
	s.inform(ctx, errors.Join(err, broken) != nil)
	return ctx, broken
}

// inform gives the recorder what was asked since it was told last, and after a failure what the step did to the world.
func (s *scene) inform(ctx context.Context, failed bool) {
	rec := s.o.Recorder
	if rec == nil {
		return
	}
	entries := s.w.Journal()
	if s.told > len(entries) { // the journal began anew
		s.told = 0
	}
	calls := make([]report.Call, 0, len(entries)-s.told)
	for _, e := range entries[s.told:] {
		calls = append(calls, report.Call{
			At: e.At, Caller: e.Caller, Call: e.Call, Object: e.Object, Request: e.Request, Answer: e.Answer, Err: e.Err,
		})
	}
	s.told = len(entries)
	rec.Calls(s.title, calls)
	now, err := s.observe(ctx)
	switch {
	case err != nil: // what cannot be looked at is not shown; the step tells why it failed
	case failed && s.seen != nil:
		rec.Changed(s.title, report.Change{Before: lines(s.seen), After: lines(now)})
	case !failed:
		s.seen = now
	}
}

// close judges the whole: every fault happened, every disk and snapshot holds what was written to it, something was
// compared. Then the world ends.
func (s *scene) close(ctx context.Context, _ *godog.Scenario, err error) (context.Context, error) {
	if s.w == nil {
		return ctx, nil
	}
	var errs []error
	if err == nil {
		errs = append(errs, s.fired(), s.compareAll(ctx))
		if p, ok := s.w.Target.(*proxy); ok && p.pending() != "" {
			errs = append(errs, fmt.Errorf("no answer to %s was meddled with: the scenario does not show what it says", p.pending()))
		}
		if !s.proof {
			errs = append(errs, errors.New("the scenario compared no bytes"))
		}
		if s.crash {
			errs = append(errs, errors.New("the management server did not die, or did not come back"))
		}
	}
	s.inform(ctx, err == nil && errors.Join(errs...) != nil)
	errs = append(errs, s.w.Close())
	if s.own != nil {
		errs = append(errs, s.own.Close())
	}
	if t, ok := s.w.Target.(interface{ Blind() string }); ok && err == nil && errors.Join(errs...) == nil && t.Blind() != "" {
		return ctx, cannotTell(t.Blind())
	}
	return ctx, errors.Join(errs...)
}

// compareAll reads back every disk and snapshot that is still there.
func (s *scene) compareAll(ctx context.Context) error {
	var errs []error
	for _, name := range slices.Sorted(maps.Keys(s.written)) {
		v, err := s.volumeOf(name)
		if err != nil || v.Path == "" || v.State == inventory.VolumeExpunged {
			continue
		}
		for _, m := range s.written[name] {
			errs = append(errs, s.holdsAt(ctx, name, m))
		}
	}
	for _, name := range slices.Sorted(maps.Keys(s.taken)) {
		onPrimary, onImage := s.places(name)
		for _, m := range s.taken[name] {
			if onPrimary {
				errs = append(errs, s.snapshotHoldsAt(ctx, name, m))
			}
			if onImage {
				errs = append(errs, s.backupHoldsAt(ctx, name, m))
			}
		}
	}
	errs = append(errs, s.compareGroups(ctx))
	if err := errors.Join(errs...); err != nil {
		return fmt.Errorf("read back what was written: %w", err)
	}
	return nil
}

// places tells where a living snapshot can be read: on StorPool, on secondary storage.
func (s *scene) places(snapshot string) (primary, image bool) {
	id := s.snapshots[snapshot]
	_ = s.inv().View(func(tx *inventory.Tx) error { // the function returns no error
		row, ok := tx.Snapshots.Get(id)
		if !ok || row.State != inventory.SnapshotBackedUp {
			return nil
		}
		_, onStorPool := tx.Details.Get(inventory.Owner{Kind: inventory.OfSnapshot, ID: id}, row.UUID)
		primary = onStorPool && !s.lost[snapshot]
		return nil
	})
	_, image = s.record(id, inventory.Image)
	return primary, image
}

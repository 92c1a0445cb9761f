package steps

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/cucumber/godog"

	"github.com/spsim/spsim/driver"
	"github.com/spsim/spsim/driver/inventory"
	"github.com/spsim/spsim/scenarios/check"
	"github.com/spsim/spsim/scenarios/mgmt"
	"github.com/spsim/spsim/scenarios/report"
	"github.com/spsim/spsim/scenarios/world"
)

// Options say what a scenario runs with.
type Options struct {
	// Seed decides ids and contents, together with the scenario's title.
	Seed int64
	// Driver selects upstream defects, as [CheckDriver] accepts.
	Driver string
	// Target makes the StorPool of a scenario; an emulator of the scenario's own when nil.
	Target func() (world.Target, error)
	// Recorder keeps calls and changes of each step; it may be nil.
	Recorder *report.Recorder
}

// scene is one scenario: its world, and the names that it gave to things.
type scene struct {
	o     Options
	title string
	own   io.Closer // what the world does not close
	w     *world.World

	zone       inventory.ID            // where things happen
	zones      map[string]inventory.ID // first and second, when there are two
	newCluster inventory.ID
	rivalry    bool // another management server will be faster

	pools     map[string]inventory.ID
	vms       map[string]inventory.ID
	disks     map[string]inventory.ID
	snapshots map[string]inventory.ID
	templates map[string]inventory.ID
	offerings map[string]inventory.ID // of disks
	computes  map[string]inventory.ID // service offerings
	groups    map[string]*groupTaken  // VM snapshots

	written map[string][]mark // what each disk holds
	taken   map[string][]mark // what each snapshot holds
	images  map[string][]mark // what each template holds
	lost    map[string]bool   // snapshots that StorPool has lost
	bases   map[string]string // global ids of the base snapshots of templates
	proof   bool              // bytes were compared
	moving  map[string]string // UUIDs of disks that were on their way when the management server died

	unknown []driver.Unknown // what the driver has reported

	dieIn  int    // the management server dies at this step of the driver's from now on; 0 for never
	diedAt string // where it died so, in words

	last    error              // of the last action
	before  *check.Observation // before the last action
	journal int                // length of the journal then
	crash   bool               // the management server is to die, or has
	told    int                // length of the journal that the recorder knows
	sight   sight
	watcher world.Server       // reconciles during each action; none without a driver
	spent   time.Duration      // by the last action
	seen    *check.Observation // after the last step that passed, when a recorder wants it
}

// Register gives a scenario its steps, its world and its judges.
func Register(sc *godog.ScenarioContext, o Options) {
	s := newScene(o)
	sc.Before(s.open)
	sc.StepContext().After(s.judge)
	sc.After(s.close)
	s.register(sc)
}

// registrar takes steps, as a scenario of godog does.
type registrar interface {
	Step(pattern, step any)
}

func newScene(o Options) *scene {
	return &scene{
		o: o, pools: map[string]inventory.ID{}, vms: map[string]inventory.ID{}, disks: map[string]inventory.ID{},
		snapshots: map[string]inventory.ID{}, groups: map[string]*groupTaken{}, templates: map[string]inventory.ID{}, offerings: map[string]inventory.ID{},
		computes: map[string]inventory.ID{}, lost: map[string]bool{}, bases: map[string]string{}, written: map[string][]mark{}, taken: map[string][]mark{}, images: map[string][]mark{},
	}
}

// register gives every step there is.
func (s *scene) register(sc registrar) {
	s.setupSteps(sc)
	s.vmSteps(sc)
	s.diskSteps(sc)
	s.byteSteps(sc)
	s.snapshotSteps(sc)
	s.recurringSteps(sc)
	s.templateSteps(sc)
	s.storpoolSteps(sc)
	s.recordSteps(sc)
	s.faultSteps(sc)
	s.conditionSteps(sc)
	s.crashSteps(sc)
	s.poolSteps(sc)
	s.hostSteps(sc)
	s.plantSteps(sc)
	s.statisticsSteps(sc)
	s.groupSteps(sc)
	s.migrationSteps(sc)
	s.transferSteps(sc)
	s.encryptionSteps(sc)
	s.unknownSteps(sc)
	s.siteSteps(sc)
	s.leaveSteps(sc)
	s.silenceSteps(sc)
}

// Skip returns an error that ends a scenario as skipped, with the reason.
func Skip(reason string) error {
	return fmt.Errorf("%w: %s (%w)", report.ErrSkipped, reason, godog.ErrSkip)
}

// cannotTell ends a scenario whose outcome the target does not let anyone see.
func cannotTell(reason string) error {
	return fmt.Errorf("%w: %s (%w)", report.ErrCannotTell, reason, godog.ErrSkip)
}

// act performs an action and holds its outcome against the wanted one: "" or succeeds, fails, is refused.
func (s *scene) act(ctx context.Context, outcome string, do func(context.Context) error) error {
	before, err := s.observe(ctx)
	if err != nil {
		return err
	}
	s.before, s.journal = before, s.w.Asked()
	began := s.w.Clock.Now()
	s.last = s.perform(ctx, func(ctx context.Context) error { return s.watched(ctx, do) })
	s.spent = s.w.Clock.Now().Sub(began)
	switch outcome {
	case "", "succeeds":
		return s.last
	case "fails":
		if s.last == nil {
			return errors.New("it succeeded, and should have failed")
		}
		return nil
	case "is refused":
		var refused *mgmt.Refused
		if !errors.As(s.last, &refused) && !errors.Is(s.last, driver.ErrRefused) {
			return fmt.Errorf("it should have been refused: %w", orSuccess(s.last))
		}
		return s.unchanged(ctx)
	}
	return fmt.Errorf("no outcome %q: use succeeds, fails or is refused", outcome)
}

func orSuccess(err error) error {
	if err == nil {
		return errors.New("it succeeded")
	}
	return err
}

// unchanged tells what the last action changed on StorPool or in the inventory, if anything.
func (s *scene) unchanged(ctx context.Context) error {
	now, err := s.observe(ctx)
	if err != nil {
		return err
	}
	if changes := difference(s.before, now); changes != "" {
		return fmt.Errorf("something changed:\n%s", changes)
	}
	return nil
}

// get looks a name up.
func get(in map[string]inventory.ID, kind, name string) (inventory.ID, error) {
	id, ok := in[name]
	if !ok {
		return 0, fmt.Errorf("the scenario knows no %s %q", kind, name)
	}
	return id, nil
}

func (s *scene) vm(name string) (inventory.ID, error)   { return get(s.vms, "VM", name) }
func (s *scene) disk(name string) (inventory.ID, error) { return get(s.disks, "disk", name) }
func (s *scene) snapshot(name string) (inventory.ID, error) {
	return get(s.snapshots, "snapshot", name)
}

func (s *scene) template(name string) (inventory.ID, error) {
	return get(s.templates, "template", name)
}
func (s *scene) pool(name string) (inventory.ID, error) { return get(s.pools, "pool", name) }

// volumeOf returns the row of a disk.
func (s *scene) volumeOf(name string) (inventory.Volume, error) {
	id, err := s.disk(name)
	if err != nil {
		return inventory.Volume{}, err
	}
	return rowOf(s, id, func(tx *inventory.Tx) *inventory.Table[inventory.Volume] { return tx.Volumes })
}

// rowOf reads a row.
func rowOf[T any](s *scene, id inventory.ID, table func(*inventory.Tx) *inventory.Table[T]) (row T, err error) {
	err = s.inv().View(func(tx *inventory.Tx) error {
		row, err = table(tx).Must(id)
		return err
	})
	return row, err
}

// note remembers that a disk holds a pattern at a place, over whatever was there.
func note(in map[string][]mark, name string, m mark) {
	kept := make([]mark, 0, len(in[name])+1)
	for _, old := range in[name] {
		if old.off+patternSize <= m.off || m.off+patternSize <= old.off {
			kept = append(kept, old)
		}
	}
	in[name] = append(kept, m)
}

// upTo drops the marks that do not end before size.
func upTo(marks []mark, size int64) []mark {
	var out []mark
	for _, m := range marks {
		if m.off+patternSize <= size {
			out = append(out, m)
		}
	}
	return out
}

// outcome ends the pattern of a step that acts; its group is what act judges by.
const outcome = `(?:, which (succeeds|fails|is refused))?$`

// clone copies a ledger entry.
func clone(marks []mark) []mark { return append([]mark(nil), marks...) }

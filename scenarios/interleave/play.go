package interleave

import (
	"context"
	"errors"
	"fmt"

	"github.com/spsim/spsim/emulator"
	"github.com/spsim/spsim/internal/clock"
	"github.com/spsim/spsim/scenarios/stage"
	"github.com/spsim/spsim/scenarios/world"
)

// scene is a stage with two management servers.
type scene struct {
	*stage.Stage
	turns   *turns
	servers [2]world.Server
	known   map[string]bool // ids from before
}

// setup says what the two management servers do not share, and what the driver does wrong.
type setup struct {
	seed    int64
	driver  string
	without Without
}

// play prepares a pair and goes on with f. The ids that are there then are the same each time: known, unless nil.
func (u setup) play(p Pair, plan Schedule, known map[string]bool, f func(context.Context, *scene) error) (err error) {
	t := newTurns(plan)
	o := world.Options{Seed: u.seed, Driver: u.driver, AtCall: t.atCall, AtHostStep: t.atHostStep, AtStep: t.atStep}
	if p.far {
		f, err := world.NewFederated(u.seed, 2, o.Behaviour, emulator.Member{ID: "faraw.a", Name: farStorPool, Location: "far"})
		if err != nil {
			return err
		}
		defer func() { err = errors.Join(err, f.Close()) }()
		o.Target = f
	}
	return stage.Play(o, p.prepare, func(ctx context.Context, s *stage.Stage) (err error) {
		x := &scene{Stage: s, turns: t}
		x.servers[first] = world.Server{Driver: s.Driver, Mgmt: s.Mgmt}
		spec := world.ServerSpec{Name: "management-2", Seed: u.seed + 1, OwnQueue: u.without == Queue}
		if u.without == Leases { // each takes the other's leases for its own
			spec.Owner = "management"
		}
		if x.servers[second], err = s.AddServer(spec); err != nil {
			return err
		}
		if x.known = known; known == nil {
			facts, err := s.Look(ctx)
			if err != nil {
				return err
			}
			x.known = idsOf(facts)
		}
		s.Inventory.Watch(t)
		return f(ctx, x)
	})
}

// do does one of the operations on its server, undisturbed.
func (x *scene) do(ctx context.Context, p Pair, s side) error {
	x.turns.be(s)
	defer x.turns.be(house)
	return p.ops[s].do(ctx, x.at(s))
}

func (x *scene) at(s side) at { return at{x.Stage, x.servers[s], s} }

// together does both at the same time, as the schedule has it.
func (x *scene) together(ctx context.Context, p Pair) (errs [2]error, err error) {
	v, ok := x.Clock.(*clock.Virtual)
	if !ok {
		return errs, errors.New("interleave: only a virtual clock lets operations take turns")
	}
	ctx, cancel := v.WithTimeout(ctx, clock.Forever)
	defer cancel()
	x.turns.abort = cancel
	v.SetOrder(x.turns)
	defer v.SetOrder(nil)
	var ends [2]*clock.Event
	for s := range ends {
		ends[s] = v.Event()
		x.turns.be(side(s))
		v.Go(func() {
			defer ends[s].Fire()
			errs[s] = p.ops[s].do(ctx, x.at(side(s)))
		})
	}
	x.turns.be(house)
	for _, e := range ends {
		err = errors.Join(err, e.Wait(context.WithoutCancel(ctx)))
	}
	err = errors.Join(err, v.Settle(context.WithoutCancel(ctx))) // what they left in the background has turns as well
	if x.turns.stuck {
		err = errors.Join(err, fmt.Errorf("each waits for the other: %w, %w", errs[first], errs[second]))
	}
	return errs, err
}

// rest brings everything to rest, judges what must hold then and takes down the state.
func (x *scene) rest(ctx context.Context) (state, error) {
	err := errors.Join(x.Check(ctx), x.Unsettled())
	for _, l := range x.Leases() {
		err = errors.Join(err, fmt.Errorf("management server %s still has its lease of %s", l.Owner, l.Key))
	}
	facts, failed := x.Look(ctx)
	if failed != nil {
		return nil, errors.Join(err, failed)
	}
	return stateOf(facts, x.known), err
}

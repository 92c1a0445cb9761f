package sweep

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"math"
	"strings"

	"github.com/spsim/spsim/agentsim"
	"github.com/spsim/spsim/emulator/fault"
	"github.com/spsim/spsim/scenarios/stage"
	"github.com/spsim/spsim/scenarios/world"
)

// Way is how a step goes wrong.
type Way string

// The ways. Crash is for the driver's steps, the others for StorPool calls and agents' steps; what Cut is to a call,
// AgentDies is to an agent's step.
const (
	Refused   Way = "refused"
	Transient Way = "refused in passing"
	Cut       Way = "cut before"
	Lost      Way = "answer lost"
	Hung      Way = "hung"
	AgentDies Way = "agent dies"
	Crash     Way = "crash"
)

func (w Way) effect() fault.Effect {
	return fault.Effect{Kind: map[Way]fault.Kind{
		Refused: fault.Refuse, Transient: fault.Transient, Cut: fault.Cut, Lost: fault.Lose, Hung: fault.Hang, AgentDies: fault.Cut,
	}[w]}
}

// Ways lists how a StorPool call, or an agent's step, is made to go wrong.
func Ways(agent bool) []Way {
	if agent {
		return []Way{Refused, Transient, AgentDies, Lost, Hung}
	}
	return []Way{Refused, Transient, Cut, Lost, Hung}
}

// Case is one step that goes wrong in one way.
type Case struct {
	Operation string
	Step      string // "POST VolumeCreate", "agent BackupSnapshot/convert", or of the driver "createAsync/create volume"
	Nth       int    // which of the calls of that name, or of all steps of the driver
	Way       Way
	At        string // address of the StorPool that is called, where there are several
}

func (c Case) String() string {
	where := ""
	if c.At != "" {
		where = " at " + c.At
	}
	return fmt.Sprintf("%s: %s #%d%s %s", c.Operation, c.Step, c.Nth, where, c.Way)
}

// place is a step as it was recorded.
type place struct {
	step string
	nth  int
	kind placeKind
	at   string
}

type placeKind int

const (
	ofStorPool placeKind = iota
	ofAgent
	ofDriver
)

func (p place) ways() []Way {
	if p.kind == ofDriver {
		return []Way{Crash}
	}
	return Ways(p.kind == ofAgent)
}

// record plays an operation once, and returns what happened in it.
func record(op Operation, o world.Options) (out []place, err error) {
	driving := false
	var driven []place
	o.AtStep = func(_ context.Context, action, step string) error {
		if driving {
			driven = append(driven, place{step: action + "/" + step, nth: len(driven) + 1, kind: ofDriver})
		}
		return nil
	}
	err = op.play(o, func(ctx context.Context, s *stage.Stage) error {
		if err := watchAgents(s); err != nil {
			return err
		}
		told := len(s.Journal())
		driving = true
		err := op.act(ctx, s)
		driving = false
		if err != nil {
			return err
		}
		out = calls(s.Journal()[told:], op.far)
		for _, st := range s.Fleet.Faults().Rules() {
			for n := range st.Seen {
				out = append(out, place{step: st.Rule.Call, nth: n + 1, kind: ofAgent})
			}
		}
		s.Disarm()
		return errors.Join(s.Check(ctx), op.done(ctx, s))
	})
	return append(out, driven...), err
}

// watchAgents arms rules that count each step of the agents and never fire.
func watchAgents(s *stage.Stage) error {
	for _, c := range agentsim.Steps() {
		for _, step := range c.Steps {
			r := fault.Rule{Call: "agent " + c.Command + "/" + step, Nth: math.MaxInt, Effect: fault.Effect{Kind: fault.Refuse}}
			if err := s.Arm(r); err != nil {
				return err
			}
		}
	}
	return nil
}

// calls are the StorPool calls of a journal, with the address where there are several StorPools.
func calls(entries []world.Entry, several bool) (out []place) {
	seen := map[place]int{}
	for _, e := range entries {
		if strings.HasPrefix(e.Call, "agent ") {
			continue
		}
		p := place{step: e.Call, kind: ofStorPool}
		if several {
			p.at = e.Address
		}
		seen[p]++
		out = append(out, place{p.step, seen[p], p.kind, p.at})
	}
	return out
}

// play prepares the operation in a fresh world and goes on with f.
func (op Operation) play(o world.Options, f func(context.Context, *stage.Stage) error) (err error) {
	if op.far {
		far, err := federated(cmp.Or(o.Seed, 1))
		if err != nil {
			return err
		}
		defer func() { err = errors.Join(err, far.Close()) }()
		o.Target = far
	}
	return stage.Play(o, op.prepare, f)
}

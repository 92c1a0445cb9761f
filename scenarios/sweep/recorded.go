package sweep

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/spsim/spsim/agentsim"
	"github.com/spsim/spsim/scenarios/stage"
	"github.com/spsim/spsim/scenarios/world"
)

// Recorded is what an operation consists of.
type Recorded struct {
	Operation string
	// Steps are the driver's, in order; what is asked before the first of them is in one without a name.
	Steps []Step
	// Commands are the agents' commands with the steps that were taken of each.
	Commands []agentsim.CommandSteps
	// Cases is the number of ways in which the sweep makes the operation go wrong.
	Cases int
}

// Step is a step of the driver.
type Step struct {
	// Name is "createAsync/create volume"; "pivot" at its end is the point of no return.
	Name string
	// Asked are the StorPool calls and the commands to agents from there to the next step: "POST VolumeCreate",
	// "agent BackupSnapshot". Calls of a host end with its role.
	Asked []string
}

// RecordAll plays each operation once, and returns their steps.
func RecordAll(seed int64) ([]Recorded, error) {
	var out []Recorded
	for _, op := range Operations() {
		r, err := recordSteps(op, world.Options{Seed: seed})
		if err != nil {
			return nil, fmt.Errorf("record %s: %w", op.Name, err)
		}
		places, err := record(op, world.Options{Seed: seed})
		if err != nil {
			return nil, fmt.Errorf("record %s: %w", op.Name, err)
		}
		for _, p := range places {
			r.Cases += len(p.ways())
			if p.kind == ofAgent {
				r.took(p.step)
			}
		}
		out = append(out, r)
	}
	return out, nil
}

// took notes a step of an agent's command, "agent BackupSnapshot/attach".
func (r *Recorded) took(step string) {
	command, name, _ := strings.Cut(strings.TrimPrefix(step, "agent "), "/")
	i := slices.IndexFunc(r.Commands, func(c agentsim.CommandSteps) bool { return c.Command == command })
	if i < 0 {
		i = len(r.Commands)
		r.Commands = append(r.Commands, agentsim.CommandSteps{Command: command})
	}
	if !slices.Contains(r.Commands[i].Steps, name) {
		r.Commands[i].Steps = append(r.Commands[i].Steps, name)
	}
}

// recordSteps plays an operation and notes what is asked in each step of the driver.
func recordSteps(op Operation, o world.Options) (Recorded, error) {
	out := Recorded{Operation: op.Name, Steps: []Step{{}}}
	var on *stage.Stage
	told := 0
	catchUp := func() {
		last := &out.Steps[len(out.Steps)-1]
		for _, e := range on.Journal()[told:] {
			last.Asked = append(last.Asked, asked(e))
			told++
		}
	}
	o.AtStep = func(_ context.Context, action, step string) error {
		if on != nil {
			catchUp()
			out.Steps = append(out.Steps, Step{Name: action + "/" + step})
		}
		return nil
	}
	err := op.play(o, func(ctx context.Context, s *stage.Stage) error {
		on, told = s, len(s.Journal())
		err := op.act(ctx, s)
		catchUp()
		on = nil
		return errors.Join(err, op.done(ctx, s))
	})
	if len(out.Steps[0].Asked) == 0 {
		out.Steps = out.Steps[1:]
	}
	return out, err
}

// asked names a call or a command; one that a host makes says so.
func asked(e world.Entry) string {
	if e.Caller == "management" {
		return e.Call
	}
	return e.Call + " by a host"
}

package interleave

import (
	"context"

	"github.com/spsim/spsim/scenarios/stage"
	"github.com/spsim/spsim/scenarios/world"
)

// Pair is two operations that are done at the same time, with what they start from; each of them works there alone.
type Pair struct {
	prepare func(context.Context, *stage.Stage) error
	ops     [2]operation
}

// Name is both operations.
func (p Pair) Name() string { return p.ops[first].name + "+" + p.ops[second].name }

// operation is done by a management server, or by its driver.
type operation struct {
	name string
	do   func(context.Context, *stage.Stage, world.Server) error
}

// Pairs lists what is played.
func Pairs() []Pair {
	return each(stage.DetachedDisk(), resize(), snapshot())
}

// each is every operation with itself and with each that follows it.
func each(prepare func(context.Context, *stage.Stage) error, ops ...operation) (out []Pair) {
	for i, a := range ops {
		for _, b := range ops[i:] {
			out = append(out, Pair{prepare, [2]operation{a, b}})
		}
	}
	return out
}

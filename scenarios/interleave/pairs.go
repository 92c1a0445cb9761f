package interleave

import (
	"context"
	"slices"

	"github.com/spsim/spsim/scenarios/stage"
	"github.com/spsim/spsim/scenarios/world"
)

// prepare puts on stage what operations work on.
type prepare = func(context.Context, *stage.Stage) error

// Pair is two operations that are done at the same time, with what they start from; each of them works there alone.
type Pair struct {
	where   string // tells pairs of the same operations apart
	prepare prepare
	far     bool // there is another location
	ops     [2]operation
}

// Name is both operations, with where they find the volume if that matters.
func (p Pair) Name() string { return p.where + p.ops[first].name + "+" + p.ops[second].name }

// operation is done by a management server, or by its driver.
type operation struct {
	name string
	do   func(context.Context, at) error
}

// at is the stage as one of the operations finds it, with the management server that does it.
type at struct {
	*stage.Stage
	on   world.Server
	side side
}

// n tells the two operations apart where both are the same: 1 or 2.
func (a at) n() int64 { return int64(a.side) + 1 }

// Pairs lists what is played.
func Pairs() []Pair {
	return slices.Concat(volumePairs(), snapshotPairs(), groupPairs(), farPairs(), driverPairs())
}

// each is every operation with itself and with each that follows it.
func each(where string, from prepare, ops ...operation) (out []Pair) {
	for i, a := range ops {
		out = append(out, with(where, from, a, ops[i:]...)...)
	}
	return out
}

// with is an operation with each of others.
func with(where string, from prepare, a operation, others ...operation) (out []Pair) {
	for _, b := range others {
		out = append(out, Pair{where: where, prepare: from, ops: [2]operation{a, b}})
	}
	return out
}

// volumePairs are operations on one volume: a detached one, an attached one, and one of a stopped VM.
func volumePairs() []Pair {
	detached := stage.Steps(stage.DetachedDisk(), stage.TakeSnapshot, stage.Fill('b'), stage.SecondPool, stage.FasterOffering)
	attached := stage.Steps(stage.Bypass, stage.AttachedDisk(), stage.TakeSnapshot, stage.SecondPool, stage.FasterOffering)
	stopped := stage.Steps(stage.Bypass, stage.AttachedDisk(), stage.TakeSnapshot, stage.Fill('b'), stage.StopVM)
	return slices.Concat(
		each("", detached, attach(), resize(), snapshot(), deleteVolume(), revert(), offering(), move(false)),
		each("attached: ", attached, detach(), resize(), snapshot(), offering(), move(true), migrate()),
		with("stopped: ", stopped, revert(), revert(), detach(), resize(), snapshot(), start()),
	)
}

// snapshotPairs are operations on a snapshot and what is made of it.
func snapshotPairs() []Pair {
	backedUp := stage.Steps(stage.DetachedDisk(), stage.TakeSnapshot, stage.Fill('b'))
	bypassed := stage.Steps(stage.Bypass, backedUp)
	lost := stage.Steps(backedUp, stage.LoseSnapshot)
	return slices.Concat(
		each("", backedUp, deleteSnapshot(), restore(), revertTo(), bake()),
		with("", backedUp, deleteVolume(), deleteSnapshot(), restore(), bake()),
		with("bypassed: ", bypassed, deleteSnapshot(), restore(), revertTo(), bake()),
		each("backup only: ", lost, deleteSnapshot(), restore()),
		each("", stage.RegisterTemplate, deploy()),
	)
}

// groupPairs are operations on a VM snapshot and its members.
func groupPairs() []Pair {
	taken := stage.Steps(stage.Bypass, stage.AttachedDisk(), stage.TakeSnapshot, stage.TakeGroup)
	stopped := stage.Steps(taken, stage.Fill('b'), stage.StopVM)
	return slices.Concat(
		with("", stage.Steps(stage.Bypass, stage.AttachedDisk(), stage.TakeSnapshot), takeGroup(), takeGroup(), snapshot(), resize(), deleteSnapshot(), detach(), migrate()),
		with("", taken, deleteGroup(), deleteGroup(), takeGroup(), deleteSnapshot(), snapshot(), detach()),
		with("stopped: ", stopped, revertGroup(), revertGroup(), deleteGroup(), revert(), deleteSnapshot(), detach(), start()),
	)
}

// farPairs are operations on a snapshot that goes to another location.
func farPairs() []Pair {
	from := stage.Steps(stage.Bypass, stage.DetachedDisk(), stage.TakeSnapshot, farZone)
	out := with("", from, copySnapshot(), copySnapshot(), deleteSnapshot(), restore(), revertTo(), deleteVolume())
	for i := range out {
		out[i].far = true
	}
	return out
}

// driverPairs are calls of two drivers without the queue of jobs that CloudStack has above them.
func driverPairs() []Pair {
	from := stage.Steps(stage.Bypass, stage.DetachedDisk(), stage.TakeSnapshot, stage.Fill('b'), stage.FasterOffering)
	return slices.Concat(
		each("driver: ", from, driverResize(), driverRevert(), driverOffering(), driverDelete()),
		with("driver: ", from, driverSnapshot(), driverResize(), driverRevert(), driverSnapshot()),
		with("driver: ", from, driverDeleteSnapshot(), driverDeleteSnapshot(), driverRevert(), driverResize()),
	)
}

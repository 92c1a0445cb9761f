package steps

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"reflect"
	"regexp"
	"slices"
	"strings"

	"github.com/cucumber/godog"

	"github.com/spsim/spsim/driver/inventory"
	"github.com/spsim/spsim/scenarios/world"
)

// Story is a scenario that is made up as it goes: its steps are played one at a time, by their texts, each followed by
// the invariants as in a feature file.
type Story struct {
	s     *scene
	known []playable
}

// playable is a registered step.
type playable struct {
	pattern *regexp.Regexp
	call    reflect.Value
}

// NewStory begins a story; its title and the seed decide ids and contents.
func NewStory(o Options, title string) *Story {
	t := &Story{s: newScene(o)}
	t.s.title = title
	t.s.register(t)
	return t
}

// Step takes a step, as godog does; it is for the registration.
func (t *Story) Step(pattern, step any) {
	re, ok := pattern.(*regexp.Regexp)
	if !ok {
		panic(fmt.Sprintf("step %v: patterns are compiled", pattern)) // a slip in this package
	}
	t.known = append(t.known, playable{re, reflect.ValueOf(step)})
}

// ErrBroken is wrapped by broken invariants.
var ErrBroken = errors.New("the invariants do not hold")

// Judge holds the world against the invariants.
func (t *Story) Judge(ctx context.Context) error {
	if t.s.w == nil {
		return nil
	}
	if err := t.s.invariants(ctx); err != nil {
		return fmt.Errorf("%w: %w", ErrBroken, err)
	}
	return nil
}

// Play plays a step. The world is judged by [Story.Judge], once it is at rest.
func (t *Story) Play(ctx context.Context, text string) error {
	for _, p := range t.known {
		m := p.pattern.FindStringSubmatch(text)
		if m == nil {
			continue
		}
		kind := p.call.Type()
		var in []reflect.Value
		if kind.NumIn() > 0 && kind.In(0) == reflect.TypeFor[context.Context]() {
			in = append(in, reflect.ValueOf(ctx))
		}
		for _, group := range m[1:] {
			if len(in) < kind.NumIn() && kind.In(len(in)) == reflect.TypeFor[string]() {
				in = append(in, reflect.ValueOf(group))
			}
		}
		if len(in) != kind.NumIn() {
			return fmt.Errorf("step %q takes a table: a story has none", text)
		}
		err, _ := p.call.Call(in)[0].Interface().(error)
		return err
	}
	return fmt.Errorf("%w: %s", godog.ErrUndefined, text)
}

// World is the story's world, once its first step has made it.
func (t *Story) World() *world.World { return t.s.w }

// Holds tells whether every disk and snapshot holds what was written to it.
func (t *Story) Holds(ctx context.Context) error { return t.s.compareAll(ctx) }

// The sources of what a disk may come to hold.
const (
	OfSnapshot   = "snapshot"
	OfTemplate   = "template"
	OfVMSnapshot = "VM snapshot"
)

// Believe has a disk hold from now on what a snapshot, template or VM snapshot holds: an operation that failed has had its
// effect all the same.
func (t *Story) Believe(disk, kind, name string) {
	switch kind {
	case OfSnapshot:
		t.s.written[disk] = clone(t.s.taken[name])
	case OfTemplate:
		t.s.written[disk] = clone(t.s.images[name])
	case OfVMSnapshot:
		if g := t.s.groups[name]; g != nil && g.marks[disk] != nil {
			t.s.written[disk] = clone(g.marks[disk])
		}
	}
}

// DieIn has the management server die at the n-th step of the driver's from now on.
func (t *Story) DieIn(n int) { t.s.dieIn, t.s.diedAt = n, "" }

// Died is the step that says where [Story.DieIn] has had its effect; empty when it has had none.
func (t *Story) Died() string { return t.s.diedAt }

// End ends the world. With an error of the story nothing is judged any more.
func (t *Story) End(ctx context.Context, err error) error {
	t.s.proof = true // a story need not compare bytes
	_, bad := t.s.close(ctx, nil, err)
	return bad
}

// Settled clears what the story expects of faults and of a crash that did not happen.
func (t *Story) Settled() {
	t.s.w.Disarm()
	t.s.dieIn = 0
	t.s.crash = t.s.w.Crashed()
}

// Fired tells whether every fault that was armed has happened.
func (t *Story) Fired() bool { return len(t.s.w.Unfired()) == 0 }

// Facts are what CloudStack has on record of the things that the story has named, a line each by its name.
func (t *Story) Facts() map[string]string {
	s, out := t.s, map[string]string{}
	_ = s.inv().View(func(tx *inventory.Tx) error { // the function returns no error
		vmName := func(id inventory.ID) string {
			for name, x := range s.vms {
				if m, ok := tx.VMs.Get(id); ok && x == id && !ended(m.State) {
					return name
				}
			}
			return ""
		}
		for name, id := range s.vms {
			if m, ok := tx.VMs.Get(id); ok && !ended(m.State) {
				out["VM "+name] = string(m.State)
			}
		}
		for name, id := range s.disks {
			v, ok := tx.Volumes.Get(id)
			if !ok || v.State != inventory.VolumeReady && v.State != inventory.VolumeAllocated {
				continue
			}
			if m, ok := tx.VMs.Get(v.VM); ok && ended(m.State) {
				continue // it goes with its VM
			}
			where := "detached"
			if vm := vmName(v.VM); vm != "" {
				where = "in " + vm
			}
			out["disk "+name] = fmt.Sprintf("%s, %d MiB, %s", where, v.Size>>20, nameOf(s.pools, v.Pool))
			if v.State == inventory.VolumeAllocated {
				out["disk "+name] = fmt.Sprintf("%s, %d MiB, nowhere yet", where, v.Size>>20)
			}
		}
		for name, id := range s.snapshots {
			if x, ok := tx.Snapshots.Get(id); ok && x.State == inventory.SnapshotBackedUp {
				out["snapshot "+name] = "of " + t.diskOf(x.Volume)
			}
		}
		for name, id := range s.templates {
			if x, ok := tx.Templates.Get(id); ok && !x.Removed {
				out["template "+name] = "active"
			}
		}
		for name, g := range s.groups {
			if x, ok := tx.VMSnapshots.Get(g.id); ok {
				out["VM snapshot "+name] = "of " + vmName(x.VM)
				if x.State != inventory.VMSnapshotReady {
					out["VM snapshot "+name] += ", of no use"
				}
			}
		}
		return nil
	})
	return out
}

func ended(s inventory.VMState) bool {
	return s == inventory.VMExpunging || s == inventory.VMError || s == inventory.VMDestroyed
}

// diskOf is the name of a disk by its row.
func (t *Story) diskOf(id inventory.ID) string {
	for _, name := range slices.Sorted(maps.Keys(t.s.disks)) {
		if t.s.disks[name] == id {
			return name
		}
	}
	return ""
}

// Tell writes texts as a scenario.
func Tell(title string, given, then []string) string {
	var b strings.Builder
	fmt.Fprintf(&b, "  Scenario: %s\n", title)
	for i, list := range [][]string{given, then} {
		word := [...]string{"Given", "When"}[i]
		for _, text := range list {
			fmt.Fprintf(&b, "    %s %s\n", word, text)
			word = "And"
		}
	}
	return b.String()
}

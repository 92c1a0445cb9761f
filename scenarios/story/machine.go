package story

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync/atomic"

	"pgregory.net/rapid"

	"github.com/spsim/spsim/scenarios/steps"
)

// Options say how stories are made up.
type Options struct {
	// Driver puts known defects in, as [steps.Options] has it.
	Driver string
	// Actions, when set, counts the actions of all stories.
	Actions *atomic.Int64
	// Alone leaves out all but the model: nothing is played, and nothing goes wrong. It is what a benchmark compares with.
	Alone bool
}

// machine plays a story and keeps the model beside it.
type machine struct {
	t     *rapid.T
	ctx   context.Context //nolint:containedctx // one case's
	story *steps.Story
	model *model
	o     Options
	given []string
	told  []string
	next  string // what will go wrong in the next action: a step
	dieIn int    // or the step of the driver's at which the management server dies
	again string // what will go wrong when it has come back: a step
	bad   error  // the story's end
}

// property is a case.
func (o Options) property(t *rapid.T) {
	m := &machine{t: t, ctx: context.Background(), o: o, model: newModel()}
	if o.Alone {
		m.begin(rapid.Bool().Draw(t, "two zones"))
		t.Repeat(m.actions())
		return
	}
	m.story = steps.NewStory(steps.Options{Seed: 1, Driver: o.Driver}, "a story")
	defer func() {
		if t.Failed() {
			return
		}
		m.demand(m.story.End(m.ctx, m.bad))
	}()
	defer func() { // also when the case is given up
		if t.Failed() || m.bad != nil {
			_ = m.story.End(m.ctx, errors.New("over"))
		}
	}()
	m.begin(rapid.Bool().Draw(t, "two zones"))
	t.Repeat(m.actions())
}

// begin tells what there is.
func (m *machine) begin(zones bool) {
	first := `a zone with 3 hosts and the StorPool pool "primary"`
	if zones {
		m.setup(first+", with another StorPool far away", `a second zone with 1 host and the pool "far" on the other StorPool`)
	} else {
		m.setup(first)
	}
	m.setup(
		`the pool "second" is created with the URL "storpool://{token}@{host}:{port}/ssd"`,
		`the primary pool "files" on NFS`,
		`the disk offering "fast" with 500 IOPS`,
		`the disk offering "gold" with tier "gold"`,
		`the qcow2 template "debian" of 1 GiB with the pattern "debian"`,
		`the VM "vm" is deployed from the ISO`,
	)
	m.model.deployed("vm")
	m.model.templates["debian"] = true
	if !zones {
		m.model.copied = nil
	}
}

func (m *machine) setup(texts ...string) {
	for _, text := range texts {
		m.given = append(m.given, text)
		if !m.o.Alone {
			m.demand(m.story.Play(m.ctx, text))
		}
	}
}

// demand ends the case with the story when there is an error.
func (m *machine) demand(err error) {
	if err == nil {
		return
	}
	m.bad = err
	m.t.Fatalf("%s", Failure{m.given, m.told, err})
}

// Failure is a story that broke a promise.
type Failure struct {
	Given, Told []string
	Err         error
}

func (f Failure) Error() string {
	return steps.Tell("A story that breaks a promise", f.Given, f.Told) + "\n  " + strings.ReplaceAll(f.Err.Error(), "\n", "\n  ")
}

func (m *machine) actions() map[string]func(*rapid.T) {
	out := map[string]func(*rapid.T){}
	for _, a := range Actions() {
		out[a.Name] = func(t *rapid.T) {
			v := a.draw(t, m.model)
			if v == nil || a.Name == "copy a snapshot to the other zone" && m.model.copied == nil {
				t.Skip("nothing fits")
			}
			m.act(v)
		}
	}
	if !m.o.Alone {
		out["~ a call goes wrong"] = m.armCall
		out["~ the management server dies"] = m.armDeath
	}
	return out
}

// armCall makes the next call of a kind go wrong.
func (m *machine) armCall(t *rapid.T) {
	if m.next != "" || m.dieIn > 0 {
		t.Skip("one thing at a time")
	}
	m.next = drawFault(t,
		"POST VolumeCreate", "POST VolumeUpdate", "POST VolumeDelete", "POST VolumeSnapshot", "POST VolumeRevert", "POST VolumesGroupSnapshot",
		"POST VolumesReassign", "POST VolumesReassignWait", "POST SnapshotDelete", "POST SnapshotUpdate", "GET Volume", "GET SnapshotsList",
		"agent BackupSnapshot/*", "agent ResizeVolume/*", "agent Attach/*", "agent CopyVolume/*", "agent Start/*")
	if m.next == "" {
		t.Skip("hosts do not answer in JSON")
	}
}

// drawFault draws one of the calls and how it goes wrong; empty when hosts know no such thing.
func drawFault(t *rapid.T, calls ...string) string {
	fault := fmt.Sprintf(`the call "%s" will be %s`, rapid.SampledFrom(calls).Draw(t, "call"),
		rapid.SampledFrom([]string{"refused", "refused in passing", "lost", "cut", "malformed", "hung"}).Draw(t, "effect"))
	if strings.Contains(fault, "agent") && strings.HasSuffix(fault, "malformed") {
		return ""
	}
	return fault
}

// armDeath has the management server die in the next action, and now and then a call of its recovery go wrong.
func (m *machine) armDeath(t *rapid.T) {
	if m.next != "" || m.dieIn > 0 {
		t.Skip("one thing at a time")
	}
	m.dieIn = rapid.IntRange(1, 5).Draw(t, "step")
	if rapid.Bool().Draw(t, "its recovery goes wrong") {
		m.again = drawFault(t, "POST VolumeUpdate", "POST VolumeDelete", "POST VolumesReassign", "POST VolumesReassignWait", "POST SnapshotDelete",
			"GET Volume", "GET Snapshot", "GET VolumesList", "GET SnapshotsList")
	}
}

// act plays an action and holds what has become of everything against the model.
func (m *machine) act(v *move) {
	if m.o.Actions != nil {
		m.o.Actions.Add(1)
	}
	if m.o.Alone {
		m.told = append(m.told, v.texts...)
		v.after(m.model)
		_ = m.model.facts()
		return
	}
	for _, text := range v.texts[:len(v.texts)-1] {
		m.told = append(m.told, text)
		m.demand(m.play(text))
	}
	text := v.texts[len(v.texts)-1]
	armed := m.next != "" || m.dieIn > 0
	if v.smooth || !armed {
		m.told = append(m.told, text)
		m.demand(m.play(text))
		m.demand(m.story.Judge(m.ctx))
		m.follow(v)
		return
	}
	m.risk(v, text)
}

// play plays a step; the machine has one of its own.
func (m *machine) play(text string) error {
	if text != "every host is well again" {
		return m.story.Play(m.ctx, text)
	}
	w := m.story.World()
	for i, h := range w.Hosts {
		host, err := w.Fleet.Host(h.UUID)
		if err != nil || host.State().Up {
			continue
		}
		for _, text := range []string{"host %d is switched on", "CloudStack marks host %d as Up", "host %d connects again"} {
			if err := m.story.Play(m.ctx, fmt.Sprintf(text, i+1)); err != nil {
				return err
			}
		}
	}
	return nil
}

// risk plays an action in which something may go wrong. It has its effect or none.
func (m *machine) risk(v *move, text string) {
	at := len(m.told)
	if m.next != "" {
		if err := m.story.Play(m.ctx, m.next); err != nil { // hosts know other steps
			m.next = ""
			m.t.Skip("no such call")
		}
		m.told = append(m.told, m.next)
	}
	m.story.DieIn(m.dieIn)
	failed := m.story.Play(m.ctx, text)
	switch {
	case m.next != "" && !m.story.Fired():
		m.told = m.told[:at]
	case m.story.Died() != "":
		m.told = append(m.told, m.story.Died())
	}
	m.next, m.dieIn = "", 0
	m.story.Settled()
	if failed != nil {
		text += ", which fails"
	}
	m.told = append(m.told, text)
	if m.story.World().Crashed() {
		m.comeBack()
		failed = errors.Join(failed, errors.New("it died"))
	}
	m.again = ""
	m.demand(m.story.Judge(m.ctx))
	if failed == nil {
		m.follow(v)
		return
	}
	m.either(v, failed)
}

// comeBack brings the management server back. Its recovery succeeds unless a call of it goes wrong; what is left then is
// done when the world comes to rest.
func (m *machine) comeBack() {
	const text = "the management server comes back"
	armed := m.again != "" && m.story.Play(m.ctx, m.again) == nil // hosts know other steps
	err := m.story.Play(m.ctx, text)
	if !armed || !m.story.Fired() {
		m.told = append(m.told, text)
		m.demand(err)
		m.story.Settled()
		return
	}
	m.told = append(m.told, m.again, text)
	if err != nil {
		m.told[len(m.told)-1] += ", which fails"
	}
	m.story.Settled()
}

// either tells whether an action that failed has had its effect, and holds the world against that.
func (m *machine) either(v *move, failed error) {
	now := m.story.Facts()
	if notDone := differences(m.model.facts(), now); len(notDone) == 0 && m.story.Holds(m.ctx) == nil {
		return
	}
	said := fmt.Errorf("it failed with %w", failed)
	for _, effect := range append([]func(*model){v.after}, v.or...) {
		after := m.model.clone()
		effect(after)
		m.complete(after, now)
		bad := differences(after.facts(), now)
		if len(bad) == 0 {
			m.model = after
			m.believe(v)
			m.demand(m.story.Holds(m.ctx))
			return
		}
		said = fmt.Errorf("%w\nand it has not had its effect:\n%s", said, strings.Join(bad, "\n"))
	}
	m.demand(fmt.Errorf("%w\nnor has it had none:\n%s", said, strings.Join(differences(m.model.facts(), now), "\n")))
}

// believe has disks hold what a failed action has given them.
func (m *machine) believe(v *move) {
	if v.holds[1] == "" {
		return
	}
	if d, there := m.model.disks[v.holds[0]]; v.holds[0] != "" {
		if !there || d.pool == "" {
			return
		}
		m.story.Believe(v.holds[0], v.holds[1], v.holds[2])
		return
	}
	for name := range m.model.disks {
		m.story.Believe(name, v.holds[1], v.holds[2])
	}
}

// follow does to the model what an action that succeeded does, and holds the world against it.
func (m *machine) follow(v *move) {
	v.after(m.model)
	now := m.story.Facts()
	m.complete(m.model, now)
	if bad := differences(m.model.facts(), now); len(bad) > 0 {
		m.demand(fmt.Errorf("it succeeded, and CloudStack has on record:\n%s", strings.Join(bad, "\n")))
	}
	m.demand(m.story.Holds(m.ctx))
}

// complete takes over sizes that the model leaves open: those of what a disk was made of.
func (m *machine) complete(to *model, now map[string]string) {
	for name, d := range to.disks {
		if d.mib > 0 || !strings.Contains(now["disk "+name], "MiB") {
			continue
		}
		parts := strings.Split(now["disk "+name], ", ")
		i := slices.IndexFunc(parts, func(p string) bool { return strings.HasSuffix(p, " MiB") })
		if _, err := fmt.Sscanf(parts[i], "%d MiB", &d.mib); err == nil {
			to.disks[name] = d
		}
	}
}

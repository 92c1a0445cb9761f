package cover

import (
	"regexp"
	"strings"
)

// disk is what the steps have said about a disk so far.
type disk struct {
	kind      Kind
	encrypted bool
	vm        string
	offering  string // what the offering says, as the steps put it
}

// walk follows the steps of one scenario. It knows the words of the features and nothing of what carries them out.
type walk struct {
	rules     []rule
	disks     map[string]disk
	running   map[string]bool   // by VM
	of        map[string]string // disk or VM of a snapshot, VM snapshot or template
	offerings map[string]string // what an offering says
	bypass    bool
	two       bool
	touched   map[string]map[Cell]bool // by row
	offered   map[string]map[Offering]bool
}

// rule is what a step does to the state of a walk.
type rule struct {
	step *regexp.Regexp
	then func(w *walk, m []string)
}

func newWalk(rules []rule) *walk {
	return &walk{
		rules: rules, disks: map[string]disk{}, running: map[string]bool{}, of: map[string]string{},
		offerings: map[string]string{}, touched: map[string]map[Cell]bool{}, offered: map[string]map[Offering]bool{},
	}
}

// rules returns the steps that set up or change disks. The first that matches counts.
func rules() []rule {
	on := func(pattern string, then func(w *walk, m []string)) rule {
		return rule{step: regexp.MustCompile(pattern), then: then}
	}
	return []rule{
		on(`^the bypass of secondary storage is (on|off)$`, func(w *walk, m []string) { w.bypass = m[1] == "on" }),
		on(`^the setting "sp.bypass.secondary.storage" of .* is "(true|false)"$`, func(w *walk, m []string) { w.bypass = m[1] == "true" }),
		on(`second StorPool cluster beside|cluster beside it|another StorPool far away|on the other StorPool|at the same location`,
			func(w *walk, _ []string) { w.two = true }),
		on(`^the (?:disk|compute) offering "([^"]*)" with (.*)$`, func(w *walk, m []string) { w.offerings[m[1]] = m[2] }),
		on(`^the (encrypted )?(ROOT|DATA) disk "([^"]*)", (attached|detached), with`, func(w *walk, m []string) { w.given(m[2], m[3], m[1] != "", m[4]) }),
		on(`^a detached DATA disk "([^"]*)" of \S+ \S+(?: with the offering "([^"]*)")?`, func(w *walk, m []string) { w.create(m[1], m[2], "") }),
		on(`^the (running|stopped) VM "([^"]*)"(?: with the (encrypted )?DATA disk "([^"]*)")?`, func(w *walk, m []string) {
			w.deploy(m[2], m[1] == "running", "")
			if m[4] != "" {
				w.disks[m[4]] = disk{kind: Data, encrypted: m[3] != "", vm: m[2]}
			}
		}),
		on(`^the VM "([^"]*)".* is deployed from the (?:ISO|template "[^"]*")(?: with the compute offering "([^"]*)")?`,
			func(w *walk, m []string) { w.deploy(m[1], true, m[2]) }),
		on(`^the VMs "([^"]*)" and "([^"]*)" are deployed`, func(w *walk, m []string) { w.deploy(m[1], true, ""); w.deploy(m[2], true, "") }),
		on(`^the DATA disk "([^"]*)" of \S+ \S+(?: with the offering "([^"]*)")? is created(?: on the pool "[^"]*" for "([^"]*)")?`,
			func(w *walk, m []string) { w.create(m[1], m[2], m[3]) }),
		on(`^the uploaded volume "([^"]*)"`, func(w *walk, m []string) { w.create(m[1], "", "") }),
		on(`^the disk "([^"]*)" is attached to "([^"]*)"`, func(w *walk, m []string) { w.attach(m[1], m[2]) }),
		on(`^the disk "([^"]*)" is detached`, func(w *walk, m []string) { w.attach(m[1], "") }),
		on(`^the disk "([^"]*)" is made (attached|detached)`, func(w *walk, m []string) { w.made(m[1], m[2] == "attached") }),
		on(`^the disk "([^"]*)" is moved to the offering "([^"]*)"`, func(w *walk, m []string) {
			d := w.disks[m[1]]
			d.offering = w.offerings[m[2]]
			w.disks[m[1]] = d
		}),
		on(`^the VM "([^"]*)" (?:is started|becomes Running)`, func(w *walk, m []string) { w.running[m[1]] = true }),
		on(`^the VM "([^"]*)" (?:is stopped|is force-stopped|becomes Stopped|is destroyed)`, func(w *walk, m []string) { w.running[m[1]] = false }),
		on(`^the (?:VM )?snapshot "([^"]*)" of "([^"]*)" is taken`, func(w *walk, m []string) { w.of[m[1]] = m[2] }),
		on(` the snapshot "([^"]*)" of "([^"]*)" is taken by its policy`, func(w *walk, m []string) { w.of[m[1]] = m[2] }),
		on(`^the volume "([^"]*)" is created .*from the snapshot "([^"]*)"(?: with the offering "([^"]*)")?`, func(w *walk, m []string) {
			w.create(m[1], m[3], "")
			if from := w.resolve(m[2]); len(from) == 1 {
				d := w.disks[m[1]]
				d.encrypted = from[0].encrypted
				w.disks[m[1]] = d
			}
		}),
		on(`^the template "([^"]*)" is made from the (?:disk|snapshot) "([^"]*)"`, func(w *walk, m []string) { w.of[m[1]] = m[2] }),
	}
}

// given is a disk of the VM "vm" that the shortest of the steps sets up.
func (w *walk) given(kind, name string, encrypted bool, state string) {
	d := disk{kind: Kind(kind), encrypted: encrypted, vm: "vm"}
	if state == "detached" && d.kind == Data {
		d.vm = ""
	}
	w.running["vm"] = state == "attached" || d.kind == Data
	w.disks[name] = d
}

func (w *walk) deploy(vm string, running bool, offering string) {
	says := w.offerings[offering]
	w.running[vm] = running
	w.disks[vm+"-root"] = disk{kind: Root, encrypted: strings.Contains(says, "encryption"), vm: vm, offering: says}
}

func (w *walk) create(name, offering, vm string) {
	says := w.offerings[offering]
	w.disks[name] = disk{kind: Data, encrypted: strings.Contains(says, "encryption"), vm: vm, offering: says}
}

func (w *walk) attach(name, vm string) {
	d := w.disks[name]
	d.vm = vm
	w.disks[name] = d
}

func (w *walk) made(name string, attached bool) {
	switch {
	case attached && w.disks[name].vm == "":
		w.attach(name, "vm")
		w.running["vm"] = true
	case !attached && w.disks[name].kind == Data:
		w.attach(name, "")
	default:
		w.running[w.disks[name].vm] = attached
	}
}

// resolve returns the disks that a name in a step stands for.
func (w *walk) resolve(name string) []disk {
	for range 4 { // a template of a snapshot of a disk
		if d, ok := w.disks[name]; ok {
			return []disk{d}
		}
		if _, ok := w.running[name]; ok {
			return w.disksOf(name)
		}
		name = w.of[name]
	}
	return nil
}

func (w *walk) disksOf(vm string) []disk {
	var out []disk
	for _, d := range w.disks {
		if d.vm == vm {
			out = append(out, d)
		}
	}
	return out
}

// step takes one step: the rows that it acts for get the cells of its disks as they are before it.
func (w *walk) step(text string, rows []Row) {
	for _, r := range w.rules {
		m := r.step.FindStringSubmatch(text)
		if m == nil {
			continue
		}
		created := creates(text)
		if !created {
			w.act(text, rows)
		}
		if created || !fails(text) {
			r.then(w, m)
		}
		if created {
			w.act(text, rows)
		}
		return
	}
	w.act(text, rows)
}

// creates tells whether what a step names exists only after it.
func creates(text string) bool {
	return strings.Contains(text, " deployed from ") || strings.Contains(text, "DATA disk ") || strings.HasPrefix(text, "the uploaded volume")
}

// fails tells whether a step says that nothing comes of it. A snapshot that fails is on record all the same.
func fails(text string) bool {
	return (strings.HasSuffix(text, ", which fails") || strings.HasSuffix(text, ", which is refused")) && !strings.Contains(text, " is taken")
}

func (w *walk) act(text string, rows []Row) {
	for _, row := range rows {
		m := row.action.FindStringSubmatch(text)
		if m == nil {
			continue
		}
		for _, name := range m[1:] {
			for _, d := range w.resolve(name) {
				if strings.Contains(text, ` is attached to "`+d.vm+`"`) {
					continue // it is there already
				}
				w.touch(row, d, w.inUse(d, text))
				if _, after, ok := strings.Cut(text, ` offering "`); ok {
					name, _, _ := strings.Cut(after, `"`)
					w.offer(row, w.offerings[name])
				}
			}
		}
		if row.only == none {
			w.touch(row, disk{kind: Data}, false)
		}
	}
}

// inUse tells whether the VM of a disk runs; for one that is about to be attached it is the VM that it goes to.
func (w *walk) inUse(d disk, text string) bool {
	if _, after, ok := strings.Cut(text, " is attached to \""); ok {
		vm, _, _ := strings.Cut(after, "\"")
		return w.running[vm]
	}
	return d.vm != "" && w.running[d.vm]
}

func (w *walk) touch(row Row, d disk, attached bool) {
	if row.only == Root && d.kind != Root || row.only == Data && d.kind != Data {
		return
	}
	c := Cell{Row: row.Number, Kind: d.kind, Attached: attached, Encrypted: d.encrypted, Bypass: w.bypass && row.bypass, Two: w.two}
	if w.touched[row.Number] == nil {
		w.touched[row.Number] = map[Cell]bool{}
	}
	w.touched[row.Number][c] = true
	w.offer(row, d.offering)
}

// offer notes the parts of an offering that a row's action meets.
func (w *walk) offer(row Row, says string) {
	if w.offered[row.Number] == nil {
		w.offered[row.Number] = map[Offering]bool{}
	}
	for _, o := range Offerings() {
		if o.in(says) {
			w.offered[row.Number][o] = true
		}
	}
}

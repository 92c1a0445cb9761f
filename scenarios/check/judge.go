package check

import (
	"fmt"
	"slices"
	"strings"
)

// Invariant is a rule that holds whenever nothing is in progress.
type Invariant struct {
	Name  string
	judge func(f *facts, report func(object, format string, args ...any))
}

// Violation is a broken invariant. Object names the object in the words of its own system.
type Violation struct {
	Invariant string
	Object    string
	Text      string
}

func (v Violation) String() string { return v.Invariant + ": " + v.Object + " " + v.Text }

// Invariants lists every invariant.
func Invariants() []Invariant {
	return []Invariant{
		{"every StorPool object has an owner", owned},
		{"every record has its StorPool object", backed},
		{"attachments belong to running VMs", attached},
		{"a volume is written by one host at most", singleWriter},
		{"disks of running VMs are attached to their host", connected},
		{"guests run where the inventory says", guests},
		{"sizes agree", sizes},
		{"tags agree", tags},
		{"placement templates and IOPS limits agree", policies},
		{"used bytes agree", usedBytes},
		{"snapshots, their details and their records agree", snapshots},
		{"VM snapshots, their members and their records agree", groups},
		{"secondary storage holds what is on record", files},
		{"nothing is left in a transitional state", states},
		{"no operation is open", intents},
		{"hosts hold nothing that no guest uses", leftovers},
		{"encrypted volumes lie in one LUKS layer each", layers},
		{"encrypted volumes open with their own passphrase only", keys},
		{"what encrypted volumes hold is readable nowhere", plaintext},
		{"passphrases are with core and with the hosts of running guests only", passphrases},
	}
}

// Judge returns every violation, in the order of [Invariants] and of the objects' names.
func Judge(o *Observation) []Violation {
	var out []Violation
	f := newFacts(o)
	for _, i := range Invariants() {
		from := len(out)
		i.judge(f, func(object, format string, args ...any) {
			out = append(out, Violation{i.Name, object, fmt.Sprintf(format, args...)})
		})
		slices.SortFunc(out[from:], func(a, b Violation) int { return strings.Compare(a.String(), b.String()) })
	}
	return out
}

// Failed is the error of broken invariants.
type Failed struct{ Violations []Violation }

func (f *Failed) Error() string {
	lines := make([]string, len(f.Violations))
	for i, v := range f.Violations {
		lines[i] = v.String()
	}
	return fmt.Sprintf("%d invariants broken:\n%s", len(lines), strings.Join(lines, "\n"))
}

// Err is Judge as an error: nil or a [*Failed].
func Err(o *Observation) error {
	if v := Judge(o); len(v) > 0 {
		return &Failed{v}
	}
	return nil
}

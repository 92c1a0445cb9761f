package sweep

import (
	"path"
	"slices"
)

// Exception is a broken promise that is on purpose. Operation, Step and Way are patterns as [path.Match] has them, where
// a slash counts as any other character; empty ones match everything.
type Exception struct {
	Operation, Step, Way string
	Problem              Problem
	// Changes are patterns too: each change must match one of them, so that an exception hides nothing else.
	Changes []string
	Reason  string
	// Known tells that it is no design but a finding that is not mended yet, which shows only sometimes: it need not be
	// used.
	Known bool
}

// Exceptions lists what the sweep accepts. One that is not used is a violation of its own.
func Exceptions() []Exception {
	return slices.Concat(leftovers(), forward())
}

// leftovers are what a failed operation leaves by CloudStack's design.
func leftovers() []Exception {
	const cache, cached = "+ StorPool object *Snapshot:true*cs:template*", "+ cached template *State:Ready*"
	return []Exception{
		{
			Operation: "*deploy*", Problem: Changed, Changes: []string{cache, cached, "+ StorPool object *Snapshot:false*cs:volume*"},
			Reason: "the cached copy of the template is kept for the next VM; the ROOT disk of a VM that did not start is removed with the VM",
		},
		{
			Operation: "attach", Problem: Changed,
			Changes: []string{"- volume *State:Allocated*", "+ volume *State:Ready VM:0*", "+ StorPool object *Snapshot:false*cs:volume*"},
			Reason:  "the first attach creates the volume; when the attach itself fails the volume stays, ready and detached",
		},
		{
			Operation: "delete volume", Step: "POST VolumeDelete", Problem: Changed,
			Changes: []string{"- volume *State:Ready*", "+ volume *State:Destroy*"},
			Reason:  "a volume whose deletion failed stays in state Destroy, from where it is deleted again",
		},
	}
}

// forward are the operations that fail after their point of no return: what was begun is finished by the reconciliation.
func forward() []Exception {
	return []Exception{
		{
			Operation: "delete volume", Way: "hung", Problem: Forward,
			Reason: "nobody knows whether the volume is deleted: the deletion is finished later",
		},
		{
			Operation: "move live", Step: "POST VolumeUpdate", Way: "hung", Problem: Forward,
			Reason: "nobody knows whether the placement has changed: that the volume is told of its new place is repeated later",
		},
		{
			Operation: "revert", Step: "POST VolumeUpdate", Problem: Forward,
			Reason: "the contents are the snapshot's already: the limit is set later",
		},
		{
			Operation: "revert", Step: "GET Volume", Problem: Forward,
			Reason: "the contents are the snapshot's already: the size is put on record later",
		},
		{
			Operation: "delete snapshot", Way: "hung", Problem: Forward,
			Reason: "nobody knows whether the snapshot is deleted: the deletion is finished later",
		},
		{
			Operation: "revert to VM snapshot", Problem: Forward,
			Reason: "all disks are reverted: the safety snapshots are removed later",
		},
		{
			Operation: "delete VM snapshot", Problem: Forward,
			Reason: "a member is gone, or may be: the others are deleted later",
		},
	}
}

// Covers tells whether the exception is about a violation.
func (e Exception) Covers(v Violation) bool {
	for _, change := range v.Changes {
		if !slices.ContainsFunc(e.Changes, func(pattern string) bool { return fits(pattern, change) }) {
			return false
		}
	}
	return e.Problem == v.Problem && fits(e.Operation, v.Operation) && fits(e.Step, v.Step) && fits(e.Way, string(v.Way))
}

func fits(pattern, text string) bool {
	if pattern == "" {
		return true
	}
	ok, err := path.Match(flat(pattern), flat(text))
	return ok && err == nil
}

// flat has no separators, so that * stands for any text.
func flat(s string) string {
	b := []byte(s)
	for i := range b {
		if b[i] == '/' {
			b[i] = '.'
		}
	}
	return string(b)
}

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
	// Sometimes tells that it depends on whether caller or host is first, so that it need not be used.
	Sometimes bool
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
		{
			Operation: "collect garbage", Problem: Changed,
			Changes: []string{"- cached template *Marked:false*", "+ cached template *Marked:true*", "- StorPool object *Snapshot:true*cs:template*"},
			Reason:  "a cached template that could not be evicted stays marked, and is evicted by the next collection",
		},
		{
			Operation: "upload and attach", Problem: Changed,
			Changes: []string{
				"- file *volumes*", "- volume record *State:Ready*", "- volume *State:Uploaded*", "+ volume *State:Ready VM:0*",
				"+ StorPool object *Snapshot:false*cs:volume*",
			},
			Reason: "the first attach brings the volume to the pool; when the attach itself fails the volume stays there, ready and detached",
		},
		{
			Operation: "join host", Way: "agent dies", Problem: Changed, Changes: []string{"+ attachment *read-write true"},
			Reason: "what an agent that died had attached it detaches when it connects again; the check volume holds nothing",
		},
		{
			Operation: "expunge VM", Step: "POST VolumeDelete", Problem: Changed, Changes: []string{"*"},
			Reason: "a VM that was stopped and whose ROOT disk could not be deleted waits in state Expunging, from where it is expunged again",
		},
		{
			Operation: "restart elsewhere", Problem: Changed,
			Changes: []string{"- VM *State:Running*", "+ VM *State:Stopped*", "- attachment *", "+ detail stopped.unseen.on of vm *"},
			Reason:  "the host of the VM is dead: the VM is stopped whether or not it can start elsewhere now",
		},
		{
			Operation: "delete with a safety snapshot", Problem: Changed,
			Changes: []string{"- volume *State:Ready*", "+ volume *State:Destroy*"},
			Reason:  "a volume whose deletion failed stays in state Destroy, from where it is deleted again",
		},
	}
}

// forward are the operations that fail after their point of no return: what was begun is finished by the reconciliation.
func forward() []Exception { //nolint:funlen // a table
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
		{
			Operation: "delete pool", Step: "POST VolumeDelete", Problem: Forward,
			Reason: "the pool is gone from the hosts; check volumes that are left are deleted later",
		},
		{
			Operation: "delete copied snapshot", Problem: Forward,
			Reason: "the snapshot is gone from one StorPool, or may be: it is deleted from the other one later",
		},
		{
			Operation: "stop VM", Step: "agent Stop*", Problem: Forward,
			Reason: "a host that did not answer was asked to stop the VM, and is asked again",
		},
		{
			Operation: "expunge VM", Way: "hung", Problem: Forward,
			Reason: "nobody knows whether the ROOT disk is deleted: the deletion is finished later",
		},
		{
			Operation: "delete with a safety snapshot", Way: "hung", Problem: Forward,
			Reason: "nobody knows whether the volume is deleted: the deletion is finished later",
		},
		{
			Operation: "* policy", Step: "POST VolumeUpdate", Problem: Forward,
			Reason: "the tag of the VM is on record: volumes that were not told are told later",
		},
		{
			Operation: "move VM with its disks", Step: "agent Migrate*", Way: "answer lost", Problem: Forward, Sometimes: true,
			Reason: "while nobody knows where the VM runs nothing is taken back; when it has arrived, it is put on record there",
		},
		{
			Operation: "revert from backup", Problem: Forward,
			Reason: "the volume may be overwritten in part: it stays Reverting until the backup is written whole",
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

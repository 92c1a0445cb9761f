package stage

import (
	"context"
	"fmt"
	"maps"
	"slices"

	"github.com/spsim/spsim/driver/inventory"
	"github.com/spsim/spsim/scenarios/check"
)

// fact is what is known of one thing. One that is over is the record of something that failed or was removed: it counts
// only when it was something else before.
type fact struct {
	text string
	over bool
}

// Facts is what a failed operation must leave as it was: StorPool's objects with their contents, attachments, files,
// rows.
type Facts map[string]fact

// FactsOf takes down an observation.
func FactsOf(ctx context.Context, o *check.Observation) (Facts, error) {
	f := Facts{}
	for _, x := range o.Objects {
		if x.Transient {
			continue
		}
		sum, err := o.Hash(ctx, x.GlobalID)
		if err != nil {
			return nil, fmt.Errorf("digest ~%s: %w", x.GlobalID, err)
		}
		f.add("StorPool object", x.GlobalID, fmt.Sprintf("%+v, contents %.12s", x, sum), false)
	}
	for _, x := range o.Attachments {
		f.add("attachment of", fmt.Sprintf("%s to client %d", x.GlobalID, x.Client), fmt.Sprintf("read-write %t", x.ReadWrite), false)
	}
	for _, x := range o.Files {
		f.add("file", fmt.Sprintf("%d/%d/%s", x.Store, x.Pool, x.Name), fmt.Sprintf("%d bytes", x.Size), false)
	}
	f.rows(&o.Inventory)
	return f, nil
}

func (f Facts) add(kind string, id any, text string, over bool) {
	f[fmt.Sprint(kind, " ", id)] = fact{text, over}
}

// rows adds the inventory. A row whose owner failed is over as well.
func (f Facts) rows(i *check.Inventory) {
	failed := map[inventory.ID]bool{}
	for _, x := range i.VMs {
		x.LastHost = 0
		over := x.State == inventory.VMError || x.State == inventory.VMExpunging || x.State == inventory.VMDestroyed
		failed[x.ID] = over
		f.add("VM", x.ID, fmt.Sprintf("%+v", x), over)
	}
	for _, x := range i.Volumes {
		if x.Path == "" {
			x.Format = "" // of no object
		}
		over := x.State == inventory.VolumeDestroy || x.State == inventory.VolumeExpunged || failed[x.VM]
		f.add("volume", x.ID, fmt.Sprintf("%+v", x), over)
	}
	for _, x := range i.Snapshots {
		over := x.State == inventory.SnapshotError || x.State == inventory.SnapshotDestroyed
		f.add("snapshot", x.ID, fmt.Sprintf("%+v", x), over)
	}
	for _, x := range i.VMSnapshots {
		f.add("VM snapshot", x.ID, fmt.Sprintf("%+v", x), x.State == inventory.VMSnapshotError)
	}
	f.records(i)
}

func (f Facts) records(i *check.Inventory) {
	for _, x := range i.SnapshotRefs {
		f.add("snapshot record", x.ID, fmt.Sprintf("%+v", x), ended(x.State))
	}
	for _, x := range i.VolumeStores {
		f.add("volume record", x.ID, fmt.Sprintf("%+v", x), ended(x.State))
	}
	for _, x := range i.Templates {
		f.add("template", x.ID, fmt.Sprintf("%+v", x), x.Removed)
	}
	for _, x := range i.TemplateStores {
		f.add("template record", x.ID, fmt.Sprintf("%+v", x), ended(x.State))
	}
	for _, x := range i.TemplatePools {
		f.add("cached template", x.ID, fmt.Sprintf("%+v", x), ended(x.State))
	}
	for owner, details := range i.Details {
		whose, known := f[fmt.Sprint(ownerKind(owner.Kind), " ", owner.ID)]
		for name, value := range details {
			f.add("detail", fmt.Sprintf("%s of %s %d", name, owner.Kind, owner.ID), value, whose.over || !known)
		}
	}
}

// ownerKind is the kind of fact that an owner of details is.
func ownerKind(k inventory.Kind) string {
	return map[inventory.Kind]string{
		inventory.OfVM: "VM", inventory.OfVolume: "volume", inventory.OfSnapshot: "snapshot", inventory.OfVMSnapshot: "VM snapshot",
	}[k]
}

func ended(s inventory.RefState) bool {
	return s == inventory.RefFailed || s == inventory.RefDestroyed
}

// Changes lists what is not as it was before.
func (f Facts) Changes(before Facts) (out []string) {
	for _, key := range slices.Sorted(maps.Keys(before)) {
		now, there := f[key]
		was := before[key]
		switch {
		case !there && !was.over:
			out = append(out, fmt.Sprintf("- %s: %s", key, was.text))
		case there && now.text != was.text:
			out = append(out, fmt.Sprintf("- %s: %s", key, was.text), fmt.Sprintf("+ %s: %s", key, now.text))
		}
	}
	for _, key := range slices.Sorted(maps.Keys(f)) {
		if _, there := before[key]; !there && !f[key].over {
			out = append(out, fmt.Sprintf("+ %s: %s", key, f[key].text))
		}
	}
	return out
}

// Texts are the facts that are not over, one text each, in a stable order.
func (f Facts) Texts() (out []string) {
	for _, key := range slices.Sorted(maps.Keys(f)) {
		if !f[key].over {
			out = append(out, key+": "+f[key].text)
		}
	}
	return out
}

package live

import (
	"context"
	"errors"
	"fmt"
	"os"

	"github.com/spsim/spsim/driver/spapi"
)

// Tag is the tag that every object of a run carries. Its value is the scope: the run's name, a dot and the number of the
// scenario.
const Tag = "spsim-run"

const separator = "."

// Removed says what a clean-up has removed, and what it has not.
type Removed struct {
	Run       string
	Volumes   int
	Snapshots int
	// Kept are objects that the journal names and that do not carry the run's tag: whatever they are now, they are not
	// removed.
	Kept []string
}

// Cleanup removes what a killed run has left: everything that carries its tag. It needs the journal's cluster. What is gone
// already is no error. The journal is removed when everything else is.
func Cleanup(ctx context.Context, cfg Config, file string) (Removed, error) {
	l, err := readJournal(file)
	if err != nil {
		return Removed{}, err
	}
	out := Removed{Run: l.run}
	if cfg.API == "" {
		cfg.API = l.api
	}
	api, err := client(cfg, cfg.Transport)
	if err != nil {
		return out, err
	}
	foreign, ours, err := look(ctx, api, l.run)
	if err != nil {
		return out, fmt.Errorf("%w: look for what the run %s has left at %s: %w", ErrUsage, l.run, cfg.API, err)
	}
	for gid := range l.ids {
		if _, there := foreign[gid]; there {
			out.Kept = append(out.Kept, gid)
		}
	}
	if err := remove(ctx, api, ours, &out); err != nil {
		return out, err
	}
	if err := os.Remove(file); err != nil {
		return out, fmt.Errorf("remove the journal: %w", err)
	}
	return out, nil
}

// remove deletes objects, attached or not, children first.
func remove(ctx context.Context, api *spapi.Client, list []object, out *Removed) error {
	childrenFirst(list)
	var errs []error
	for _, o := range list {
		if err := removeOne(ctx, api, o); err != nil {
			errs = append(errs, fmt.Errorf("remove ~%s: %w", o.gid, err))
			continue
		}
		if o.snapshot {
			out.Snapshots++
		} else {
			out.Volumes++
		}
	}
	return errors.Join(errs...)
}

func removeOne(ctx context.Context, api *spapi.Client, o object) error {
	var err error
	if o.snapshot {
		err = api.VolumesReassign(ctx, spapi.Reassign{Snapshot: "~" + o.gid, Detach: spapi.Clients{All: true}, Force: true})
		if err == nil {
			err = api.SnapshotDelete(ctx, "~"+o.gid)
		}
	} else {
		err = api.VolumeDelete(ctx, "~"+o.gid, spapi.VolumeDelete{OnAttached: spapi.DetachForce})
	}
	if errors.Is(err, spapi.ErrNotFound) {
		return nil // a bound snapshot goes with its last child
	}
	return err
}

package driver

import (
	"context"
	"errors"
	"maps"
	"slices"
	"strings"

	"github.com/spsim/spsim/driver/inventory"
	"github.com/spsim/spsim/driver/quirk"
	"github.com/spsim/spsim/driver/spapi"
)

// copyRules are the decisions about copies of snapshots to other locations, and about objects that nobody knows.
type copyRules struct {
	alwaysLooks     func() bool
	homeOf          func(ctx context.Context, c *conn, snapshot string) (string, error)
	clusterEndpoint func(text string) descriptor
	exported        func(ctx context.Context, o *op, p copyPlan) error
	copyFailed      func(o *op, err error)
	copyArrived     func(ctx context.Context, d *Driver, e export) (bool, error)
	endExport       func(ctx context.Context, c *conn, e export) error

	together      func(errs []error) error
	goesOn        func(begun bool) bool // to the next pool after a failure, given whether the deletion has begun
	stillExported func(err error, onRecord bool) bool
	volumeKnown   func(v inventory.Volume) bool
	snapshotKnown func(tx *inventory.Tx, s spapi.Snapshot) bool
	leftover      func(d *Driver, role string, snapshot bool, made int64) bool
}

func correctCopies() copyRules {
	return copyRules{
		alwaysLooks: func() bool { return false }, homeOf: homeOf, clusterEndpoint: parsePairs,
		exported: func(context.Context, *op, copyPlan) error { return nil }, copyFailed: nothingMore,
		copyArrived: copyArrived, endExport: endExport,
		together:      func(errs []error) error { return errors.Join(errs...) },
		goesOn:        func(begun bool) bool { return begun },
		stillExported: stillExported, volumeKnown: volumeKnown, snapshotKnown: snapshotKnown, leftover: leftover,
	}
}

func zoneQuirks() []quirk.Quirk[rules] {
	return []quirk.Quirk[rules]{
		{
			Info: defect("D-9a", "A", "13.3", "an export ends as soon as the source has the data, which it always has: a long copy breaks", "S-8"),
			Apply: func(r *rules) {
				r.copyArrived = arrivedAnywhere
			},
		},
		{
			Info: defect("D-9b", "A", "13.3", "an export is taken back by force and for every location", "S-8"),
			Apply: func(r *rules) {
				r.endExport = func(ctx context.Context, c *conn, e export) error {
					return c.SnapshotUnexport(ctx, spapi.SnapshotUnexport{Snapshot: e.name, Force: true, All: true})
				}
			},
		},
		{
			Info: defect("D-9c", "B", "12.1", "a copy that fails leaves its export, and what was fetched", "S-10"),
			Apply: func(r *rules) {
				r.exported = func(_ context.Context, o *op, p copyPlan) error {
					return o.d.inv.Update(func(tx *inventory.Tx) error { noteExport(tx, p); return nil })
				}
				r.copyFailed = func(o *op, err error) {
					if !errors.Is(err, errCrash) {
						o.undo = nil
					}
				}
			},
		},
		{
			Info:  defect("D-21b", "C", "12.1", "the cluster of a snapshot to be exported is asked for by an update call, needed or not"),
			Apply: func(r *rules) { r.alwaysLooks, r.homeOf = func() bool { return true }, homeByUpdate },
		},
		{
			Info: quirk.Info{
				ID: "S-10", Severity: "C", Source: "driver-management 2",
				Reason: "the endpoint of a cluster is read by position: with its parts the other way round it is not understood",
			},
			Apply: func(r *rules) { r.clusterEndpoint = byPosition },
		},
		{
			Info:  defect("D-7d", "B", "12.1", "of a snapshot in several zones the result of the last one counts", "S-7"),
			Apply: func(r *rules) { r.together, r.goesOn = lastOf, func(bool) bool { return true } },
		},
		{
			Info: quirk.Info{
				ID: "SUS-18", Severity: "C", Source: "upstream-history 6",
				Reason: "that a snapshot is still exported is known by one wording of the error only",
			},
			Apply: func(r *rules) {
				r.stillExported = func(err error, _ bool) bool { return errors.Is(err, spapi.ErrExported) }
			},
		},
		hidden("D-9z", "B", "12.1", "a copy without a location completes twice", "an operation here returns once", "S-9", "SUS-20"),
	}
}

func lastOf(errs []error) error {
	if len(errs) == 0 {
		return nil
	}
	return errs[len(errs)-1]
}

func homeByUpdate(ctx context.Context, c *conn, snapshot string) (string, error) {
	return c.SnapshotUpdate(ctx, snapshot, spapi.SnapshotUpdate{})
}

// arrivedAnywhere asks one pool of each zone, the source's among them.
func arrivedAnywhere(ctx context.Context, d *Driver, e export) (bool, error) {
	last := map[inventory.ID]inventory.ID{}
	err := d.inv.View(func(tx *inventory.Tx) error {
		for _, p := range tx.Pools.All(func(p inventory.Pool) bool { return p.Provider == inventory.StorPool }) {
			last[p.Zone] = p.ID
		}
		return nil
	})
	if err != nil {
		return false, err
	}
	for _, zone := range slices.Sorted(maps.Keys(last)) {
		c, err := d.connect(ctx, last[zone])
		if err != nil {
			return false, err
		}
		list, err := c.SnapshotsList(ctx)
		if err != nil {
			return false, err
		}
		for _, s := range list {
			if s.Name == e.name && !s.RecoveringFromRemote {
				return true, nil
			}
		}
	}
	return false, nil
}

func byPosition(text string) (desc descriptor) {
	parts := strings.Split(text, ";")
	_, desc.hostPort, _ = strings.Cut(parts[0], "=")
	if len(parts) > 1 {
		_, desc.token, _ = strings.Cut(parts[1], "=")
	}
	return desc
}

func orphanQuirks() []quirk.Quirk[rules] {
	return []quirk.Quirk[rules]{
		{
			Info: quirk.Info{
				ID: "S-26", Severity: "C", Source: "driver-strategies 9.1, 9.2",
				Reason: "the report of unknown objects names volumes that are worked on and every safety snapshot",
			},
			Apply: func(r *rules) {
				r.volumeKnown = func(v inventory.Volume) bool { return v.State == inventory.VolumeReady }
				next := r.snapshotKnown
				r.snapshotKnown = func(tx *inventory.Tx, s spapi.Snapshot) bool {
					return s.Tags[tagRole] != roleDelayDelete && next(tx, s)
				}
			},
		},
		{
			Info: defect("D-39", "C", "13.2", "objects that nobody needs are reported at most, never deleted"),
			Apply: func(r *rules) {
				r.leftover = func(*Driver, string, bool, int64) bool { return false }
			},
		},
	}
}

package driver

import (
	"context"
	"errors"
	"fmt"

	"github.com/spsim/spsim/driver/agentapi"
	"github.com/spsim/spsim/driver/inventory"
	"github.com/spsim/spsim/driver/quirk"
	"github.com/spsim/spsim/driver/spapi"
)

// snapshotQuirks are the defects of snapshots, their copies, restores and deletion, and of templates.
func snapshotQuirks() []quirk.Quirk[rules] {
	return append(copyQuirks(), append(templateQuirks(), append(removalQuirks(), expiryQuirks()...)...)...)
}

func copyQuirks() []quirk.Quirk[rules] {
	return []quirk.Quirk[rules]{
		{
			Info: defect("D-1", "A", "10.1", "a snapshot whose passed record is on secondary storage is restored as an empty volume", "S-13"),
			Apply: func(r *rules) {
				r.restoreParent = func(tx *inventory.Tx, _ inventory.Snapshot, src Object) (string, bool) {
					return passedName(tx, src), true
				}
			},
		},
		{
			Info: defect("D-2", "A", "10.1", "a restore from secondary storage always fails after the download and leaves the volume behind", "S-14", "SUS-10"),
			Apply: func(r *rules) {
				r.restoreBackup = restoreAndFail
			},
		},
		{
			Info:  defect("D-32a", "B", "9.6", "a revert detaches the volume before it knows whether the snapshot exists; a missing name is sent"),
			Apply: func(r *rules) { r.revertible, r.bothExist = anyRevert, unseen },
		},
		{
			Info: defect("D-32b", "B", "9.6", "a revert leaves the size of the volume as it is and records that of the snapshot", "S-23"),
			Apply: func(r *rules) {
				r.revertRequest = func(p revertPlan) spapi.VolumeRevert { return spapi.VolumeRevert{ToSnapshot: p.to} }
				r.revertedSize = func(_ context.Context, _ *op, _ *conn, p revertPlan) (int64, error) { return p.snapshot.Size, nil }
			},
		},
		{
			Info:  defect("D-32c", "C", "9.6", "a limit that could not be set after a revert is only logged"),
			Apply: func(r *rules) { r.limitFailed = ignored },
		},
		{
			Info: defect("D-33a", "A", "10.2", "a host that does not answer has made a backup", "S-3"),
			Apply: func(r *rules) {
				next := r.backupResult
				r.backupResult = func(a *agentapi.Answer, host inventory.ID) (agentapi.Snapshot, error) {
					if a == nil {
						return agentapi.Snapshot{}, nil
					}
					return next(a, host)
				}
			},
		},
		{
			Info:  defect("D-33b", "B", "10.2", "a failed backup leaves the snapshot's details, and unless the host refused the snapshot too", "S-3"),
			Apply: func(r *rules) { r.backupFailed = dropIfRefused },
		},
	}
}

// anyRevert and unseen let a revert begin without a look at what it needs.
func anyRevert(revertPlan) error                      { return nil }
func unseen(context.Context, *conn, revertPlan) error { return nil }

// restoreAndFail downloads a backup the way of branches 3b and 4 of driver-management 10.1.
func restoreAndFail(ctx context.Context, o *op, c *conn, p restorePlan, cause error) (Result, error) {
	o.undo = nil // what is made stays
	request, known := o.d.cloneRequest(c, p, ""), false
	if known = cause != nil && !errors.Is(cause, spapi.ErrNotFound); known {
		request = spapi.VolumeCreate{
			Name: nameless(), Size: request.Size, Template: c.template, Tags: siteVolumeOfBackup.tags(p.tags),
		}
	}
	gid, err := step(ctx, o, "create volume for backup",
		func(ctx context.Context) (string, error) { return o.makeVolume(ctx, c, request) }, nil)
	if err != nil {
		return Result{}, err
	}
	err = act(ctx, o, "download backup", func(ctx context.Context) error { return o.download(ctx, c, p, gid) }, nil)
	switch {
	case errors.Is(err, errCrash):
		return Result{}, err
	case !known:
		return Result{}, errors.New("the answer that failed has no name of a volume")
	case err != nil:
		return Result{}, err
	}
	return Result{Path: devPath(gid), Size: p.row.Size, Format: p.row.Format}, nil
}

// dropIfRefused deletes the snapshot when the host said no, and keeps it otherwise; details stay.
func dropIfRefused(ctx context.Context, o *op, c *conn, p backupPlan, cause error) error {
	var agent *AgentError
	if !errors.As(cause, &agent) || agent.Silent {
		return nil
	}
	if err := deleteSnapshot(ctx, c, p.name); err != nil {
		o.d.log.WarnContext(ctx, "snapshot of a failed backup not deleted", "snapshot", p.src.ID, "error", err)
	}
	return nil
}

func templateQuirks() []quirk.Quirk[rules] {
	return []quirk.Quirk[rules]{
		{
			Info: defect("D-6", "B", "10.3, 11.1", "base snapshots of deleted templates stay on StorPool for ever"),
			Apply: func(r *rules) {
				r.deleteBases = func(context.Context, *Driver, inventory.ID) error { return nil }
			},
		},
		{
			Info:  defect("D-13", "B", "10.4", "a template whose base snapshot is gone can never be used on the pool again"),
			Apply: func(r *rules) { r.downloadInstead = func(error) bool { return false } },
		},
		{
			Info: quirk.Info{
				ID: "SP-2", Severity: "B", Source: "upstream-history 2.1",
				Reason: "a cached template that StorPool has lost stays on record as ready: no VM can be deployed from it",
			},
			Apply: func(r *rules) {
				r.cacheLost = func(_ context.Context, _ *Driver, _, _ inventory.ID, err error) (inventory.TemplatePool, error) {
					return inventory.TemplatePool{}, err
				}
			},
		},
		{
			Info: defect("D-35", "B", "10.5", "a root volume enlarged to its template's size is recorded with the smaller one"),
			Apply: func(r *rules) {
				r.rootSize = func(asked, _ int64) int64 { return asked }
			},
		},
	}
}

func removalQuirks() []quirk.Quirk[rules] {
	return []quirk.Quirk[rules]{
		{
			Info: defect("D-7a", "B", "12.1", "the details of a deleted snapshot stay: its id is taken for that of a detail", "S-5"),
			Apply: func(r *rules) {
				r.forgetSnapshot = func(*inventory.Tx, inventory.Snapshot) {}
			},
		},
		{
			Info:  defect("D-7b", "B", "12.1", "a snapshot that StorPool does not have is deleted without its backup, details and states", "S-6"),
			Apply: func(r *rules) { r.missingSnapshot = halfDone },
		},
		{
			Info: defect("D-7c", "B", "12.1", "a record on secondary storage that holds a device path makes a deletion that succeeded fail"),
			Apply: func(r *rules) {
				next := r.deleteBackup
				r.deleteBackup = func(ctx context.Context, d *Driver, ref inventory.SnapshotRef) error {
					if apiName(ref.Path, true) != "" {
						return fmt.Errorf("nothing deleted for record %d", ref.ID)
					}
					return next(ctx, d, ref)
				}
			},
		},
		hidden("S-4", "A", "12.1", "the StorPool snapshot is deleted before the state of the snapshot is looked at",
			"CloudStack asks for the deletion of snapshots in the right states only"),
		hidden("S-28", "C", "12.1", "asking whether the strategy handles a snapshot writes its details, and fails for safety snapshots",
			"the answer and what follows are the same"),
		{
			Info:  defect("D-24", "B", "9.4", "a missing snapshot fails its deletion, and one without a name is asked for as null"),
			Apply: func(r *rules) { r.deleteObject = deleteNull },
		},
		{
			Info:  defect("D-38", "C", "12.1", "a snapshot is claimed by the states of its records, not by what is on StorPool"),
			Apply: func(r *rules) { r.claims = claimsByRecords },
		},
	}
}

// halfDone takes a missing snapshot for deleted and leaves everything else; the snapshot ends only if no record is ready.
func halfDone(ctx context.Context, o *op, r removal) (stop bool, err error) {
	if !o.pivoted {
		if err := o.pivot(ctx); err != nil {
			return true, err
		}
	}
	return true, o.d.inv.Update(func(tx *inventory.Tx) error {
		for _, ref := range r.refs {
			if ref.Role == inventory.Image {
				ref.State = inventory.RefReady
				tx.SnapshotRefs.Put(ref)
			}
		}
		_, ready := tx.SnapshotRefs.Find(func(ref inventory.SnapshotRef) bool {
			return ref.Snapshot == r.row.ID && ref.State != inventory.RefDestroyed && ref.State != inventory.RefDestroying
		})
		if ready {
			return nil
		}
		return tx.Snapshots.Change(r.row.ID, func(s *inventory.Snapshot) { s.State = inventory.SnapshotDestroyed })
	})
}

// deleteNull sends what it is given, and hands on every error.
func deleteNull(ctx context.Context, c *conn, name string) error {
	if err := c.VolumesReassign(ctx, spapi.Reassign{Snapshot: name, Detach: spapi.Everybody(), Force: true}); err != nil {
		return err
	}
	if name == "" {
		name = "null"
	}
	return c.SnapshotDelete(ctx, name)
}

// claimsByRecords is driver-management 12.1: a ready primary record, or none at all and a device path on an image store.
func claimsByRecords(tx *inventory.Tx, s inventory.Snapshot, zone inventory.ID) bool {
	primary, ready, device := false, false, false
	for _, ref := range tx.SnapshotRefs.All(func(r inventory.SnapshotRef) bool {
		return r.Snapshot == s.ID && (zone == 0 || zoneOf(tx, r) == zone)
	}) {
		if ref.Role == inventory.Primary {
			primary, ready = true, ready || ref.State == inventory.RefReady
		} else {
			device = device || apiName(ref.Path, true) != ""
		}
	}
	return ready || !primary && device
}

func expiryQuirks() []quirk.Quirk[rules] {
	return []quirk.Quirk[rules]{
		{
			Info:  defect("D-16d", "B", "13.1", "one zone without safety snapshots ends the look for expired ones in all others"),
			Apply: func(r *rules) { r.emptyZoneEnds = func() bool { return true } },
		},
		{
			Info: defect("D-16e", "B", "13.1", "one tagged snapshot without a cs tag ends the look for expired ones", "SUS-15"),
			Apply: func(r *rules) {
				next := r.present
				r.present = func(clusters []spapi.ByCluster[spapi.Snapshot]) (map[string]bool, error) {
					for _, cluster := range clusters {
						for _, s := range cluster.Data {
							if _, ok := s.Tags[tagRole]; !ok && len(s.Tags) > 0 {
								return nil, fmt.Errorf("snapshot %s has no tag %s", s.Name, tagRole)
							}
						}
					}
					return next(clusters)
				}
			},
		},
		{
			Info: defect("D-16f", "A", "13.1", "a cluster that did not answer makes living safety snapshots end as expired"),
			Apply: func(r *rules) {
				next := r.present
				r.present = func(clusters []spapi.ByCluster[spapi.Snapshot]) (map[string]bool, error) {
					var answered []spapi.ByCluster[spapi.Snapshot]
					for _, cluster := range clusters {
						var odd *spapi.AnswerError
						if !errors.As(cluster.Err, &odd) {
							answered = append(answered, cluster)
						}
					}
					return next(answered)
				}
			},
		},
		{
			Info:  defect("D-16g", "B", "13.1", "the store record of an expired safety snapshot is never closed"),
			Apply: func(r *rules) { r.closeSafetyRef = func(*inventory.Tx, inventory.ID) {} },
		},
		hidden("D-16h", "C", "13.1", "the look for expired snapshots is not started when its option is set later", "who calls it decides when"),
	}
}

package driver

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/spsim/spsim/driver/agentapi"
	"github.com/spsim/spsim/driver/inventory"
	"github.com/spsim/spsim/driver/quirk"
	"github.com/spsim/spsim/driver/spapi"
)

// moveQuirks are the defects of templates that are made and of volumes that go elsewhere.
func moveQuirks() []quirk.Quirk[rules] {
	return slices.Concat(bakeQuirks(), betweenQuirks(), awayQuirks(), importQuirks(), migrateQuirks())
}

func bakeQuirks() []quirk.Quirk[rules] {
	return []quirk.Quirk[rules]{
		{
			Info: defect("D-14", "A", "10.3", "a template of a volume is copied from the volume in use, its base snapshot is taken "+
				"afterwards: the two can differ; any host is asked, and a copy that failed stays"),
			Apply: func(r *rules) { r.bake = bakeFromVolume },
		},
		{
			Info: defect("D-5a", "A", "11.1", "a host that refused to make a template of a snapshot, or kept silent, has made it", "S-11"),
			Apply: func(r *rules) {
				next := r.templateAnswer
				r.templateAnswer = func(a *agentapi.Answer, host inventory.ID) (agentapi.Template, bool, error) {
					if a == nil || !a.OK {
						return agentapi.Template{}, false, nil
					}
					return next(a, host)
				}
			},
		},
		{
			Info: defect("D-5b", "B", "11.1", "a template that failed is marked as one of the pool, which can never be deleted then", "S-11"),
			Apply: func(r *rules) {
				r.templateFailed = func(d *Driver, template, pool inventory.ID) error {
					return d.inv.Update(func(tx *inventory.Tx) error {
						tx.Details.Set(inventory.Owner{Kind: inventory.OfTemplate, ID: template}, detailPool, fmt.Sprint(pool))
						return nil
					})
				}
			},
		},
		{
			Info:  defect("D-5c", "B", "11.1", "an odd answer of a host, or a refusal to tell where the snapshot lives, leaves the work volume behind"),
			Apply: func(r *rules) { r.workLeft = leftUnlessRefused },
		},
	}
}

// leftUnlessRefused undoes nothing unless a host said no in so many words.
func leftUnlessRefused(o *op, err error) {
	var agent *AgentError
	if errors.Is(err, errCrash) || errors.Is(err, ErrNoHost) || errors.As(err, &agent) && !agent.Silent && !agent.Odd {
		return
	}
	o.undo = nil
}

// bakeFromVolume has a host copy the volume itself and takes the base snapshot afterwards.
func bakeFromVolume(ctx context.Context, o *op, c *conn, p templatePlan) (base string, out agentapi.Template, err error) {
	out, err = step(ctx, o, "write template", func(ctx context.Context) (agentapi.Template, error) {
		host, err := o.d.anyHost(c.pool.ID)
		if err != nil {
			return out, err
		}
		return o.d.writeTemplate(ctx, host, agentapi.BackupTemplateFromSnapshot{Volume: &p.volumeTO, Dest: p.to, Wait: p.wait})
	}, nil)
	if err != nil {
		return "", out, err
	}
	base, err = o.createSnapshot(ctx, "base snapshot", c, p.name, p.sealed())
	return base, out, err
}

func betweenQuirks() []quirk.Quirk[rules] {
	return []quirk.Quirk[rules]{
		{
			Info: defect("D-37a", "A", "10.7", "a volume whose VM starts, stops or migrates is copied offline while it may be in use"),
			Apply: func(r *rules) {
				r.movesLive = func(vm inventory.VM) (bool, error) { return vm.State == inventory.VMRunning, nil }
			},
		},
		{
			Info:  defect("D-37b", "C", "10.7", "nobody looks whether both pools belong to one StorPool cluster"),
			Apply: func(r *rules) { r.visible = unseenVolume },
		},
		{
			Info: defect("D-37c", "B", "10.7", "a copy loses the tier, the device and the template of its offering, which a live move ignores as well"),
			Apply: func(r *rules) {
				r.moveUpdate = func(_ movePlan, pool string) spapi.VolumeUpdate { return spapi.VolumeUpdate{Template: pool} }
				r.moveTemplate = func(_ placement, pool string) string { return pool }
				r.moveTags = func(p movePlan) spapi.Tags {
					tags := siteVolumeOfVM.tags(p.tags)
					if p.vm.ID != 0 {
						tags[tagPolicy] = p.tags.policy
					}
					return tags
				}
			},
		},
		{
			Info:  defect("D-12g", "C", "10.7", "a copy of a volume without a limit keeps the limit of its source on StorPool"),
			Apply: limitAt(limitMove, func(f limitFacts) *int64 { return positive(f.source) }),
		},
		{
			Info: defect("D-25d", "C", "15.5", "volumes that come from elsewhere or change their pool are not counted"),
			Apply: func(r *rules) {
				r.moved = func(int64) int64 { return 0 }
			},
		},
	}
}

func unseenVolume(context.Context, *conn, string) error { return nil }

func awayQuirks() []quirk.Quirk[rules] {
	return []quirk.Quirk[rules]{
		{
			Info: defect("D-15a", "B", "10.8", "a host that keeps silent, or a refusal to tell where the snapshot lives, leaves the temporary snapshot behind", "S-16"),
			Apply: func(r *rules) {
				r.temporaryLeft = leftUnlessRefused
			},
		},
		{
			Info:  defect("D-15b", "B", "10.8", "a temporary snapshot that nobody deletes stays for ever"),
			Apply: func(r *rules) { r.temporaryLife = func(time.Duration) int64 { return 0 } },
		},
	}
}

func importQuirks() []quirk.Quirk[rules] {
	return []quirk.Quirk[rules]{
		{
			Info: defect("D-3a", "B", "10.6", "an import that failed deletes by the volume's UUID, which StorPool does not know: the volume leaks",
				"S-15", "SUS-11"),
			Apply: func(r *rules) {
				r.importFailed = func(ctx context.Context, o *op, c *conn, p movePlan) {
					if o.crashed {
						return
					}
					o.undo = nil
					_ = c.VolumeDelete(ctx, p.to.UUID, spapi.VolumeDelete{OnAttached: spapi.DetachForce}) // not looked at: the defect
				}
			},
		},
		{
			Info: defect("D-3b", "B", "10.6", "an imported volume carries the UUID of a row that loses it, and neither tier, device nor the template of its offering"),
			Apply: func(r *rules) {
				r.importRequest = func(p movePlan, pool string) spapi.VolumeCreate {
					facts := p.tags
					facts.uuid = p.to.UUID
					tags := siteVolumeOfVM.tags(facts)
					tags[tagPolicy] = facts.policy
					return spapi.VolumeCreate{Template: pool, Tags: tags}
				}
			},
		},
		{
			Info: defect("D-3c", "B", "10.6", "an import is given to a host that need not see its source: the volume is taken for a pool"),
			Apply: func(r *rules) {
				r.importHost = func(d *Driver, p movePlan) (inventory.ID, error) { return d.anyHost(p.dst.Store) }
			},
		},
		{
			Info: defect("D-3d", "C", "10.6", "an imported volume is recorded with the size that was asked for, not with that of its image"),
			Apply: func(r *rules) {
				r.importedSize = func(_ context.Context, _ *conn, _ string, asked int64) (int64, error) { return asked, nil }
			},
		},
	}
}

func migrateQuirks() []quirk.Quirk[rules] {
	return []quirk.Quirk[rules]{
		{
			Info: defect("D-4b", "B", "11.2", "a migration that fails before the VM moves takes only its last new volume back", "S-12", "SUS-13"),
			Apply: func(r *rules) {
				r.migrationFailed = func(ctx context.Context, o *op, p *migration, err error) error {
					if errors.Is(err, errCrash) {
						return err
					}
					o.undo = nil
					for _, disk := range slices.Backward(p.disks) {
						if name := apiName(disk.new.Path, true); name != "" {
							_ = deleteVolume(ctx, disk.conn, name) // not looked at: the defect
							break
						}
					}
					return err
				}
			},
		},
		{
			Info: defect("D-4a", "A", "11.2", "a migration whose volume StorPool refuses to create has been made", "S-12"),
			Apply: func(r *rules) {
				next := r.migrationFailed
				r.migrationFailed = func(ctx context.Context, o *op, p *migration, err error) error {
					var create *createError
					if errors.As(err, &create) && !errors.Is(err, errCrash) {
						o.undo = nil
						return nil
					}
					return next(ctx, o, p, err)
				}
			},
		},
		{
			Info: quirk.Info{
				ID: "S-25", Severity: "B", Source: "driver-strategies 13",
				Reason: "a volume that moves with its VM loses policy, device, tier and the template of its offering",
			},
			Apply: func(r *rules) {
				r.migrateSite = func() tagSite { return siteVolumeOfVM }
				r.migrateTemplate = func(_ placement, pool string) string { return pool }
			},
		},
	}
}

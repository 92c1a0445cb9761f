package driver

import (
	"context"
	"errors"

	"github.com/spsim/spsim/driver/inventory"
	"github.com/spsim/spsim/driver/quirk"
	"github.com/spsim/spsim/driver/spapi"
)

// volumeQuirks are the defects of attach, offerings, limits, resize and deletion of volumes.
func volumeQuirks() []quirk.Quirk[rules] {
	return append(attachQuirks(), append(limitQuirks(), append(resizeQuirks(), deleteQuirks()...)...)...)
}

func attachQuirks() []quirk.Quirk[rules] {
	return []quirk.Quirk[rules]{
		{
			Info: defect("D-11a", "B", "9.7", "attach overwrites the uuid tag with ~globalId and sends the template again", "SUS-9", "SP-53"),
			Apply: func(r *rules) {
				next := r.attachUpdate
				r.attachUpdate = func(v target, name, poolTemplate string) spapi.VolumeUpdate {
					u := next(v, name, poolTemplate)
					u.Tags[tagUUID], u.Template = name, v.place.templateOr(poolTemplate)
					return u
				}
			},
		},
		{
			Info: defect("D-11b", "B", "9.7", "tags that could not be set at attach are never set, and nobody is told"),
			Apply: func(r *rules) {
				r.tagged = func(error) (bool, error) { return false, nil }
			},
		},
		{
			Info: defect("D-27a", "C", "9.3, 9.10", "an offering without tier leaves the old tier on the volume, one without template the old template"),
			Apply: func(r *rules) {
				r.offeringUpdate = namedOnly
				next := r.resizeUpdate
				r.resizeUpdate = func(p resizePlan, poolTemplate string) spapi.VolumeUpdate {
					u := next(p, poolTemplate)
					if p.Offering != 0 {
						named := namedOnly(p.place, poolTemplate)
						u.Tags, u.Template = named.Tags, named.Template
					}
					return u
				}
			},
		},
		{
			Info:  defect("D-27b", "C", "9.10", "a change of offering that StorPool refuses passes as if it were made"),
			Apply: func(r *rules) { r.offeringFailed = ignored },
		},
		{
			Info:  defect("D-28", "C", "9.8", "tags that could not be cleared at detach stay for ever; a transport error fails the detach"),
			Apply: func(r *rules) { r.untagged = refusedOrDone },
		},
		{
			Info: defect("D-31", "A", "9.11", "a forced detach that failed is ignored: two hosts may write the same volume"),
			Apply: func(r *rules) {
				r.detachEverywhere = func(ctx context.Context, c *conn, name string) error {
					_ = detachAll(ctx, c, name) // the defect
					return nil
				}
			},
		},
	}
}

// ignored reports success whatever happened.
func ignored(error) error { return nil }

// namedOnly sends what an offering names and takes nothing back.
func namedOnly(p placement, _ string) spapi.VolumeUpdate {
	switch {
	case p.tier != "":
		return spapi.VolumeUpdate{Tags: spapi.Tags{tagTier: p.tier}}
	case p.template != "":
		return spapi.VolumeUpdate{Tags: spapi.Tags{}, Template: p.template}
	default:
		return spapi.VolumeUpdate{}
	}
}

// refusedOrDone takes a refusal for success and hands on everything else; nothing is tried again.
func refusedOrDone(err error) (later bool, _ error) {
	var refusal *spapi.Error
	if errors.As(err, &refusal) {
		return false, nil
	}
	return false, err
}

// limitAt replaces the limit that one place sends.
func limitAt(site limitSite, limit func(limitFacts) *int64) func(*rules) {
	return func(r *rules) {
		next := r.iopsLimit
		r.iopsLimit = func(s limitSite, f limitFacts) *int64 {
			if s == site {
				return limit(f)
			}
			return next(s, f)
		}
	}
}

// positive is a limit if there is one.
func positive(limit int64) *int64 {
	if limit > 0 {
		return &limit
	}
	return nil
}

func limitQuirks() []quirk.Quirk[rules] {
	return []quirk.Quirk[rules]{
		{
			Info:  defect("D-12a", "A", "10.5", "a root volume of a template never gets its IOPS limit", "SUS-8"),
			Apply: limitAt(limitOfTemplate, func(limitFacts) *int64 { return nil }),
		},
		{
			Info: defect("D-12b", "A", "9.3", "a resize that names no limit removes the one that the volume has"),
			Apply: func(r *rules) {
				next := r.resizeUpdate
				r.resizeUpdate = func(p resizePlan, poolTemplate string) spapi.VolumeUpdate {
					u := next(p, poolTemplate)
					if p.Offering == 0 || !p.place.placed() {
						if u.IOPS = p.MaxIOPS; u.IOPS == nil {
							u.IOPS = new(int64)
						}
					}
					return u
				}
			},
		},
		{
			Info: defect("D-12c", "C", "9.3", "a resize to an offering with a tier or template does not send the new limit, which is recorded all the same"),
			Apply: func(r *rules) {
				next := r.resizeUpdate
				r.resizeUpdate = func(p resizePlan, poolTemplate string) spapi.VolumeUpdate {
					u := next(p, poolTemplate)
					if p.Offering != 0 && p.place.placed() {
						u.IOPS = nil
					}
					return u
				}
			},
		},
		{
			Info:  defect("D-12d", "A", "10.1", "a volume from a snapshot gets the limit of the snapshot's volume, not its own"),
			Apply: limitAt(limitOfSnapshot, func(f limitFacts) *int64 { return positive(f.source) }),
		},
		{
			Info:  defect("D-12e", "C", "9.6", "a revert restores the limit only if there is one: an unlimited volume keeps the snapshot's"),
			Apply: limitAt(limitRevert, func(f limitFacts) *int64 { return positive(f.volume) }),
		},
		{
			Info:  defect("D-12f", "C", "9.2", "a volume with a tier is created with a limit of its own beside that of the QoS service"),
			Apply: limitAt(limitCreate, func(f limitFacts) *int64 { return positive(f.volume) }),
		},
	}
}

func resizeQuirks() []quirk.Quirk[rules] {
	return []quirk.Quirk[rules]{
		{
			Info:  defect("D-25a", "C", "9.3, 15.5", "a resize never changes the used bytes of the pool", "SUS-6"),
			Apply: func(r *rules) { r.grown = func(resizePlan) int64 { return 0 } },
		},
		{
			Info: defect("D-26", "B", "9.3", "a grow whose host failed is taken back although the guest may have seen it, with size and limit only; "+
				"after other errors StorPool keeps the new size and the row the old one", "SUS-16"),
			Apply: func(r *rules) {
				r.notifies = func(resizePlan) bool { return true }
				r.untold = func(_ resizePlan, err error, _ *Result) error { return err }
				r.resizeFailed = shrinkBack
			},
		},
		hidden("D-26z", "C", "9.3", "the answer of a resize is true on failure", "a result here has no boolean beside its error"),
	}
}

// shrinkBack restores the old size when StorPool or a host refused, and only then.
func shrinkBack(ctx context.Context, o *op, c *conn, p resizePlan, err error) error {
	o.pivoted = false // nothing is finished later
	var refusal *spapi.Error
	var agent *AgentError
	if errors.As(err, &refusal) || errors.As(err, &agent) {
		yes := true
		back := c.VolumeUpdate(ctx, p.name, spapi.VolumeUpdate{
			Size: spSize(p.row.Size, p.row.Encrypted()), ShrinkOK: &yes, IOPS: positive(p.row.MaxIOPS),
		})
		if back != nil {
			o.d.log.WarnContext(ctx, "resize not taken back", "volume", p.row.ID, "error", back)
		}
	}
	return err
}

func deleteQuirks() []quirk.Quirk[rules] {
	return []quirk.Quirk[rules]{
		{
			Info:  defect("D-16a", "A", "9.4", "the record of a safety snapshot names the zone as its store", "SUS-5", "S-27"),
			Apply: func(r *rules) { r.safetyStore = func(p inventory.Pool) inventory.ID { return p.Zone } },
		},
		{
			Info:  defect("D-16b", "A", "9.4", "a volume is deleted although its safety snapshot failed"),
			Apply: func(r *rules) { r.safetyFailed = ignored },
		},
		{
			Info:  defect("D-16c", "B", "9.4", "each repetition of a failing delete leaves one more safety snapshot"),
			Apply: func(r *rules) { r.safetyTaken = func(o *op) { o.undo = nil } },
		},
		{
			Info: defect("D-25b", "C", "9.4, 15.5", "a volume that is missing on StorPool stays in the used bytes of its pool after its deletion"),
			Apply: func(r *rules) {
				next := r.freed
				r.freed = func(v inventory.Volume, found bool) int64 {
					if !found {
						return 0
					}
					return next(v, found)
				}
			},
		},
	}
}

package driver

import (
	"fmt"
	"strconv"

	"github.com/spsim/spsim/driver/inventory"
	"github.com/spsim/spsim/driver/spapi"
)

// Names of tags (driver-management 5).
const (
	tagUUID   = "uuid"
	tagVM     = "cvm"
	tagPolicy = "vc-policy"
	tagTier   = "qc"
	tagRole   = "cs"
	tagDisk   = "disk"
)

// Roles of objects, the values of the tag cs.
const (
	roleVolume      = "volume"
	roleSnapshot    = "snapshot"
	roleTemplate    = "template"
	roleDelayDelete = "delayDelete"
	roleTemporary   = "temporary"
	roleGroup       = "group"
)

// tagSite is a place that sends tags.
type tagSite int

const (
	siteCreate tagSite = iota
	siteVolumeOfTemplate
	siteVolumeOfSnapshot
	siteVolumeOfBackup
	siteTemplateWork
	siteTemplateSnapshot
	siteSnapshot
	siteDelayDelete
	siteAttach
	siteDetach
	siteVolumeTemplate
	siteTemporary
	siteMove
	siteVolumeOfVM
	siteGroup
	sitePolicy
	siteCopiedSnapshot
)

// part says whether and from where a tag is sent.
type part int

const (
	absent  part = iota // not sent: unchanged on an update
	known               // sent when there is a value
	always              // sent, empty when there is no value
	refused             // the word "no": no backup policy applies
	cleared             // sent empty: removed
)

// tagRow is a row of the table of section 5.
type tagRow struct {
	uuid, vm, policy, tier part
	role                   string
	disk                   part
}

// row is the table of section 5.
func (s tagSite) row() tagRow {
	switch s {
	case siteCreate, siteVolumeOfTemplate, siteAttach, siteMove:
		return tagRow{uuid: known, vm: known, policy: always, tier: known, role: roleVolume, disk: known}
	case siteVolumeOfSnapshot:
		return tagRow{uuid: known, vm: known, policy: always, tier: known, role: roleVolume}
	case siteVolumeOfBackup:
		return tagRow{uuid: known, role: roleVolume}
	case siteTemplateWork, siteVolumeTemplate:
		return tagRow{uuid: known, policy: refused, role: roleTemplate}
	case siteTemplateSnapshot:
		return tagRow{uuid: known, role: roleTemplate}
	case siteSnapshot:
		return tagRow{uuid: known, vm: known, role: roleSnapshot}
	case siteDelayDelete:
		return tagRow{role: roleDelayDelete}
	case siteDetach:
		return tagRow{vm: cleared, policy: cleared, disk: cleared}
	case siteTemporary:
		return tagRow{uuid: known, vm: known, role: roleTemporary}
	case siteVolumeOfVM:
		return tagRow{uuid: known, vm: known, role: roleVolume}
	case siteGroup:
		return tagRow{uuid: known, vm: known, role: roleGroup}
	case sitePolicy:
		return tagRow{policy: always}
	case siteCopiedSnapshot:
		return tagRow{uuid: known, role: roleSnapshot}
	default:
		return tagRow{}
	}
}

// tagFacts is what tags are made of. Empty members have no value.
type tagFacts struct {
	uuid, vm, policy, tier, disk string
}

// tags returns the tags that a place sends.
func (s tagSite) tags(f tagFacts) spapi.Tags {
	row, out := s.row(), spapi.Tags{}
	put := func(name string, p part, value string) {
		switch {
		case p == refused:
			out[name] = "no"
		case p == cleared:
			out[name] = ""
		case p == always, p == known && value != "":
			out[name] = value
		}
	}
	put(tagUUID, row.uuid, f.uuid)
	put(tagVM, row.vm, f.vm)
	put(tagPolicy, row.policy, f.policy)
	put(tagTier, row.tier, f.tier)
	put(tagRole, known, row.role)
	put(tagDisk, row.disk, f.disk)
	return out
}

// volumeFacts collects what the tags of a volume are made of; the VM's row must exist when the volume names one.
func volumeFacts(tx *inventory.Tx, v inventory.Volume, vmID inventory.ID, p placement) (tagFacts, error) {
	f := tagFacts{uuid: v.UUID, tier: p.tier}
	if v.HasDevice {
		f.disk = strconv.Itoa(v.DeviceID)
	}
	if vmID == 0 {
		return f, nil
	}
	vm, err := tx.VMs.Must(vmID)
	if err != nil {
		return f, fmt.Errorf("tags of volume %d: %w", v.ID, err)
	}
	f.vm = vm.UUID
	f.policy, _ = tx.Details.Get(inventory.Owner{Kind: inventory.Tag, ID: vmID}, tagPolicy)
	return f, nil
}

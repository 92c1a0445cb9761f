package check

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/spsim/spsim/driver/inventory"
	"github.com/spsim/spsim/scenarios/mgmt"
)

// Words of the plugin's contract (driver-management 1, 3.3, 5, 6).
const (
	devByID        = "/dev/storpool-byid/"
	tierDetail     = "SP_QOSCLASS"
	templateDetail = "SP_TEMPLATE"
	checkVolume    = "SP_VOLUME_ON_CLUSTER-"
	delayDelete    = "SP_DELAY_DELETE"
	snapshotPool   = "spStoragePoolId"
	policyTag      = "vc-policy"
	luksRoom       = 2 << 20
	qemuHeader     = 4040 * 512
)

// facts is an observation with its indexes.
type facts struct {
	*Observation
	objects   map[string]Object // by global id
	vms       map[inventory.ID]inventory.VM
	volumes   map[string]inventory.Volume // living ones, by global id
	pools     map[inventory.ID]inventory.Pool
	templates map[inventory.ID]inventory.Template
	snapshots map[inventory.ID]inventory.Snapshot
	hosts     map[inventory.ID]Host
	hostRows  map[inventory.ID]inventory.Host
	byClient  map[int]inventory.ID
	checks    map[string]string        // check volumes by global id: the pool
	ops       map[string]bool          // op tags of open operations
	busy      map[inventory.Owner]bool // rows of operations that cannot be finished yet
}

func newFacts(o *Observation) *facts {
	f := &facts{
		Observation: o, objects: map[string]Object{}, vms: map[inventory.ID]inventory.VM{},
		volumes: map[string]inventory.Volume{}, pools: map[inventory.ID]inventory.Pool{},
		templates: map[inventory.ID]inventory.Template{}, snapshots: map[inventory.ID]inventory.Snapshot{},
		hosts: map[inventory.ID]Host{}, hostRows: map[inventory.ID]inventory.Host{}, byClient: map[int]inventory.ID{},
		checks: map[string]string{}, ops: map[string]bool{}, busy: map[inventory.Owner]bool{},
	}
	for _, x := range o.Objects {
		f.objects[x.GlobalID] = x
	}
	for _, m := range o.Inventory.VMs {
		f.vms[m.ID] = m
	}
	for _, v := range o.Inventory.Volumes {
		if gid := globalID(v.Path); gid != "" && v.State != inventory.VolumeExpunged {
			f.volumes[gid] = v
		}
	}
	for _, p := range o.Inventory.Pools {
		f.pools[p.ID] = p
		for name, path := range f.details(inventory.OfPool, p.ID) {
			if strings.HasPrefix(name, checkVolume) {
				f.checks[globalID(path)] = p.Name
			}
		}
	}
	for _, t := range o.Inventory.Templates {
		f.templates[t.ID] = t
	}
	for _, s := range o.Inventory.Snapshots {
		f.snapshots[s.ID] = s
	}
	for _, h := range o.Hosts {
		f.hosts[h.Row] = h
		f.byClient[h.Client] = h.Row
	}
	for _, h := range o.Inventory.Hosts {
		f.hostRows[h.ID] = h
	}
	for _, i := range o.Inventory.Intents {
		f.ops[i.Op] = true
		if o.Unsettled {
			f.busy[inventory.Owner{Kind: i.Kind, ID: i.Object}] = true
		}
	}
	return f
}

// globalID is the global id in a device path, empty when the path is none.
func globalID(path string) string {
	rest, ok := strings.CutPrefix(path, devByID)
	if !ok {
		return ""
	}
	gid, _, _ := strings.Cut(rest, "/")
	return gid
}

func (f *facts) details(k inventory.Kind, id inventory.ID) map[string]string {
	return f.Inventory.Details[inventory.Owner{Kind: k, ID: id}]
}

func (f *facts) detail(k inventory.Kind, id inventory.ID, name string) (string, bool) {
	v, ok := f.details(k, id)[name]
	return v, ok
}

// detailID is a detail that holds the id of a row.
func (f *facts) detailID(k inventory.Kind, id inventory.ID, name string) (inventory.ID, bool) {
	text, ok := f.detail(k, id, name)
	n, err := strconv.ParseInt(text, 10, 64)
	return inventory.ID(n), ok && err == nil
}

// excused tells whether somebody changed the object on purpose, or an operation on its volume is to be finished yet.
func (f *facts) excused(gid string) bool {
	_, ok := f.Excused[gid]
	return ok || f.busy[inventory.Owner{Kind: inventory.OfVolume, ID: f.volumes[gid].ID}]
}

// inProgress tells whether an open operation has made the object and will finish or remove it.
func (f *facts) inProgress(x Object) bool { return x.Tags["op"] != "" && f.ops[x.Tags["op"]] }

func objectName(x Object) string {
	kind := "volume"
	if x.Snapshot {
		kind = "snapshot"
	}
	return fmt.Sprintf("StorPool %s ~%s (cs=%s, uuid=%s)", kind, x.GlobalID, x.Tags["cs"], x.Tags["uuid"])
}

func volumeName(v inventory.Volume) string { return fmt.Sprintf("volume %d %q", v.ID, v.Name) }
func vmName(m inventory.VM) string         { return fmt.Sprintf("VM %d %q", m.ID, m.Name) }
func snapshotName(s inventory.Snapshot) string {
	return fmt.Sprintf("snapshot %d %q", s.ID, s.Name)
}

// doubtful tells whether a host has not said what became of a command on a volume or its VM.
func (f *facts) doubtful(v inventory.Volume) bool {
	_, volume := f.detail(inventory.OfVolume, v.ID, mgmt.Doubt)
	_, vm := f.detail(inventory.OfVM, v.VM, mgmt.Doubt)
	return volume || vm
}

// tier and template are what an offering asks of StorPool (driver-management 3.3).
func (f *facts) tier(v inventory.Volume) string {
	t, _ := f.detail(inventory.OfDiskOffering, v.Offering, tierDetail)
	return t
}

func (f *facts) template(v inventory.Volume) string {
	if f.tier(v) == "" {
		if t, ok := f.detail(inventory.OfDiskOffering, v.Offering, templateDetail); ok && t != "" {
			return t
		}
		for _, o := range f.Inventory.ServiceOfferings {
			if o.DiskOffering != v.Offering {
				continue
			}
			if t, ok := f.detail(inventory.OfServiceOffering, o.ID, templateDetail); ok && t != "" {
				return t
			}
		}
	}
	t, _ := f.detail(inventory.OfPool, v.Pool, templateDetail)
	return t
}

// size is what a volume takes on StorPool in bytes.
func size(v inventory.Volume) int64 {
	if v.Encrypted() {
		return v.Size + luksRoom
	}
	return v.Size
}

// onFiles tells whether a volume is on a primary pool of files.
func (f *facts) onFiles(v inventory.Volume) bool {
	p, ok := f.pools[v.Pool]
	return ok && p.Provider != inventory.StorPool
}

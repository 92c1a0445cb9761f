package check_test

import (
	"context"
	"io"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/spsim/spsim/driver"
	"github.com/spsim/spsim/driver/inventory"
	"github.com/spsim/spsim/scenarios/check"
	"github.com/spsim/spsim/scenarios/mgmt"
	"github.com/spsim/spsim/scenarios/world"
)

const mib = 1 << 20

// rich observes a world that has something of everything: a running VM (1) of a template with a data disk (volumes 1
// and 2), snapshots of it with a backup (1) and without (2), a detached volume (3) made of the first, an encrypted volume (4).
func rich(t *testing.T) *check.Observation {
	t.Helper()
	w, err := world.New(world.Options{})
	t.Cleanup(func() { assert.NoError(t, w.Close()) })
	require.NoError(t, err)
	var o *check.Observation
	w.Do(func(ctx context.Context) {
		o, err = populate(ctx, w)
	})
	require.NoError(t, err)
	return o
}

func populate(ctx context.Context, w *world.World) (*check.Observation, error) {
	tmpl, err := w.Mgmt.RegisterTemplate(ctx, mgmt.TemplateSpec{
		Name: "linux", Zone: w.Zone.ID, Size: mib,
		Write: func(w io.WriterAt) error {
			_, err := w.WriteAt([]byte("boot"), 0)
			return err
		},
	})
	if err != nil {
		return nil, err
	}
	_, err = w.Mgmt.DeployVM(ctx, mgmt.VMSpec{
		Name: "vm", Zone: w.Zone.ID, Offering: w.Compute.ID, Template: tmpl.ID, Tags: map[string]string{mgmt.PolicyTag: "gold"},
		Data: []mgmt.VolumeSpec{{Name: "data", Offering: w.Disk.ID, Size: mib}},
	})
	if err != nil {
		return nil, err
	}
	for _, backup := range []string{"true", "false"} {
		if err := w.Mgmt.SetSetting(inventory.Global(), mgmt.BackupSetting, backup); err != nil {
			return nil, err
		}
		if _, err := w.Mgmt.CreateSnapshot(ctx, 2, ""); err != nil {
			return nil, err
		}
	}
	if _, err := w.Mgmt.CreateVolumeFromSnapshot(ctx, mgmt.RestoreSpec{Snapshot: 1, Name: "restored"}); err != nil {
		return nil, err
	}
	if err := sealed(ctx, w); err != nil {
		return nil, err
	}
	return w.Observe(ctx)
}

// sealed adds an encrypted volume (4) to the VM.
func sealed(ctx context.Context, w *world.World) error {
	o, err := w.Mgmt.CreateDiskOffering(mgmt.OfferingSpec{Name: "sealed", Size: mib, Encrypt: true})
	if err != nil {
		return err
	}
	v, err := w.Mgmt.CreateVolume(ctx, mgmt.VolumeSpec{Name: "secret", Zone: w.Zone.ID, Offering: o.ID})
	if err != nil {
		return err
	}
	_, err = w.Mgmt.AttachVolume(ctx, v.ID, 1, mgmt.FreeDevice)
	return err
}

func TestAWorldAtRestBreaksNoInvariant(t *testing.T) {
	t.Parallel()
	assert.Empty(t, check.Judge(rich(t)))
}

// planted is one violation: what is changed, and what is to be found.
type planted struct {
	invariant, object, text string
	plant                   func(o *check.Observation)
}

// on finds a volume's StorPool object.
func on(o *check.Observation, volume int) *check.Object {
	for i := range o.Objects {
		if o.Objects[i].GlobalID == world.GlobalID(o.Inventory.Volumes[volume-1].Path) {
			return &o.Objects[i]
		}
	}
	return &check.Object{}
}

// role finds the first object with a cs tag.
func role(o *check.Observation, cs string) *check.Object {
	for i := range o.Objects {
		if o.Objects[i].Tags["cs"] == cs {
			return &o.Objects[i]
		}
	}
	return &check.Object{}
}

func drop(o *check.Observation, gid string) {
	for i, x := range o.Objects {
		if x.GlobalID == gid {
			o.Objects = append(o.Objects[:i:i], o.Objects[i+1:]...)
			return
		}
	}
}

func snapshotDetails(o *check.Observation, id inventory.ID) map[string]string {
	return o.Inventory.Details[inventory.Owner{Kind: inventory.OfSnapshot, ID: id}]
}

func plantsOnStorage() []planted {
	return []planted{
		{"every StorPool object has an owner", "StorPool volume ~a.b.c", "is in no record", func(o *check.Observation) {
			o.Objects = append(o.Objects, check.Object{GlobalID: "a.b.c"})
		}},
		{"every record has its StorPool object", `volume 3 "restored"`, "StorPool has no such object", func(o *check.Observation) {
			drop(o, on(o, 3).GlobalID)
		}},
		{"every record has its StorPool object", "check volume of pool primary", "no such object", func(o *check.Observation) {
			drop(o, role(o, "check-volume-is-on-host").GlobalID)
		}},
		{"every record has its StorPool object", "cached template linux", "no such object", func(o *check.Observation) {
			drop(o, role(o, "template").GlobalID)
		}},
		{"every record has its StorPool object", "primary record of snapshot 1", "no such object", func(o *check.Observation) {
			drop(o, role(o, "snapshot").GlobalID)
		}},
		{"VM snapshots, their members and their records agree", "VM snapshot 7", "is Creating", func(o *check.Observation) {
			o.Inventory.VMSnapshots = append(o.Inventory.VMSnapshots, inventory.VMSnapshot{ID: 7, VM: 1, State: inventory.VMSnapshotCreating})
		}},
		{"VM snapshots, their members and their records agree", "VM snapshot 7", "is Ready and has no members", func(o *check.Observation) {
			o.Inventory.VMSnapshots = append(o.Inventory.VMSnapshots, inventory.VMSnapshot{ID: 7, VM: 1, State: inventory.VMSnapshotReady})
		}},
		{"every record has its StorPool object", `volume 3 "restored"`, "no StorPool device", func(o *check.Observation) {
			o.Inventory.Volumes[2].Path = ""
		}},
		{"every record has its StorPool object", `volume 3 "restored"`, "wrong kind", func(o *check.Observation) { on(o, 3).Snapshot = true }},
		{"sizes agree", `volume 2 "data"`, "has 1048576 bytes on record", func(o *check.Observation) { on(o, 2).Size *= 2 }},
		{"sizes agree", "snapshot 1", "has 1048576 bytes on record", func(o *check.Observation) { role(o, "snapshot").Size = 512 }},
		{"sizes agree", `volume 1 "ROOT-1"`, "guest i-2-1-VM sees 7", func(o *check.Observation) { o.Hosts[0].Guests[0].Disks[0].Size = 7 }},
		{"tags agree", "StorPool volume", `uuid="~x"`, func(o *check.Observation) { on(o, 2).Tags["uuid"] = "~x" }},
		{"tags agree", "StorPool volume", `cvm="" instead of`, func(o *check.Observation) { delete(on(o, 2).Tags, "cvm") }},
		{"tags agree", "StorPool volume", `vc-policy="" instead of "gold"`, func(o *check.Observation) { delete(on(o, 1).Tags, "vc-policy") }},
		{"tags agree", "StorPool volume", `disk="7" instead of "1"`, func(o *check.Observation) { on(o, 2).Tags["disk"] = "7" }},
		{"tags agree", "StorPool volume", `cvm="m" and should not`, func(o *check.Observation) { on(o, 3).Tags["cvm"] = "m" }},
		{"tags agree", "StorPool volume", `qc="gold" and should not`, func(o *check.Observation) { on(o, 3).Tags["qc"] = "gold" }},
		{"tags agree", "StorPool snapshot", `uuid="x" instead of`, func(o *check.Observation) { role(o, "template").Tags["uuid"] = "x" }},
		{"placement templates and IOPS limits agree", `volume 3 "restored"`, `template "hdd"`, func(o *check.Observation) { on(o, 3).Template = "ssd" }},
		{"placement templates and IOPS limits agree", `volume 3 "restored"`, "limit of 0 IOPS", func(o *check.Observation) { on(o, 3).IOPS = 5 }},
		{"used bytes agree", "pool primary", "and its volumes have 6291456", func(o *check.Observation) { o.Inventory.Pools[0].Used = 7 }},
		{"secondary storage holds what is on record", "file x on secondary storage 1", "is on no record", func(o *check.Observation) {
			o.Files = append(o.Files, check.File{Store: 1, Name: "x", Size: 1})
		}},
		{"secondary storage holds what is on record", "file x on pool 9", "is on no record", func(o *check.Observation) {
			o.Files = append(o.Files, check.File{Pool: 9, Name: "x", Size: 1})
		}},
		{"secondary storage holds what is on record", `volume 3 "restored"`, "is not on pool 9 as file", func(o *check.Observation) {
			o.Inventory.Pools = append(o.Inventory.Pools, inventory.Pool{ID: 9, Provider: mgmt.DefaultPrimary})
			o.Inventory.Volumes[2].Pool, o.Inventory.Volumes[2].Path = 9, "file"
		}},
		{"secondary storage holds what is on record", "copy of volume 3", "is not on secondary storage 1 as copy", func(o *check.Observation) {
			o.Inventory.VolumeStores = append(o.Inventory.VolumeStores, inventory.VolumeStore{Volume: 3, Store: 1, Path: "copy", State: inventory.RefReady})
		}},
		{"secondary storage holds what is on record", `volume 3 "restored"`, "is uploaded and on no record", func(o *check.Observation) {
			o.Inventory.Volumes[2].State = inventory.VolumeUploaded
		}},
		{"secondary storage holds what is on record", "backup of snapshot 1", "is not on secondary storage 1", func(o *check.Observation) { o.Files = nil }},
		{"secondary storage holds what is on record", "backup of snapshot 1", "bytes on record", func(o *check.Observation) {
			for i := range o.Files {
				o.Files[i].Size++
			}
		}},
	}
}

func plantsOnHosts() []planted {
	const (
		belong = "attachments belong to running VMs"
		leaks  = "hosts hold nothing that no guest uses"
	)
	vm := func(o *check.Observation) *inventory.VM { return &o.Inventory.VMs[0] }
	attach := func(o *check.Observation, gid string, client int, rw bool) {
		o.Attachments = append(o.Attachments, check.Attachment{GlobalID: gid, Client: client, ReadWrite: rw})
	}
	return []planted{
		{belong, `volume 3 "restored"`, "belongs to no VM", func(o *check.Observation) { attach(o, on(o, 3).GlobalID, 2, true) }},
		{belong, "StorPool snapshot", "belongs to no VM", func(o *check.Observation) { attach(o, role(o, "snapshot").GlobalID, 2, false) }},
		{belong, `volume 1 "ROOT-1"`, `while VM 1 "vm" is Stopped`, func(o *check.Observation) { vm(o).State = inventory.VMStopped }},
		{belong, `volume 1 "ROOT-1"`, "runs on host 2", func(o *check.Observation) { vm(o).Host = 2 }},
		{"a volume is written by one host at most", "StorPool volume", "read-write to clients [1 2]", func(o *check.Observation) {
			attach(o, on(o, 2).GlobalID, 2, true)
		}},
		{"disks of running VMs are attached to their host", `volume 1 "ROOT-1"`, "is not attached to host 1", func(o *check.Observation) { o.Attachments = nil }},
		{"disks of running VMs are attached to their host", `volume 2 "data"`, "read-only", func(o *check.Observation) {
			for i := range o.Attachments {
				o.Attachments[i].ReadWrite = false
			}
		}},
		{"guests run where the inventory says", `VM 1 "vm"`, "is not running on host 1", func(o *check.Observation) { o.Hosts[0].Guests = nil }},
		{"guests run where the inventory says", "guest i-2-9-VM", "runs on host 2", func(o *check.Observation) {
			o.Hosts[1].Guests = []check.Guest{{Name: "i-2-9-VM"}}
		}},
		{"guests run where the inventory says", `volume 2 "data"`, "is not a disk of guest", func(o *check.Observation) {
			o.Hosts[0].Guests[0].Disks = o.Hosts[0].Guests[0].Disks[:1]
		}},
		{"guests run where the inventory says", "guest i-2-1-VM", "has the disk /dev/x", func(o *check.Observation) {
			o.Hosts[0].Guests[0].Disks = append(o.Hosts[0].Guests[0].Disks, check.Disk{Path: "/dev/x"})
		}},
		{leaks, "host 2", "counts 1 users of device", func(o *check.Observation) { o.Hosts[1].Uses = map[string]int{"~" + on(o, 2).GlobalID: 1} }},
		{leaks, "host 2", "still mounts nfs://x/y", func(o *check.Observation) { o.Hosts[1].Mounts = map[string]int{"nfs://x/y": 1} }},
		{leaks, "host 2", "in the place of a device", func(o *check.Observation) { o.Hosts[1].Stray = map[string]int64{"/dev/x": 1} }},
		{leaks, "host 2", "has 1 unfinished", func(o *check.Observation) { o.Hosts[1].Unfinished = 1 }},
	}
}

func plantsOnRecords() []planted {
	const (
		agree = "snapshots, their details and their records agree"
		rest  = "nothing is left in a transitional state"
	)
	return []planted{
		{agree, "snapshot 2", "has no record of a store", func(o *check.Observation) {
			o.Inventory.SnapshotRefs = o.Inventory.SnapshotRefs[:2]
		}},
		{agree, "snapshot 2", "on no store", func(o *check.Observation) {
			o.Inventory.SnapshotRefs = o.Inventory.SnapshotRefs[:2]
			delete(snapshotDetails(o, 2), o.Inventory.Snapshots[1].UUID)
		}},
		{agree, "snapshot 1", "in its detail", func(o *check.Observation) { snapshotDetails(o, 1)[o.Inventory.Snapshots[0].UUID] = "/dev/x" }},
		{agree, "snapshot 1", "no spStoragePoolId", func(o *check.Observation) { delete(snapshotDetails(o, 1), "spStoragePoolId") }},
		{agree, "snapshot 1", "a backup on record that is on StorPool", func(o *check.Observation) {
			o.Inventory.SnapshotRefs[1].Path = o.Inventory.SnapshotRefs[0].Path
		}},
		{agree, "snapshot 1", "pool 99, which does not exist", func(o *check.Observation) { o.Inventory.SnapshotRefs[0].Store = 99 }},
		{agree, "snapshot 1", "is Destroyed and has a record", func(o *check.Observation) {
			o.Inventory.Snapshots[0].State = inventory.SnapshotDestroyed
		}},
		{agree, "snapshot 2", "is Error and has the detail", func(o *check.Observation) {
			o.Inventory.Snapshots[1].State = inventory.SnapshotError
		}},
		{agree, "snapshot record 3", "belongs to no snapshot", func(o *check.Observation) { o.Inventory.SnapshotRefs[2].Snapshot = 99 }},
		{rest, "VM 1", "is Starting", func(o *check.Observation) { o.Inventory.VMs[0].State = inventory.VMStarting }},
		{rest, "volume 3", "is Creating", func(o *check.Observation) { o.Inventory.Volumes[2].State = inventory.VolumeCreating }},
		{rest, "snapshot 1", "is BackingUp", func(o *check.Observation) { o.Inventory.Snapshots[0].State = inventory.SnapshotBackingUp }},
		{rest, "record of snapshot 1", "is Copying", func(o *check.Observation) { o.Inventory.SnapshotRefs[0].State = inventory.RefCopying }},
		{rest, "cached template linux", "is Creating", func(o *check.Observation) { o.Inventory.TemplatePools[0].State = inventory.RefCreating }},
		{rest, "copy of volume 3 on secondary storage 1", "is Creating", func(o *check.Observation) {
			o.Inventory.VolumeStores = append(o.Inventory.VolumeStores, inventory.VolumeStore{Volume: 3, Store: 1, State: inventory.RefCreating})
		}},
		{rest, "template linux on secondary storage 1", "is Failed", func(o *check.Observation) {
			o.Inventory.TemplateStores[0].State = inventory.RefFailed
		}},
		{"no operation is open", "operation x", "is open at step s", func(o *check.Observation) {
			o.Inventory.Intents = append(o.Inventory.Intents, inventory.Intent{Op: "x", Step: "s"})
		}},
	}
}

func TestEveryInvariantFindsWhatBreaksIt(t *testing.T) {
	t.Parallel()
	found := map[string]bool{}
	for _, p := range slices.Concat(plantsOnStorage(), plantsOnHosts(), plantsOnRecords(), plantsOnEncryption()) {
		o := rich(t)
		p.plant(o)
		ok := false
		for _, v := range check.Judge(o) {
			ok = ok || v.Invariant == p.invariant && strings.Contains(v.Object, p.object) && strings.Contains(v.Text, p.text)
		}
		assert.True(t, ok, "%s: %s %s is not among %v", p.invariant, p.object, p.text, check.Judge(o))
		found[p.invariant] = true
	}
	for _, i := range check.Invariants() {
		assert.True(t, found[i.Name], "nothing is planted for %q", i.Name)
	}
}

func TestWhatIsKnownToBeOtherwiseIsNoViolation(t *testing.T) {
	t.Parallel()
	for name, change := range map[string]func(o *check.Observation){
		"an excused object is gone": func(o *check.Observation) {
			o.Excused = map[string]string{on(o, 3).GlobalID: "lost"}
			drop(o, on(o, 3).GlobalID)
		},
		"an object of an open operation": func(o *check.Observation) {
			o.Objects = append(o.Objects, check.Object{GlobalID: "a.b.c", Tags: map[string]string{"op": "x"}})
			o.Inventory.Intents = append(o.Inventory.Intents, inventory.Intent{Op: "x", Action: driver.ActionStrays})
		},
		"a VM whose stop was not seen": func(o *check.Observation) {
			o.Inventory.VMs[0].State, o.Inventory.VMs[0].Host = inventory.VMStopped, 0
			o.Inventory.Details[inventory.Owner{Kind: inventory.OfVM, ID: 1}] = map[string]string{mgmt.UnseenStop: "1"}
		},
		"a guest that sees its size later": func(o *check.Observation) {
			o.Hosts[0].Guests[0].Disks[1].Size = 7
			o.Inventory.Details[inventory.Owner{Kind: inventory.OfVolume, ID: 2}] = map[string]string{mgmt.GuestSizePending: "later"}
		},
		"a host that is down": func(o *check.Observation) {
			o.Inventory.Hosts[0].State, o.Hosts[0].On, o.Hosts[0].Guests = inventory.HostDown, false, nil
			o.Hosts[0].Secrets = nil
		},
	} {
		o := rich(t)
		change(o)
		assert.Empty(t, check.Judge(o), name)
	}
}

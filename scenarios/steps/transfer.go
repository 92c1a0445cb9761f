package steps

import (
	"context"
	"fmt"
	"io"
	"strings"

	"github.com/spsim/spsim/driver/inventory"
	"github.com/spsim/spsim/emulator/cluster"
	"github.com/spsim/spsim/scenarios/mgmt"
)

// What goes between StorPool and other storage.
var (
	reFilePool = expression(`^the primary pool "([^"]+)" on NFS$`)
	reVMOn     = expression(`^the (running|stopped) VM "([^"]+)" with the DATA disk "([^"]+)" on the pool "([^"]+)"$`)
	reDownload = expression(`^the disk "([^"]+)" is downloaded` + outcome)
	reCopyIs   = expression(`^the download of "([^"]+)" holds the pattern "([^"]+)"(?: at (\d+ \w+))?$`)
	reCopyHas  = expression(`^the download of "([^"]+)" is on record with (\d+ \w+)$`)
	reCopyEnds = expression(`^the download of "([^"]+)" expires$`)
	reNoCopy   = expression(`^secondary storage has (no|\d+) volumes?$`)
	reTemp     = expression(`^StorPool has (no|\d+) temporary snapshots?$`)
	reTempEnds = expression(`^each temporary snapshot of StorPool ends by itself$`)
	reUpload   = expression(`^the uploaded volume "([^"]+)" of (\d+ \w+) with the pattern "([^"]+)"(?: and the offering "([^"]+)")?$`)
	reVMMoves  = expression(`^the VM "([^"]+)" is migrated with its disks to (another host|the host where it runs) and the pool "([^"]+)"` + outcome)
	reOnFiles  = expression(`^the disk "([^"]+)" is a file of the pool "([^"]+)"$`)
	reNoFiles2 = expression(`^the pool "([^"]+)" has (no|\d+) files?$`)
	reBelieves = expression(`^CloudStack believes that "([^"]+)" has (\d+ \w+)$`)
	reNoPool   = expression(`^host (\d+) is not connected to the pool "([^"]+)"$`)
	rePluginMv = expression(`^the plugin is told to copy the disk "([^"]+)" to the pool "([^"]+)" while its VM is (\w+)` + outcome)
)

func (s *scene) transferSteps(sc registrar) {
	sc.Step(reFilePool(), s.filePool)
	sc.Step(reVMOn(), s.vmOnPool)
	sc.Step(reDownload(), s.download)
	sc.Step(reCopyIs(), s.downloadHolds)
	sc.Step(reCopyHas(), s.downloadHas)
	sc.Step(reCopyEnds(), s.downloadEnds)
	sc.Step(reNoCopy(), s.copies)
	sc.Step(reTemp(), s.temporaries)
	sc.Step(reTempEnds(), s.temporariesEnd)
	sc.Step(reUpload(), s.upload)
	sc.Step(reVMMoves(), s.migrateWithDisks)
	sc.Step(reOnFiles(), s.isFile)
	sc.Step(reNoFiles2(), s.filesOf)
	sc.Step(reBelieves(), s.believesSize)
	sc.Step(reNoPool(), s.notConnected)
	sc.Step(rePluginMv(), s.pluginCopies)
}

func (s *scene) filePool(ctx context.Context, name string) error {
	return s.perform(ctx, func(ctx context.Context) error {
		p, err := s.m().CreateFilePool(ctx, mgmt.FilePoolSpec{
			Name: name, Zone: s.zone, URL: "nfs://nfs.test/export/" + name, Capacity: 1 << 40,
		})
		s.pools[name] = p.ID
		return err
	})
}

// vmOnPool makes a VM with both disks, of 1 GiB, on a pool.
func (s *scene) vmOnPool(ctx context.Context, state, vm, data, pool string) error {
	id, err := s.pool(pool)
	if err != nil {
		return err
	}
	spec := mgmt.VMSpec{
		Template: s.w.ISO.ID, Pool: id, Data: []mgmt.VolumeSpec{{Name: data, Offering: s.w.Disk.ID, Size: 1 << 30}},
	}
	if err := s.deploy(ctx, "", vm, spec); err != nil {
		return err
	}
	_ = s.inv().View(func(tx *inventory.Tx) error { // the function returns no error
		v, _ := tx.Volumes.Find(func(v inventory.Volume) bool { return v.VM == s.vms[vm] && v.Kind == inventory.Data })
		s.disks[data] = v.ID
		return nil
	})
	if state == "stopped" {
		return s.stopVM(ctx, vm, "stopped", "")
	}
	return nil
}

func (s *scene) download(ctx context.Context, disk, outcome string) error {
	id, err := s.disk(disk)
	if err != nil {
		return err
	}
	return s.act(ctx, outcome, func(ctx context.Context) error {
		_, err := s.m().ExtractVolume(ctx, id)
		if err == nil {
			s.images["download of "+disk] = clone(s.written[disk])
		}
		return err
	})
}

func (s *scene) downloadHolds(ctx context.Context, disk, name, at string) error {
	off, err := offset(at)
	if err != nil {
		return err
	}
	id, err := s.disk(disk)
	if err != nil {
		return err
	}
	b := make([]byte, patternSize)
	if err := s.perform(ctx, func(ctx context.Context) error { return s.w.ReadCopy(ctx, id, off, b) }); err != nil {
		return fmt.Errorf("read the download of %q: %w", disk, err)
	}
	if err := compare(s.o.Seed, name, b); err != nil {
		return fmt.Errorf("the download of %q %w", disk, err)
	}
	s.proof = true
	return nil
}

func (s *scene) downloadHas(disk, bytes string) error {
	id, err := s.disk(disk)
	if err != nil {
		return err
	}
	return s.inv().View(func(tx *inventory.Tx) error {
		r, ok := tx.VolumeStores.Find(func(r inventory.VolumeStore) bool { return r.Volume == id })
		if got := inWords(r.Size); !ok || got != bytes {
			return fmt.Errorf("it is on record with %s", got)
		}
		return nil
	})
}

func (s *scene) downloadEnds(ctx context.Context, disk string) error {
	id, err := s.disk(disk)
	if err != nil {
		return err
	}
	return s.act(ctx, "", func(ctx context.Context) error { return s.m().EndDownload(ctx, id) })
}

// copies counts the files of volumes on secondary storage.
func (s *scene) copies(ctx context.Context, n string) error {
	return s.countFiles(ctx, n, func(pool inventory.ID, name string) bool { return pool == 0 && strings.HasPrefix(name, "volumes/") })
}

func (s *scene) filesOf(ctx context.Context, pool, n string) error {
	id, err := s.pool(pool)
	if err != nil {
		return err
	}
	return s.countFiles(ctx, n, func(pool inventory.ID, _ string) bool { return pool == id })
}

func (s *scene) countFiles(ctx context.Context, n string, is func(pool inventory.ID, name string) bool) error {
	want, err := count(n)
	if err != nil {
		return err
	}
	o, err := s.observe(ctx)
	if err != nil {
		return err
	}
	var found []string
	for _, f := range o.Files {
		if is(f.Pool, f.Name) {
			found = append(found, f.Name)
		}
	}
	if len(found) != want {
		return fmt.Errorf("it has %d: %s", len(found), strings.Join(found, ", "))
	}
	return nil
}

func (s *scene) temporaries(ctx context.Context, n string) error {
	return s.objectsAre(ctx, n, "", "temporary")
}

func (s *scene) temporariesEnd(ctx context.Context) error {
	found, err := s.objects(ctx, "", "temporary")
	if err != nil {
		return err
	}
	e, err := s.emulator()
	if err != nil {
		return err
	}
	for _, x := range found {
		o, err := e.Cluster().Snapshot(cluster.Ref("~" + x.GlobalID))
		if err != nil {
			return err
		}
		if o.Snap.TargetDeleteDate == 0 {
			return fmt.Errorf("~%s stays for ever", x.GlobalID)
		}
	}
	return nil
}

func (s *scene) upload(_ context.Context, name, bytes, what, offering string) error {
	n, err := size(bytes)
	if err != nil {
		return err
	}
	spec := mgmt.UploadSpec{Name: name, Zone: s.zone, Offering: s.w.Disk.ID, Size: n, Write: s.imageOf([]mark{{0, what}})}
	if offering != "" {
		if spec.Offering, err = get(s.offerings, "disk offering", offering); err != nil {
			return err
		}
	}
	v, err := s.m().UploadVolume(spec)
	if err != nil {
		return err
	}
	s.disks[name] = v.ID
	s.written[name] = []mark{{0, what}}
	return nil
}

// imageOf writes patterns into an image.
func (s *scene) imageOf(marks []mark) func(io.WriterAt) error {
	return func(w io.WriterAt) error {
		for _, m := range marks {
			if _, err := w.WriteAt(pattern(s.o.Seed, m.name), m.off); err != nil {
				return fmt.Errorf("write an image: %w", err)
			}
		}
		return nil
	}
}

func (s *scene) migrateWithDisks(ctx context.Context, vm, which, pool, outcome string) error {
	from, err := s.hostOf(vm)
	if err != nil {
		return err
	}
	to := from
	if which == "another host" {
		to = s.otherHost(from)
	}
	id, err := s.pool(pool)
	if err != nil {
		return err
	}
	disks, identities := map[inventory.ID]string{}, map[string]string{}
	for name, disk := range s.disks {
		if v, err := s.volumeOf(name); err == nil && v.VM == s.vms[vm] {
			disks[disk], identities[name] = name, v.UUID
		}
	}
	pools := map[inventory.ID]inventory.ID{}
	for disk := range disks {
		pools[disk] = id
	}
	s.bases["host of "+vm] = fmt.Sprint(from.ID)
	return s.act(ctx, outcome, func(ctx context.Context) error {
		moved, err := s.m().MigrateVMWithVolumes(ctx, s.vms[vm], to.ID, pools)
		for _, m := range moved {
			s.disks[disks[m.Old]] = m.New
		}
		if s.w.Crashed() {
			s.moving = identities
		}
		return err
	})
}

// follow finds the disks of a VM whose migration a crash cut short by their UUIDs, which stay.
func (s *scene) follow() {
	_ = s.inv().View(func(tx *inventory.Tx) error { // the function returns no error
		for name, uuid := range s.moving {
			if v, ok := tx.Volumes.Find(func(v inventory.Volume) bool { return v.UUID == uuid }); ok {
				s.disks[name] = v.ID
			}
		}
		return nil
	})
	s.moving = nil
}

// otherHost is the first host that is another one.
func (s *scene) otherHost(from inventory.Host) inventory.Host {
	for _, h := range s.w.Hosts {
		if h.ID != from.ID && h.Zone == from.Zone {
			return h
		}
	}
	return from
}

func (s *scene) isFile(ctx context.Context, disk, pool string) error {
	v, err := s.volumeOf(disk)
	if err != nil {
		return err
	}
	id, err := s.pool(pool)
	if err != nil {
		return err
	}
	o, err := s.observe(ctx)
	if err != nil {
		return err
	}
	for _, f := range o.Files {
		if f.Pool == id && f.Name == v.Path && v.Pool == id {
			return nil
		}
	}
	return fmt.Errorf("it is %q of the pool %s", v.Path, nameOf(s.pools, v.Pool))
}

// believesSize puts a size of a volume on record that it does not have.
func (s *scene) believesSize(disk, bytes string) error {
	id, err := s.disk(disk)
	if err != nil {
		return err
	}
	n, err := size(bytes)
	if err != nil {
		return err
	}
	return s.inv().Update(func(tx *inventory.Tx) error {
		return tx.Volumes.Change(id, func(v *inventory.Volume) { v.Size = n })
	})
}

// notConnected takes a host from a pool on record.
func (s *scene) notConnected(host, pool string) error {
	h, err := s.hostRow(host)
	if err != nil {
		return err
	}
	id, err := s.pool(pool)
	if err != nil {
		return err
	}
	return s.inv().Update(func(tx *inventory.Tx) error {
		row, _ := tx.PoolHosts.Find(func(ph inventory.PoolHost) bool { return ph.Pool == id && ph.Host == h.ID })
		tx.PoolHosts.Delete(row.ID)
		return nil
	})
}

// pluginCopies asks the plugin for an offline copy past core's own checks, as a race in core would.
func (s *scene) pluginCopies(ctx context.Context, disk, pool, state, outcome string) error {
	v, err := s.volumeOf(disk)
	if err != nil {
		return err
	}
	to, err := s.pool(pool)
	if err != nil {
		return err
	}
	now := inventory.VMState("")
	set := func(st inventory.VMState) error {
		return s.inv().Update(func(tx *inventory.Tx) error {
			return tx.VMs.Change(v.VM, func(m *inventory.VM) { now, m.State = m.State, st })
		})
	}
	if err := set(inventory.VMState(state)); err != nil {
		return err
	}
	before := now
	err = s.act(ctx, outcome, func(ctx context.Context) error { return s.m().PluginCopies(ctx, v.ID, to) })
	if back := set(before); back != nil {
		return back
	}
	return err
}

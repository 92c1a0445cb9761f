package check

import (
	"fmt"
	"slices"

	"github.com/spsim/spsim/driver/inventory"
	"github.com/spsim/spsim/scenarios/mgmt"
)

func attached(f *facts, report report) {
	for _, a := range f.Attachments {
		if _, ok := f.checks[a.GlobalID]; ok || f.excused(a.GlobalID) {
			continue
		}
		x := f.objects[a.GlobalID]
		if f.inProgress(x) {
			continue
		}
		v, ok := f.volumes[a.GlobalID]
		if ok && f.doubtful(v) {
			continue
		}
		if !ok {
			report(objectName(x), "is attached to client %d and belongs to no VM", a.Client)
			continue
		}
		m, ok := f.vms[v.VM]
		host := f.byClient[a.Client]
		unseen, isUnseen := f.detailID(inventory.OfVM, v.VM, mgmt.UnseenStop)
		switch {
		case !ok:
			report(volumeName(v), "is attached to client %d and belongs to no VM", a.Client)
		case isUnseen && unseen == host:
		case m.State != inventory.VMRunning && m.State != inventory.VMMigrating:
			report(volumeName(v), "is attached to client %d while %s is %s", a.Client, vmName(m), m.State)
		case m.State == inventory.VMRunning && m.Host != host:
			report(volumeName(v), "is attached to client %d (host %d) while %s runs on host %d", a.Client, host, vmName(m), m.Host)
		}
	}
}

func singleWriter(f *facts, report report) {
	writers := map[string][]int{}
	for _, a := range f.Attachments {
		if _, ok := f.checks[a.GlobalID]; !ok && a.ReadWrite {
			writers[a.GlobalID] = append(writers[a.GlobalID], a.Client)
		}
	}
	for gid, clients := range writers {
		if len(clients) > 1 && f.vms[f.volumes[gid].VM].State != inventory.VMMigrating {
			report(objectName(f.objects[gid]), "is attached read-write to clients %v", clients)
		}
	}
}

func connected(f *facts, report report) {
	at := map[string]Attachment{}
	for _, a := range f.Attachments {
		at[fmt.Sprint(a.GlobalID, " ", f.byClient[a.Client])] = a
	}
	for gid, v := range f.volumes {
		m, ok := f.vms[v.VM]
		if !ok || m.State != inventory.VMRunning || v.State != inventory.VolumeReady || f.excused(gid) || f.doubtful(v) {
			continue
		}
		a, ok := at[fmt.Sprint(gid, " ", m.Host)]
		switch {
		case !ok:
			report(volumeName(v), "is not attached to host %d, where %s runs", m.Host, vmName(m))
		case !a.ReadWrite:
			report(volumeName(v), "is attached read-only to host %d, where %s runs", m.Host, vmName(m))
		}
	}
}

// guests compares the VMs on record with what runs on hosts that are up.
func guests(f *facts, report report) {
	if !f.Guests {
		return
	}
	for _, m := range f.Inventory.VMs {
		h := f.hosts[m.Host]
		if _, doubt := f.detail(inventory.OfVM, m.ID, mgmt.Doubt); doubt || m.State != inventory.VMRunning || !h.On || f.hostRows[m.Host].State != inventory.HostUp {
			continue
		}
		i := slices.IndexFunc(h.Guests, func(g Guest) bool { return g.Name == m.Instance })
		if i < 0 {
			report(vmName(m), "is not running on host %d", m.Host)
			continue
		}
		f.disks(m, h.Guests[i], report)
	}
	for _, h := range f.Hosts {
		if f.hostRows[h.Row].State != inventory.HostUp {
			continue
		}
		for _, g := range h.Guests {
			if !f.expects(g, h.Row) {
				report("guest "+g.Name, "runs on host %d and should not", h.Row)
			}
		}
	}
}

// expects tells whether a guest may run on a host: its VM runs there, or was stopped without the host's word.
func (f *facts) expects(g Guest, host inventory.ID) bool {
	for _, m := range f.Inventory.VMs {
		if m.Instance != g.Name {
			continue
		}
		unseen, ok := f.detailID(inventory.OfVM, m.ID, mgmt.UnseenStop)
		return m.State == inventory.VMRunning && m.Host == host || m.State == inventory.VMMigrating || ok && unseen == host
	}
	return false
}

// disks compares the disks of a VM on record with those that its guest has.
func (f *facts) disks(m inventory.VM, g Guest, report report) {
	has := map[string]bool{}
	for _, d := range g.Disks {
		has[d.Path] = true
	}
	for _, v := range f.Inventory.Volumes {
		doubt := f.doubtful(v)
		if doubt {
			delete(has, v.Path)
		}
		if v.VM != m.ID || v.Path == "" || v.State != inventory.VolumeReady || doubt {
			continue
		}
		if !has[v.Path] {
			report(volumeName(v), "is not a disk of guest %s", g.Name)
		}
		delete(has, v.Path)
	}
	for path := range has {
		report("guest "+g.Name, "has the disk %s, which is on no record of %s", path, vmName(m))
	}
}

func leftovers(f *facts, report report) {
	if !f.Guests {
		return
	}
	for _, h := range f.Hosts {
		if !h.On {
			continue
		}
		name := fmt.Sprintf("host %d", h.Row)
		uses := map[string]int{}
		for _, g := range h.Guests {
			for _, d := range g.Disks {
				uses[globalID(d.Path)]++
			}
		}
		for object, n := range h.Uses {
			gid := trimTilde(object)
			_, there := f.objects[gid]
			if n != uses[gid] && (there || uses[gid] > 0) { // what is gone nobody uses, whatever the host still counts
				report(name, "counts %d users of device %s, and its guests are %d", n, object, uses[gid])
			}
		}
		for uri, n := range h.Mounts {
			report(name, "still mounts %s (%d references)", uri, n)
		}
		for path, n := range h.Stray {
			report(name, "has a file of %d bytes in the place of a device: %s", n, path)
		}
		if h.Unfinished > 0 {
			report(name, "has %d unfinished files or mounts", h.Unfinished)
		}
	}
}

func trimTilde(s string) string {
	if len(s) > 0 && s[0] == '~' {
		return s[1:]
	}
	return s
}

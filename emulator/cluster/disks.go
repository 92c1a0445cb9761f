package cluster

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
)

const (
	// agSize is the size of an allocation group in bytes (storpool-api 8).
	agSize = 512 << 20
	// Of 4224 bytes on a disk 4096 hold client data (storpool-api 8).
	dataOf, rawOf = 4096, 4224
	entrySize     = 4096 // bytes of data behind one entry
	diskStride    = 100  // disks of server n have the ids from n*diskStride on
)

// disk is the lasting part of a disk; what is on it is counted when somebody looks.
type disk struct {
	Disk
	ejected bool  // for good; conditions take disks away as well
	ignored bool  // nobody waits for it
	drain   drain // zero unless it is being soft-ejected
}

// usable turns allocation groups into bytes of client data, before replication.
func usable(groups int64) int64 { return groups * agSize / rawOf * dataOf }

// group is a placement group.
type group struct {
	id     int64
	disks  []int // ascending
	usable int64 // bytes of client data on the disks that are up
}

func (c *Cluster) buildDisks() {
	kinds := []struct {
		group string
		ssd   bool
		size  int64
		count int
	}{
		{"ssd", true, c.model.SSDSize, c.model.SSDsPerServer},
		{"hdd", false, c.model.HDDSize, c.model.HDDsPerServer},
	}
	members := map[string][]int{}
	for server := 1; server <= c.model.Servers; server++ {
		id := server * diskStride
		for _, k := range kinds {
			for range k.count {
				id++
				c.disks = append(c.disks, newDisk(id, server, k.ssd, k.size))
				members[k.group] = append(members[k.group], id)
				members[defaultGroup] = append(members[defaultGroup], id)
			}
		}
	}
	for _, name := range slices.Sorted(maps.Keys(members)) {
		c.lastPlace++
		c.groups[name] = &group{id: c.lastPlace, disks: members[name]}
	}
	c.recount()
}

func newDisk(id, server int, ssd bool, size int64) *disk {
	model := "Emulated HDD"
	if ssd {
		model = "Emulated SSD"
	}
	groups := size/agSize - 2 // storpool-api 14
	return &disk{Disk: Disk{
		ID: id, Server: server, GenerationLeft: -1, Model: model, Serial: fmt.Sprintf("SPSIM%05d", id),
		SoftEject: softEjectOff, SSD: ssd, Device: fmt.Sprintf("/dev/disk-sp-%d", id), Size: size, AGCount: groups,
		EntriesCount: groups * (agSize / entrySize), ObjectsCount: groups * (agSize / objectSize) * 4,
	}}
}

// recount brings the usable bytes of the placement groups, and what devices suffer from, up to date.
func (c *Cluster) recount() {
	for _, g := range c.groups {
		g.usable = 0
		for _, d := range c.disks {
			if d.Up() && slices.Contains(g.disks, d.ID) {
				g.usable += usable(d.AGCount)
			}
		}
	}
	c.reckon()
}

func (c *Cluster) disk(id int) (*disk, error) {
	i, ok := slices.BinarySearchFunc(c.disks, id, func(d *disk, id int) int { return cmp.Compare(d.ID, id) })
	if !ok {
		return nil, refuse(ObjectDoesNotExist, "Disk %d does not exist", id)
	}
	return c.disks[i], nil
}

// changeDisk runs change on a disk that exists.
func (c *Cluster) changeDisk(id int, change func(*disk) error) error {
	c.lock()
	defer c.mu.Unlock()
	d, err := c.disk(id)
	if err != nil {
		return err
	}
	if err := change(d); err != nil {
		return err
	}
	c.changed()
	return nil
}

// DiskSetDescription sets the free text of a disk. Errors: [ObjectDoesNotExist], [InvalidParam].
func (c *Cluster) DiskSetDescription(id int, text string) error {
	return c.changeDisk(id, func(d *disk) error {
		if !validDiskText(text) {
			return refuse(InvalidParam, "Invalid disk description '%s'", text)
		}
		d.Description = text
		return nil
	})
}

// DiskEject stops using a disk: it is down from now on. Error: [ObjectDoesNotExist].
func (c *Cluster) DiskEject(id int) error {
	return c.changeDisk(id, func(d *disk) error {
		d.ejected = true
		c.weigh()
		return nil
	})
}

// DiskForget drops a disk that is gone from the cluster and from all placement groups. Errors:
// [ObjectDoesNotExist], [Busy] while it is up.
func (c *Cluster) DiskForget(id int) error {
	return c.changeDisk(id, func(d *disk) error {
		if d.Up() {
			return refuse(Busy, "Disk %d is up", id)
		}
		c.disks = slices.DeleteFunc(c.disks, func(o *disk) bool { return o == d })
		for _, g := range c.groups {
			g.disks = slices.DeleteFunc(slices.Clone(g.disks), func(o int) bool { return o == id })
		}
		c.forgetCondition(Condition{Kind: DiskGone, ID: id})
		c.recount()
		return nil
	})
}

// DiskIgnore has the servers go on without waiting for a disk that is gone. Error: [ObjectDoesNotExist].
func (c *Cluster) DiskIgnore(id int) error {
	return c.changeDisk(id, func(d *disk) error {
		d.ignored = !d.Up()
		return nil
	})
}

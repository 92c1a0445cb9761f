package cluster

import (
	"slices"

	"github.com/tidwall/btree"
)

// States of a soft-eject (storpool-api 14).
const (
	softEjectOn     = "on"
	softEjectPaused = "paused"
	softEjectOff    = "off"
)

const (
	moveRate   = 200 << 20 // bytes per second that leave a disk that is being soft-ejected
	objectCost = 4096      // bytes to move besides the data of a 32 MiB object
)

// drain is the movement of data away from a disk that is being soft-ejected: volume by volume and snapshot by
// snapshot, in the order of their making. What is made meanwhile is not put there.
type drain struct {
	Disk   int
	Since  int64 // UNIX nanoseconds since when it runs, 0 while it is paused
	Spent  int64 // nanoseconds that it has run before
	Last   int64 // VisibleID of the newest object when it began
	Cursor int64 // objects up to this VisibleID have left
	Used   int64 // bytes that these were
	Number int64 // of the transaction
}

// left tells whether an object has nothing on the disk any more.
func (d *drain) left(visibleID int64) bool { return visibleID <= d.Cursor || visibleID > d.Last }

// budget returns how many bytes can have left until now.
func (d *drain) budget(now int64) int64 {
	ran := d.Spent
	if d.Since != 0 {
		ran += now - d.Since
	}
	return int64(float64(ran) / 1e9 * moveRate)
}

// DiskSoftEject sets the soft-eject state: "on" moves the data of a disk elsewhere in the course of time, "paused"
// stops that, "off" takes the disk back into use at once, with what it had. Errors: [ObjectDoesNotExist],
// [InvalidParam].
func (c *Cluster) DiskSoftEject(id int, state string) error {
	return c.changeDisk(id, func(d *disk) error {
		now := c.now().UnixNano()
		began := drain{Disk: id, Last: c.lastID, Number: c.Generation()}
		if d.SoftEject != softEjectOff {
			began = d.drain
		}
		switch state {
		case softEjectOn:
			if began.Since == 0 {
				began.Since = now
			}
		case softEjectPaused:
			if began.Since != 0 {
				began.Spent, began.Since = began.Spent+now-began.Since, 0
			}
		case softEjectOff:
			began = drain{}
		default:
			return refuse(InvalidParam, "Invalid soft eject state '%s'", state)
		}
		d.SoftEject, d.drain = state, began
		c.recount()
		return nil
	})
}

// move lets those volumes and snapshots leave a disk that have had the time.
func (c *Cluster) move(d *disk, p *Placement) {
	budget := d.drain.budget(c.now().UnixNano())
	for d.drain.Cursor < d.drain.Last {
		o := c.nextObject(d.drain.Cursor)
		if o == nil || o.VisibleID > d.drain.Last {
			d.drain.Cursor = d.drain.Last
			return
		}
		bytes := p.leaving(o, d.ID)
		if d.drain.Used+bytes > budget {
			return
		}
		d.drain.Used += bytes
		d.drain.Cursor = o.VisibleID
	}
}

// leaving returns how many bytes of an object have to leave a disk.
func (p *Placement) leaving(o *Object, disk int) int64 {
	l := p.layout(o, p.arrange(o, func(*drain) bool { return false }))
	n := l.on(disk)
	if n == 0 {
		return 0
	}
	bytes := n * objectCost
	for _, chunk := range o.node.image.Chunks() {
		if slices.Contains(l.at(chunk.Index), disk) {
			bytes += chunk.Bytes
		}
	}
	return bytes
}

// nextObject returns the volume or snapshot that comes after the one with this number.
func (c *Cluster) nextObject(id int64) (next *Object) {
	for _, list := range []*btree.Map[int64, *Object]{c.volumes, c.snapshots} {
		list.Ascend(id+1, func(_ int64, o *Object) bool {
			if next == nil || o.VisibleID < next.VisibleID {
				next = o
			}
			return false
		})
	}
	return next
}

// Task is data on its way from one disk (storpool-api A.2), in 32 MiB objects.
type Task struct {
	Disk        int
	Transaction int64
	All         int64
	Completed   int64
	Dispatched  int64
}

// Tasks lists the disks that data is leaving at present, by id.
func (c *Cluster) Tasks() []Task {
	p := c.Placement()
	tasks := map[int]*Task{}
	var order []int
	for i := range p.drains {
		d := &p.drains[i]
		if d.Since != 0 && d.Cursor < d.Last {
			tasks[d.Disk] = &Task{Disk: d.Disk, Transaction: d.Number}
			order = append(order, d.Disk)
		}
	}
	if len(tasks) == 0 {
		return nil
	}
	for o := range c.everything() {
		l := p.layout(o, p.arrange(o, func(*drain) bool { return false }))
		for i := range p.drains {
			d := &p.drains[i]
			t := tasks[d.Disk]
			if t == nil || o.VisibleID > d.Last {
				continue
			}
			n := l.on(d.Disk)
			t.All += n
			switch {
			case d.left(o.VisibleID):
				t.Completed += n
				t.Dispatched += n
			case t.Dispatched == t.Completed: // the next to leave
				t.Dispatched += n
			}
		}
	}
	var all []Task
	for _, id := range order {
		all = append(all, *tasks[id])
	}
	return all
}

package cluster

import (
	"cmp"
	"slices"
	"sync"
)

// ConditionKind is a way in which a cluster can be unhealthy.
type ConditionKind string

// Values of [ConditionKind].
const (
	// DiskGone: a disk does not answer; it is down until the condition is cleared.
	DiskGone ConditionKind = "diskGone"
	// ServerDown: a storage server is down, and its disks with it. Without a majority of the servers the cluster
	// has no quorum.
	ServerDown ConditionKind = "serverDown"
	// ClientDown: the cluster counts a client as down. It stays registered and applies no changes; the devices that
	// it has go on.
	ClientDown ConditionKind = "clientDown"
	// ClientDead: a client (host) is dead: down, and its devices cannot be used.
	ClientDead ConditionKind = "clientDead"
	// NoQuorum: every change is refused with a transient error, and no device can be used.
	NoQuorum ConditionKind = "noQuorum"
	// CapacityExhausted: the disks of a placement group, or all, have no room: nothing new is provisioned there,
	// and nothing is written.
	CapacityExhausted ConditionKind = "capacityExhausted"
)

// Condition is one thing that is wrong with a cluster, on purpose. It is the same in Go and in JSON.
type Condition struct {
	Kind ConditionKind `json:"kind"`
	// ID is that of the disk, server or client; 0 where the kind takes none.
	ID int `json:"id,omitempty"`
	// Group is the placement group of CapacityExhausted; "" means every disk.
	Group string `json:"group,omitempty"`
}

// SetCondition makes the cluster unhealthy until [Cluster.ClearCondition]; setting again changes nothing. Errors:
// [InvalidParam] for a condition that makes no sense, [ObjectDoesNotExist] for an unknown disk, server, client or
// placement group.
func (c *Cluster) SetCondition(cond Condition) error {
	c.lock()
	defer c.mu.Unlock()
	if err := c.checkCondition(cond); err != nil {
		return err
	}
	if !slices.Contains(c.conditions, cond) {
		c.conditions = append(c.conditions, cond)
		c.feel()
	}
	return nil
}

// ClearCondition ends a condition. Error: [ObjectDoesNotExist] for one that is not set.
func (c *Cluster) ClearCondition(cond Condition) error {
	c.lock()
	defer c.mu.Unlock()
	i := slices.Index(c.conditions, cond)
	if i < 0 {
		return refuse(ObjectDoesNotExist, "Condition '%s' is not set", cond.Kind)
	}
	c.conditions = slices.Delete(c.conditions, i, i+1)
	c.feel()
	return nil
}

// ClearConditions ends all conditions.
func (c *Cluster) ClearConditions() {
	c.lock()
	defer c.mu.Unlock()
	c.conditions = nil
	c.feel()
}

// feel makes changed conditions take effect. Only disks that come or go are a change of the configuration.
func (c *Cluster) feel() {
	if c.weigh() {
		c.changed()
	} else {
		c.fed.touch()
	}
}

// Conditions lists what is wrong, in the order in which it was set.
func (c *Cluster) Conditions() []Condition {
	c.mu.RLock()
	defer c.mu.RUnlock()
	return slices.Clone(c.conditions)
}

// Available returns nil, or the transient error with which every change is refused while the cluster has no
// quorum (storpool-api 3).
func (c *Cluster) Available() error {
	c.mu.RLock()
	defer c.mu.RUnlock()
	return c.available()
}

// available is Available for callers that hold the lock.
func (c *Cluster) available() error {
	if c.quorate() {
		return nil
	}
	return &Error{Name: ClusterDown, Descr: "The cluster has no quorum", Transient: true}
}

func (c *Cluster) checkCondition(cond Condition) error {
	takesID := true
	var err error
	switch cond.Kind {
	case DiskGone:
		_, err = c.disk(cond.ID)
	case ServerDown:
		if cond.ID < 1 || cond.ID > c.model.Servers {
			err = refuse(ObjectDoesNotExist, "Server %d does not exist", cond.ID)
		}
	case ClientDown, ClientDead:
		_, err = c.client(cond.ID)
	case CapacityExhausted:
		takesID = false
		if cond.Group != "" && c.groups[cond.Group] == nil {
			err = missing("Placement group", cond.Group)
		}
	case NoQuorum:
		takesID = false
	default:
		return refuse(InvalidParam, "Unknown condition '%s'", cond.Kind)
	}
	switch {
	case !takesID && cond.ID != 0:
		return refuse(InvalidParam, "Condition '%s' takes no id", cond.Kind)
	case cond.Kind != CapacityExhausted && cond.Group != "":
		return refuse(InvalidParam, "Condition '%s' takes no placement group", cond.Kind)
	}
	return err
}

func (c *Cluster) suffers(kind ConditionKind, id int) bool {
	return slices.Contains(c.conditions, Condition{Kind: kind, ID: id})
}

// quorate tells whether a majority of the servers is there to decide.
func (c *Cluster) quorate() bool {
	down := 0
	for _, cond := range c.conditions {
		switch cond.Kind {
		case NoQuorum:
			return false
		case ServerDown:
			down++
		case DiskGone, ClientDown, ClientDead, CapacityExhausted:
		}
	}
	return 2*(c.model.Servers-down) > c.model.Servers
}

// full tells whether a placement group has no room.
func (c *Cluster) full(group string) bool {
	return slices.ContainsFunc(c.conditions, func(cond Condition) bool {
		return cond.Kind == CapacityExhausted && (cond.Group == "" || cond.Group == group)
	})
}

// fullDisks returns the disks without room.
func (c *Cluster) fullDisks() map[int]bool {
	all := map[int]bool{}
	for _, cond := range c.conditions {
		if cond.Kind != CapacityExhausted {
			continue
		}
		if cond.Group != "" && c.groups[cond.Group] == nil {
			continue
		}
		for _, d := range c.disks {
			if cond.Group == "" || slices.Contains(c.groups[cond.Group].disks, d.ID) {
				all[d.ID] = true
			}
		}
	}
	return all
}

// forgetCondition drops a condition whose object goes.
func (c *Cluster) forgetCondition(cond Condition) {
	c.conditions = slices.DeleteFunc(c.conditions, func(o Condition) bool { return o == cond })
}

// weigh brings disks and clients into the state that ejections and conditions call for, and tells whether a disk
// came or went.
func (c *Cluster) weigh() (moved bool) {
	for _, d := range c.disks {
		up := !d.ejected && !c.suffers(DiskGone, d.ID) && !c.suffers(ServerDown, d.Server)
		switch {
		case up && !d.Up():
			d.GenerationLeft, d.ignored, moved = -1, false, true
		case !up && d.Up():
			d.GenerationLeft, moved = c.Generation(), true
		}
	}
	for _, id := range c.clientIDs {
		dead := c.suffers(ClientDead, id)
		c.clients[id].dead.Store(dead)
		c.clients[id].run(c, !dead && !c.suffers(ClientDown, id))
	}
	c.recount()
	return moved
}

// run brings a client up or takes it down; it may be in that state already.
func (cl *client) run(c *Cluster, up bool) {
	switch {
	case !up && cl.away == nil:
		cl.generation, cl.away = c.Generation(), c.clock.Event()
	case up && cl.away != nil:
		cl.away.Fire()
		cl.away = nil
	}
}

// outage says what devices suffer from; there is none while all is well, so that I/O need not ask.
type outage struct {
	noQuorum bool
	away     map[int]bool // disks that are down
	full     map[int]bool // disks without room
	mu       sync.Mutex   // guards the placement, which remembers what it found
	placed   *Placement
}

// reckon brings the outage up to date.
func (c *Cluster) reckon() {
	o := &outage{noQuorum: !c.quorate(), away: map[int]bool{}, full: c.fullDisks()}
	for _, d := range c.disks {
		if !d.Up() {
			o.away[d.ID] = true
		}
	}
	if !o.noQuorum && len(o.away) == 0 && len(o.full) == 0 {
		c.outage.Store(nil)
		return
	}
	o.placed = c.placement()
	c.outage.Store(o)
}

// span is the part of an object that an access is about.
type span struct {
	off, n int64
	fills  bool // needs room on the disks
}

// hits returns why an access to an object fails, or nil.
func (o *outage) hits(obj *Object, s span) error {
	if o.noQuorum {
		return ErrUnavailable
	}
	o.mu.Lock()
	l := o.placed.Layout(obj)
	o.mu.Unlock()
	count := int64(len(l.TargetDiskSets))
	if count == 0 {
		return nil
	}
	first, last := s.off/objectSize, max(s.off, s.off+s.n-1)/objectSize
	for k := first; k <= min(last, first+count-1); k++ {
		set := l.TargetDiskSets[(l.first+k)%count]
		if len(set) > 0 && !slices.ContainsFunc(set, func(d int) bool { return !o.away[d] }) {
			return ErrUnavailable
		}
		if s.fills && slices.ContainsFunc(set, func(d int) bool { return o.full[d] }) {
			return ErrNoSpace
		}
	}
	return nil
}

// MissingDisks returns the disks that a server waits for: those that are gone, were not ejected, and are not to be
// ignored.
func (c *Cluster) MissingDisks(server int) []int {
	c.mu.RLock()
	defer c.mu.RUnlock()
	ids := []int{}
	for _, d := range c.disks {
		if d.Server == server && !d.Up() && !d.ejected && !d.ignored {
			ids = append(ids, d.ID)
		}
	}
	slices.SortFunc(ids, cmp.Compare)
	return ids
}

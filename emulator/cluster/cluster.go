package cluster

import (
	"cmp"
	"errors"
	"fmt"
	"iter"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/tidwall/btree"

	"github.com/spsim/spsim/emulator/blocks"
	"github.com/spsim/spsim/internal/clock"
)

// Cluster is a StorPool cluster. All methods may be called from any goroutine.
type Cluster struct {
	id         string
	clock      clock.Clock
	generation atomic.Int64           // written under mu
	nextDue    atomic.Int64           // UNIX nanoseconds of the first of due
	outage     atomic.Pointer[outage] // nil while all is well; written under mu

	fed      *Federation
	standIn  bool          // plays a remote location, see [Federation]
	mu       *sync.RWMutex // of the federation; guards what follows, held for short moments only
	isolated bool
	state
}

// state is what a saved state holds and a load replaces, see [Federation.Save]. A new member is saved by a part of
// parts, or named with the reason in the test that compares the members one by one.
type state struct {
	model       Model
	does        Behaviour
	store       *blocks.Store
	started     int64 // UNIX seconds
	lastID      int64 // last VisibleID
	byName      map[string]*node
	foreign     map[string]*node           // by global id: what another cluster has created
	exporting   map[*node]bool             // that have exports
	volumes     *btree.Map[int64, *Object] // by VisibleID
	snapshots   *btree.Map[int64, *Object]
	tags        tagIndex
	settings    map[Settings]*Settings
	due         dueQueue
	attachments *btree.Map[int64, *Attachment] // in order of attaching
	lastBinding int64
	clients     map[int]*client
	clientIDs   []int // ascending
	templates   []*template
	lastPlace   int64 // last id of a template or placement group
	groups      map[string]*group
	disks       []*disk // by id
	conditions  []Condition
	maintenance []Maintenance // by node
	targets     map[int64]int // by volume allocation group, where it has not one disk set per disk
	balancer    balancer
	sites       sites
	buckets     map[string]*bucket
	iscsi       iscsi
}

// seeds is how many different seeds give different ids.
const seeds = 1 << 20

// New builds the cluster that the options describe, and has it join their federation. The error says what is wrong
// with them.
func New(o Options) (*Cluster, error) {
	c, err := build(o)
	if err != nil {
		return nil, err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if err := c.fed.join(c); err != nil {
		return nil, fmt.Errorf("cluster %q: %w", o.ID, err)
	}
	return c, nil
}

// build is New without joining.
func build(o Options) (*Cluster, error) {
	o.Name = cmp.Or(o.Name, "spsim")
	c, err := empty(o)
	if err != nil {
		return nil, err
	}
	c.started = c.now().Unix()
	c.lastID = (o.Seed%seeds + seeds) % seeds
	c.generation.Store(1)
	c.furnish(o.Name)
	return c, nil
}

// empty is build without what the model lists.
func empty(o Options) (*Cluster, error) {
	o.ID = cmp.Or(o.ID, "spsm.b")
	if o.Clock == nil {
		o.Clock = clock.Real{}
	}
	if err := errors.Join(o.Model.Validate(), o.Behaviour.Validate(), checkIdentity(o)); err != nil {
		return nil, fmt.Errorf("cluster %q: %w", o.ID, err)
	}
	o.Behaviour.SizeGranularity = cmp.Or(o.Behaviour.SizeGranularity, sectorSize)
	if o.Federation == nil {
		o.Federation = NewFederation()
	}
	c := &Cluster{fed: o.Federation, mu: &o.Federation.mu, id: o.ID, clock: o.Clock, state: state{
		model: o.Model, does: o.Behaviour, store: o.Federation.store,
		byName:  map[string]*node{},
		volumes: btree.NewMap[int64, *Object](0), snapshots: btree.NewMap[int64, *Object](0),
		settings: map[Settings]*Settings{}, attachments: btree.NewMap[int64, *Attachment](0),
		clients: map[int]*client{}, groups: map[string]*group{}, buckets: map[string]*bucket{},
		foreign: map[string]*node{}, exporting: map[*node]bool{},
		iscsi: newISCSI(iscsiPrefix + o.ID),
	}}
	c.nextDue.Store(never)
	return c, nil
}

func checkIdentity(o Options) error {
	location, sub, _ := strings.Cut(o.ID, ".")
	if !validSiteID(location) || !validSiteID(sub) {
		return fmt.Errorf("id %q is not of the form location.subcluster", o.ID)
	}
	if !validSiteName(o.Name) {
		return fmt.Errorf("bad name %q", o.Name)
	}
	return nil
}

// furnish makes what the model lists.
func (c *Cluster) furnish(name string) {
	c.buildDisks()
	c.buildSites(name)
	for id := 1; id <= c.model.Clients; id++ {
		c.clients[id] = &client{id: id}
		c.clientIDs = append(c.clientIDs, id)
	}
	for _, t := range c.model.Templates {
		p := Policy{PlaceAll: t.PlaceAll, PlaceTail: t.PlaceTail, PlaceHead: t.PlaceHead}
		if t.Replication != 0 {
			p.Replication = &t.Replication
		}
		c.addTemplate(TemplateSpec{Name: t.Name, Policy: p}, nil)
	}
}

// ID returns the cluster id, "<location>.<subcluster>".
func (c *Cluster) ID() string { return c.id }

// Name returns the present name of the cluster.
func (c *Cluster) Name() string {
	c.mu.RLock()
	defer c.mu.RUnlock()
	return c.sites.peers[0].name
}

// Model returns what the cluster was built of, by the options or by a saved state.
func (c *Cluster) Model() Model {
	c.mu.RLock()
	defer c.mu.RUnlock()
	return c.model
}

// Behaviour returns the decisions of the cluster.
func (c *Cluster) Behaviour() Behaviour {
	c.mu.RLock()
	defer c.mu.RUnlock()
	return c.does
}

// Generation returns the configuration generation. It grows by one with every change.
func (c *Cluster) Generation() int64 { return c.generation.Load() }

func (c *Cluster) now() time.Time { return c.clock.Now() }

// lock begins a change: it applies what has come due and leaves the lock held.
func (c *Cluster) lock() {
	c.mu.Lock()
	c.expire(c.now())
}

// rlock begins a read in the same way.
func (c *Cluster) rlock() {
	c.Tick()
	c.mu.RLock()
}

// changed completes a change.
func (c *Cluster) changed() {
	c.generation.Add(1)
	c.fed.touch()
}

// node resolves a reference to a volume or snapshot; it returns nil when there is none.
func (c *Cluster) node(ref Ref) *node {
	if gid, ok := strings.CutPrefix(string(ref), "~"); ok {
		return c.byGlobalID(gid)
	}
	return c.byName[string(ref)]
}

// byGlobalID finds a volume or snapshot, but for snapshots that are being deleted. The last part of a global id
// is the VisibleID to the base of 36, but for what another cluster has created.
func (c *Cluster) byGlobalID(gid string) *node {
	if n := c.foreign[gid]; n != nil {
		if s := n.obj.Load().Snap; s != nil && s.Deleted {
			return nil
		}
		return n
	}
	id, err := strconv.ParseInt(gid[strings.LastIndexByte(gid, '.')+1:], 36, 64)
	if err != nil {
		return nil
	}
	o := c.byID(id)
	if o == nil || o.GlobalID != gid || o.IsSnapshot() && o.Snap.Deleted {
		return nil
	}
	return o.node
}

func (c *Cluster) byID(id int64) *Object {
	if o, ok := c.volumes.Get(id); ok {
		return o
	}
	o, _ := c.snapshots.Get(id)
	return o
}

func (c *Cluster) find(ref Ref, kind string, snapshot bool) (*node, error) {
	if !validRef(ref) {
		return nil, refuse(InvalidParam, "Invalid %s name '%s'", strings.ToLower(kind), ref)
	}
	if n := c.node(ref); n != nil && n.obj.Load().IsSnapshot() == snapshot {
		return n, nil
	}
	return nil, missing(kind, string(ref))
}

func (c *Cluster) volume(ref Ref) (*node, error)   { return c.find(ref, "Volume", false) }
func (c *Cluster) snapshot(ref Ref) (*node, error) { return c.find(ref, "Snapshot", true) }

// Volume returns the volume. Error: [ObjectDoesNotExist].
func (c *Cluster) Volume(ref Ref) (*Object, error) {
	c.rlock()
	defer c.mu.RUnlock()
	n, err := c.volume(ref)
	if err != nil {
		return nil, err
	}
	return n.obj.Load(), nil
}

// Snapshot returns the snapshot. Error: [ObjectDoesNotExist], also for one that is being deleted.
func (c *Cluster) Snapshot(ref Ref) (*Object, error) {
	c.rlock()
	defer c.mu.RUnlock()
	n, err := c.snapshot(ref)
	if err != nil {
		return nil, err
	}
	return n.obj.Load(), nil
}

// Volumes lists all volumes.
func (c *Cluster) Volumes() List[*Object] {
	c.lock()
	defer c.mu.Unlock()
	return List[*Object]{c.volumes.Copy()}
}

// Snapshots lists all snapshots, transient ones and those being deleted included.
func (c *Cluster) Snapshots() List[*Object] {
	c.lock()
	defer c.mu.Unlock()
	return List[*Object]{c.snapshots.Copy()}
}

// present yields volumes, then snapshots; the lock is held.
func (c *Cluster) present() iter.Seq[*Object] {
	return func(yield func(*Object) bool) {
		for _, l := range []List[*Object]{{c.volumes}, {c.snapshots}} {
			for o := range l.All() {
				if !yield(o) {
					return
				}
			}
		}
	}
}

// everything yields volumes, then snapshots, each as they were at one moment.
func (c *Cluster) everything() iter.Seq[*Object] {
	return func(yield func(*Object) bool) {
		for _, l := range []List[*Object]{c.Volumes(), c.Snapshots()} {
			for o := range l.All() {
				if !yield(o) {
					return
				}
			}
		}
	}
}

// Ancestors returns the chain of parents of a volume, nearest first.
func (c *Cluster) Ancestors(ref Ref) ([]*Object, error) {
	c.rlock()
	defer c.mu.RUnlock()
	n, err := c.volume(ref)
	if err != nil {
		return nil, err
	}
	var chain []*Object
	for p := n.parent(); p != nil; p = p.parent() {
		chain = append(chain, p.obj.Load())
	}
	return chain, nil
}

// Children returns the volumes and snapshots whose parent is the snapshot with this global id, in order of
// creation.
func (c *Cluster) Children(gid string) []*Object {
	c.rlock()
	defer c.mu.RUnlock()
	n := c.byGlobalID(gid)
	if n == nil {
		return nil
	}
	var all []*Object
	for k := n.child; k != nil; k = k.next {
		all = append(all, k.obj.Load())
	}
	slices.SortFunc(all, func(a, b *Object) int { return cmp.Compare(a.VisibleID, b.VisibleID) })
	return all
}

// FindByTag returns the volumes and snapshots with this tag, in order of creation. The first call takes time in
// proportion to the number of objects.
func (c *Cluster) FindByTag(name, value string) []*Object {
	c.lock()
	defer c.mu.Unlock()
	c.tags.build(c.volumes, c.snapshots)
	var all []*Object
	for id := range c.tags.ids(name, value) {
		o := c.byID(id)
		if v, _ := o.Tags.Get(name); v == value { // not another tag with the same hash
			all = append(all, o)
		}
	}
	return all
}

// identify returns the number and the name ("~" and the global id) of a new object.
func (c *Cluster) identify() (id int64, anonymous string) {
	c.lastID++
	return c.lastID, "~" + c.id + "." + strconv.FormatInt(c.lastID, 36)
}

// publish makes info the present state of the node, in every index.
func (c *Cluster) publish(n *node, info Info) { c.enter(n, n.obj.Load(), info) }

// enter is publish for a node whose state in this cluster was old, nil when it comes from elsewhere.
func (c *Cluster) enter(n *node, old *Object, info Info) {
	info.VAG = c.vagOf(n, old, &info)
	info.node = n
	n.place.Store(c)
	info.ParentID = 0
	if info.parent != nil {
		info.ParentID = info.parent.id()
	}
	o := &Object{Info: info}
	switch {
	case old == nil:
		c.tags.add(o.VisibleID, o.Tags)
	case old.Tags != o.Tags:
		c.tags.remove(o.VisibleID, old.Tags)
		c.tags.add(o.VisibleID, o.Tags)
	}
	if old == nil || old.Name != o.Name {
		c.unname(n, old)
		if addressable(o.Name) {
			c.byName[o.Name] = n
		}
	}
	if old != nil && old.IsSnapshot() != o.IsSnapshot() {
		c.listOf(old).Delete(o.VisibleID)
	}
	c.listOf(o).Set(o.VisibleID, o)
	n.obj.Store(o)
}

// withdraw takes the node out of every index.
func (c *Cluster) withdraw(n *node) {
	o := n.obj.Load()
	n.gone.Store(true)
	n.image = nil
	n.untie()
	c.leave(n, o)
	last := o.Info // remembered by snapshots as their source: without what takes room
	last.parent, last.Tags = nil, Tags{}
	n.obj.Store(&Object{Info: last})
}

// leave takes the object out of every index of this cluster.
func (c *Cluster) leave(n *node, o *Object) {
	c.tags.remove(o.VisibleID, o.Tags)
	c.iscsi.forget(o.VisibleID)
	c.unname(n, o)
	c.listOf(o).Delete(o.VisibleID)
	if c.foreign[o.GlobalID] == n {
		delete(c.foreign, o.GlobalID)
	}
}

func (c *Cluster) unname(n *node, o *Object) {
	if o != nil && c.byName[o.Name] == n {
		delete(c.byName, o.Name)
	}
}

// addressable tells names from "~globalId" and from those of snapshots that are being deleted.
func addressable(name string) bool { return name[0] != '~' && name[0] != '*' }

func (c *Cluster) listOf(o *Object) *btree.Map[int64, *Object] {
	if o.IsSnapshot() {
		return c.snapshots
	}
	return c.volumes
}

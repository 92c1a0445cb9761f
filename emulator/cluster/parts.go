package cluster

import (
	"bytes"
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
)

// part is what one domain of a cluster adds to a saved state.
type part struct {
	name string
	save func(*Cluster) any
	load func(*Cluster, json.RawMessage) error
}

// define makes a part of two functions over a type that encoding/json writes. save runs under the lock of the
// cluster; what it returns is encoded later, so it must not share what changes. load runs on a cluster that nobody
// else knows yet, with its volumes and snapshots in place, and refuses what no cluster can have.
func define[T any](name string, save func(*Cluster) T, load func(*Cluster, T) error) part {
	return part{
		name: name,
		save: func(c *Cluster) any { return save(c) },
		load: func(c *Cluster, text json.RawMessage) error {
			var saved T
			err := strictly(text, &saved)
			if err == nil {
				err = load(c, saved)
			}
			if err != nil {
				return fmt.Errorf("%s: %w", name, err)
			}
			return nil
		},
	}
}

// parts are the domains in the order in which they are loaded.
func parts() []part {
	return []part{
		define("disks", (*Cluster).saveDisks, (*Cluster).loadDisks),
		define("groups", (*Cluster).saveGroups, (*Cluster).loadGroups),
		define("templates", (*Cluster).saveTemplates, (*Cluster).loadTemplates),
		define("clients", (*Cluster).saveClients, (*Cluster).loadClients),
		define("attachments", (*Cluster).saveAttachments, (*Cluster).loadAttachments),
		define("ties", (*Cluster).saveTies, (*Cluster).loadTies),
		define("sites", (*Cluster).saveSites, (*Cluster).loadSites),
		define("buckets", (*Cluster).saveBuckets, (*Cluster).loadBuckets),
		define("iscsi", (*Cluster).saveISCSI, (*Cluster).loadISCSI),
		define("maintenance", (*Cluster).saveMaintenance, (*Cluster).loadMaintenance),
		define("vags", (*Cluster).saveVAGs, (*Cluster).loadVAGs),
		define("balancer", (*Cluster).saveBalancer, (*Cluster).loadBalancer),
		define("conditions", (*Cluster).saveConditions, (*Cluster).loadConditions),
		define("due", (*Cluster).saveDue, (*Cluster).loadDue),
	}
}

// strictly decodes one JSON value and refuses members that the type has not.
func strictly(text []byte, v any) error {
	d := json.NewDecoder(bytes.NewReader(text))
	d.DisallowUnknownFields()
	if err := d.Decode(v); err != nil {
		return err
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return errors.New("more than one value")
	}
	return nil
}

type savedDisk struct {
	Disk
	Ejected bool   `json:"ejected,omitempty"`
	Ignored bool   `json:"ignored,omitempty"`
	Drain   *drain `json:"drain,omitempty"`
}

func (c *Cluster) saveDisks() []savedDisk {
	all := make([]savedDisk, len(c.disks))
	for i, d := range c.disks {
		all[i] = savedDisk{Disk: d.Disk, Ejected: d.ejected, Ignored: d.ignored}
		if d.SoftEject != softEjectOff {
			moving := d.drain
			all[i].Drain = &moving
		}
	}
	return all
}

func (c *Cluster) loadDisks(all []savedDisk) error {
	for i, d := range all {
		if i > 0 && d.ID <= all[i-1].ID {
			return fmt.Errorf("disk %d is out of order", d.ID)
		}
		if (d.SoftEject != softEjectOff) != (d.Drain != nil) {
			return fmt.Errorf("disk %d: the soft-eject does not fit its state", d.ID)
		}
		made := &disk{Disk: d.Disk, ejected: d.Ejected, ignored: d.Ignored}
		if d.Drain != nil {
			made.drain = *d.Drain
		}
		c.disks = append(c.disks, made)
	}
	return nil
}

type savedGroup struct {
	ID    int64  `json:"id"`
	Name  string `json:"name"`
	Disks []int  `json:"disks"`
}

type savedGroups struct {
	Last   int64        `json:"last"` // last id of a template or group
	Groups []savedGroup `json:"groups"`
}

func (c *Cluster) saveGroups() savedGroups {
	all := savedGroups{Last: c.lastPlace}
	for _, name := range slices.Sorted(maps.Keys(c.groups)) {
		g := c.groups[name]
		all.Groups = append(all.Groups, savedGroup{g.id, name, slices.Clone(g.disks)})
	}
	return all
}

func (c *Cluster) loadGroups(all savedGroups) error {
	c.lastPlace = all.Last
	for _, g := range all.Groups {
		if c.groups[g.Name] != nil {
			return fmt.Errorf("group %q is there twice", g.Name)
		}
		for i, id := range g.Disks {
			if _, err := c.disk(id); err != nil || i > 0 && id <= g.Disks[i-1] {
				return fmt.Errorf("group %q: disk %d is unknown or out of order", g.Name, id)
			}
		}
		c.groups[g.Name] = &group{id: g.ID, disks: g.Disks}
	}
	c.recount()
	for s := range c.settings {
		if err := c.checkSettings(s); err != nil {
			return err
		}
	}
	return nil
}

// checkSettings refuses settings of a volume or snapshot that no request can make.
func (c *Cluster) checkSettings(s Settings) error {
	if s.Replication < 1 || s.Replication > maxReplicas {
		return fmt.Errorf("replication %d of a volume is not in 1..%d", s.Replication, maxReplicas)
	}
	for _, g := range []string{s.PlaceAll, s.PlaceTail, s.PlaceHead} {
		if c.groups[g] == nil {
			return fmt.Errorf("group %q of a volume is missing", g)
		}
	}
	return nil
}

type savedTemplate struct {
	ID     int64  `json:"id"`
	Name   string `json:"name"`
	Size   int64  `json:"size,omitempty"`
	Policy Policy `json:"policy"`
	Parent int64  `json:"parent,omitempty"` // VisibleID
}

func (c *Cluster) saveTemplates() []savedTemplate {
	all := make([]savedTemplate, len(c.templates))
	for i, t := range c.templates {
		all[i] = savedTemplate{ID: t.id, Name: t.name, Size: t.size, Policy: t.policy}
		if t.parent != nil && !t.parent.gone.Load() {
			all[i].Parent = t.parent.id()
		}
	}
	return all
}

func (c *Cluster) loadTemplates(all []savedTemplate) error {
	for _, s := range all {
		t := &template{id: s.ID, name: s.Name, size: s.Size, policy: s.Policy}
		if err := errors.Join(c.checkTemplateName(t.name), c.checkPolicy(t.policy)); err != nil {
			return err
		}
		if s.Parent != 0 {
			o := c.byID(s.Parent)
			if o == nil || !o.IsSnapshot() {
				return fmt.Errorf("template %q: no snapshot has the number %d", t.name, s.Parent)
			}
			t.parent = o.node
		}
		c.templates = append(c.templates, t)
	}
	return nil
}

type savedClient struct {
	ID         int   `json:"id"`
	Away       bool  `json:"away,omitempty"`
	Generation int64 `json:"generation,omitempty"` // applied when it went away
}

func (c *Cluster) saveClients() []savedClient {
	all := make([]savedClient, len(c.clientIDs))
	for i, id := range c.clientIDs {
		cl := c.clients[id]
		all[i] = savedClient{ID: id, Away: cl.away != nil, Generation: cl.generation}
	}
	return all
}

func (c *Cluster) loadClients(all []savedClient) error {
	for i, s := range all {
		if i > 0 && s.ID <= all[i-1].ID {
			return fmt.Errorf("client %d is out of order", s.ID)
		}
		cl := &client{id: s.ID, generation: s.Generation}
		if s.Away {
			cl.away = c.clock.Event()
		}
		c.clients[s.ID] = cl
		c.clientIDs = append(c.clientIDs, s.ID)
	}
	return nil
}

type savedAttachment struct {
	Seq    int64  `json:"seq"`
	Object int64  `json:"object"`       // VisibleID
	In     string `json:"in,omitempty"` // cluster id of the object when it is another
	Client int    `json:"client"`
	Pos    int    `json:"pos"`
	Rights Rights `json:"rights"`
}

type savedAttachments struct {
	Last        int64             `json:"last"` // last seq
	Attachments []savedAttachment `json:"attachments"`
}

func (c *Cluster) saveAttachments() savedAttachments {
	all := savedAttachments{Last: c.lastBinding, Attachments: make([]savedAttachment, 0, c.attachments.Len())}
	c.attachments.Scan(func(seq int64, a *Attachment) bool {
		s := savedAttachment{Seq: seq, Object: a.node.id(), Client: a.Client, Pos: a.Pos, Rights: a.Rights}
		if in := a.node.home(); in != c {
			s.In = in.id
		}
		all.Attachments = append(all.Attachments, s)
		return true
	})
	return all
}

func (c *Cluster) loadAttachments(all savedAttachments) error {
	c.lastBinding = all.Last
	for i, a := range all.Attachments {
		o, cl := c.objectIn(a.In, a.Object), c.clients[a.Client]
		if o == nil || cl == nil || i > 0 && a.Seq <= all.Attachments[i-1].Seq || a.Seq > all.Last {
			return fmt.Errorf("attachment %d: unknown object or client, or out of order", a.Seq)
		}
		if a.Rights != ReadOnly && (a.Rights != ReadWrite || o.IsSnapshot()) || o.node.binding(seat{c, a.Client}) != nil {
			return fmt.Errorf("attachment %d: bad rights, or there twice", a.Seq)
		}
		if !cl.occupy(a.Pos) {
			return fmt.Errorf("attachment %d: client %d has no free slot %d", a.Seq, a.Client, a.Pos)
		}
		c.bindAt(o.node, cl, a.Seq, a.Pos, a.Rights)
	}
	return nil
}

// objectIn returns the object with this VisibleID in the member with this id, "" for the cluster itself; nil when there is
// none.
func (c *Cluster) objectIn(id string, object int64) *Object {
	if id == "" {
		return c.byID(object)
	}
	i := slices.IndexFunc(c.fed.members, func(m *Cluster) bool { return m.id == id })
	if i < 0 {
		return nil
	}
	return c.fed.members[i].byID(object)
}

type savedAppointment struct {
	At     int64   `json:"at"` // UNIX nanoseconds
	Order  int64   `json:"order"`
	Object int64   `json:"object"` // VisibleID
	Kind   dueKind `json:"kind"`
}

type savedDue struct {
	Last         int64              `json:"last"` // last order
	Appointments []savedAppointment `json:"appointments"`
}

// saveDue leaves out appointments of what is gone: they are void.
func (c *Cluster) saveDue() savedDue {
	all := savedDue{Last: c.due.last}
	for _, d := range c.due.items {
		if !d.node.gone.Load() && d.node.home() == c {
			all.Appointments = append(all.Appointments, savedAppointment{d.at, d.order, d.node.id(), d.kind})
		}
	}
	slices.SortFunc(all.Appointments, func(a, b savedAppointment) int {
		return cmp.Or(cmp.Compare(a.At, b.At), cmp.Compare(a.Order, b.Order))
	})
	return all
}

func (c *Cluster) loadDue(all savedDue) error {
	c.due.last = all.Last
	for i, a := range all.Appointments {
		o := c.byID(a.Object)
		if o == nil || i > 0 && a.At < all.Appointments[i-1].At || a.Kind < dueDate || a.Kind > dueArrive {
			return fmt.Errorf("appointment %d: unknown object or kind, or out of order", a.Order)
		}
		c.due.items = append(c.due.items, due{at: a.At, order: a.Order, node: o.node, kind: a.Kind})
	}
	if len(c.due.items) > 0 {
		c.nextDue.Store(c.due.items[0].at)
	}
	return nil
}

package world

import (
	"context"
	"errors"
	"fmt"
	"io"
	"iter"
	"net/http"
	"time"

	"github.com/spsim/spsim/agentsim"
	"github.com/spsim/spsim/emulator"
	"github.com/spsim/spsim/emulator/cluster"
	"github.com/spsim/spsim/emulator/fault"
	"github.com/spsim/spsim/internal/clock"
	"github.com/spsim/spsim/scenarios/check"
)

// Embedded is the emulator in this process, on a virtual clock, reached without sockets.
type Embedded struct {
	server   *emulator.Server
	clock    *clock.Virtual
	borrower int // client id that no host has
}

// start is where the virtual clock begins: 2023-11-14 22:13:20 UTC.
func start() time.Time { return time.Unix(1_700_000_000, 0).UTC() }

// NewEmbedded returns a default cluster with a client for each of hosts, and one more.
func NewEmbedded(seed int64, hosts int, b cluster.Behaviour) (*Embedded, error) {
	e := &Embedded{clock: clock.NewVirtual(start()), borrower: max(hosts+1, 5)}
	model := cluster.DefaultModel()
	model.Clients = e.borrower
	var err error
	e.server, err = emulator.New(emulator.WithClock(e.clock), emulator.WithSeed(seed), emulator.WithModel(model),
		emulator.WithBehaviour(b))
	if err != nil {
		return nil, fmt.Errorf("embedded target: %w", err)
	}
	return e, nil
}

// Server is the emulator itself.
func (e *Embedded) Server() *emulator.Server { return e.server }

// Name is "embedded".
func (e *Embedded) Name() string { return "embedded" }

// Clock is the virtual clock.
func (e *Embedded) Clock() clock.Clock { return e.clock }

// Endpoint is an address that only the in-process transport understands.
func (e *Embedded) Endpoint() (hostPort, token string) { return "storpool.test:81", e.server.Token() }

// ClusterID is the emulated cluster's id.
func (e *Embedded) ClusterID() string { return e.server.Cluster().ID() }

// Transport answers in the goroutine of the caller.
func (e *Embedded) Transport(caller string) http.RoundTripper {
	return e.server.ClientFor(caller).Transport
}

// Devices opens what the emulator shows to a client.
func (e *Embedded) Devices(client int) agentsim.Devices {
	return devices{e.server.Host(client), e.server.Cluster()}
}

// devices adapts the emulator's view of one client to what an agent opens.
type devices struct {
	host    *emulator.Host
	cluster *cluster.Cluster
}

func (d devices) Open(_ context.Context, path string) (agentsim.Device, error) {
	dev, err := d.host.Open(path)
	if err != nil {
		return nil, err
	}
	return sparse{dev, d.cluster, cluster.Ref("~" + GlobalID(path))}, nil
}

// sparse is a device that tells where its data is, so that copies pass over holes (image.Extents).
type sparse struct {
	*cluster.Device
	cluster *cluster.Cluster
	ref     cluster.Ref
}

// NextData is the first range of data from off on; at the end both bounds are the size.
func (s sparse) NextData(off int64) (from, to int64, err error) {
	extents, err := s.cluster.Extents(s.ref, off)
	if err != nil {
		return 0, 0, err
	}
	for x := range extents {
		return max(x.Off, off), x.Off + x.Len, nil
	}
	size, err := s.Size()
	return size, size, err
}

// Borrow attaches the object to a client of its own.
func (e *Embedded) Borrow(_ context.Context, gid string, snapshot bool) (agentsim.Device, error) {
	ref := cluster.Ref("~" + gid)
	at := func(a cluster.Assignment) cluster.Assignment {
		if snapshot {
			a.Snapshot = ref
		} else {
			a.Volume = ref
		}
		return a
	}
	c := e.server.Cluster()
	take := cluster.Assignment{RW: []int{e.borrower}}
	if snapshot {
		take = cluster.Assignment{RO: []int{e.borrower}}
	}
	if err := c.Reassign([]cluster.Assignment{at(take)}); err != nil {
		return nil, fmt.Errorf("borrow ~%s: %w", gid, err)
	}
	give := func() error {
		return c.Reassign([]cluster.Assignment{at(cluster.Assignment{Detach: []int{e.borrower}, Force: true})})
	}
	dev, err := c.Device(e.borrower, ref)
	if err != nil {
		return nil, errors.Join(fmt.Errorf("borrow ~%s: %w", gid, err), give())
	}
	return &borrowed{Device: dev, give: give}, nil
}

type borrowed struct {
	*cluster.Device
	give func() error
}

func (b *borrowed) Close() error { return errors.Join(b.Device.Close(), b.give()) }

// Arm adds a rule on an API call.
func (e *Embedded) Arm(r fault.Rule) (int, error) { return e.server.Arm(r) }

// Faults are the rules with their history.
func (e *Embedded) Faults() []fault.State { return e.server.Faults().Rules() }

// Disarm removes every rule.
func (e *Embedded) Disarm() { e.server.Faults().Reset() }

// SetCondition makes the cluster unhealthy.
func (e *Embedded) SetCondition(c cluster.Condition) error { return e.server.SetCondition(c) }

// ClearConditions makes it well again.
func (e *Embedded) ClearConditions() { e.server.ClearConditions() }

// Generation is the cluster's.
func (e *Embedded) Generation() int64 {
	c := e.server.Cluster()
	c.Tick()
	return c.Generation()
}

// Contents reads an object and names the ranges that hold data, attached or not. The version changes with the contents.
func (e *Embedded) Contents(gid string) (data io.ReaderAt, ranges iter.Seq2[int64, int64], version uint64, err error) {
	c, ref := e.server.Cluster(), cluster.Ref("~"+gid)
	if version, err = c.Version(ref); err != nil {
		return nil, nil, 0, err
	}
	return contents{c, ref}, func(yield func(int64, int64) bool) {
		extents, err := c.Extents(ref, 0)
		if err != nil {
			return // it is gone, which the next look at the objects tells
		}
		for x := range extents {
			if !yield(x.Off, x.Off+x.Len) {
				return
			}
		}
	}, version, nil
}

// contents reads an object of a cluster.
type contents struct {
	cluster *cluster.Cluster
	ref     cluster.Ref
}

func (c contents) ReadAt(p []byte, off int64) (int, error) {
	if err := c.cluster.ReadContent(c.ref, off, p); err != nil {
		return 0, err
	}
	return len(p), nil
}

// Look reads the cluster's state without the API.
func (e *Embedded) Look(context.Context) ([]check.Object, []check.Attachment, error) {
	c := e.server.Cluster()
	var objects []check.Object
	for o := range c.Volumes().All() {
		objects = append(objects, object(o))
	}
	for o := range c.Snapshots().All() {
		if !o.Snap.Deleted {
			objects = append(objects, object(o))
		}
	}
	var attachments []check.Attachment
	for a := range c.Attachments().All() {
		attachments = append(attachments, check.Attachment{
			GlobalID: a.GlobalID, Client: a.Client, ReadWrite: a.Rights == cluster.ReadWrite,
		})
	}
	return objects, attachments, nil
}

func object(o *cluster.Object) check.Object {
	return check.Object{
		GlobalID: o.GlobalID, Snapshot: o.IsSnapshot(), Size: o.Size, Template: o.Template, IOPS: int64(o.IOPS),
		Parent: o.ParentName(), Tags: o.Tags.Map(), Transient: o.Snap != nil && o.Snap.Transient,
	}
}

// Remove deletes without the API.
func (e *Embedded) Remove(_ context.Context, gid string, snapshot bool) error {
	c, ref := e.server.Cluster(), cluster.Ref("~"+gid)
	if !snapshot {
		return c.VolumeDelete(ref, cluster.OnAttachedDetachForce)
	}
	return errors.Join(c.Reassign([]cluster.Assignment{{Snapshot: ref, DetachAll: true, Force: true}}), c.SnapshotDelete(ref))
}

// Close ends the emulator.
func (e *Embedded) Close() error {
	e.server.Close()
	return nil
}

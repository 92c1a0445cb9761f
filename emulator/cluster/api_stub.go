package cluster

import (
	"context"
	"errors"
	"iter"
	"strings"
	"time"
)

const (
	objectSize  = 32 << 20
	maxDiskID   = 4095
	maxClientID = 4095
	minDiskSize = 10 << 30
)

var errStub = errors.New("not built yet")

type node struct{}

func (n *node) shown() string          { return "" }
func (n *node) parentAt(*Object) *node { return nil }

type chainCount struct{}

func validSiteName(s string) bool     { return s != "" && !strings.ContainsAny(s, " ") }
func validSiteID(s string) bool       { return s != "" }
func validTemplateName(s string) bool { return s != "" }

// Tags is an immutable set of tags in ascending order of their names.
type Tags struct{ packed string }

// Get returns the value of a tag.
func (t Tags) Get(key string) (string, bool) { return "", false }

// Len returns the number of tags.
func (t Tags) Len() int { return 0 }

// All yields name and value of every tag, by ascending name.
func (t Tags) All() iter.Seq2[string, string] { return func(func(string, string) bool) {} }

// Map returns the tags as a new map, never nil.
func (t Tags) Map() map[string]string { return map[string]string{} }

// List is an immutable list taken at one moment, in order of creation.
type List[T any] struct{}

// Len returns the number of elements.
func (l List[T]) Len() int { return 0 }

// All yields the elements.
func (l List[T]) All() iter.Seq[T] { return func(func(T) bool) {} }

// Cluster is a StorPool cluster.
type Cluster struct{}

func New(o Options) (*Cluster, error) { return nil, errStub }

func (c *Cluster) ID() string        { return "" }
func (c *Cluster) Name() string      { return "" }
func (c *Cluster) Generation() int64 { return 0 }

// Tick applies what has come due. Every other method does it first.
func (c *Cluster) Tick() {}

func (c *Cluster) VolumeCreate(s VolumeSpec) (Created, error)  { return Created{}, errStub }
func (c *Cluster) VolumeUpdate(ref Ref, ch VolumeChange) error { return errStub }
func (c *Cluster) VolumeDelete(ref Ref, on OnAttached) error   { return errStub }
func (c *Cluster) VolumeSnapshot(ref Ref, s SnapshotSpec) (SnapshotCreated, error) {
	return SnapshotCreated{}, errStub
}
func (c *Cluster) GroupSnapshot(s GroupSpec) ([]GroupMember, error) { return nil, errStub }
func (c *Cluster) VolumeRevert(ref, to Ref, revertSize bool) error  { return errStub }
func (c *Cluster) VolumeFreeze(ref Ref, s Schedule) error           { return errStub }
func (c *Cluster) VolumeRebase(ref, parent Ref) error               { return errStub }
func (c *Cluster) VolumeAbandonDisk(ref Ref, disk int) error        { return errStub } // volume or snapshot
func (c *Cluster) SnapshotUpdate(ref Ref, ch SnapshotChange) error  { return errStub }
func (c *Cluster) SnapshotDelete(ref Ref) error                     { return errStub }
func (c *Cluster) SnapshotRebase(ref, parent Ref) error             { return errStub }

// Reassign changes attachments, all or none.
func (c *Cluster) Reassign(items []Assignment) error { return errStub }

// ReassignWait is Reassign, and waits until clients that are down have come back and applied it:
// nil timeout for ever, else that long and then [Timeout]; the change stays.
func (c *Cluster) ReassignWait(ctx context.Context, items []Assignment, timeout *time.Duration) error {
	return errStub
}

func (c *Cluster) Volume(ref Ref) (*Object, error)        { return nil, errStub }
func (c *Cluster) Snapshot(ref Ref) (*Object, error)      { return nil, errStub }
func (c *Cluster) Volumes() List[*Object]                 { return List[*Object]{} }
func (c *Cluster) Snapshots() List[*Object]               { return List[*Object]{} }
func (c *Cluster) Attachments() List[*Attachment]         { return List[*Attachment]{} }
func (c *Cluster) AttachmentsOf(gid string) []*Attachment { return nil }
func (c *Cluster) Ancestors(ref Ref) ([]*Object, error)   { return nil, errStub } // of a volume, nearest first
func (c *Cluster) Children(gid string) []*Object          { return nil }
func (c *Cluster) FindByTag(key, value string) []*Object  { return nil } // in order of creation
func (c *Cluster) Space(o *Object) Space                  { return Space{} }
func (c *Cluster) Layout(o *Object) Layout                { return Layout{} }

// Objects yields the disks of each 32 MiB object.
func (l Layout) Objects() iter.Seq[[]int] { return func(func([]int) bool) {} }

// Counts returns how many objects are on each of the TargetDiskSets.
func (l Layout) Counts() []int64 { return nil }

// OnVolume returns the present name of the volume that a snapshot was taken of, "-" when it is gone.
// It changes with the volume, so it does not belong into [Object.SetEncoding].
func (o *Object) OnVolume() string { return "-" }

func (c *Cluster) TemplateCreate(s TemplateSpec) error                 { return errStub }
func (c *Cluster) TemplateUpdate(name string, ch TemplateChange) error { return errStub }
func (c *Cluster) TemplateDelete(name string) error                    { return errStub }
func (c *Cluster) Template(name string) (Template, error)              { return Template{}, errStub }
func (c *Cluster) Templates() []Template                               { return nil }
func (c *Cluster) TemplateStatus() []TemplateStatus                    { return nil }

func (c *Cluster) PlacementGroups() []PlacementGroup { return nil } // by name
func (c *Cluster) PlacementGroup(name string) (PlacementGroup, error) {
	return PlacementGroup{}, errStub
}
func (c *Cluster) PlacementGroupUpdate(name string, ch GroupChange) error { return errStub }
func (c *Cluster) PlacementGroupDelete(name string) error                 { return errStub }

func (c *Cluster) Disks() []Disk                             { return nil } // by id
func (c *Cluster) Disk(id int) (Disk, error)                 { return Disk{}, errStub }
func (c *Cluster) DiskSetDescription(id int, d string) error { return errStub }
func (c *Cluster) DiskSoftEject(id int, state string) error  { return errStub } // on, paused, off
func (c *Cluster) DiskScrubStart(id int) error               { return errStub }
func (c *Cluster) DiskScrubPause(id int, paused bool) error  { return errStub }
func (c *Cluster) DiskEject(id int) error                    { return errStub }
func (c *Cluster) DiskForget(id int) error                   { return errStub }

func (c *Cluster) Services() Services                        { return Services{} }
func (c *Cluster) ClientsConfig() []ClientConfig             { return nil }
func (c *Cluster) ClientConfig(id int) (ClientConfig, error) { return ClientConfig{}, errStub } // at once
func (c *Cluster) ClientConfigWait(ctx context.Context, id int) (ClientConfig, error) {
	return ClientConfig{}, errStub
}
func (c *Cluster) SetClientDown(id int, down bool) error { return errStub }
func (c *Cluster) Locations() []Location                 { return nil }
func (c *Cluster) Peers() []Peer                         { return nil }

// Device opens what client has attached. Every access checks that it still is.
func (c *Cluster) Device(client int, ref Ref) (*Device, error) { return nil, errStub }

// Device is an attached volume or snapshot as its host sees it.
type Device struct{}

func (d *Device) ReadAt(p []byte, off int64) (int, error)  { return 0, errStub }
func (d *Device) WriteAt(p []byte, off int64) (int, error) { return 0, errStub }
func (d *Device) Discard(off, n int64) error               { return errStub }
func (d *Device) Zero(off, n int64) error                  { return errStub }
func (d *Device) Size() (int64, error)                     { return 0, errStub }
func (d *Device) Close() error                             { return nil }

// WriteContent and ReadContent are for tests: contents without an attachment.
func (c *Cluster) WriteContent(ref Ref, off int64, p []byte) error { return errStub }
func (c *Cluster) ReadContent(ref Ref, off int64, p []byte) error  { return errStub }

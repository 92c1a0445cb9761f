package cluster

import "sync/atomic"

// Settings is the policy in force for an object. Objects with equal settings share one value, which never
// changes.
type Settings struct {
	Replication int
	PlaceAll    string
	PlaceTail   string
	PlaceHead   string
	BW          Limit
	IOPS        Limit
	ReuseServer bool
	Template    string // name, "" when none
	TemplateID  int64  // 0 when none
}

// Object is a volume or snapshot as it was when it was read. It never changes: a changed volume or
// snapshot is a new Object.
type Object struct {
	Info
	encoding atomic.Pointer[string]
}

// Info holds the members of an [Object].
type Info struct {
	*Settings
	GlobalID  string // without tilde
	Name      string // as shown: the name, a generated one, "*name" while being deleted, or "~" and the global id
	Size      int64  // bytes
	Created   int64  // UNIX seconds
	VisibleID int64  // unique number, in order of creation
	ParentID  int64  // VisibleID of the parent, 0 when there is none
	VAG       int64  // volume allocation group; its number is the VisibleID of the object that it began with
	Tags      Tags
	Snap      *SnapshotInfo // nil for a volume

	node   *node
	parent *node
}

// SnapshotInfo holds what only snapshots have.
type SnapshotInfo struct {
	AutoName         bool   // the name was generated
	Bound            bool   // collected when it has neither children nor attachments
	Transient        bool   // made by baseOn; vanishes by itself
	Deleted          bool   // deletion is in progress
	DeleteBlocked    string // why it does not progress, "" when it does
	TargetDeleteDate int64  // UNIX seconds, 0 when none
	CreatedFrom      string // global id of the volume that it was taken of, "" when none
	CreatedFromID    int64  // VisibleID of that volume

	Recovering bool   // it is being copied from another location, and not all has arrived
	Slave      bool   // it is a copy from another location that has not been reconciled
	Exported   bool   // to at least one location
	Backup     bool   // it is a backup that another location has made here
	BackupOf   string // global id of the volume, for a backup
	BackupOfID int64  // VisibleID of that volume over there
	BackupName string // name of that volume when the backup was made

	source *node
}

// IsSnapshot tells snapshots from volumes.
func (o *Object) IsSnapshot() bool { return o.Snap != nil }

// ObjectsCount returns the number of 32 MiB objects that the size spans (storpool-api 4.5).
func (o *Object) ObjectsCount() int64 { return (o.Size + objectSize - 1) / objectSize }

// ParentName returns the present name of the parent snapshot, "" when there is none. It changes with
// the parent, so it does not belong into [Object.SetEncoding].
func (o *Object) ParentName() string {
	if o.parent == nil {
		return ""
	}
	return o.parent.shown()
}

// OnVolume returns the present name of the volume that a snapshot was taken of, "-" when it is gone
// (storpool-api 5). It changes with the volume, so it does not belong into [Object.SetEncoding].
func (o *Object) OnVolume() string {
	if o.Snap == nil || o.Snap.source == nil {
		return "-"
	}
	return o.Snap.source.shownAsVolume()
}

// Encoding returns what [Object.SetEncoding] stored, "" when nothing was.
func (o *Object) Encoding() string {
	if s := o.encoding.Load(); s != nil {
		return *s
	}
	return ""
}

// SetEncoding caches an encoding of this object. It must not hold what changes with another object:
// the names of the parent and of the source volume, attachments and space.
func (o *Object) SetEncoding(s string) { o.encoding.Store(&s) }

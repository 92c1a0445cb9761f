package cluster

// Ref addresses a volume or snapshot in a request: a name, or "~" and a global id (storpool-api 4.2).
type Ref string

// Limit is a bandwidth in KB/s or a rate of operations per second. 0 is no limit and reads "-".
type Limit int64

// Policy holds the settings that a request may give for a volume, snapshot or template; absent members
// are zero. Where a value comes from otherwise: storpool-api 6.1.
type Policy struct {
	Replication *int
	PlaceAll    string
	PlaceTail   string
	PlaceHead   string
	BW          *Limit
	IOPS        *Limit
	ReuseServer *bool
}

// VolumeSpec asks for a volume (storpool-api 6.2). At most one of Parent and BaseOn is given.
type VolumeSpec struct {
	Name     string // "" makes a nameless volume
	Size     *int64 // bytes, a multiple of 512; nil takes it from the source or the template
	Template string
	Parent   Ref // snapshot to start from
	BaseOn   Ref // volume to copy
	Policy   Policy
	Tags     map[string]string
}

// Created names a new volume.
type Created struct {
	Name     string // as shown: the name, or "~" and the global id
	GlobalID string
	AutoName string // name of the transient snapshot when the volume is based on another
}

// VolumeChange changes what is given (storpool-api 6.3).
type VolumeChange struct {
	Rename   *string // "" drops the name
	Size     *int64
	SizeAdd  *int64 // not together with Size
	ShrinkOK bool
	Template string
	Policy   Policy
	Tags     map[string]string // merged; an empty value removes the tag
}

// SnapshotSpec asks for a snapshot of a volume (storpool-api 6.4).
type SnapshotSpec struct {
	Name     string // "" makes an anonymous snapshot
	Bind     bool   // collected when it has neither children nor attachments
	Schedule Schedule
	Template string
	Tags     map[string]string
}

// Schedule plans a deletion. At most one member is given; 0 means none, and in an update cancels.
type Schedule struct {
	DeleteAfter      *int64 // seconds from now
	TargetDeleteDate *int64 // UNIX seconds, not in the past
}

// SnapshotCreated names a new snapshot.
type SnapshotCreated struct {
	Name      string // as shown
	GlobalID  string
	AutoName  string // the generated "volume@N" name; "" when the name was given or is "~" and the global id
	VisibleID int64
}

// GroupSpec asks for snapshots of several volumes at one moment (storpool-api 6.4).
type GroupSpec struct {
	Volumes []GroupVolume
	Tags    map[string]string // for every snapshot
	// Anywhere takes volumes of the whole multi-cluster; each snapshot is made where its volume lives.
	Anywhere bool
}

// GroupVolume is one volume of a [GroupSpec]; its tags win over those of the group.
type GroupVolume struct {
	Volume Ref
	Name   string // of the snapshot
	Tags   map[string]string
}

// GroupMember is the outcome for one volume.
type GroupMember struct {
	Volume           string // name as shown
	VolumeGlobalID   string
	Snapshot         string // name as shown
	SnapshotGlobalID string
}

// SnapshotChange changes what is given; the zero value is a valid request that changes nothing.
type SnapshotChange struct {
	Rename   *string // "" drops the name
	Bind     *bool
	Schedule Schedule
	Template string
	Policy   Policy
	Tags     map[string]string // merged; an empty value removes the tag
}

// OnAttached says what a call does when its object is attached.
type OnAttached string

// Values of [OnAttached]. The empty value is OnAttachedFail.
const (
	OnAttachedFail        OnAttached = "fail"
	OnAttachedDetach      OnAttached = "detach"      // where the device is not open
	OnAttachedDetachForce OnAttached = "detachForce" // always
	OnAttachedExport      OnAttached = "export"      // between clusters only
)

// Assignment changes the attachments of one volume or snapshot (storpool-api 7.1).
type Assignment struct {
	Volume    Ref // exactly one of Volume and Snapshot is given
	Snapshot  Ref
	DetachAll bool
	Detach    []int // client ids
	RO        []int
	RW        []int
	Force     bool // detach although the device is open

	// What follows concerns volumes of other clusters (storpool-api 9).

	Anywhere            bool       // find the object wherever it lives in the multi-cluster
	Export              bool       // leave a volume where it lives (mcMode export) instead of moving it here
	AllowRemoteExported bool       // attach a volume that another cluster exports to this one, without Anywhere
	OnRemoteAttached    OnAttached // while it is attached in other clusters; "" is [OnAttachedExport]
}

// TemplateSpec asks for a template (storpool-api 8).
type TemplateSpec struct {
	Name   string
	Size   *int64
	Parent Ref
	Policy Policy
}

// TemplateChange changes what is given.
type TemplateChange struct {
	Rename    string
	Size      *int64
	Parent    Ref
	Policy    Policy
	Propagate bool // existing volumes and snapshots of the template follow
}

// GroupChange changes a placement group; one that is missing is created (PlacementGroupUpdate).
type GroupChange struct {
	Rename      string
	AddDisks    []int
	RemoveDisks []int
}

package inventory

import "time"

// ID is a row's number within its table; 0 is no row.
type ID int64

// Zone is a CloudStack zone.
type Zone struct {
	ID   ID
	UUID string
	Name string
}

// Cluster is a CloudStack cluster. Its StorPool cluster is the detail sp.cluster.id.
type Cluster struct {
	ID   ID
	Zone ID
	Name string
}

// HostState is the state of a host's agent.
type HostState string

// The host states.
const (
	HostUp          HostState = "Up"
	HostDown        HostState = "Down"
	HostDisabled    HostState = "Disabled"
	HostMaintenance HostState = "Maintenance"
)

// Host is a KVM host.
type Host struct {
	ID         ID
	UUID       string
	Name       string
	Zone       ID
	Cluster    ID
	State      HostState
	Parent     string // SP_OURID, written at host connect
	Encryption bool   // host.volume.encryption
}

// PoolState is the state of a primary storage pool.
type PoolState string

// The pool states.
const (
	PoolInitial     PoolState = "Initialized"
	PoolUp          PoolState = "Up"
	PoolMaintenance PoolState = "Maintenance"
	PoolDisabled    PoolState = "Disabled"
)

// StorPool is the provider name and the pool type of the plugin.
const StorPool = "StorPool"

// Pool is a primary storage pool. Connection details of a StorPool pool are details of the pool.
type Pool struct {
	ID         ID
	UUID       string // <SP_TEMPLATE>;<uuid> for StorPool
	Name       string
	Zone       ID
	Provider   string
	Type       string
	State      PoolState
	Host       string
	Port       int
	Path       string
	Tags       string // storage tags, parted by commas
	Capacity   int64  // bytes
	Used       int64  // bytes
	Managed    bool
	Hypervisor string
}

// PoolHost records that a host is connected to a pool.
type PoolHost struct {
	ID        ID
	Pool      ID
	Host      ID
	LocalPath string
}

// SecondaryStore is an image store of a zone.
type SecondaryStore struct {
	ID   ID
	UUID string
	Zone ID
	Name string
	URL  string // nfs://server/path
}

// DiskOffering is a disk offering. Its SP_QOSCLASS and SP_TEMPLATE are details.
type DiskOffering struct {
	ID          ID
	UUID        string
	Name        string
	Size        int64 // bytes, 0 for a custom size
	MaxIOPS     int64 // 0 for none
	ComputeOnly bool  // the root-disk part of a service offering
	Encrypt     bool
}

// ServiceOffering is a compute offering with its own disk offering.
type ServiceOffering struct {
	ID           ID
	UUID         string
	Name         string
	DiskOffering ID
}

// VMState is the state of a VM.
type VMState string

// The VM states.
const (
	VMStarting  VMState = "Starting"
	VMRunning   VMState = "Running"
	VMStopping  VMState = "Stopping"
	VMStopped   VMState = "Stopped"
	VMMigrating VMState = "Migrating"
	VMDestroyed VMState = "Destroyed"
	VMExpunging VMState = "Expunging"
	VMError     VMState = "Error"
)

// VM is a user VM.
type VM struct {
	ID       ID
	UUID     string
	Instance string // i-2-3-VM
	Name     string
	Zone     ID
	Host     ID // where it runs, 0 when stopped
	LastHost ID
	State    VMState
	Offering ID
	Template ID
	ISO      bool
}

// VolumeKind is ROOT or DATA.
type VolumeKind string

// The kinds of volumes.
const (
	Root VolumeKind = "ROOT"
	Data VolumeKind = "DATADISK"
)

// VolumeState is the state of a volume.
type VolumeState string

// The volume states.
const (
	VolumeAllocated    VolumeState = "Allocated"
	VolumeUploaded     VolumeState = "Uploaded" // on secondary storage only
	VolumeCreating     VolumeState = "Creating"
	VolumeReady        VolumeState = "Ready"
	VolumeSnapshotting VolumeState = "Snapshotting"
	VolumeReverting    VolumeState = "RevertSnapshotting"
	VolumeResizing     VolumeState = "Resizing"
	VolumeMigrating    VolumeState = "Migrating"
	VolumeAttaching    VolumeState = "Attaching"
	VolumeDestroy      VolumeState = "Destroy"
	VolumeExpunging    VolumeState = "Expunging"
	VolumeExpunged     VolumeState = "Expunged"
)

// Volume is a volume. Its size never includes the room of a LUKS header.
type Volume struct {
	ID            ID
	UUID          string
	Name          string
	Kind          VolumeKind
	Zone          ID
	Pool          ID
	LastPool      ID
	PoolType      string
	Path          string // /dev/storpool-byid/<globalId>, empty before creation
	Size          int64  // bytes
	Format        string // QCOW2 for StorPool, although raw
	State         VolumeState
	VM            ID // 0 when detached
	DeviceID      int
	HasDevice     bool // DeviceID is known
	Offering      ID
	Template      ID
	MaxIOPS       int64 // 0 for none
	PassphraseID  ID    // 0 when not encrypted
	KMSKeyID      ID
	EncryptFormat string
	Account       string
}

// Encrypted tells whether the volume has a passphrase or a KMS key.
func (v Volume) Encrypted() bool { return v.PassphraseID != 0 || v.KMSKeyID != 0 }

// VolumeStore is a volume on secondary storage: one that was uploaded, or a copy to be downloaded.
type VolumeStore struct {
	ID           ID
	Volume       ID
	Store        ID
	Path         string
	Size         int64 // virtual, in bytes
	PhysicalSize int64 // bytes
	State        RefState
}

// SnapshotPolicy lets core take snapshots of a volume by itself.
type SnapshotPolicy struct {
	ID     ID
	Volume ID
	Every  time.Duration
	Keep   int       // snapshots; older ones are deleted
	Next   time.Time // when the next one is due
}

// Passphrase is the key of an encrypted volume.
type Passphrase struct {
	ID    ID
	Value []byte
}

// SnapshotState is the state of a snapshot.
type SnapshotState string

// The snapshot states.
const (
	SnapshotAllocated  SnapshotState = "Allocated"
	SnapshotCreating   SnapshotState = "Creating"
	SnapshotPrimary    SnapshotState = "CreatedOnPrimary"
	SnapshotBackingUp  SnapshotState = "BackingUp"
	SnapshotBackedUp   SnapshotState = "BackedUp"
	SnapshotDestroying SnapshotState = "Destroying"
	SnapshotDestroyed  SnapshotState = "Destroyed"
	SnapshotError      SnapshotState = "Error"
)

// Snapshot is a volume snapshot.
type Snapshot struct {
	ID       ID
	UUID     string
	Name     string
	Volume   ID
	Zone     ID
	Size     int64 // bytes, the volume's size when it was taken
	State    SnapshotState
	Offering ID
	MinIOPS  int64
	MaxIOPS  int64
	Type     string // MANUAL, RECURRING
	Location string // PRIMARY or SECONDARY
	Account  string
}

// Role is the role of a store.
type Role string

// The store roles.
const (
	Primary Role = "Primary"
	Image   Role = "Image"
)

// RefState is the state of an object on a store.
type RefState string

// The states of store records.
const (
	RefAllocated        RefState = "Allocated"
	RefCreating         RefState = "Creating"
	RefCopying          RefState = "Copying"
	RefReady            RefState = "Ready"
	RefDestroyRequested RefState = "DestroyRequested"
	RefDestroying       RefState = "Destroying"
	RefDestroyed        RefState = "Destroyed"
	RefFailed           RefState = "Failed"
)

// SnapshotRef is a snapshot on a store (snapshot_store_ref).
type SnapshotRef struct {
	ID           ID
	Snapshot     ID
	Volume       ID
	Role         Role
	Store        ID // pool or secondary store, by role
	Path         string
	Size         int64 // bytes
	PhysicalSize int64 // bytes
	State        RefState
}

// Template is a template.
type Template struct {
	ID      ID
	UUID    string
	Name    string
	Unique  string
	Zone    ID
	Size    int64 // virtual size in bytes, 0 when unknown
	Format  string
	Removed bool
	ISO     bool
	Direct  bool // hosts download it themselves: no secondary storage has it
}

// TemplateStore is a template on secondary storage (template_store_ref). LocalPath is the device path of its base snapshot.
type TemplateStore struct {
	ID           ID
	Template     ID
	Store        ID
	Path         string
	LocalPath    string
	Size         int64
	PhysicalSize int64
	State        RefState
}

// TemplatePool is a template cached on a pool (template_spool_ref).
type TemplatePool struct {
	ID          ID
	Template    ID
	Pool        ID
	LocalPath   string
	InstallPath string
	Size        int64
	State       RefState
	Marked      bool // for garbage collection
}

// The states of VM snapshots.
const (
	VMSnapshotAllocated = "Allocated"
	VMSnapshotCreating  = "Creating"
	VMSnapshotReady     = "Ready"
	VMSnapshotReverting = "Reverting"
	VMSnapshotExpunging = "Expunging"
	VMSnapshotError     = "Error"
)

// VMSnapshot is a group snapshot of a VM's disks. Members are its details: volume uuid to device path.
type VMSnapshot struct {
	ID      ID
	UUID    string
	VM      ID
	Parent  ID
	Current bool
	State   string
}

// Intent is an operation in progress: what was begun, how far it is, whose it is.
type Intent struct {
	ID      ID
	Op      string // the op tag of every StorPool object that the operation creates
	Action  string // the entry point
	Pool    ID
	Kind    Kind // of Object
	Object  ID
	Step    string
	Pivoted bool
	Data    string // what Reconcile needs beyond the rows, in the form of the action
	Owner   string
	Lease   time.Time // until then only Owner may go on
}

// Lease is the exclusive use of something by a management server, which the others wait for.
type Lease struct {
	ID    ID
	Key   string // what is used: "volume 3"
	Owner string
	Until time.Time // it is over then, if its owner does not prolong it
}

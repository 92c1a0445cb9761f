package cluster

// Space figures of an object in bytes, before replication (storpool-api 6.8).
type Space struct {
	Stored int64 // own data: written minus discarded, in pages of 4 KiB
	Used   int64 // volume: own and inherited data; snapshot: what its deletion would free
}

// Rights of an attachment.
type Rights string

// Values of [Rights].
const (
	ReadWrite Rights = "rw"
	ReadOnly  Rights = "ro"
)

// Attachment is an attachment as it was when it was read.
type Attachment struct {
	GlobalID string // of the object, without tilde
	Client   int
	Rights   Rights
	Pos      int // slot on the client, 0..1023
	Snapshot bool

	node *node
}

// ObjectName returns the present name of the attached object, as shown.
func (a *Attachment) ObjectName() string { return a.node.shown() }

// Template is a template as it was when it was read. Unset numbers are 0 and read "-".
type Template struct {
	ID          int64
	Name        string
	Size        int64
	Replication int
	PlaceAll    string
	PlaceTail   string
	PlaceHead   string
	BW          Limit
	IOPS        Limit
	ReuseServer bool
	ParentName  string // "" when there is none
}

// TemplateStatus holds the usage and capacity of a template in bytes (storpool-api 8).
type TemplateStatus struct {
	Template
	VolumesCount                 int64
	SnapshotsCount               int64
	RemovingSnapshotsCount       int64
	Size                         int64 // provisioned by volumes and snapshots, before replication
	VolumesSize                  int64
	SnapshotsWithChildrenSize    int64
	SnapshotsWithoutChildrenSize int64
	TotalSize                    int64 // Size with replication
	StoredSize                   int64
	OnDiskSize                   int64
	All, Tail, Head              GroupStatus
	Stored                       Estimate // least of the three groups
}

// GroupStatus is the state of the disks of one placement group.
type GroupStatus struct {
	Available int64 // raw bytes free
	Capacity  int64 // raw bytes
	Stored    Estimate
}

// Estimate says how much client data fits.
type Estimate struct {
	Capacity int64
	Free     int64
}

// PlacementGroup is a named set of disks.
type PlacementGroup struct {
	ID    int64
	Name  string
	Disks []int // ascending
}

// Disk is a disk as it was when it was read. Only the members up to SSD hold for a disk that is down.
type Disk struct {
	ID             int
	Server         int
	GenerationLeft int64 // -1 while the disk is up
	Model          string
	Serial         string
	Description    string
	SoftEject      string // on, off, paused
	SSD            bool

	Device           string
	Size             int64 // bytes
	AGCount          int64 // allocation groups of 512 MiB
	AGAllocated      int64
	EntriesCount     int64
	EntriesAllocated int64
	ObjectsCount     int64
	ObjectsAllocated int64
	OnDiskSize       int64 // bytes occupied by objects
	Scrub            Scrub
}

// Up tells whether the disk is present.
func (d *Disk) Up() bool { return d.GenerationLeft == -1 }

// AGFree returns the number of free allocation groups.
func (d *Disk) AGFree() int64 { return d.AGCount - d.AGAllocated }

// ServiceStatus of a service or of the whole cluster.
type ServiceStatus string

// Values of [ServiceStatus].
const (
	Running ServiceStatus = "running"
	Waiting ServiceStatus = "waiting"
	Down    ServiceStatus = "down"
)

// Service is one service of the cluster.
type Service struct {
	ID        int
	Node      int
	Version   string
	StartTime int64 // UNIX seconds
	Status    ServiceStatus
	Active    bool // management only: the instance in charge
}

// Services lists every service of the cluster by kind, each ascending by id.
type Services struct {
	Cluster ServiceStatus
	Mgmt    []Service
	Clients []Service
	Servers []Service
	Bridges []Service
	ISCSI   []Service // targets, that is controllers
}

// ClientConfig compares the configuration of one client with that of the cluster.
type ClientConfig struct {
	ID               int
	Generation       int64
	ClientGeneration int64
	Status           string // ok, updating, down
	Delay            int64
}

// Location is a location that the cluster knows, its own included.
type Location struct {
	ID             string
	Name           string
	SendBufferSize int64
	RecvBufferSize int64
}

// Peer is a cluster that this one knows, itself included.
type Peer struct {
	ID       string // second part of the cluster id
	Name     string
	Location string // name
}

// Bridge is a remote bridge. To register one, either Location or Remote is given.
type Bridge struct {
	BridgeSpec
	Location string // name
	Remote   string // name of the cluster, or of the location when the bridge is of no cluster
	Cluster  string // name, "" when the bridge is of a whole location
}

// BridgeSpec holds the settings of a remote bridge.
type BridgeSpec struct {
	IP        string
	PublicKey string
	NoCrypto  bool
	// MinimumDeleteDelay is the smallest delay in seconds of a deletion that the other side may ask for; nil means
	// that it may ask for none (storpool-api 10).
	MinimumDeleteDelay *int64
}

package emulator

// placementGroup is one placement group.
type placementGroup struct {
	ID    int64  `json:"id"`
	Name  string `json:"name"`
	Disks []int  `json:"disks"`
}

// faultSet is a group of servers that may fail together.
type faultSet struct {
	Name    string `json:"name"`
	Servers []int  `json:"servers"`
}

// template is a volume template.
type template struct {
	ID          int64  `json:"id"`
	Name        string `json:"name"`
	ParentName  string `json:"parentName"`
	Size        orDash `json:"size"`
	Replication orDash `json:"replication"`
	ReuseServer bool   `json:"reuseServer"`
	placement
	limits
}

// spaceInternal are debugging figures.
type spaceInternal struct {
	U1 int64 `json:"u1"`
	U2 int64 `json:"u2"`
	U3 int64 `json:"u3"`
}

// spaceEntry is client data in bytes that fits, and that still fits.
type spaceEntry struct {
	Capacity int64         `json:"capacity"`
	Free     int64         `json:"free"`
	Internal spaceInternal `json:"internal"`
}

// spaceEstimate is the total and the estimate of each placement group.
type spaceEstimate struct {
	spaceEntry
	PlaceAll  spaceEntry `json:"placeAll"`
	PlaceTail spaceEntry `json:"placeTail"`
	PlaceHead spaceEntry `json:"placeHead"`
}

// templateStatus is usage and capacity of a template (storpool-api 8).
type templateStatus struct {
	ID          int64  `json:"id"`
	Name        string `json:"name"`
	Replication orDash `json:"replication"`
	placement
	VolumesCount           int64 `json:"volumesCount"`
	SnapshotsCount         int64 `json:"snapshotsCount"`
	RemovingSnapshotsCount int64 `json:"removingSnapshotsCount"`
	Size                   int64 `json:"size"`
	TotalSize              int64 `json:"totalSize"`
	StoredSize             int64 `json:"storedSize"`
	OnDiskSize             int64 `json:"onDiskSize"`

	VolumesSize                  int64 `json:"volumesSize"`
	SnapshotsWithChildrenSize    int64 `json:"snapshotsWithChildrenSize"`
	SnapshotsWithoutChildrenSize int64 `json:"snapshotsWithoutChildrenSize"`

	AvailablePlaceAll  int64         `json:"availablePlaceAll"`
	AvailablePlaceTail int64         `json:"availablePlaceTail"`
	AvailablePlaceHead int64         `json:"availablePlaceHead"`
	CapacityPlaceAll   int64         `json:"capacityPlaceAll"`
	CapacityPlaceTail  int64         `json:"capacityPlaceTail"`
	CapacityPlaceHead  int64         `json:"capacityPlaceHead"`
	Stored             spaceEstimate `json:"stored"`
}

// service is the common part of all services.
type service struct {
	ID        int    `json:"id"`
	NodeID    int    `json:"nodeId"`
	Version   string `json:"version"`
	StartTime *int64 `json:"startTime"` // UNIX seconds, null while the service is down
	Status    string `json:"status"`
}

type mgmtService struct {
	service
	Prio   int  `json:"prio"`
	Active bool `json:"active"`
}

type serverService struct {
	service
	MissingDisks []int `json:"missingDisks"`
	PendingDisks []int `json:"pendingDisks"`
}

// clusterStatus is the answer of the service lists.
type clusterStatus struct {
	ClusterStatus string                `json:"clusterStatus"`
	Mgmt          map[int]mgmtService   `json:"mgmt"`
	Clients       map[int]service       `json:"clients"`
	Servers       map[int]serverService `json:"servers"`
	Bridges       map[int]service       `json:"bridges"`
	ISCSITargets  map[int]service       `json:"iscsiTargets"`
}

// clientConfig is the configuration state of one client.
type clientConfig struct {
	ID               int    `json:"id"`
	Generation       int64  `json:"generation"`
	ClientGeneration int64  `json:"clientGeneration"`
	ConfigStatus     string `json:"configStatus"`
	Delay            int64  `json:"delay"`
}

// peer is a node of the beacon.
type peer struct {
	BeaconStatus  string           `json:"beaconStatus"`
	ClusterStatus string           `json:"clusterStatus"`
	Joined        bool             `json:"joined"`
	NonVoting     bool             `json:"nonVoting"`
	Networks      map[int]peerLink `json:"networks"`
	Rdma          map[int]rdmaLink `json:"rdma"`
}

type peerLink struct {
	Mac string `json:"mac"`
}

type rdmaLink struct {
	GUID  string `json:"guid"`
	State string `json:"state"`
}

// task is a recovery task.
type task struct {
	DiskID            int   `json:"diskId"`
	TransactionID     int64 `json:"transactionId"`
	AllObjects        int64 `json:"allObjects"`
	CompletedObjects  int64 `json:"completedObjects"`
	DispatchedObjects int64 `json:"dispatchedObjects"`
	UnresolvedObjects int64 `json:"unresolvedObjects"`
}

// location is a place with clusters, this cluster's own one included.
type location struct {
	ID             string `json:"id"`
	Name           string `json:"name"`
	SendBufferSize int64  `json:"sendBufferSize"`
	RecvBufferSize int64  `json:"recvBufferSize"`
}

type locations struct {
	Locations []location `json:"locations"`
}

// remoteCluster is a cluster of a location; its id is the second part of a cluster id.
type remoteCluster struct {
	ID       string `json:"id"`
	Name     string `json:"name"`
	Location string `json:"location"`
}

type clusters struct {
	Clusters []remoteCluster `json:"clusters"`
}

// remoteBridge is a bridge of a location, or of a cluster there.
type remoteBridge struct {
	IP                 string `json:"ip"`
	PublicKey          string `json:"publicKey"`
	Location           string `json:"location"`
	Remote             string `json:"remote"`
	Cluster            string `json:"cluster,omitempty"`
	NoCrypto           bool   `json:"noCrypto,omitempty"`
	MinimumDeleteDelay *int64 `json:"minimumDeleteDelay,omitempty"` // seconds
}

type remoteBridges struct {
	RemoteBridges []remoteBridge `json:"remoteBridges"`
}

// maintenanceNode is a node in maintenance, in seconds.
type maintenanceNode struct {
	NodeID      int    `json:"nodeId"`
	Started     int64  `json:"started"` // UNIX seconds
	Duration    int64  `json:"duration"`
	Description string `json:"description"`
	Overrun     bool   `json:"overrun"`
	Remaining   *int64 `json:"remaining,omitempty"` // absent of an overrun
}

type maintenanceNodes struct {
	Nodes []maintenanceNode `json:"nodes"`
}

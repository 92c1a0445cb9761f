package emulator

import "strconv"

// The answer types spell what StorPool answers, member by member (storpool-api Appendix B). A test compares
// each of them with the catalogue.

// orDash is a number that reads "-" when it is not set: limits, template sizes.
type orDash int64

// dash is the value of an orDash that is not set.
const dash orDash = -1

// MarshalJSON writes the number, or "-".
func (n orDash) MarshalJSON() ([]byte, error) { return n.append(nil), nil }

func (n orDash) append(b []byte) []byte {
	if n < 0 {
		return append(b, `"-"`...)
	}
	return strconv.AppendInt(b, int64(n), 10)
}

// apiOK is the data of a change.
type apiOK struct {
	OK         bool   `json:"ok"`
	Generation int64  `json:"generation"`
	Info       string `json:"info,omitempty"`
}

// volumeCreated is the data of VolumeCreate.
type volumeCreated struct {
	apiOK
	Name     string `json:"name"`
	GlobalID string `json:"globalId"`
	AutoName string `json:"autoName,omitempty"`
}

// snapshotCreated is the data of VolumeSnapshot.
type snapshotCreated struct {
	apiOK
	SnapshotGlobalID        string `json:"snapshotGlobalId"`
	AutoName                string `json:"autoName,omitempty"`
	SnapshotVisibleVolumeID int64  `json:"snapshotVisibleVolumeId"`
}

// groupSnapshot is one member of a group snapshot.
type groupSnapshot struct {
	Volume           string `json:"volume"`
	VolumeGlobalID   string `json:"volumeGlobalId"`
	Snapshot         string `json:"snapshot"`
	RemoteID         string `json:"remoteId"`
	SnapshotGlobalID string `json:"snapshotGlobalId"`
}

// groupSnapshots is the data of VolumesGroupSnapshot.
type groupSnapshots struct {
	apiOK
	Snapshots []groupSnapshot `json:"snapshots"`
}

// limits are the QoS members of an object or a template.
type limits struct {
	Bw        orDash `json:"bw"`
	Iops      orDash `json:"iops"`
	LimitType string `json:"limitType"`
}

// placement names placement groups.
type placement struct {
	PlaceAll  string `json:"placeAll"`
	PlaceTail string `json:"placeTail"`
	PlaceHead string `json:"placeHead"`
}

// objectStable are the members of a volume or snapshot that change only with the object itself, so that their
// encoding can be kept.
type objectStable struct {
	ID                     int64             `json:"id"`
	Name                   string            `json:"name"`
	GlobalID               string            `json:"globalId"`
	Size                   int64             `json:"size"`
	Replication            int               `json:"replication"`
	ReuseServer            bool              `json:"reuseServer"`
	ObjectsCount           int64             `json:"objectsCount"`
	CreationTimestamp      int64             `json:"creationTimestamp"`
	VisibleVolumeID        int64             `json:"visibleVolumeId"`
	Flags                  int64             `json:"flags"`
	FirstNotParentObjectID int64             `json:"firstNotParentObjectId"`
	Snapshot               bool              `json:"snapshot"`
	Tags                   map[string]string `json:"tags"`
	ParentVolumeID         int64             `json:"parentVolumeId"`
	OriginalParentVolumeID int64             `json:"originalParentVolumeId"`
	TemplateName           string            `json:"templateName"`
	TemplateID             int64             `json:"templateId"`
	placement
	limits
}

// objectVolatile are the members that change with another object or with the prefix of the call.
type objectVolatile struct {
	ParentName string `json:"parentName"`
	inCluster
}

// inCluster names the cluster of an entry under MultiCluster/.
type inCluster struct {
	ClusterName string `json:"clusterName,omitempty"`
	ClusterID   string `json:"clusterId,omitempty"`
}

// volumeSummary is a volume in lists.
type volumeSummary struct {
	objectStable
	objectVolatile
}

// snapshotStable are the members of a snapshot that change only with the snapshot itself.
type snapshotStable struct {
	AutoName                   bool   `json:"autoName"`
	Bound                      bool   `json:"bound"`
	Deleted                    bool   `json:"deleted"`
	Transient                  bool   `json:"transient"`
	TargetDeleteDate           int64  `json:"targetDeleteDate"`
	RecoveringFromRemote       bool   `json:"recoveringFromRemote"`
	Backup                     bool   `json:"backup"`
	BackupOfGlobalID           string `json:"backupOfGlobalId,omitempty"`
	BackupOfVisibleVolumeID    int64  `json:"backupOfVisibleVolumeId,omitempty"`
	DeleteBlocked              string `json:"deleteBlocked,omitempty"`
	McState                    string `json:"mcState"`
	CreatedFromGlobalID        string `json:"createdFromGlobalId,omitempty"`
	CreatedFromVisibleVolumeID int64  `json:"createdFromVisibleVolumeId,omitempty"`
}

// snapshotVolatile are the members of a snapshot that change with other objects.
type snapshotVolatile struct {
	OnVolume string `json:"onVolume"`
}

// snapshotSummary is a snapshot in lists.
type snapshotSummary struct {
	objectStable
	snapshotStable
	objectVolatile
	snapshotVolatile
}

// spaceFigures are the members of the space lists, in bytes before replication (storpool-api 6.8).
type spaceFigures struct {
	StoredSize int64 `json:"storedSize"`
	SpaceUsed  int64 `json:"spaceUsed"`
}

type volumeSpace struct {
	volumeSummary
	spaceFigures
}

type snapshotSpace struct {
	snapshotSummary
	spaceFigures
}

// diskLayout are the members of the Describe calls.
type diskLayout struct {
	TargetDiskSets [][]int `json:"targetDiskSets"`
	Objects        [][]int `json:"objects"`
}

type volumeDescription struct {
	volumeSummary
	diskLayout
}

type snapshotDescription struct {
	snapshotSummary
	diskLayout
}

// chainStat counts objects on a chain of disks.
type chainStat struct {
	Count int64 `json:"count"`
	Disks []int `json:"disks"`
}

// diskCounts are the members of the GetInfo calls.
type diskCounts struct {
	DisksCount        int           `json:"disksCount"`
	ObjectsPerChain   []chainStat   `json:"objectsPerChain"`
	ObjectsPerDisk    map[int]int64 `json:"objectsPerDisk"`
	ObjectsPerDiskSet []chainStat   `json:"objectsPerDiskSet"`
}

type volumeInfo struct {
	volumeSummary
	diskCounts
}

type snapshotInfo struct {
	snapshotSummary
	diskCounts
}

// quickStatus is the health of an object.
type quickStatus struct {
	Status              string `json:"status"`
	BalancerBlocked     bool   `json:"balancerBlocked"`
	DecreasedRedundancy bool   `json:"decreasedRedundancy"`
	Migrating           bool   `json:"migrating"`
	DownBytes           int64  `json:"downBytes"`
	SyncingDataBytes    int64  `json:"syncingDataBytes"`
	SyncingMetaObjects  int64  `json:"syncingMetaObjects"`
	UpSoonChainsCount   int64  `json:"upSoonChainsCount"`
	DownDrives          []int  `json:"downDrives"`
	MissingDrives       []int  `json:"missingDrives"`
	MissingTargetDrives []int  `json:"missingTargetDrives"`
	SoftEjectingDrives  []int  `json:"softEjectingDrives"`
}

// fullStatus adds the sizes, in bytes; onDiskSize counts every replica.
type fullStatus struct {
	quickStatus
	StoredSize int64 `json:"storedSize"`
	OnDiskSize int64 `json:"onDiskSize"`
}

type volumeQuickStatus struct {
	volumeSummary
	quickStatus
}

type snapshotQuickStatus struct {
	snapshotSummary
	quickStatus
}

type volumeStatus struct {
	volumeSummary
	fullStatus
}

type snapshotStatus struct {
	snapshotSummary
	fullStatus
}

// attachment is one entry of AttachmentsList.
type attachment struct {
	Volume    string `json:"volume"`
	GlobalID  string `json:"globalId"`
	Snapshot  bool   `json:"snapshot"`
	Client    int    `json:"client"`
	Rights    string `json:"rights"`
	Pos       int    `json:"pos"`
	Cluster   string `json:"cluster,omitempty"`
	ClusterID string `json:"clusterId,omitempty"`
}

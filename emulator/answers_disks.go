package emulator

// diskBase are the members that every disk has, present or away.
type diskBase struct {
	ID             int    `json:"id"`
	ServerID       int    `json:"serverId"`
	GenerationLeft int64  `json:"generationLeft"` // -1 while the disk is up
	Model          string `json:"model"`
	Serial         string `json:"serial"`
	Description    string `json:"description"`
	SSD            bool   `json:"ssd"`
	SoftEject      string `json:"softEject"`
}

type scores struct {
	Entries int64 `json:"entries"`
	Space   int64 `json:"space"`
	Total   int64 `json:"total"`
}

type writeBackCache struct {
	Pages        int64 `json:"pages"`
	PagesPending int64 `json:"pagesPending"`
	MaxPages     int64 `json:"maxPages"`
}

// diskScrub is the scrubbing state of a disk, in seconds and bytes.
type diskScrub struct {
	LastScrubCompleted     int64 `json:"lastScrubCompleted"`
	Scrubbing              bool  `json:"scrubbing"`
	ScrubbedBytes          int64 `json:"scrubbedBytes"`
	ScrubbingBW            int64 `json:"scrubbingBW"`
	ScrubbingFinishAfter   int64 `json:"scrubbingFinishAfter"`
	ScrubbingPaused        bool  `json:"scrubbingPaused"`
	ScrubbingPausedFor     int64 `json:"scrubbingPausedFor"`
	ScrubbingStartedBefore int64 `json:"scrubbingStartedBefore"`
}

// allocation counts allocation groups of 512 MiB, entries and objects of a disk.
type allocation struct {
	AgCount          int64 `json:"agCount"`
	AgAllocated      int64 `json:"agAllocated"`
	AgFree           int64 `json:"agFree"`
	AgFull           int64 `json:"agFull"`
	AgPartial        int64 `json:"agPartial"`
	AgFreeing        int64 `json:"agFreeing"`
	AgMaxSizeFull    int64 `json:"agMaxSizeFull"`
	AgMaxSizePartial int64 `json:"agMaxSizePartial"`
	AgFreeNotTrimmed int64 `json:"agFreeNotTrimmed"`

	EntriesCount     int64 `json:"entriesCount"`
	EntriesAllocated int64 `json:"entriesAllocated"`
	EntriesFree      int64 `json:"entriesFree"`

	ObjectsCount      int64 `json:"objectsCount"`
	ObjectsAllocated  int64 `json:"objectsAllocated"`
	ObjectsFree       int64 `json:"objectsFree"`
	ObjectsOnDiskSize int64 `json:"objectsOnDiskSize"`
}

// upDisk is a disk that is present; sizes are in sectors of 512 bytes where the name says so.
type upDisk struct {
	diskBase
	allocation
	diskScrub
	Device                 string          `json:"device"`
	SectorsCount           int64           `json:"sectorsCount"`
	Empty                  bool            `json:"empty"`
	NoFua                  bool            `json:"noFua"`
	NoFlush                bool            `json:"noFlush"`
	NoTrim                 bool            `json:"noTrim"`
	IsWbc                  bool            `json:"isWbc"`
	Journaled              bool            `json:"journaled"`
	AggregateScore         scores          `json:"aggregateScore"`
	Wbc                    *writeBackCache `json:"wbc"`
	PendingErrorRecoveries int64           `json:"pendingErrorRecoveries"`
	TotalErrorsDetected    int64           `json:"totalErrorsDetected"`
}

// diskSummary is one of the two shapes of a disk: up is nil for a disk that is away.
type diskSummary struct {
	base diskBase
	up   *upDisk
}

// diskObject is one object of a volume on a disk.
type diskObject struct {
	ObjectID     int64  `json:"objectId"`
	Volume       string `json:"volume"`
	VolumeID     int64  `json:"volumeId"`
	ParentVolume string `json:"parentVolume"`
	Generation   int64  `json:"generation"`
	Version      int64  `json:"version"`
	State        int    `json:"state"`
	StoredSize   int64  `json:"storedSize"`
	OnDiskSize   int64  `json:"onDiskSize"`
}

// diskDescription is a disk with its objects.
type diskDescription struct {
	upDisk
	Objects map[int64]diskObject `json:"objects"`
}

// diskVolume is what a disk holds of a volume or snapshot.
type diskVolume struct {
	Name         string        `json:"name"`
	StoredSize   int64         `json:"storedSize"`
	OnDiskSize   int64         `json:"onDiskSize"`
	ObjectsCount int64         `json:"objectsCount"`
	ObjectStates map[int]int64 `json:"objectStates"` // state -> number of objects
}

// diskInfo is a disk with what it holds of each volume.
type diskInfo struct {
	upDisk
	ObjectStates map[int]int64         `json:"objectStates"`
	VolumeInfos  map[string]diskVolume `json:"volumeInfos"`
}

// activeRequest is a request in flight.
type activeRequest struct {
	Op         string `json:"op"`
	RequestID  string `json:"requestId"`
	RequestIdx int64  `json:"requestIdx"`
	Volume     string `json:"volume"`
	Address    int64  `json:"address"`
	Size       int64  `json:"size"`
	MsecActive int64  `json:"msecActive"`
	State      string `json:"state"`
	PrevState  string `json:"prevState"`
	DrOp       string `json:"drOp"`
}

type clientRequests struct {
	ClientID int             `json:"clientId"`
	Requests []activeRequest `json:"requests"`
}

type diskRequests struct {
	DiskID   int             `json:"diskId"`
	Requests []activeRequest `json:"requests"`
}

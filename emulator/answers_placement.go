package emulator

// vag is a volume allocation group: objects that share their disk sets.
type vag struct {
	VagID       int64 `json:"vagId"`
	Name        int64 `json:"name"`
	ParentVagID int64 `json:"parentVagId"`
	placement
	Replication                 int              `json:"replication"`
	ReuseServer                 bool             `json:"reuseServer"`
	TemplateName                string           `json:"templateName"`
	TemplateID                  int64            `json:"templateId"`
	TargetDiskSets              [][]int          `json:"targetDiskSets"`
	Chains                      [][]int          `json:"chains"`
	Overrides                   map[string][]int `json:"overrides"` // by object id, or "-"
	DiskSetsConstraintsViolated bool             `json:"diskSetsConstraintsViolated"`
}

// figure compares a value with the one aimed at.
type figure struct {
	Current   int64 `json:"current"`
	Target    int64 `json:"target"`
	Delta     int64 `json:"delta"`
	ToRecover int64 `json:"toRecover"`
}

// downDiskTarget are the members that every disk has in estimates.
type downDiskTarget struct {
	ID             int   `json:"id"`
	ServerID       int   `json:"serverId"`
	GenerationLeft int64 `json:"generationLeft"`
}

// upDiskTarget is the estimate of a disk that is present; sizes are bytes.
type upDiskTarget struct {
	downDiskTarget
	ObjectsCount     int64  `json:"objectsCount"`
	ObjectsAllocated figure `json:"objectsAllocated"`
	OnDiskSize       figure `json:"onDiskSize"`
	StoredSize       figure `json:"storedSize"`
}

// diskTarget is one of the two shapes of an estimate: up is nil for a disk that is away.
type diskTarget struct {
	base downDiskTarget
	up   *upDiskTarget
}

// relocatorStatus is the state of the relocator.
type relocatorStatus struct {
	Status               string `json:"status"`
	VolumesToRelocate    int64  `json:"volumesToRelocate"`
	RecoveringFromRemote int64  `json:"recoveringFromRemote"`
}

// balancerStatus is the state of the balancer.
type balancerStatus struct {
	Status string `json:"status"`
	Auto   bool   `json:"auto"`
}

// balancerVolume is a volume or snapshot as the balancer sees it.
type balancerVolume struct {
	Name         string `json:"name"`
	Size         int64  `json:"size"`
	Snapshot     bool   `json:"snapshot"`
	Replication  int    `json:"replication"`
	ObjectsCount int64  `json:"objectsCount"`
	placement
	Blocked     bool `json:"blocked"`
	Reallocated bool `json:"reallocated"`
}

// balancerSets adds the disk sets, in force and proposed.
type balancerSets struct {
	balancerVolume
	CurrentDiskSets  [][]int `json:"currentDiskSets"`
	BalancerDiskSets [][]int `json:"balancerDiskSets"`
}

package spapi

import (
	"errors"
	"net/http"
	"strings"
)

func noID(name, what string) error {
	return &AnswerError{Call: name, Status: http.StatusOK, Err: errors.New("the answer has no " + what)}
}

// Volume is a volume as lists show it (storpool-api 5). Sizes are bytes.
type Volume struct {
	Name         string `json:"name"` // ~globalId for a nameless volume
	GlobalID     string `json:"globalId"`
	ParentName   string `json:"parentName"`
	TemplateName string `json:"templateName"`
	Size         int64  `json:"size"`
	IOPS         Limit  `json:"iops"`
	Tags         Tags   `json:"tags"`
	CreatedAt    int64  `json:"creationTimestamp"` // UNIX seconds
	ClusterID    string `json:"clusterId"`         // under MultiCluster/ only
	ClusterName  string `json:"clusterName"`
}

// Snapshot is a snapshot as lists show it.
type Snapshot struct {
	Volume
	OnVolume             string `json:"onVolume"` // "-" when the volume is gone
	AutoName             bool   `json:"autoName"`
	Bound                bool   `json:"bound"`
	Deleted              bool   `json:"deleted"`
	Transient            bool   `json:"transient"`
	TargetDeleteDate     int64  `json:"targetDeleteDate"` // UNIX seconds, 0 or -1 for none
	RecoveringFromRemote bool   `json:"recoveringFromRemote"`
}

// Gone tells whether the snapshot is only listed until its data is merged (storpool-api 4.3).
func (s Snapshot) Gone() bool { return s.Deleted || strings.HasPrefix(s.Name, "*") }

// VolumeSpace is a volume with its space figures, in bytes before replication (storpool-api 6.8).
type VolumeSpace struct {
	Volume
	StoredSize int64 `json:"storedSize"`
	SpaceUsed  int64 `json:"spaceUsed"`
}

// Template is a StorPool template.
type Template struct {
	Name      string `json:"name"`
	PlaceAll  string `json:"placeAll"`
	PlaceTail string `json:"placeTail"`
	PlaceHead string `json:"placeHead"`
	Size      Limit  `json:"size"` // bytes
	IOPS      Limit  `json:"iops"`
}

// TemplateStatus is the estimate of a template's room.
type TemplateStatus struct {
	Name   string     `json:"name"`
	Stored StoredRoom `json:"stored"`
}

// StoredRoom is in bytes of client data.
type StoredRoom struct {
	Capacity int64 `json:"capacity"`
	Free     int64 `json:"free"`
}

// Attachment is one object on one client.
type Attachment struct {
	Volume    string `json:"volume"` // name or ~globalId, of snapshots too
	GlobalID  string `json:"globalId"`
	Snapshot  bool   `json:"snapshot"`
	Client    int    `json:"client"`
	Rights    string `json:"rights"` // ro or rw
	Pos       int    `json:"pos"`
	ClusterID string `json:"clusterId"`
}

// Services are the services of a cluster by their ids (storpool-api 11).
type Services struct {
	ClusterStatus string             `json:"clusterStatus"`
	Clients       map[string]Service `json:"clients"`
	Servers       map[string]Service `json:"servers"`
	Mgmt          map[string]Service `json:"mgmt"`
}

// Service is one service.
type Service struct {
	ID     int    `json:"id"`
	NodeID int    `json:"nodeId"`
	Status string `json:"status"` // running or down
}

// Location is a StorPool location. Its id is the first part of the ids of its clusters.
type Location struct {
	ID   string `json:"id"`
	Name string `json:"name"`
}

// Cluster is a sub-cluster of a location.
type Cluster struct {
	ID       string `json:"id"`
	Name     string `json:"name"`
	Location string `json:"location"`
}

// ByCluster is the answer of one cluster to a call under AllClusters/ (storpool-api 9): Data, or Err when that cluster failed.
type ByCluster[T any] struct {
	ClusterID   string
	ClusterName string
	Data        []T
	Err         error
}

package spapi

import (
	"encoding/json"
	"fmt"
	"strings"
)

// Tags are the tags of an object. nil is not sent, an empty map is sent as {}; the value "" removes a tag.
type Tags map[string]string

// Limit is a number that may be unset, which StorPool writes as "-".
type Limit struct {
	Value int64
	Set   bool
}

// UnmarshalJSON reads a number or "-".
func (l *Limit) UnmarshalJSON(b []byte) error {
	*l = Limit{}
	if string(b) == `"-"` || string(b) == "null" {
		return nil
	}
	if err := json.Unmarshal(b, &l.Value); err != nil {
		return fmt.Errorf("a limit is a number or \"-\": %w", err)
	}
	l.Set = true
	return nil
}

// MarshalJSON writes the number, or "-".
func (l Limit) MarshalJSON() ([]byte, error) {
	if !l.Set {
		return []byte(`"-"`), nil
	}
	return fmt.Appendf(nil, "%d", l.Value), nil
}

// VolumeCreate asks for a volume (storpool-api 6.2). Sizes are bytes.
type VolumeCreate struct {
	Name     *string `json:"name,omitzero"` // "" and absent both make a nameless volume
	Size     int64   `json:"size,omitzero"`
	Parent   string  `json:"parent,omitzero"` // snapshot
	BaseOn   string  `json:"baseOn,omitzero"` // volume
	IOPS     *int64  `json:"iops,omitzero"`
	Template string  `json:"template,omitzero"`
	Tags     Tags    `json:"tags,omitzero"`
}

// VolumeCreated answers VolumeCreate.
type VolumeCreated struct {
	Name     string `json:"name"` // ~globalId for a nameless volume
	GlobalID string `json:"globalId"`
	AutoName string `json:"autoName"`
}

// ID returns the global id without a tilde, or an [*AnswerError] when the answer has none.
func (v VolumeCreated) ID() (string, error) {
	if v.GlobalID != "" {
		return v.GlobalID, nil
	}
	if id, ok := strings.CutPrefix(v.Name, "~"); ok && id != "" {
		return id, nil
	}
	return "", noID("VolumeCreate", "name nor globalId")
}

// VolumeUpdate changes the given members of a volume (storpool-api 6.3).
type VolumeUpdate struct {
	Rename   *string `json:"rename,omitzero"` // "" makes it nameless
	Size     int64   `json:"size,omitzero"`   // bytes
	ShrinkOK *bool   `json:"shrinkOk,omitzero"`
	IOPS     *int64  `json:"iops,omitzero"` // 0 removes the limit
	Template string  `json:"template,omitzero"`
	Tags     Tags    `json:"tags,omitzero"` // merged
}

// DetachForce makes VolumeDelete detach the volume from every client first.
const DetachForce = "detachForce"

// VolumeDelete deletes a volume. OnAttached is fail (the default), detach or [DetachForce].
type VolumeDelete struct {
	OnAttached string `json:"onAttached,omitzero"`
}

// VolumeSnapshot asks for a snapshot of a volume (storpool-api 6.4).
type VolumeSnapshot struct {
	Name        *string `json:"name,omitzero"`
	Bind        *bool   `json:"bind,omitzero"`
	DeleteAfter int64   `json:"deleteAfter,omitzero"` // seconds
	Tags        Tags    `json:"tags,omitzero"`
}

// SnapshotCreated answers VolumeSnapshot.
type SnapshotCreated struct {
	SnapshotGlobalID string `json:"snapshotGlobalId"`
	AutoName         string `json:"autoName"`
}

// ID returns the global id without a tilde, or an [*AnswerError] when the answer has none.
func (s SnapshotCreated) ID() (string, error) {
	if s.SnapshotGlobalID == "" {
		return "", noID("VolumeSnapshot", "snapshotGlobalId")
	}
	return s.SnapshotGlobalID, nil
}

// GroupSnapshot asks for snapshots of several volumes at one instant; Tags go to each of them.
type GroupSnapshot struct {
	Tags    Tags          `json:"tags,omitzero"`
	Volumes []GroupVolume `json:"volumes"`
}

// GroupVolume is one volume of a [GroupSnapshot].
type GroupVolume struct {
	Name   *string `json:"name,omitzero"` // of the snapshot
	Volume string  `json:"volume"`
}

// GroupCreated answers VolumesGroupSnapshot.
type GroupCreated struct {
	Snapshots []GroupMember `json:"snapshots"`
}

// GroupMember is one snapshot of a group.
type GroupMember struct {
	Volume           string `json:"volume"` // ~globalId for a nameless volume
	VolumeGlobalID   string `json:"volumeGlobalId"`
	SnapshotGlobalID string `json:"snapshotGlobalId"`
}

// VolumeRevert takes a volume back to a snapshot (storpool-api 6.6).
type VolumeRevert struct {
	ToSnapshot string `json:"toSnapshot,omitzero"`
	RevertSize bool   `json:"revertSize,omitzero"`
}

// SnapshotUpdate changes the given members of a snapshot; empty, it only asks where the snapshot lives.
type SnapshotUpdate struct {
	Tags        Tags   `json:"tags,omitzero"`
	DeleteAfter *int64 `json:"deleteAfter,omitzero"` // seconds; 0 cancels
}

// Clients are client ids, or all of them. The zero value is not sent.
type Clients struct {
	All bool
	IDs []int
}

// IsZero tells that nobody is named.
func (c Clients) IsZero() bool { return !c.All && len(c.IDs) == 0 }

// MarshalJSON writes "all" or the ids.
func (c Clients) MarshalJSON() ([]byte, error) {
	if c.All {
		return []byte(`"all"`), nil
	}
	ids, err := json.Marshal(c.IDs)
	if err != nil {
		return nil, fmt.Errorf("encode client ids: %w", err)
	}
	return ids, nil
}

// Everybody is all clients.
func Everybody() Clients { return Clients{All: true} }

// Reassign is one change of attachments; exactly one of Volume and Snapshot is set (storpool-api 7.1).
type Reassign struct {
	Volume           string  `json:"volume,omitzero"`
	Snapshot         string  `json:"snapshot,omitzero"`
	Detach           Clients `json:"detach,omitzero"`
	ReadOnly         []int   `json:"ro,omitzero"`
	ReadWrite        []int   `json:"rw,omitzero"`
	Force            bool    `json:"force,omitzero"`            // detach even where the device is open
	OnRemoteAttached string  `json:"onRemoteAttached,omitzero"` // fail, detach, detachForce or export
}

// ReassignWait changes attachments and waits until the clients have seen it.
type ReassignWait struct {
	Reassign []Reassign `json:"reassign"`
	// AttachTimeout is in seconds; nil waits for ever, 0 does not wait.
	AttachTimeout *int `json:"attachTimeout,omitzero"`
}

// SnapshotExport lets a remote location read a snapshot.
type SnapshotExport struct {
	Snapshot string `json:"snapshot"`
	Location string `json:"location"`
}

// SnapshotUnexport takes that back for one location or for all.
type SnapshotUnexport struct {
	Snapshot string `json:"snapshot"`
	Location string `json:"location,omitzero"`
	Force    bool   `json:"force,omitzero"`
	All      bool   `json:"all,omitzero"`
}

// SnapshotFromRemote copies an exported snapshot of a remote location; the copy keeps its global id.
type SnapshotFromRemote struct {
	RemoteID       string  `json:"remoteId"` // without a tilde
	RemoteLocation string  `json:"remoteLocation"`
	Template       string  `json:"template,omitzero"`
	Name           *string `json:"name,omitzero"`
	Tags           Tags    `json:"tags,omitzero"`
}

package emulator

import (
	"context"
	"fmt"
	"io"
	"iter"
	"slices"
	"strconv"
	"strings"

	"github.com/spsim/spsim/emulator/cluster"
)

// withSpace appends storedSize and spaceUsed, in bytes before replication (storpool-api 6.8).
func withSpace(c *cluster.Cluster) func([]byte, *cluster.Object) []byte {
	return func(b []byte, o *cluster.Object) []byte {
		s := c.Space(o)
		b = appendNumber(b, "storedSize", s.Stored)
		return appendNumber(b, "spaceUsed", s.Used)
	}
}

// volumesSpace: own data, and own with inherited data, of every volume.
func volumesSpace(_ context.Context, c *cluster.Cluster, q listArguments) (entries[volumeSpace], error) {
	l := c.Volumes()
	return entries[volumeSpace]{in: q.In, seq: l.All(), count: l.Len(), extra: withSpace(c)}, nil
}

// snapshotsSpace: own data, and what deletion would free, of every snapshot.
func snapshotsSpace(_ context.Context, c *cluster.Cluster, q listArguments) (entries[snapshotSpace], error) {
	l := c.Snapshots()
	return entries[snapshotSpace]{in: q.In, seq: l.All(), count: l.Len(), extra: withSpace(c)}, nil
}

// health finds the state of objects from that of the disks.
type health struct {
	c        *cluster.Cluster
	placed   *cluster.Placement
	away     map[int]bool // disks that are down
	ejecting map[int]bool // disks that are being soft-ejected
	full     bool         // storedSize and onDiskSize are asked for
}

func newHealth(c *cluster.Cluster, full bool) *health {
	h := &health{c: c, placed: c.Placement(), away: map[int]bool{}, ejecting: map[int]bool{}, full: full}
	for _, d := range h.placed.Disks() {
		switch {
		case !d.Up():
			h.away[d.ID] = true
		case d.SoftEject != "off":
			h.ejecting[d.ID] = true
		}
	}
	return h
}

// status judges one object: a replica on an absent disk decreases the redundancy, and an object all of whose
// replicas are away takes the volume down.
func (h *health) status(o *cluster.Object) quickStatus {
	st := quickStatus{
		Status: "up", DownDrives: []int{}, MissingDrives: []int{}, MissingTargetDrives: []int{}, SoftEjectingDrives: []int{},
	}
	if h.c.Lost(o) {
		st.Status = "data lost"
		return st
	}
	if len(h.away) == 0 && len(h.ejecting) == 0 {
		return st
	}
	l := h.placed.Layout(o)
	counts := l.Counts()
	var down int64
	for i, set := range l.TargetDiskSets {
		missing := slices.DeleteFunc(slices.Clone(set), func(d int) bool { return !h.away[d] })
		st.MissingTargetDrives = append(st.MissingTargetDrives, missing...)
		if counts[i] == 0 {
			continue
		}
		for _, d := range set {
			if h.ejecting[d] {
				st.SoftEjectingDrives = append(st.SoftEjectingDrives, d)
			}
		}
		switch {
		case len(missing) == 0:
		case len(missing) == len(set):
			st.Status, st.DecreasedRedundancy = "down", true
			down += counts[i]
			st.DownDrives = append(st.DownDrives, missing...)
		default:
			st.DecreasedRedundancy = true
			st.MissingDrives = append(st.MissingDrives, missing...)
		}
	}
	const objectSize = 32 << 20
	st.DownBytes = min(down*objectSize, o.Size)
	for _, drives := range []*[]int{&st.DownDrives, &st.MissingDrives, &st.MissingTargetDrives, &st.SoftEjectingDrives} {
		slices.Sort(*drives)
		*drives = slices.Compact(*drives)
	}
	st.Migrating = h.placed.Moves(o)
	st.BalancerBlocked = len(st.MissingTargetDrives) > 0
	return st
}

// extra appends the status members to an entry.
func (h *health) extra(b []byte, o *cluster.Object) []byte {
	b = appendMembers(b, h.status(o))
	if !h.full {
		return b
	}
	stored := h.c.Space(o).Stored
	b = appendNumber(b, "storedSize", stored)
	return appendNumber(b, "onDiskSize", stored*int64(o.Replication))
}

// everything yields all volumes, then all snapshots, each taken at one moment.
func everything(c *cluster.Cluster) (iter.Seq[*cluster.Object], int) {
	volumes, snapshots := c.Volumes(), c.Snapshots()
	return func(yield func(*cluster.Object) bool) {
		for o := range volumes.All() {
			if !yield(o) {
				return
			}
		}
		for o := range snapshots.All() {
			if !yield(o) {
				return
			}
		}
	}, volumes.Len() + snapshots.Len()
}

// uniqueKeys names entries by their name. Two snapshots under deletion may have had the same name; the later one
// then goes by its global id.
func uniqueKeys() func(*cluster.Object) string {
	deleted := map[string]bool{}
	return func(o *cluster.Object) string {
		if !strings.HasPrefix(o.Name, "*") {
			return o.Name
		}
		if deleted[o.Name] {
			return "*" + o.GlobalID
		}
		deleted[o.Name] = true
		return o.Name
	}
}

// volumesGetStatus: health and sizes of volumes and snapshots, by name.
func volumesGetStatus(
	_ context.Context, c *cluster.Cluster, q listArguments,
) (entries[either[volumeStatus, snapshotStatus]], error) {
	seq, n := everything(c)
	return entries[either[volumeStatus, snapshotStatus]]{
		in: q.In, seq: seq, count: n, extra: newHealth(c, true).extra, key: uniqueKeys(),
	}, nil
}

// volumesGetStatusQuick is volumesGetStatus without sizes.
func volumesGetStatusQuick(
	_ context.Context, c *cluster.Cluster, q listArguments,
) (entries[either[volumeQuickStatus, snapshotQuickStatus]], error) {
	seq, n := everything(c)
	return entries[either[volumeQuickStatus, snapshotQuickStatus]]{
		in: q.In, seq: seq, count: n, extra: newHealth(c, false).extra, key: uniqueKeys(),
	}, nil
}

// everythingList is the answer of VolumesAndSnapshotsList.
type everythingList struct {
	Volumes entries[either[volumeStatus, snapshotStatus]] `json:"volumes"`
}

func (l everythingList) unite(others []any) any {
	var lists []any
	for _, o := range others {
		if more, ok := o.(everythingList); ok {
			lists = append(lists, more.Volumes)
		}
	}
	if all, ok := l.Volumes.unite(lists).(entries[either[volumeStatus, snapshotStatus]]); ok {
		l.Volumes = all
	}
	return l
}

func (l everythingList) long() bool { return l.Volumes.long() }

// WriteJSON writes the list under its only member.
func (l everythingList) WriteJSON(w io.Writer) error {
	if _, err := io.WriteString(w, `{"volumes":`); err != nil {
		return fmt.Errorf("write list: %w", err)
	}
	if err := l.Volumes.WriteJSON(w); err != nil {
		return err
	}
	if _, err := io.WriteString(w, `}`); err != nil {
		return fmt.Errorf("write list: %w", err)
	}
	return nil
}

// volumesAndSnapshotsList: both kinds in one array, told apart by their member snapshot.
func volumesAndSnapshotsList(_ context.Context, c *cluster.Cluster, q listArguments) (everythingList, error) {
	seq, n := everything(c)
	return everythingList{entries[either[volumeStatus, snapshotStatus]]{
		in: q.In, seq: seq, count: n, extra: newHealth(c, true).extra,
	}}, nil
}

// describe is an object with the disks of each of its 32 MiB objects.
func describe[T any](c *cluster.Cluster, in scope, o *cluster.Object) entry[T] {
	return entry[T]{in: in, object: o, size: int(o.ObjectsCount()), extra: func(w io.Writer) error {
		l := c.Layout(o)
		b := append([]byte(nil), `,"targetDiskSets":[`...)
		for i, set := range l.TargetDiskSets {
			b = appendDisks(b, i, set)
		}
		b = append(b, `],"objects":[`...)
		i := 0
		for set := range l.Objects() {
			b = appendDisks(b, i, set)
			i++
			if len(b) >= flushAt {
				if _, err := w.Write(b); err != nil {
					return fmt.Errorf("write layout: %w", err)
				}
				b = b[:0]
			}
		}
		if _, err := w.Write(append(b, ']')); err != nil {
			return fmt.Errorf("write layout: %w", err)
		}
		return nil
	}}
}

// appendDisks appends the i-th array of disk ids.
func appendDisks(b []byte, i int, disks []int) []byte {
	if i > 0 {
		b = append(b, ',')
	}
	b = append(b, '[')
	for j, d := range disks {
		if j > 0 {
			b = append(b, ',')
		}
		b = strconv.AppendInt(b, int64(d), 10)
	}
	return append(b, ']')
}

// getInfo is an object with the number of its 32 MiB objects per disk and per disk set.
func getInfo[T any](c *cluster.Cluster, in scope, o *cluster.Object) entry[T] {
	return entry[T]{in: in, object: o, extra: func(w io.Writer) error {
		if _, err := w.Write(appendMembers(nil, countDisks(c.Layout(o)))); err != nil {
			return fmt.Errorf("write counts: %w", err)
		}
		return nil
	}}
}

func countDisks(l cluster.Layout) diskCounts {
	d := diskCounts{ObjectsPerChain: []chainStat{}, ObjectsPerDisk: map[int]int64{}, ObjectsPerDiskSet: []chainStat{}}
	counts := l.Counts()
	for i, set := range l.TargetDiskSets {
		if counts[i] == 0 {
			continue
		}
		d.ObjectsPerDiskSet = append(d.ObjectsPerDiskSet, chainStat{Count: counts[i], Disks: set})
		d.ObjectsPerChain = append(d.ObjectsPerChain, chainStat{Count: counts[i], Disks: set})
		for _, disk := range set {
			d.ObjectsPerDisk[disk] += counts[i]
		}
	}
	d.DisksCount = len(d.ObjectsPerDisk)
	return d
}

func volumeDescribe(_ context.Context, c *cluster.Cluster, q volumeArguments) (entry[volumeDescription], error) {
	o, err := c.Volume(q.Volume)
	if err != nil {
		return entry[volumeDescription]{}, err
	}
	return describe[volumeDescription](c, q.In, o), nil
}

func volumeGetInfo(_ context.Context, c *cluster.Cluster, q volumeArguments) (entry[volumeInfo], error) {
	o, err := c.Volume(q.Volume)
	if err != nil {
		return entry[volumeInfo]{}, err
	}
	return getInfo[volumeInfo](c, q.In, o), nil
}

func snapshotDescribe(_ context.Context, c *cluster.Cluster, q snapshotArguments) (entry[snapshotDescription], error) {
	o, err := c.Snapshot(q.Snapshot)
	if err != nil {
		return entry[snapshotDescription]{}, err
	}
	return describe[snapshotDescription](c, q.In, o), nil
}

func snapshotGetInfo(_ context.Context, c *cluster.Cluster, q snapshotArguments) (entry[snapshotInfo], error) {
	o, err := c.Snapshot(q.Snapshot)
	if err != nil {
		return entry[snapshotInfo]{}, err
	}
	return getInfo[snapshotInfo](c, q.In, o), nil
}

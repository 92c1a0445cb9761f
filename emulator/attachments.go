package emulator

import (
	"context"

	"github.com/spsim/spsim/emulator/cluster"
)

// reassignItem changes the attachments of one object (storpool-api 7.1).
type reassignItem struct {
	Volume   cluster.Ref    `sp:"volume"`
	Snapshot cluster.Ref    `sp:"snapshot"`
	Detach   detachArgument `sp:"detach"`
	RO       []int          `sp:"ro"`
	RW       []int          `sp:"rw"`
	Force    bool           `sp:"force"`

	OnRemoteAttached    onAttachedArgument `sp:"onRemoteAttached"`
	AllowRemoteExported bool               `sp:"allowRemoteExported"`
	McMode              mcModeArgument     `sp:"mcMode"`
}

// reassignArguments is a bare array.
type reassignArguments struct {
	In    scope
	Items []reassignItem `sp:",bare"`
}

func (reassignArguments) atReceiver() {}

func (q reassignArguments) about() subject { return aboutItems(q.Items) }

// reassignWaitArguments is an object, or the bare array of its items.
type reassignWaitArguments struct {
	In            scope
	Items         []reassignItem   `sp:"reassign,bare"`
	AttachTimeout *secondsArgument `sp:"attachTimeout"`
}

func (reassignWaitArguments) atReceiver() {}

func (q reassignWaitArguments) about() subject { return aboutItems(q.Items) }

func aboutItems(items []reassignItem) subject {
	var s subject
	for _, i := range items {
		for _, ref := range []cluster.Ref{i.Volume, i.Snapshot} {
			if ref != "" {
				s.refs = append(s.refs, ref)
			}
		}
	}
	return s
}

func assignments(items []reassignItem, in scope) []cluster.Assignment {
	out := make([]cluster.Assignment, len(items))
	for n, i := range items {
		out[n] = cluster.Assignment{
			Volume: i.Volume, Snapshot: i.Snapshot, DetachAll: i.Detach.all, Detach: i.Detach.clients,
			RO: i.RO, RW: i.RW, Force: i.Force,
			Anywhere: in.Multi, Export: i.McMode == mcExport, AllowRemoteExported: i.AllowRemoteExported,
			OnRemoteAttached: cluster.OnAttached(i.OnRemoteAttached),
		}
	}
	return out
}

// volumesReassign changes attachments, all or none, and does not wait for the clients (storpool-api 7.2).
func volumesReassign(_ context.Context, c *cluster.Cluster, q reassignArguments) (apiOK, error) {
	return ok(c, c.Reassign(assignments(q.Items, q.In)))
}

// volumesReassignWait is volumesReassign, and waits for the clients.
func volumesReassignWait(ctx context.Context, c *cluster.Cluster, q reassignWaitArguments) (apiOK, error) {
	return ok(c, c.ReassignWait(ctx, assignments(q.Items, q.In), q.AttachTimeout.span()))
}

// attachmentsList: every attachment; under MultiCluster/ with the cluster that holds it.
func attachmentsList(_ context.Context, c *cluster.Cluster, q listArguments) (attachments, error) {
	l := c.Attachments()
	out := make(attachments, 0, l.Len())
	for a := range l.All() {
		entry := attachment{
			Volume: a.ObjectName(), GlobalID: a.GlobalID, Snapshot: a.Snapshot,
			Client: a.Client, Rights: string(a.Rights), Pos: a.Pos,
		}
		if q.In.Multi {
			entry.Cluster, entry.ClusterID = q.In.Name, q.In.ID
		}
		out = append(out, entry)
	}
	return out, nil
}

// attachments is the data of AttachmentsList.
type attachments []attachment

// unite appends those of other clusters.
func (a attachments) unite(others []any) any {
	for _, o := range others {
		if more, ok := o.(attachments); ok {
			a = append(a, more...)
		}
	}
	return a
}

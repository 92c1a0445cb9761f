package cluster_test

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/spsim/spsim/emulator/cluster"
)

func TestMaintenanceRunsUntilItIsCompleted(t *testing.T) {
	t.Parallel()
	b := start(t)
	started := b.clock.Now().Unix()
	require.NoError(t, b.MaintenanceSet(cluster.MaintenanceRequest{Node: 4, Duration: 600, Description: "a client"}))
	require.NoError(t, b.MaintenanceSet(cluster.MaintenanceRequest{Node: 2, Duration: 60, Description: "kernel update"}))
	want := []cluster.Maintenance{
		{Node: 2, Started: started, Duration: 60, Description: "kernel update", Remaining: 60},
		{Node: 4, Started: started, Duration: 600, Description: "a client", Remaining: 600},
	}
	assert.Equal(t, want, b.Maintenances())
	b.clock.Advance(59 * second)
	want[0].Remaining, want[1].Remaining = 1, 541
	assert.Equal(t, want, b.Maintenances())
	b.clock.Advance(second)
	want[0].Remaining, want[0].Overrun, want[1].Remaining = 0, true, 540
	assert.Equal(t, want, b.Maintenances())
	require.NoError(t, b.MaintenanceComplete(2))
	refused(t, b.MaintenanceComplete(2), cluster.ObjectDoesNotExist, "Node 2 is not in maintenance")
	assert.Equal(t, want[1:], b.Maintenances())
}

func TestMaintenanceKeepsTheRedundancyThatIsAskedFor(t *testing.T) {
	t.Parallel()
	type request = cluster.MaintenanceRequest
	ask := func(change func(*request)) request {
		q := request{Node: 2, Duration: 60, Description: "x"}
		change(&q)
		return q
	}
	for name, c := range map[string]struct {
		before func(b *bed)
		q      request
		ok     bool
	}{
		"plain":                {q: ask(func(*request) {}), ok: true},
		"unknown node":         {q: ask(func(q *request) { q.Node = 9 })},
		"no node":              {q: ask(func(q *request) { q.Node = 0 })},
		"no duration":          {q: ask(func(q *request) { q.Duration = 0 })},
		"endless":              {q: ask(func(q *request) { q.Duration = 1 << 62 })},
		"negative limit":       {q: ask(func(q *request) { q.MinOKReplicas = new(-1) })},
		"no node allowed":      {q: ask(func(q *request) { q.MaxNodes = new(0) })},
		"one node allowed":     {q: ask(func(q *request) { q.MaxNodes = new(1) }), ok: true},
		"two replicas stay":    {q: ask(func(q *request) { q.MinOKReplicas = new(2) }), ok: true},
		"three cannot stay":    {q: ask(func(q *request) { q.MinOKReplicas = new(3) })},
		"one may lack":         {q: ask(func(q *request) { q.MaxReplicationDecrease = new(1) }), ok: true},
		"none may lack":        {q: ask(func(q *request) { q.MaxReplicationDecrease = new(0) })},
		"a client lacks none":  {q: ask(func(q *request) { q.Node, q.MaxReplicationDecrease = 5, new(0) }), ok: true},
		"bare majority":        {q: ask(func(q *request) { q.VotingSafetyMargin = new(0) }), ok: true},
		"no margin left":       {q: ask(func(q *request) { q.VotingSafetyMargin = new(1) })},
		"a client has no vote": {q: ask(func(q *request) { q.Node, q.VotingSafetyMargin = 5, new(2) }), ok: true},
		"single replica": {
			before: func(b *bed) { b.volume(cluster.VolumeSpec{Policy: cluster.Policy{Replication: new(1)}}) },
			q:      ask(func(*request) {}),
		},
		"what is elsewhere keeps what it has": {
			before: func(b *bed) {
				require.NoError(b.t, b.PlacementGroupUpdate("third", cluster.GroupChange{AddDisks: []int{301}}))
				b.volume(cluster.VolumeSpec{Policy: cluster.Policy{PlaceAll: "third", Replication: new(1)}})
			},
			q: ask(func(q *request) { q.MinOKReplicas = new(2) }), ok: true,
		},
		"another in maintenance": {
			before: func(b *bed) {
				require.NoError(b.t, b.MaintenanceSet(request{Node: 1, Duration: 60}))
			},
			q: ask(func(*request) {}),
		},
		"itself in maintenance": {
			before: func(b *bed) {
				require.NoError(b.t, b.MaintenanceSet(request{Node: 2, Duration: 60}))
			},
			q: ask(func(*request) {}),
		},
		"another down": {
			before: func(b *bed) {
				require.NoError(b.t, b.SetCondition(cluster.Condition{Kind: cluster.ServerDown, ID: 1}))
			},
			q: ask(func(*request) {}),
		},
		"a disk gone elsewhere": {
			before: func(b *bed) {
				require.NoError(b.t, b.SetCondition(cluster.Condition{Kind: cluster.DiskGone, ID: 101}))
			},
			q: ask(func(q *request) { q.MaxReplicationDecrease = new(1) }),
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := start(t)
			b.volume(cluster.VolumeSpec{})
			if c.before != nil {
				c.before(b)
			}
			before := b.Generation()
			err := b.MaintenanceSet(c.q)
			if c.ok {
				require.NoError(t, err)
				return
			}
			refused(t, err, cluster.InvalidParam, "")
			assert.Equal(t, before, b.Generation())
		})
	}
}

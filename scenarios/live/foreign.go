package live

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/spsim/spsim/driver/spapi"
)

// thing is an object of the cluster as it is compared: what a call of ours could have changed.
type thing struct {
	Snapshot    bool
	Name        string
	Size        int64
	Template    string
	IOPS        spapi.Limit
	Parent      string
	Tags        spapi.Tags
	Created     int64
	Attachments []string
}

// survey is everything that is on the cluster, by global id.
type survey map[string]thing

// look takes everything down that does not belong to the run.
func look(ctx context.Context, api *spapi.Client, run string) (foreign survey, ours []object, err error) {
	volumes, err := api.VolumesList(ctx)
	if err != nil {
		return nil, nil, fmt.Errorf("list volumes: %w", err)
	}
	snapshots, err := api.SnapshotsList(ctx)
	if err != nil {
		return nil, nil, fmt.Errorf("list snapshots: %w", err)
	}
	attached, err := api.AttachmentsList(ctx)
	if err != nil {
		return nil, nil, fmt.Errorf("list attachments: %w", err)
	}
	on := map[string][]string{}
	for _, a := range attached {
		on[a.GlobalID] = append(on[a.GlobalID], fmt.Sprintf("%s at client %d", a.Rights, a.Client))
	}
	foreign = survey{}
	add := func(v spapi.Volume, snapshot bool) {
		if belongs(v.Tags, run) {
			ours = append(ours, object{v.GlobalID, v.Tags[Tag], snapshot, v.ParentName})
			return
		}
		slices.Sort(on[v.GlobalID])
		foreign[v.GlobalID] = thing{
			snapshot, v.Name, v.Size, v.TemplateName, v.IOPS, v.ParentName, v.Tags, v.CreatedAt, on[v.GlobalID],
		}
	}
	for _, v := range volumes {
		add(v, false)
	}
	for _, s := range snapshots {
		if !s.Gone() {
			add(s.Volume, true)
		}
	}
	return foreign, ours, nil
}

// object is one that the run has made.
type object struct {
	gid      string
	scope    string
	snapshot bool
	parent   string
}

// Difference is a foreign object that is not as it was before the run.
type Difference struct {
	GlobalID string
	What     string // changed, gone or new
	Was, Is  string // as JSON; empty where there is none
	// Named tells that a call of the run has named the object, which none should.
	Named bool
}

func (d Difference) String() string {
	out := fmt.Sprintf("~%s is %s", d.GlobalID, d.What)
	if d.Named {
		out += ", and a call of this run has named it"
	} else {
		out += "; no call of this run has named it"
	}
	if d.Was != "" {
		out += "\n  was " + d.Was
	}
	if d.Is != "" {
		out += "\n  is " + d.Is
	}
	return out
}

// compare tells what has changed. What others have made meanwhile is no difference.
func (s survey) compare(now survey, named func(gid, name string) bool) []Difference {
	var out []Difference
	for _, gid := range slices.Sorted(maps.Keys(s)) {
		was := s[gid]
		is, there := now[gid]
		d := Difference{GlobalID: gid, Was: text(was), Named: named(gid, was.Name)}
		if !there {
			d.What = "gone"
			out = append(out, d)
			continue
		}
		if d.Is = text(is); d.Is != d.Was {
			d.What = "changed"
			out = append(out, d)
		}
	}
	return out
}

func text(t thing) string {
	raw, err := json.Marshal(t)
	if err != nil {
		return err.Error() // of strings and numbers, it has none
	}
	return string(raw)
}

// belongs tells whether an object carries the tag of one of the run's scopes.
func belongs(tags spapi.Tags, run string) bool {
	return run != "" && strings.HasPrefix(tags[Tag], run+separator)
}

// childrenFirst orders objects so that each comes before its parent, volumes before snapshots.
func childrenFirst(list []object) {
	depth := map[string]int{}
	parents := map[string]string{}
	for _, o := range list {
		parents["~"+o.gid] = o.parent
	}
	for _, o := range list {
		n := 0
		for at := o.parent; at != "" && n <= len(list); at = parents[at] {
			n++
		}
		depth[o.gid] = n
	}
	slices.SortFunc(list, func(a, b object) int {
		if a.snapshot != b.snapshot {
			if a.snapshot {
				return 1
			}
			return -1
		}
		return cmp.Or(cmp.Compare(depth[b.gid], depth[a.gid]), cmp.Compare(a.gid, b.gid))
	})
}

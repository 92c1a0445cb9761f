package emulator

import (
	"bytes"
	"encoding/json"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/spsim/spsim/emulator/cluster"
)

// stableOf is what the encoder writes for an object, as a value.
func stableOf(o *cluster.Object) objectStable {
	return objectStable{
		ID: o.VisibleID, Name: o.Name, GlobalID: o.GlobalID, Size: o.Size, Replication: o.Replication,
		ReuseServer: o.ReuseServer, ObjectsCount: o.ObjectsCount(), CreationTimestamp: o.Created,
		VisibleVolumeID: o.VisibleID, Snapshot: o.IsSnapshot(), Tags: o.Tags.Map(),
		ParentVolumeID: o.ParentID, OriginalParentVolumeID: o.ParentID, TemplateName: o.Template, TemplateID: o.TemplateID,
		placement: placement{PlaceAll: o.PlaceAll, PlaceTail: o.PlaceTail, PlaceHead: o.PlaceHead},
		limits:    limits{Bw: dashed(int64(o.BW)), Iops: dashed(int64(o.IOPS)), LimitType: "total"},
	}
}

func volumeSummaryOf(o *cluster.Object, in inCluster) volumeSummary {
	return volumeSummary{stableOf(o), objectVolatile{ParentName: o.ParentName(), inCluster: in}}
}

func snapshotSummaryOf(o *cluster.Object, in inCluster) snapshotSummary {
	s := o.Snap
	return snapshotSummary{
		objectStable: stableOf(o),
		snapshotStable: snapshotStable{
			AutoName: s.AutoName, Bound: s.Bound, Deleted: s.Deleted, Transient: s.Transient,
			TargetDeleteDate: s.TargetDeleteDate, DeleteBlocked: s.DeleteBlocked, McState: "clusterLocal",
			CreatedFromGlobalID: s.CreatedFrom, CreatedFromVisibleVolumeID: s.CreatedFromID,
		},
		objectVolatile:   objectVolatile{ParentName: o.ParentName(), inCluster: in},
		snapshotVolatile: snapshotVolatile{OnVolume: o.OnVolume()},
	}
}

func TestEncoderWritesWhatTheAnswerTypesSay(t *testing.T) {
	t.Parallel()
	s := Start(t)
	a := inProcess(t, s)
	a.post(t, "VolumeCreate",
		`{"name":"v","size":1048576,"template":"hybrid","iops":5,"bw":7,"tags":{"cs":"ü \"quoted\" \\ <&>","z":"1"}}`)
	a.post(t, "VolumeCreate", `{"size":512,"replication":1,"reuseServer":true}`)
	a.post(t, "VolumeSnapshot/v", `{"bind":true,"deleteAfter":600}`)
	a.post(t, "VolumeSnapshot/v", `{"name":"s","tags":{"t":"1"}}`)
	a.post(t, "VolumeCreate", `{"name":"c1","parent":"s"}`)
	a.post(t, "VolumeCreate", `{"name":"c2","parent":"s"}`)
	a.post(t, "SnapshotDelete/s", "")
	objects, n := everything(s.cluster)
	require.Greater(t, n, 5)
	for _, in := range []scope{{}, {Multi: true, ID: "a.b", Name: "c"}} {
		for o := range objects {
			for range 2 { // encoded, then kept
				e := encoder{in: in}
				got := append(e.object(nil, o), '}')
				assert.NotEmpty(t, o.Encoding())
				where := inCluster{}
				if in.Multi {
					where = inCluster{ClusterName: in.Name, ClusterID: in.ID}
				}
				var want any = volumeSummaryOf(o, where)
				if o.IsSnapshot() {
					want = snapshotSummaryOf(o, where)
				}
				text, err := json.Marshal(want)
				require.NoError(t, err)
				assert.JSONEq(t, string(text), string(got))
			}
		}
	}
}

func TestTextIsQuotedAsJSONWantsIt(t *testing.T) {
	t.Parallel()
	for _, text := range []string{
		"", "plain ~:.@*#", `back\slash`, `"`, "tab\t", "new\nline", "\x00", "\x7f", "ü", "\u2028", "<&>",
	} {
		var got string
		require.NoError(t, json.Unmarshal(appendText(nil, text), &got), "%q", text)
		assert.Equal(t, text, got)
	}
	assert.True(t, json.Valid(appendText(nil, "\xff\xfe")))
}

func TestListShowsEachObjectWithItsOwnSettings(t *testing.T) {
	t.Parallel()
	a := inProcess(t, Start(t))
	for _, template := range []string{"ssd", "ssd", "ssd", "hdd", "hdd", "ssd", "hybrid"} {
		a.post(t, "VolumeCreate", `{"size":512,"template":"`+template+`"}`)
	}
	var templates, tails []any
	for _, v := range a.get(t, "VolumesList").list(t) {
		templates, tails = append(templates, v["templateName"]), append(tails, v["placeTail"])
	}
	assert.Equal(t, []any{"ssd", "ssd", "ssd", "hdd", "hdd", "ssd", "hybrid"}, templates)
	assert.Equal(t, []any{"ssd", "ssd", "ssd", "hdd", "hdd", "ssd", "ssd"}, tails)
}

func TestListIsWrittenInPiecesAndIsOneJSONDocument(t *testing.T) {
	t.Parallel()
	s := Start(t)
	size := int64(512)
	for range 500 {
		_, err := s.cluster.VolumeCreate(cluster.VolumeSpec{Size: &size})
		require.NoError(t, err)
	}
	l := s.cluster.Volumes()
	list := entries[volumeSummary]{seq: l.All(), count: l.Len()}
	w := &pieces{}
	require.NoError(t, list.WriteJSON(w))
	var whole bytes.Buffer
	whole.WriteString("head")
	require.NoError(t, list.WriteJSON(&whole))
	assert.Equal(t, "head"+w.String(), whole.String())
	assert.Greater(t, w.count, 3)
	var out []map[string]any
	require.NoError(t, json.Unmarshal(w.Bytes(), &out))
	assert.Len(t, out, 500)
}

// pieces counts writes.
type pieces struct {
	bytes.Buffer
	count int
}

func (p *pieces) Write(b []byte) (int, error) {
	p.count++
	return p.Buffer.Write(b)
}

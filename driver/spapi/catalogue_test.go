package spapi

import (
	"encoding/json"
	"os"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// catalogue is StorPool's own list of calls and types, kept apart from this package so that a wrong member name shows.
type catalogue struct {
	Calls []struct {
		Name    string          `json:"name"`
		Method  string          `json:"method"`
		Request json.RawMessage `json:"request"`
		Answer  json.RawMessage `json:"answer"`
	} `json:"calls"`
	Types map[string]map[string]json.RawMessage `json:"types"`
}

func loadCatalogue(t *testing.T) catalogue {
	t.Helper()
	text, err := os.ReadFile("../../emulator/testdata/catalogue.json")
	require.NoError(t, err)
	var c catalogue
	require.NoError(t, json.Unmarshal(text, &c))
	return c
}

// members returns the member names that a type expression of the catalogue allows.
func (c catalogue) members(expr any) []string {
	var out []string
	switch e := expr.(type) {
	case string:
		for name := range c.Types[e] {
			out = append(out, strings.TrimSuffix(name, "?"))
		}
	case []any:
		for _, part := range e {
			out = append(out, c.members(part)...)
		}
	case map[string]any:
		for key, part := range e {
			if key != "members" {
				out = append(out, c.members(part)...)
				continue
			}
			if fields, ok := part.(map[string]any); ok {
				for name := range fields {
					out = append(out, strings.TrimSuffix(name, "?"))
				}
			}
		}
	}
	return out
}

// names returns the JSON members of a struct type, those of embedded structs included.
func names(t reflect.Type) []string {
	var out []string
	for i := range t.NumField() {
		f := t.Field(i)
		if f.Anonymous {
			out = append(out, names(f.Type)...)
			continue
		}
		name, _, _ := strings.Cut(f.Tag.Get("json"), ",")
		out = append(out, name)
	}
	return out
}

func structOf[T any]() reflect.Type { return reflect.TypeFor[T]() }

func TestMembersAreSpelledAsInTheCatalogue(t *testing.T) {
	t.Parallel()
	c := loadCatalogue(t)
	type check struct {
		call    string
		request reflect.Type
		answer  reflect.Type
	}
	for _, x := range []check{
		{"VolumeCreate", structOf[VolumeCreate](), structOf[VolumeCreated]()},
		{"VolumeUpdate", structOf[VolumeUpdate](), structOf[done]()},
		{"VolumeDelete", structOf[VolumeDelete](), structOf[done]()},
		{"VolumeSnapshot", structOf[VolumeSnapshot](), structOf[SnapshotCreated]()},
		{"VolumesGroupSnapshot", structOf[GroupSnapshot](), structOf[GroupCreated]()},
		{"VolumeRevert", structOf[VolumeRevert](), structOf[done]()},
		{"VolumesReassign", structOf[Reassign](), structOf[done]()},
		{"VolumesReassignWait", structOf[ReassignWait](), structOf[done]()},
		{"SnapshotUpdate", structOf[SnapshotUpdate](), structOf[done]()},
		{"SnapshotExport", structOf[SnapshotExport](), structOf[done]()},
		{"SnapshotUnexport", structOf[SnapshotUnexport](), structOf[done]()},
		{"SnapshotFromRemote", structOf[SnapshotFromRemote](), structOf[done]()},
		{"VolumesList", nil, structOf[Volume]()},
		{"SnapshotsList", nil, structOf[Snapshot]()},
		{"VolumesSpace", nil, structOf[VolumeSpace]()},
		{"AttachmentsList", nil, structOf[Attachment]()},
		{"VolumeTemplateDescribe", nil, structOf[Template]()},
		{"VolumeTemplatesStatus", nil, structOf[TemplateStatus]()},
		{"ServicesList", nil, structOf[Services]()},
	} {
		t.Run(x.call, func(t *testing.T) {
			t.Parallel()
			at := slices.IndexFunc(c.Calls, func(q struct {
				Name    string          `json:"name"`
				Method  string          `json:"method"`
				Request json.RawMessage `json:"request"`
				Answer  json.RawMessage `json:"answer"`
			},
			) bool {
				return q.Name == x.call
			})
			require.GreaterOrEqual(t, at, 0, "the catalogue has no such call")
			if x.request != nil {
				c.check(t, x.request, c.Calls[at].Request)
			}
			c.check(t, x.answer, c.Calls[at].Answer)
		})
	}
	for name, typ := range map[string]reflect.Type{
		"GroupSnapshotSpec": structOf[GroupVolume](), "VolumeTemplateSpaceEst": structOf[StoredRoom](),
		"Client": structOf[Service](), "RemoteLocation": structOf[Location](), "RemoteCluster": structOf[Cluster](),
		"GroupSnapshotResult": structOf[GroupMember](),
	} {
		require.Contains(t, c.Types, name)
		assert.Subset(t, c.members(name), names(typ), name)
	}
}

func (c catalogue) check(t *testing.T, typ reflect.Type, expr json.RawMessage) {
	t.Helper()
	var e any
	require.NoError(t, json.Unmarshal(expr, &e))
	assert.Subset(t, c.members(e), names(typ), typ.Name())
}

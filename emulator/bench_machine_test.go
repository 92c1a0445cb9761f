package emulator

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

// gauge makes calls up, in the process of the server, against a model of volumes and snapshots.
type gauge struct {
	client    *http.Client // nil leaves the model alone
	base      string
	volumes   []*gauged
	snapshots []string
	made      int
	steps     *int
}

// gauged is the model of a volume.
type gauged struct {
	name     string
	size     int64
	attached bool
}

// BenchmarkB11Emulator compares the steps a second of made-up calls, each with its place in a model, with those of the
// model alone.
func BenchmarkB11Emulator(b *testing.B) {
	for b.Loop() {
		steps(b, false, 1)
		ratios, rates := make([]float64, rounds), make([]float64, rounds)
		for i := range ratios {
			alone := steps(b, true, 30)
			rates[i] = steps(b, false, 3)
			ratios[i] = rates[i] / alone
		}
		report(b, ratios)
		slices.Sort(rates)
		b.ReportMetric(rates[rounds/2], "steps/s")
	}
}

// steps returns the steps a second of so many checks of rapid's.
func steps(b *testing.B, alone bool, checks int) float64 {
	b.Helper()
	n := 0
	property := func(t *rapid.T) {
		g := &gauge{steps: &n}
		if !alone {
			s, err := New()
			require.NoError(t, err)
			defer s.Close()
			g.client, g.base = s.Client(), "http://spsim"+apiPrefix
		}
		t.Repeat(g.actions())
	}
	seconds := stopwatch(func() {
		for range checks {
			rapid.Check(b, property)
		}
	})
	return float64(n) / seconds
}

// actions are what a step may be.
func (g *gauge) actions() map[string]func(*rapid.T) {
	out := map[string]func(*rapid.T){
		"create": func(t *rapid.T) {
			v := &gauged{name: g.name(), size: 1 << 20 * rapid.Int64Range(1, 9).Draw(t, "MiB")}
			g.post(t, "VolumeCreate", `{"name":%q,"size":%d,"template":"ssd"}`, v.name, v.size)
			g.volumes = append(g.volumes, v)
		},
		"snapshot": func(t *rapid.T) {
			name := g.name()
			g.post(t, "VolumeSnapshot/"+g.volume(t).name, `{"name":%q}`, name)
			g.snapshots = append(g.snapshots, name)
		},
		"grow": func(t *rapid.T) {
			v := g.volume(t)
			v.size += 1 << 20
			g.post(t, "VolumeUpdate/"+v.name, `{"size":%d}`, v.size)
		},
		"attach or detach": func(t *rapid.T) {
			v := g.volume(t)
			if v.attached = !v.attached; v.attached {
				g.post(t, "VolumesReassign", `[{"volume":%q,"rw":[1]}]`, v.name)
				return
			}
			g.post(t, "VolumesReassign", `[{"volume":%q,"detach":"all"}]`, v.name)
		},
		"delete a volume": func(t *rapid.T) {
			v := g.volume(t)
			if v.attached {
				t.Skip("it is in use")
			}
			g.post(t, "VolumeDelete/"+v.name, ``)
			g.volumes = slices.DeleteFunc(g.volumes, func(o *gauged) bool { return o == v })
		},
		"delete a snapshot": func(t *rapid.T) {
			if len(g.snapshots) == 0 {
				t.Skip("there is none")
			}
			name := rapid.SampledFrom(g.snapshots).Draw(t, "snapshot")
			g.post(t, "SnapshotDelete/"+name, ``)
			g.snapshots = slices.DeleteFunc(g.snapshots, func(o string) bool { return o == name })
		},
		"read": g.read,
	}
	for name, action := range out {
		out[name] = func(t *rapid.T) {
			action(t)
			*g.steps++
		}
	}
	return out
}

func (g *gauge) name() string {
	g.made++
	return fmt.Sprintf("n%d", g.made)
}

func (g *gauge) volume(t *rapid.T) *gauged {
	if len(g.volumes) == 0 {
		t.Skip("there is no volume")
	}
	return rapid.SampledFrom(g.volumes).Draw(t, "volume")
}

// read holds a volume against the model.
func (g *gauge) read(t *rapid.T) {
	v := g.volume(t)
	if g.client == nil {
		return
	}
	var answer struct {
		Data []struct {
			Name string `json:"name"`
			Size int64  `json:"size"`
		} `json:"data"`
	}
	require.NoError(t, json.Unmarshal(g.send(t, http.MethodGet, "Volume/"+v.name, ""), &answer))
	require.Len(t, answer.Data, 1)
	require.Equal(t, v.name, answer.Data[0].Name)
	require.Equal(t, v.size, answer.Data[0].Size)
}

func (g *gauge) post(t *rapid.T, path, body string, args ...any) {
	if g.client != nil {
		g.send(t, http.MethodPost, path, fmt.Sprintf(body, args...))
	}
}

func (g *gauge) send(t *rapid.T, method, path, body string) []byte {
	req, err := http.NewRequestWithContext(t.Context(), method, g.base+path, strings.NewReader(body))
	require.NoError(t, err)
	req.Header.Set("Authorization", "Storpool v1:"+DefaultToken)
	r, err := g.client.Do(req)
	require.NoError(t, err)
	text, err := io.ReadAll(r.Body)
	require.NoError(t, err)
	require.NoError(t, r.Body.Close())
	require.Equal(t, http.StatusOK, r.StatusCode, "%s", text)
	return text
}

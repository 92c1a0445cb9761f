package emulator

import (
	"encoding/json"
	"fmt"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/spsim/spsim/emulator/cluster"
	"github.com/spsim/spsim/internal/clock"
)

// outcome is what a call came to: its error and status, or "ok".
func outcome(r reply) string {
	if r.Error != nil {
		return fmt.Sprintf("%s %d", r.Error.Name, r.Status)
	}
	return "ok"
}

// knobs has for each decision a value, and what is observed without and with it.
func knobs() []knob {
	return []knob{
		{"status", `"always500"`, "objectDoesNotExist 404", "objectDoesNotExist 500", ask("GET", "Volume/none", "")},
		{"status", `"byName,objectDoesNotExist=200"`, "objectDoesNotExist 404", "objectDoesNotExist 200", ask("GET", "Volume/none", "")},
		{"strict", `true`, "ok", "invalidParam 400", ask("POST", "VolumeCreate", `{"size":512,"colour":1}`)},
		{"deleteDelay", `"1h"`, "gone", "listed as *s", func(t *testing.T, a *api) string {
			t.Helper()
			a.post(t, "SnapshotDelete/s", "")
			for _, s := range a.get(t, "SnapshotsList").list(t) {
				return fmt.Sprint("listed as ", s["name"])
			}
			return "gone"
		}},
		{"transientLifetime", `"1h"`, "gone", "transient true", func(t *testing.T, a *api) string {
			t.Helper()
			name := a.post(t, "VolumeCreate", `{"baseOn":"v"}`).text(t, "autoName")
			for _, s := range a.get(t, "SnapshotsList").list(t) {
				if s["name"] == name {
					return fmt.Sprint("transient ", s["transient"])
				}
			}
			return "gone"
		}},
		{"remoteCopy", `"1h"`, "recovering false", "recovering true", func(t *testing.T, a *api) string {
			t.Helper()
			gid := a.post(t, "VolumeBackup", `{"volume":"v","location":"remote"}`).text(t, "remoteId")
			a.server.cfg.clock.(*clock.Virtual).Advance(2 * time.Hour)
			a.post(t, "SnapshotFromRemote", `{"remoteId":"`+gid+`","remoteLocation":"remote","name":"back"}`)
			return fmt.Sprint("recovering ", a.get(t, "Snapshot/back").list(t)[0]["recoveringFromRemote"])
		}},
		{"revertResetsLimits", `true`, "iops 100", "iops -", func(t *testing.T, a *api) string {
			t.Helper()
			a.post(t, "VolumeUpdate/v", `{"iops":100}`)
			a.post(t, "VolumeRevert/v", `{"toSnapshot":"s"}`)
			return fmt.Sprint("iops ", a.get(t, "Volume/v").list(t)[0]["iops"])
		}},
		{"revertAttached", `true`, "busy 409", "ok", func(t *testing.T, a *api) string {
			t.Helper()
			a.post(t, "VolumesReassign", `[{"volume":"v","rw":[1]}]`)
			return outcome(a.do(t, "POST", "VolumeRevert/v", `{"toSnapshot":"s"}`))
		}},
		{"timeoutSucceeds", `true`, "timeout 504", "ok", func(t *testing.T, a *api) string {
			t.Helper()
			require.NoError(t, a.server.cluster.SetClientDown(1, true))
			return outcome(a.do(t, "POST", "VolumesReassignWait", `{"reassign":[{"volume":"v","rw":[1]}],"attachTimeout":1}`))
		}},
		{"strictTagValues", `true`, "ok", "invalidParam 400", ask("POST", "VolumeUpdate/v", `{"tags":{"uuid":"~spsm.b.1"}}`)},
		{"anonymousAtNames", `true`, "~spsm.b.", "spsm.b.4@", func(t *testing.T, a *api) string {
			t.Helper()
			volume := a.post(t, "VolumeCreate", `{"size":512}`).text(t, "name")
			gid := a.post(t, "VolumeSnapshot/"+volume, "").text(t, "snapshotGlobalId")
			name, _ := a.get(t, "Snapshot/~"+gid).list(t)[0]["name"].(string)
			return name[:len(name)-1] // without the last number
		}},
		{"sizeGranularity", `4096`, "ok", "invalidParam 400", ask("POST", "VolumeCreate", `{"size":512}`)},
		{"maxVolumeSize", `2097152`, "ok", "insufficientResources 507", ask("POST", "VolumeCreate", `{"size":4194304}`)},
	}
}

type knob struct {
	member, value string
	without, with string
	observe       func(*testing.T, *api) string
}

// ask is the observation of one call.
func ask(method, path, body string) func(*testing.T, *api) string {
	return func(t *testing.T, a *api) string {
		t.Helper()
		return outcome(a.do(t, method, path, body))
	}
}

// withSnapshot starts a server with volume v and its snapshot s.
func withSnapshot(t *testing.T, opts ...Option) *api {
	t.Helper()
	a := inProcess(t, Start(t, opts...))
	a.post(t, "VolumeCreate", `{"name":"v","size":1048576}`)
	a.post(t, "VolumeSnapshot/v", `{"name":"s"}`)
	return a
}

func TestEveryDecisionChangesAnAnswer(t *testing.T) {
	t.Parallel()
	for _, k := range knobs() {
		t.Run(k.member+"="+k.value, func(t *testing.T) {
			t.Parallel()
			assert.Equal(t, k.without, k.observe(t, withSnapshot(t)), "by default")
			doc, err := ParseDocument([]byte(`{"behaviour":{"` + k.member + `":` + k.value + `}}`))
			require.NoError(t, err)
			assert.Equal(t, k.with, k.observe(t, withSnapshot(t, WithDocument(doc))), "from JSON")
		})
	}
}

func TestEveryDecisionIsInTheTableOfKnobs(t *testing.T) {
	t.Parallel()
	listed := map[string]bool{}
	for _, k := range knobs() {
		listed[k.member] = true
	}
	for _, f := range reflect.VisibleFields(reflect.TypeFor[Behaviour]()) {
		assert.True(t, listed[f.Tag.Get("json")], f.Name)
	}
}

func TestBehaviourSurvivesJSON(t *testing.T) {
	t.Parallel()
	b := cluster.Behaviour{
		DeleteDelay: time.Hour, TransientLifetime: time.Minute, RemoteCopy: time.Second, RevertResetsLimits: true,
		RevertAttached: true, TimeoutSucceeds: true, StrictTagValues: true, AnonymousAtNames: true,
		SizeGranularity: 4096, MaxVolumeSize: 1 << 40,
	}
	v := reflect.ValueOf(b)
	for i := range v.NumField() {
		require.False(t, v.Field(i).IsZero(), "%s is not part of this test", v.Type().Field(i).Name)
	}
	doc := DefaultDocument()
	doc.Behaviour = BehaviourOf(b, StatusAlways500, true)
	text, err := json.Marshal(doc)
	require.NoError(t, err)
	again, err := ParseDocument(text)
	require.NoError(t, err)
	assert.Equal(t, doc, again)
	assert.Equal(t, b, again.Behaviour.Cluster())
}

func TestDocumentThatCannotBeIsRefused(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		`{"colour":1}`:                              "colour",
		`{"behaviour":{"colour":1}}`:                "colour",
		`{"behaviour":{"deleteDelay":1}}`:           "1.5s",
		`{"behaviour":{"remoteCopy":"-1s"}}`:        "remoteCopy",
		`{"behaviour":{"transientLifetime":"-1s"}}`: "transientLifetime",
		`{"behaviour":{"deleteDelay":"-1s"}}`:       "deleteDelay",
		`{"behaviour":{"sizeGranularity":100}}`:     "sizeGranularity",
		`{"behaviour":{"sizeGranularity":-512}}`:    "sizeGranularity",
		`{"behaviour":{"maxVolumeSize":-1}}`:        "maxVolumeSize",
		`{"behaviour":{"status":"never"}}`:          "never",
		`{"servers":0}`:                             "servers",
		`{} {}`:                                     "more than one",
		`{`:                                         "read model",
	} {
		_, err := ParseDocument([]byte(text))
		assert.ErrorContains(t, err, want, text)
	}
	_, err := New(WithBehaviour(cluster.Behaviour{MaxVolumeSize: -1}))
	require.Error(t, err)
	_, err = New(WithDocument(Document{Behaviour: Behaviour{Status: "never"}}))
	require.ErrorContains(t, err, "never")
}

func TestStatusProfileHasExceptionsByName(t *testing.T) {
	t.Parallel()
	busy, transient := &cluster.Error{Name: cluster.Busy}, &cluster.Error{Name: cluster.Busy, Transient: true}
	for profile, want := range map[StatusProfile][2]int{
		"byName":                            {409, 503},
		"always500":                         {500, 500},
		"byName,busy=423":                   {423, 503},
		"always500,transient=200,notbusy=9": {500, 200},
		"byName,xbusy=423,busy=200":         {200, 503},
	} {
		assert.Equal(t, want, [2]int{profile.Of(busy.Name, busy.Transient), profile.Of(transient.Name, transient.Transient)}, string(profile))
	}
	for _, bad := range []string{"", "busy=423", "byName,", "byName,busy", "byName,busy=", "byName,=423", "byName,busy=600", "byName,busy=199"} {
		assert.Error(t, StatusProfile(bad).check(), bad)
	}
	require.NoError(t, StatusProfile("byName,"+strings.Repeat("busy=423,", 2)+"timeout=599").check())
}

package live_test

import (
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/spsim/spsim/agentsim/hosttools"
	"github.com/spsim/spsim/driver/spapi"
	"github.com/spsim/spsim/emulator"
	"github.com/spsim/spsim/scenarios/live"
)

// machine makes a machine that is a client of the cluster: its programs are stand-ins, its devices files below its root.
func machine(t *testing.T, conf string) *hosttools.Programs {
	t.Helper()
	p := &hosttools.Programs{Path: t.TempDir(), Root: t.TempDir()}
	for name, text := range map[string]string{"storpool_confget": "echo " + conf, "blockdev": `stat -c %s "$2"`} {
		require.NoError(t, os.WriteFile(filepath.Join(p.Path, name), []byte("#!/bin/sh\n"+text+"\n"), 0o700))
	}
	p.Path += ":/usr/bin:/bin"
	require.NoError(t, os.MkdirAll(filepath.Join(p.Root, "dev/storpool-byid"), 0o700))
	return p
}

func TestWithHostToolsTheOnlyHostIsThisMachine(t *testing.T) {
	t.Parallel()
	s := newStand(t)
	s.cfg.Host = machine(t, "SP_OURID=3")
	session, target, c := s.connect()
	assert.Equal(t, []int{3}, session.Capabilities().Clients)
	id := s.create(t.Context(), c)
	gid := strings.TrimPrefix(id, "~")
	file := filepath.Join(s.cfg.Host.Root, "dev/storpool-byid", gid)

	attached := func() (out []int) {
		for a := range s.server.Cluster().Attachments().All() {
			if a.GlobalID == gid {
				out = append(out, a.Client)
			}
		}
		return out
	}
	_, err := target.Borrow(t.Context(), gid, false)
	require.Error(t, err, "the device has not appeared")
	assert.Empty(t, attached(), "what was lent is given back")

	require.NoError(t, os.WriteFile(file, make([]byte, 8192), 0o600))
	d, err := target.Borrow(t.Context(), gid, false)
	require.NoError(t, err)
	assert.Equal(t, []int{3}, attached())
	_, err = d.WriteAt([]byte("written"), 100)
	require.NoError(t, err)
	require.NoError(t, d.Close())
	assert.Empty(t, attached())
	raw, err := os.ReadFile(file)
	require.NoError(t, err)
	assert.Equal(t, "written", string(raw[100:107]))

	require.NoError(t, c.VolumesReassignWait(t.Context(), spapi.ReassignWait{Reassign: []spapi.Reassign{{Volume: id, ReadWrite: []int{1}}}}))
	assert.Equal(t, []int{3}, attached(), "the first host is this machine")
	d, err = target.Borrow(t.Context(), gid, false)
	require.NoError(t, err)
	require.NoError(t, d.Close())
	assert.Equal(t, []int{3}, attached(), "what was attached before stays so")
	var foreign *live.ForeignError
	_, err = target.Borrow(t.Context(), strings.TrimPrefix(s.volume, "~"), false)
	require.ErrorAs(t, err, &foreign)
	require.NoError(t, target.Close())
	require.NoError(t, s.end(session).Err())
}

func TestAMachineThatIsNoClientOrAnotherOneIsRefused(t *testing.T) {
	t.Parallel()
	for says, c := range map[string]struct {
		conf    string
		clients []int
	}{
		"has no SP_OURID":                       {"SP_CLUSTER_ID=a.b", nil},
		"is no number":                          {"SP_OURID=three", nil},
		"this machine is client 3":              {"SP_OURID=3", []int{2}},
		"client 77 of the cluster does not run": {"SP_OURID=77", nil},
	} {
		t.Run(says, func(t *testing.T) {
			t.Parallel()
			s := newStand(t)
			s.cfg.Host, s.cfg.Clients = machine(t, c.conf), c.clients
			_, err := live.Connect(t.Context(), s.cfg)
			require.ErrorIs(t, err, live.ErrUsage)
			require.ErrorContains(t, err, says)
		})
	}
	s := newStand(t)
	s.cfg.Host = &hosttools.Programs{Path: t.TempDir()}
	_, err := live.Connect(t.Context(), s.cfg)
	require.ErrorIs(t, err, live.ErrUsage)
	require.ErrorContains(t, err, "is no client of a StorPool cluster")
}

// The guard lets every GET pass.
func TestNoCallThatReadsChangesAnything(t *testing.T) {
	t.Parallel()
	for _, o := range emulator.Operations() {
		assert.False(t, o.Method == http.MethodGet && o.Form&emulator.Changes != 0, "%s changes something", o.Call())
	}
}

package main

import (
	"bytes"
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/spsim/spsim/emulator"
	"github.com/spsim/spsim/emulator/cluster"
)

// programs makes a folder with stand-ins for the programs of a host, which log their arguments.
func programs(t *testing.T, does map[string]string) (folder string, calls func() []string) {
	t.Helper()
	folder = t.TempDir()
	log := filepath.Join(folder, "log")
	for _, name := range []string{"storpool", "storpool_req", "storpool_confget", "qemu-img", "cryptsetup", "blockdev"} {
		script := "#!/bin/sh\necho \"" + name + " $*\" >>" + log + "\n" + does[name] + "\n"
		require.NoError(t, os.WriteFile(filepath.Join(folder, name), []byte(script), 0o700))
	}
	return folder, func() []string {
		text, err := os.ReadFile(log)
		require.NoError(t, err)
		return strings.Split(strings.TrimSpace(string(text)), "\n")
	}
}

// agent runs spsim agent on some input.
func agent(ctx context.Context, in io.Reader, args ...string) (stdout string, code int, err error) {
	var out bytes.Buffer
	root := newRootCommand()
	root.SetIn(in)
	root.SetOut(&out)
	root.SetErr(io.Discard)
	root.SetArgs(append([]string{"agent"}, args...))
	err = root.ExecuteContext(ctx)
	var coded interface{ ExitCode() int }
	if errors.As(err, &coded) {
		code = coded.ExitCode()
	}
	return out.String(), code, err
}

func TestTheAgentExecutesCommandsWithTheProgramsOfTheHost(t *testing.T) {
	t.Parallel()
	path, calls := programs(t, map[string]string{
		"storpool_confget": "echo SP_OURID=3; echo SP_CLUSTER_ID=a.b",
		"storpool": `case "$*" in
			*"service list") echo '{"data":{"clients":{"3":{"id":3,"nodeId":3,"status":"running"}}}}';;
			*"location list") echo '{"data":{"locations":[]}}';;
		esac`,
	})
	in := `{"Command":"CheckHeartbeat"}

{"Command":"ModifyStoragePool","Arguments":{"Add":true,"Pool":{"UUID":"hdd;p","Type":"StorPool"}}}
{"Command":"ModifyTargets","Arguments":{"Add":true,"Paths":["/dev/storpool-byid/a.b.9"],"Pool":{"UUID":"hdd;p","Type":"StorPool"}}}
{"Command":"Reboot"}
`
	out, code, err := agent(t.Context(), strings.NewReader(in), "--tools", "host", "--path", path, "--root", t.TempDir())
	require.ErrorContains(t, err, "2 commands failed")
	assert.Equal(t, 1, code)
	answers := strings.Split(strings.TrimSpace(out), "\n")
	require.Len(t, answers, 4)
	assert.JSONEq(t, `{"ok":true,"type":"Heartbeat","payload":{"State":"up"}}`, answers[0])
	assert.Contains(t, answers[1], `"type":"PoolInfo"`)
	assert.Contains(t, answers[2], `"ok":false`) // no device appears
	assert.Contains(t, answers[3], `there is no command`)
	assert.Contains(t, calls(), "storpool -M attach volume ~a.b.9 here onRemoteAttached export")
}

func TestTheAgentSaysWhatTheMachineLacks(t *testing.T) {
	t.Parallel()
	_, code, err := agent(t.Context(), strings.NewReader(""), "--tools", "host", "--path", t.TempDir())
	require.ErrorContains(t, err, "storpool_confget")
	require.ErrorContains(t, err, "give --path")
	assert.Zero(t, code)
	_, code, err = agent(t.Context(), strings.NewReader(""), "--tools", "magic")
	require.ErrorContains(t, err, "give builtin or host")
	assert.Equal(t, exitUsage, code)
	_, code, err = agent(t.Context(), strings.NewReader(""), "--driver", "Z-1")
	require.ErrorContains(t, err, `no quirk "Z-1"`)
	assert.Equal(t, exitUsage, code)
}

func TestTheAgentStopsWhileItWaitsForACommand(t *testing.T) {
	t.Parallel()
	path, _ := programs(t, map[string]string{"storpool_confget": "echo SP_OURID=3; echo SP_CLUSTER_ID=a.b"})
	silent, _ := io.Pipe()
	ctx, stop := context.WithCancel(t.Context())
	stop()
	_, _, err := agent(ctx, silent, "--tools", "host", "--path", path)
	require.Error(t, err)
	require.NoError(t, silent.Close())
}

func TestTheAgentIsAHostOfAnEmulatorInAnotherProcess(t *testing.T) {
	t.Parallel()
	s := emulator.Start(t, emulator.WithAdmin(emulator.DefaultListen))
	s.URL()
	size := int64(1 << 20)
	made, err := s.Cluster().VolumeCreate(cluster.VolumeSpec{Size: &size, Template: "ssd"})
	require.NoError(t, err)
	shot, err := s.Cluster().VolumeSnapshot(cluster.Ref("~"+made.GlobalID), cluster.SnapshotSpec{})
	require.NoError(t, err)
	nfs := t.TempDir()
	require.NoError(t, os.MkdirAll(filepath.Join(nfs, "nas/secondary"), 0o750))
	in := `{"Command":"CheckHeartbeat"}
{"Command":"BackupSnapshot","Arguments":{"Source":{"Path":"/dev/storpool-byid/` + shot.GlobalID + `","Volume":{}},` +
		`"Dest":{"Name":"s1","Path":"snapshots/2/1","Store":{"URL":"nfs://nas/secondary"}}}}`
	out, code, err := agent(t.Context(), strings.NewReader(in), "--api", s.Addr(), "--token", s.Token(),
		"--admin", s.AdminURL(), "--client", "2", "--secondary", nfs)
	require.NoError(t, err, out)
	assert.Zero(t, code)
	assert.Contains(t, out, `"State":"up"`)
	assert.FileExists(t, filepath.Join(nfs, "nas/secondary/snapshots/2/1/s1"))
	assert.Zero(t, s.Cluster().Attachments().Len())
}

func TestTheAgentAsksForTheAddressesThatItLacks(t *testing.T) {
	t.Setenv("SP_API_HTTP_HOST", "")
	_, code, err := agent(t.Context(), strings.NewReader(""))
	require.ErrorContains(t, err, "--admin")
	assert.Equal(t, exitUsage, code)
}

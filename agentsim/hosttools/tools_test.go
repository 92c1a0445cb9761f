package hosttools_test

import (
	"bytes"
	"context"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/spsim/spsim/agentsim"
	"github.com/spsim/spsim/agentsim/hosttools"
	"github.com/spsim/spsim/agentsim/image"
	"github.com/spsim/spsim/agentsim/image/imagetest"
	"github.com/spsim/spsim/agentsim/luks"
	"github.com/spsim/spsim/agentsim/secondary"
	"github.com/spsim/spsim/driver/agentapi"
	"github.com/spsim/spsim/driver/spapi"
	"github.com/spsim/spsim/internal/clock"
)

const passphrase = "a passphrase that nobody may see"

// stand is a search path of programs that record their arguments.
type stand struct {
	*hosttools.Programs
	folder string
	log    string
}

// newStand makes the programs; what each does besides recording is a piece of shell.
func newStand(t *testing.T, does map[string]string) *stand {
	t.Helper()
	s := &stand{folder: t.TempDir()}
	s.log = filepath.Join(s.folder, "log")
	s.Programs = &hosttools.Programs{Path: s.folder, Keys: t.TempDir()}
	for _, name := range []string{
		"storpool", "storpool_req", "storpool_confget", "qemu-img", "cryptsetup", "blockdev", "mount", "umount",
	} {
		script := "#!/bin/sh\necho \"" + name + " $*\" >>" + s.log + "\n" + does[name] + "\n"
		require.NoError(t, os.WriteFile(filepath.Join(s.folder, name), []byte(script), 0o700))
	}
	return s
}

// calls are the command lines so far, with the names of key files left out.
func (s *stand) calls(t *testing.T) []string {
	t.Helper()
	text, err := os.ReadFile(s.log)
	require.NoError(t, err)
	var out []string
	for line := range strings.SplitSeq(strings.TrimSpace(string(text)), "\n") {
		words := strings.Fields(line)
		for i, w := range words {
			if at := strings.Index(w, s.Keys); at >= 0 {
				rest := w[at:]
				end := strings.IndexByte(rest, ',')
				if end < 0 {
					end = len(rest)
				}
				words[i] = w[:at] + "KEY" + rest[end:]
			}
		}
		out = append(out, strings.Join(words, " "))
	}
	return out
}

// noKeys checks that no key file is left.
func (s *stand) noKeys(t *testing.T) {
	t.Helper()
	left, err := os.ReadDir(s.Keys)
	require.NoError(t, err)
	assert.Empty(t, left)
}

func TestStorPoolIsCalledAsTheAgentCallsIt(t *testing.T) {
	t.Parallel()
	s := newStand(t, map[string]string{
		"storpool": `case "$*" in
			*"service list") echo '{"data":{"clients":{"1":{"id":1,"nodeId":1,"status":"running"}}}}';;
			*"location list") echo '{"data":{"locations":[{"id":"a7k","name":"sofia"}]}}';;
		esac`,
		"storpool_req": `case "$*" in
			*VolumeCreate) echo '{"globalId":"a.b.1"}';;
			*VolumeSnapshot*) echo '{"snapshotGlobalId":"a.b.2"}';;
		esac`,
		"storpool_confget": `echo SP_OURID=1; echo SP_AUTH_TOKEN=x=y`,
	})
	ctx, api, shrink := context.Background(), s.API(), true
	attach := spapi.ReassignWait{Reassign: []spapi.Reassign{{Volume: "~a.b.1", ReadWrite: []int{1}, OnRemoteAttached: "export"}}}
	require.NoError(t, api.VolumesReassignWait(ctx, attach))
	require.NoError(t, api.VolumesReassignWait(ctx, spapi.ReassignWait{Reassign: []spapi.Reassign{
		{Snapshot: "~a.b.2", Detach: spapi.Clients{IDs: []int{1}}},
	}}))
	require.NoError(t, api.VolumeUpdate(ctx, "~a.b.1", spapi.VolumeUpdate{Size: 1024, ShrinkOK: &shrink}))
	require.NoError(t, api.SnapshotDelete(ctx, "~a.b.2"))
	services, err := api.ServicesList(ctx)
	require.NoError(t, err)
	assert.Equal(t, "running", services.Clients["1"].Status)
	locations, err := api.LocationsList(ctx)
	require.NoError(t, err)
	assert.Equal(t, "sofia", locations[0].Name)
	made, err := api.VolumeCreate(ctx, spapi.VolumeCreate{Template: "ssd", Size: 512, Tags: spapi.Tags{"cs": "template"}}, nil)
	require.NoError(t, err)
	assert.Equal(t, "a.b.1", made.GlobalID)
	snapshot, err := api.VolumeSnapshot(ctx, "~a.b.1", spapi.VolumeSnapshot{Tags: spapi.Tags{"uuid": "u"}}, nil)
	require.NoError(t, err)
	assert.Equal(t, "a.b.2", snapshot.SnapshotGlobalID)
	require.NoError(t, api.VolumeDelete(ctx, "~a.b.1", spapi.VolumeDelete{}))
	conf, err := s.Conf(ctx)
	require.NoError(t, err)
	assert.Equal(t, []string{"SP_OURID=1", "SP_AUTH_TOKEN=x=y"}, conf)
	require.NoError(t, s.Mount(ctx, "nas:/sec", "/mnt/x"))
	require.NoError(t, s.Unmount(ctx, "/mnt/x"))
	assert.Equal(t, []string{
		"storpool -M attach volume ~a.b.1 here onRemoteAttached export",
		"storpool -M detach snapshot ~a.b.2 here",
		"storpool -M volume ~a.b.1 update size 1024 shrinkOk",
		"storpool -M snapshot ~a.b.2 delete ~a.b.2",
		"storpool -j service list",
		"storpool -j location list",
		`storpool_req -P -M --json {"template":"ssd","size":"512","tags":{"cs":"template"}} VolumeCreate`,
		`storpool_req -P -M --json {"tags":{"uuid":"u"}} VolumeSnapshot ~a.b.1`,
		"storpool_req -P -M VolumeDelete ~a.b.1",
		"storpool_confget",
		"mount -t nfs nas:/sec /mnt/x",
		"umount /mnt/x",
	}, s.calls(t))
}

func TestErrorsOfProgramsAreStorPoolsOrTheirText(t *testing.T) {
	t.Parallel()
	s := newStand(t, map[string]string{
		"storpool":     `echo '{"error":{"name":"objectDoesNotExist","descr":"no"}}'; exit 1`,
		"storpool_req": `echo "connection refused" >&2; exit 2`,
		"blockdev":     `exec sleep 60`,
		"mount":        `echo nonsense`,
	})
	ctx := context.Background()
	err := s.API().SnapshotDelete(ctx, "~a.b.1")
	require.ErrorIs(t, err, spapi.ErrNotFound)
	err = s.API().VolumeDelete(ctx, "~a.b.1", spapi.VolumeDelete{})
	var failed *hosttools.ExitError
	require.ErrorAs(t, err, &failed)
	assert.Equal(t, 2, failed.Code)
	assert.Contains(t, err.Error(), "connection refused")
	short, cancel := clock.Real{}.WithTimeout(ctx, 50*time.Millisecond)
	defer cancel()
	_, err = s.Run(short, "blockdev")
	require.ErrorIs(t, err, context.DeadlineExceeded)
	assert.Contains(t, err.Error(), "timeout")
	_, err = s.Run(ctx, "virsh")
	require.ErrorIs(t, err, hosttools.ErrMissing)
}

func TestKeysTravelInFilesThatAreGoneAfterwards(t *testing.T) {
	t.Parallel()
	// The stand-ins tell the mode and the contents of the key file, then do as they are told.
	tell := `for a in "$@"; do case "$a" in *keyfile*) f=$(echo "$a" | sed 's/.*file=//;s/,id=.*//'); stat -c %a "$f" >>LOG; cat "$f" >>LOG; echo >>LOG;; esac; done; `
	for name, end := range map[string]string{"success": "exit 0", "failure": "exit 1", "killed": "exec sleep 60"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			seen := filepath.Join(t.TempDir(), "seen")
			does := strings.ReplaceAll(tell, "LOG", seen) + end
			s := newStand(t, map[string]string{"cryptsetup": does, "qemu-img": does})
			target := filepath.Join(t.TempDir(), "target")
			require.NoError(t, os.WriteFile(target, nil, 0o600))
			ctx, cancel := clock.Real{}.WithTimeout(context.Background(), time.Second)
			defer cancel()
			err1 := s.FormatLUKS(ctx, "/dev/x", []byte(passphrase))
			err2 := s.Convert(ctx, agentsim.Conversion{
				Source: "/dev/a,b", SourceFormat: image.Raw, Target: target, Key: agentapi.NewSecret([]byte(passphrase)),
			})
			assert.Equal(t, name == "success", errors.Join(err1, err2) == nil)
			if err := errors.Join(err1, err2); err != nil {
				assert.NotContains(t, err.Error(), passphrase)
			}
			s.noKeys(t)
			text, err := os.ReadFile(seen)
			require.NoError(t, err)
			assert.Contains(t, string(text), "600\n"+passphrase+"\n")
			calls := s.calls(t)
			assert.Equal(t, "cryptsetup luksFormat -q --force-password --key-file KEY --type luks1 /dev/x", calls[0])
			if name != "killed" {
				assert.Equal(t, "qemu-img convert -O luks -o key-secret=sec1 -U --image-opts driver=raw,file.filename=/dev/a,,b"+
					" --object secret,file=KEY,id=sec1 "+target, calls[1])
			}
			assert.NotContains(t, strings.Join(calls, "\n"), passphrase)
		})
	}
}

func TestConversionsStateTheFormatOfTheirSource(t *testing.T) {
	t.Parallel()
	s := newStand(t, map[string]string{"qemu-img": `echo '{"virtual-size":4096}'`})
	target := filepath.Join(t.TempDir(), "target")
	require.NoError(t, os.WriteFile(target, nil, 0o600))
	ctx := context.Background()
	require.NoError(t, s.Convert(ctx, agentsim.Conversion{
		Source: "/dev/a", SourceFormat: image.Raw, Target: target, TargetFormat: image.Qcow2,
	}))
	require.NoError(t, s.Convert(ctx, agentsim.Conversion{
		Source: "/mnt/f", SourceFormat: image.Qcow2, Target: target, TargetFormat: image.Raw,
	}))
	size, err := s.VirtualSize(ctx, "/mnt/f", "qcow2")
	require.NoError(t, err)
	assert.Equal(t, int64(4096), size)
	assert.Equal(t, []string{
		"qemu-img convert -O qcow2 -U --image-opts driver=raw,file.filename=/dev/a " + target,
		"qemu-img convert -O raw -U --image-opts driver=qcow2,file.filename=/mnt/f " + target,
		"qemu-img info -U --output json --image-opts driver=qcow2,file.filename=/mnt/f",
	}, s.calls(t))
}

func TestADeviceIsBelowTheRootAndBlockdevTellsItsSize(t *testing.T) {
	t.Parallel()
	s := newStand(t, map[string]string{"blockdev": `echo 8192`})
	root := t.TempDir()
	require.NoError(t, os.MkdirAll(filepath.Join(root, "dev/storpool-byid"), 0o750))
	require.NoError(t, os.WriteFile(filepath.Join(root, "dev/storpool-byid/a.b.1"), make([]byte, 8192), 0o600))
	s.Root = root
	devices, ctx := s.Devices(), context.Background()
	d, err := devices.Open(ctx, "/dev/storpool-byid/a.b.1")
	require.NoError(t, err)
	size, err := d.Size()
	require.NoError(t, err)
	assert.Equal(t, int64(8192), size)
	_, err = d.WriteAt([]byte("x"), 100)
	require.NoError(t, err)
	require.NoError(t, d.Discard(0, 512))
	p := make([]byte, 512)
	_, err = d.ReadAt(p, 0)
	require.NoError(t, err)
	assert.Equal(t, make([]byte, 512), p)
	require.NoError(t, d.Close())
	for _, path := range []string{"/dev/sda", "/dev/storpool-byid/..", "/dev/storpool-byid/", "/dev/storpool/gone"} {
		_, err := devices.Open(ctx, path)
		require.Error(t, err, path)
	}
}

// installed are the installed tools; StorPool's and blockdev are stand-ins over files.
func installed(t *testing.T, needs ...string) (s *stand, root string) {
	t.Helper()
	for _, name := range needs {
		if _, err := exec.LookPath(name); err != nil {
			t.Skipf("%s is missing (packages qemu-utils, cryptsetup-bin)", name)
		}
	}
	s = newStand(t, map[string]string{"blockdev": `stat -c %s "$2"`})
	s.Iterations = luks.MinIterations
	for _, name := range needs {
		require.NoError(t, os.Remove(filepath.Join(s.folder, name)))
		file, err := exec.LookPath(name)
		require.NoError(t, err)
		require.NoError(t, os.Symlink(file, filepath.Join(s.folder, name)))
	}
	return s, t.TempDir()
}

func TestRealToolsMakeContainersThatOpenHere(t *testing.T) {
	t.Parallel()
	s, dir := installed(t, "qemu-img", "cryptsetup")
	ctx := context.Background()
	assert.True(t, s.Encrypts(ctx))
	source, root, data := filepath.Join(dir, "source"), filepath.Join(dir, "root"), filepath.Join(dir, "data")
	contents := bytes.Repeat([]byte("contents of a template "), 20000)
	contents = contents[:len(contents)/512*512]
	require.NoError(t, os.WriteFile(source, contents, 0o600))
	require.NoError(t, os.WriteFile(data, make([]byte, luks.CryptsetupOffset+1<<20), 0o600))
	convert := func() error {
		return s.Convert(ctx, agentsim.Conversion{
			Source: source, SourceFormat: image.Raw, Target: root, Key: agentapi.NewSecret([]byte(passphrase)),
		})
	}
	err := convert()
	for n := 0; n < 10 && err != nil && imagetest.Unmeasured(err.Error()); n++ {
		err = convert()
	}
	require.NoError(t, err)
	require.NoError(t, s.FormatLUKS(ctx, data, []byte(passphrase)))
	s.noKeys(t)
	c := opened(t, root)
	assert.Equal(t, luks.QemuOffset, c.PayloadOffset())
	p := make([]byte, len(contents))
	_, err = c.ReadAt(p, 0)
	require.NoError(t, err)
	assert.Equal(t, contents, p)
	c = opened(t, data)
	assert.Equal(t, luks.CryptsetupOffset, c.PayloadOffset())
	assert.Equal(t, int64(1<<20), c.Size())
}

func opened(t *testing.T, name string) *luks.Container {
	t.Helper()
	data, err := os.ReadFile(name)
	require.NoError(t, err)
	c, err := luks.OpenReader(context.Background(), bytes.NewReader(data), int64(len(data)), []byte(passphrase), luks.Options{})
	require.NoError(t, err)
	return c
}

func TestAHostWithRealToolsBacksUpAndRestores(t *testing.T) {
	t.Parallel()
	s, root := installed(t, "qemu-img")
	s.Root = root
	dev := filepath.Join(root, "dev/storpool-byid")
	require.NoError(t, os.MkdirAll(dev, 0o750))
	contents := bytes.Repeat([]byte("what a guest has written "), 30000)
	contents = append(contents[:len(contents)/512*512], make([]byte, 1<<20)...)
	for name, data := range map[string][]byte{"a.b.1": contents, "a.b.2": make([]byte, len(contents))} {
		require.NoError(t, os.WriteFile(filepath.Join(dev, name), data, 0o600))
	}
	folder := t.TempDir()
	sec, err := secondary.New(folder)
	require.NoError(t, err)
	export, err := sec.Export("nfs://nas/sec")
	require.NoError(t, err)
	require.NoError(t, export.Close())
	fleet, err := agentsim.New(agentsim.Config{Secondary: sec})
	require.NoError(t, err)
	t.Cleanup(fleet.Close)
	_, err = fleet.AddHost(agentsim.HostConfig{
		UUID: "h", OurID: 1, ClusterID: "a.b", API: s.API(), Devices: s.Devices(), Tools: s.Programs,
	})
	require.NoError(t, err)
	store := &agentapi.Store{URL: "nfs://nas/sec"}
	ans, err := fleet.Send(context.Background(), "h", agentapi.BackupSnapshot{
		Source: agentapi.Snapshot{Path: "/dev/storpool-byid/a.b.1", Volume: &agentapi.Volume{}},
		Dest:   agentapi.Snapshot{Name: "s", Path: "snapshots/2/1", Store: store},
	})
	require.NoError(t, err)
	require.True(t, ans.OK, ans.Details)
	ans, err = fleet.Send(context.Background(), "h", agentapi.DownloadTemplate{
		Snapshot:   &agentapi.Snapshot{Path: "snapshots/2/1/s", Store: store},
		DestVolume: &agentapi.Volume{Path: "/dev/storpool-byid/a.b.2"}, ObjectType: "volume",
	})
	require.NoError(t, err)
	require.True(t, ans.OK, ans.Details)
	got, err := os.ReadFile(filepath.Join(dev, "a.b.2"))
	require.NoError(t, err)
	assert.True(t, bytes.Equal(contents, got))
}

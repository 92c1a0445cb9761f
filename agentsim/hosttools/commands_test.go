package hosttools_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/spsim/spsim/agentsim"
	"github.com/spsim/spsim/agentsim/image"
	"github.com/spsim/spsim/agentsim/secondary"
	"github.com/spsim/spsim/driver/agentapi"
)

const devSize = 1 << 20 // bytes of every stand-in device

// machine is a host whose programs are stand-ins. Its devices a.b.1 and a.b.2 are files below its root, and so are the
// mounts; qemu-img leaves a prepared image of 1 MiB wherever it converts to a file.
type machine struct {
	*stand
	fleet *agentsim.Fleet
}

func newMachine(t *testing.T, does map[string]string) *machine {
	t.Helper()
	prepared := filepath.Join(t.TempDir(), "image")
	f, err := os.Create(prepared)
	require.NoError(t, err)
	img, err := image.Create(f, image.Qcow2, devSize, image.Options{})
	require.NoError(t, err)
	require.NoError(t, img.Flush())
	require.NoError(t, f.Close())
	all := map[string]string{
		"blockdev":         fmt.Sprintf(`[ -e "$2" ] && echo %d`, devSize),
		"qemu-img":         `for last; do :; done; case "$last" in */dev/*) ;; *) cp ` + prepared + ` "$last";; esac`,
		"storpool_confget": `echo SP_OURID=7; echo SP_CLUSTER_ID=a.b`,
		"storpool": `case "$*" in
			*"location list") echo '{"data":{"locations":[{"id":"a","name":"sofia"}]}}';;
			*"service list") echo '{"data":{"clients":{"7":{"id":7,"nodeId":7,"status":"running"}}}}';;
		esac`,
		"storpool_req": `case "$*" in
			*VolumeCreate) echo '{"globalId":"a.b.1"}';;
			*VolumeSnapshot*) echo '{"snapshotGlobalId":"a.b.2"}';;
		esac`,
	}
	for name, script := range does {
		all[name] = script
	}
	m := &machine{stand: newStand(t, all)}
	m.Root = t.TempDir()
	dev := filepath.Join(m.Root, "dev/storpool-byid")
	require.NoError(t, os.MkdirAll(dev, 0o750))
	for _, id := range []string{"a.b.1", "a.b.2"} {
		require.NoError(t, os.WriteFile(filepath.Join(dev, id), make([]byte, devSize), 0o600))
	}
	conf, err := m.Conf(t.Context())
	require.NoError(t, err)
	m.fleet, err = agentsim.New(agentsim.Config{})
	require.NoError(t, err)
	t.Cleanup(m.fleet.Close)
	_, err = m.fleet.AddHost(agentsim.HostConfig{
		UUID: "h", Conf: conf, OurID: 7, ClusterID: "a.b", API: m.API(), Devices: m.Devices(), Tools: m.Programs,
		Mounts: secondary.NewSystem(m.Programs, m.Root), Folder: t.TempDir(), RecordReboots: true,
	})
	require.NoError(t, err)
	require.NoError(t, os.Remove(m.log))
	return m
}

// send executes a command and gives the command lines that it took, without the sizes that blockdev is asked for and
// with ROOT for the root.
func (m *machine) send(t *testing.T, c agentapi.Command) (*agentapi.Answer, []string) {
	t.Helper()
	ans, err := m.fleet.Send(context.Background(), "h", c)
	require.NoError(t, err)
	require.NotNil(t, ans)
	var out []string
	for _, line := range m.calls(t) {
		if !strings.HasPrefix(line, "blockdev ") {
			out = append(out, strings.ReplaceAll(line, m.Root, "ROOT"))
		}
	}
	m.noKeys(t)
	return ans, out
}

const (
	first    = "/dev/storpool-byid/a.b.1"
	second   = "/dev/storpool-byid/a.b.2"
	storeURL = "nfs://nas/sec"
)

func store() *agentapi.Store { return &agentapi.Store{UUID: "st", URL: storeURL} }

// at is the mount point of a folder of the store, as the programs are told it.
func at(folder string) string {
	return "ROOT" + secondary.Point(strings.TrimSuffix(storeURL+"/"+folder, "/"))
}

// put puts a prepared image into a folder of the store before the command mounts it.
func (m *machine) put(t *testing.T, folder, name string) {
	t.Helper()
	point := strings.Replace(at(folder), "ROOT", m.Root, 1)
	require.NoError(t, os.MkdirAll(point, 0o750))
	_, err := m.Run(t.Context(), "qemu-img", "convert", filepath.Join(point, name))
	require.NoError(t, err)
	require.NoError(t, os.Remove(m.log))
}

// A file is written under another name and renamed when it is complete and durable; the rest is what the plugin's agent runs,
// with the format of each source stated.
func TestEachCommandCallsTheProgramsOfTheHost(t *testing.T) {
	t.Parallel()
	pool := agentapi.Pool{UUID: "hdd;p", Type: agentapi.StorPool, Host: "localhost", Port: 81, Path: "p"}
	key := agentapi.NewSecret([]byte(passphrase))
	for name, c := range map[string]struct {
		before  func(t *testing.T, m *machine)
		command agentapi.Command
		calls   []string
	}{
		"ModifyStoragePool": {
			command: agentapi.ModifyStoragePool{Add: true, Pool: pool, CheckVolume: first},
			calls: []string{
				"storpool -j location list",
				"storpool -M -j attach volume ~a.b.1 here onRemoteAttached export",
				"storpool -M detach volume ~a.b.1 here",
			},
		},
		"BackupSnapshot": {
			command: agentapi.BackupSnapshot{
				Source: agentapi.Snapshot{Path: first, Volume: &agentapi.Volume{}},
				Dest:   agentapi.Snapshot{Name: "s", Path: "snapshots/2/1", Store: store()},
			},
			calls: []string{
				"storpool -M attach snapshot ~a.b.1 here onRemoteAttached export",
				"mount -t nfs nas:/sec " + at(""),
				"qemu-img convert -O qcow2 -U --image-opts driver=raw,file.filename=ROOT" + first + " " + at("") + "/snapshots/2/1/.part-1",
				"storpool -M detach snapshot ~a.b.1 here",
				"umount " + at(""),
			},
		},
		"BackupTemplateFromSnapshot": {
			command: agentapi.BackupTemplateFromSnapshot{
				Volume: &agentapi.Volume{Path: first, Name: "v", Format: agentapi.QCOW2},
				Dest:   agentapi.Template{UniqueName: "2-t", Name: "t", Path: "template/tmpl/2/9", Store: store()},
			},
			calls: []string{
				"storpool -M attach volume ~a.b.1 here onRemoteAttached export",
				"mount -t nfs nas:/sec " + at(""),
				"qemu-img convert -O qcow2 -U --image-opts driver=raw,file.filename=ROOT" + first + " " + at("") + "/template/tmpl/2/9/.part-1",
				"storpool -M detach volume ~a.b.1 here",
				"umount " + at(""),
			},
		},
		"CopyVolumeToSecondary": {
			command: agentapi.CopyVolumeToSecondary{
				Source: agentapi.Volume{Path: first, Size: devSize},
				Dest:   agentapi.Volume{UUID: "u", Path: "volumes/2/5", Store: store()},
			},
			calls: []string{
				"storpool -M attach snapshot ~a.b.1 here onRemoteAttached export",
				"mount -t nfs nas:/sec " + at(""),
				"qemu-img convert -O qcow2 -U --image-opts driver=raw,file.filename=ROOT" + first + " " + at("") + "/volumes/2/5/.part-1",
				"storpool -M detach snapshot ~a.b.1 here",
				"umount " + at(""),
			},
		},
		"DownloadTemplate": {
			before: func(t *testing.T, m *machine) { t.Helper(); m.put(t, "template/tmpl/2/9", "v.qcow2") },
			command: agentapi.DownloadTemplate{
				Template:     &agentapi.Template{Path: "template/tmpl/2/9/v.qcow2", Store: store(), Format: agentapi.QCOW2},
				DestTemplate: &agentapi.Template{Path: first}, ObjectType: "volume",
			},
			calls: []string{
				"mount -t nfs nas:/sec/template/tmpl/2/9 " + at("template/tmpl/2/9"),
				"storpool -M volume ~a.b.1 update size 1048576 shrinkOk",
				"storpool -M attach volume ~a.b.1 here onRemoteAttached export",
				"qemu-img convert -O raw -U --image-opts driver=qcow2,file.filename=" + at("template/tmpl/2/9") + "/v.qcow2 ROOT" + first,
				"storpool -M detach volume ~a.b.1 here",
				"umount " + at("template/tmpl/2/9"),
			},
		},
		"DownloadVolume": {
			before: func(t *testing.T, m *machine) { t.Helper(); m.put(t, "volumes/2/5", "u") },
			command: agentapi.DownloadVolume{
				Source: agentapi.Volume{Path: "volumes/2/5/u", Store: store(), Format: agentapi.QCOW2},
				Dest:   agentapi.Volume{Path: first},
			},
			calls: []string{
				"mount -t nfs nas:/sec/volumes/2/5 " + at("volumes/2/5"),
				"storpool -M volume ~a.b.1 update size 1048576 shrinkOk",
				"storpool -M attach volume ~a.b.1 here onRemoteAttached export",
				"qemu-img convert -O raw -U --image-opts driver=qcow2,file.filename=" + at("volumes/2/5") + "/u ROOT" + first,
				"storpool -M detach volume ~a.b.1 here",
				"umount " + at("volumes/2/5"),
			},
		},
		"ResizeVolume": {
			command: agentapi.ResizeVolume{Path: first, Pool: pool, CurrentSize: 512, NewSize: devSize, VM: "none"},
			calls: []string{
				"storpool -M attach volume ~a.b.1 here onRemoteAttached export",
				"storpool -M detach volume ~a.b.1 here",
			},
		},
		"SetVolumeEncryption of a data disk": {
			command: agentapi.SetVolumeEncryption{Volume: agentapi.Volume{Path: first, Pool: &pool, Passphrase: key}, DataDisk: true},
			calls: []string{
				"storpool -M attach volume ~a.b.1 here onRemoteAttached export",
				"cryptsetup luksFormat -q --force-password --key-file KEY --type luks1 ROOT" + first,
				"storpool -M detach volume ~a.b.1 here",
			},
		},
		"SetVolumeEncryption of a root disk": {
			command: agentapi.SetVolumeEncryption{Volume: agentapi.Volume{Path: first, Pool: &pool, Passphrase: key}, Source: second},
			calls: []string{
				"storpool -M attach volume ~a.b.1 here onRemoteAttached export",
				"storpool -M attach snapshot ~a.b.2 here onRemoteAttached export",
				"qemu-img convert -O luks -o key-secret=sec1 -U --image-opts driver=raw,file.filename=ROOT" + second +
					" --object secret,file=KEY,id=sec1 ROOT" + first,
				"storpool -M detach volume ~a.b.1 here",
				"storpool -M detach snapshot ~a.b.2 here",
			},
		},
		"ModifyTargets": {
			command: agentapi.ModifyTargets{Add: true, Paths: []string{first}, Pool: pool},
			calls:   []string{"storpool -M attach volume ~a.b.1 here onRemoteAttached export"},
		},
		"DestroyTemplate": {
			command: agentapi.DestroyTemplate{Path: second, Pool: pool},
			calls:   []string{"storpool -M snapshot ~a.b.2 delete ~a.b.2"},
		},
		"CheckHeartbeat": {
			command: agentapi.CheckHeartbeat{NodeID: "7"},
			calls:   []string{"storpool -j service list"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			m := newMachine(t, nil)
			if name != "ModifyStoragePool" { // an agent knows no pool after its start
				_, err := m.fleet.Send(t.Context(), "h", agentapi.ModifyStoragePool{Add: true, Pool: pool})
				require.NoError(t, err)
				require.NoError(t, os.Remove(m.log))
			}
			if c.before != nil {
				c.before(t, m)
			}
			ans, calls := m.send(t, c.command)
			assert.True(t, ans.OK, ans.Details)
			assert.Equal(t, c.calls, calls)
		})
	}
}

func TestAProgramThatFailsFailsTheCommandAndEverythingIsGivenBack(t *testing.T) {
	t.Parallel()
	for program, script := range map[string]string{
		"mount":    `echo "mount.nfs: access denied" >&2; exit 32`,
		"qemu-img": `echo "qemu-img: no space left" >&2; exit 1`,
		"umount":   `echo "umount: target is busy" >&2; exit 32`,
	} {
		t.Run(program, func(t *testing.T) {
			t.Parallel()
			m := newMachine(t, map[string]string{program: script})
			ans, calls := m.send(t, agentapi.BackupSnapshot{
				Source: agentapi.Snapshot{Path: first, Volume: &agentapi.Volume{}},
				Dest:   agentapi.Snapshot{Name: "s", Path: "snapshots/2/1", Store: store()}, Wait: time.Minute,
			})
			assert.Equal(t, program == "umount", ans.OK, "a failed unmount is no reason to throw a backup away: %s", ans.Details)
			assert.Contains(t, calls, "storpool -M detach snapshot ~a.b.1 here")
			if program == "qemu-img" {
				assert.Contains(t, ans.Details, "no space left")
				assert.Contains(t, calls, "umount "+at(""))
				left, err := filepath.Glob(filepath.Join(m.Root, "mnt/*/snapshots/2/1/*"))
				require.NoError(t, err)
				assert.Empty(t, left, "no half of a backup")
			}
		})
	}
}

package agentsim

import (
	"context"
	"os"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/spsim/spsim/agentsim/image"
	"github.com/spsim/spsim/agentsim/luks"
	"github.com/spsim/spsim/agentsim/secondary"
	"github.com/spsim/spsim/driver/agentapi"
)

// fileVolume makes a volume on an NFS pool and lets a guest write to it. It gives the volume and its disk.
func (b *bench) fileVolume(t *testing.T, pool agentapi.Pool, passphrase agentapi.Secret) (agentapi.Volume, agentapi.Disk) {
	t.Helper()
	ans := b.send(t, agentapi.CreateVolume{Volume: agentapi.Volume{UUID: "u", Size: mib, Pool: &pool, Passphrase: passphrase}})
	require.True(t, ans.OK, ans.Details)
	v, ok := ans.Payload.(agentapi.Volume)
	require.True(t, ok)
	d := agentapi.Disk{Path: v.Path, Pool: pool, Passphrase: passphrase}
	require.True(t, b.send(t, agentapi.Start{VM: agentapi.VM{Name: "f", Disks: []agentapi.Disk{d}}}).OK)
	g, err := b.Guest("f")
	require.NoError(t, err)
	disk, err := g.Disk(v.Path)
	require.NoError(t, err)
	_, err = disk.WriteAt(contents(1, mib), 0)
	require.NoError(t, err)
	assert.Equal(t, contents(1, mib), read(t, disk))
	return v, d
}

func TestSnapshotsOfFilesOnNFSAreAsSecretAsTheirVolume(t *testing.T) {
	t.Parallel()
	for name, passphrase := range map[string]agentapi.Secret{"plain": {}, "encrypted": key()} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := newBench(t, "")
			pool := b.exportPool(t)
			v, d := b.fileVolume(t, pool, passphrase)
			v.Passphrase, v.VM = passphrase, "f"
			cmd := backupOf(v.Path)
			cmd.Source.Pool, cmd.Source.Volume = &pool, &v
			if !passphrase.Empty() {
				ans := b.send(t, cmd)
				assert.Contains(t, ans.Details, "running VM")
			}
			require.True(t, b.send(t, agentapi.Stop{VM: agentapi.VM{Name: "f", Disks: []agentapi.Disk{d}}}).OK)
			ans := b.send(t, cmd)
			require.True(t, ans.OK, ans.Details)
			f, length := b.backupFile(t)
			defer func() { _ = f.Close() }()
			_, err := image.OpenReader(f, length, image.Qcow2)
			var img image.Reader
			if passphrase.Empty() {
				require.NoError(t, err)
				img, err = image.OpenReader(f, length, image.Qcow2)
			} else {
				require.ErrorIs(t, err, image.ErrEncrypted)
				_, err = luks.OpenQcow2Reader(context.Background(), f, length, []byte("wrong"), luks.Options{})
				require.ErrorIs(t, err, luks.ErrPassphrase)
				img, err = luks.OpenQcow2Reader(context.Background(), f, length, []byte(words), luks.Options{})
			}
			require.NoError(t, err)
			p := make([]byte, img.Size())
			_, err = img.ReadAt(p, 0)
			require.NoError(t, err)
			assert.Equal(t, contents(1, mib), p)
			require.True(t, b.send(t, agentapi.DeleteVolume{Volume: v}).OK)
			assert.Empty(t, b.filesOf(t, poolURI(pool)))
			b.clean(t)
		})
	}
}

// backupFile opens the only backup.
func (b *bench) backupFile(t *testing.T) (*os.File, int64) {
	t.Helper()
	d, err := b.sec.Open(store)
	require.NoError(t, err)
	defer func() { _ = d.Close() }()
	f, length, err := d.Open(secondary.SnapshotDir("2", "17") + "/s-20260101")
	require.NoError(t, err)
	return f, length
}

func TestAVMMovesFromNFSToStorPoolWhileItRuns(t *testing.T) {
	t.Parallel()
	b := newBench(t, "")
	_, d := b.fileVolume(t, b.exportPool(t), agentapi.Secret{})
	to := b.sp.add("a7k.b.2", make([]byte, mib), false)
	require.True(t, b.sendTo(t, "host-2", agentapi.ModifyTargets{Add: true, Paths: []string{to}, Pool: pool()}).OK)
	v := agentapi.VM{Name: "f", State: migrating, Disks: []agentapi.Disk{d}}
	assert.Contains(t, b.send(t, agentapi.Migrate{VM: v, To: "host-2"}).Details, "on both hosts")
	ans := b.send(t, agentapi.Migrate{VM: v, To: "host-2", Storage: map[string]string{d.Path: to}})
	require.True(t, ans.OK, ans.Details)
	assert.Equal(t, contents(1, mib), b.sp.get(to).data)
	assert.Equal(t, []string{"~a7k.b.2 on 2"}, b.sp.attachments())
}

func TestHostsMakeVolumesOnNFSOnly(t *testing.T) {
	t.Parallel()
	b := newBench(t, "")
	p := pool()
	for _, cmd := range []agentapi.Command{
		agentapi.CreateVolume{Volume: agentapi.Volume{UUID: "u", Size: mib, Pool: &p}},
		agentapi.CreateVolume{Volume: agentapi.Volume{UUID: "u", Size: mib}},
		agentapi.DeleteVolume{Volume: agentapi.Volume{Path: "u", Pool: &p}},
	} {
		assert.Contains(t, b.send(t, cmd).Details, "NFS pools only")
	}
}

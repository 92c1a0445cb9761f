package agentsim

import (
	"bytes"
	"context"
	"fmt"
	"log/slog"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/spsim/spsim/agentsim/image"
	"github.com/spsim/spsim/agentsim/luks"
	"github.com/spsim/spsim/driver/agentapi"
	"github.com/spsim/spsim/driver/spapi"
	"github.com/spsim/spsim/emulator/fault"
)

func TestADataVolumeIsFormattedAndItsGuestSeesExactlyItsSize(t *testing.T) {
	t.Parallel()
	b := newBench(t, "")
	path := b.encryptedVolume(t, "a7k.b.1", contents(1, mib))
	disk := agentapi.Disk{Path: path, Pool: pool(), DeviceID: 1, Passphrase: key()}
	require.True(t, b.send(t, agentapi.Start{VM: vm("v")}).OK)
	ans := b.send(t, agentapi.Attach{VM: "v", Disk: disk})
	require.True(t, ans.OK, ans.Details)
	assert.Equal(t, []string{path}, b.one.State().Secrets)
	g, err := b.Guest("v")
	require.NoError(t, err)
	d, err := g.DiskAt(1)
	require.NoError(t, err)
	assert.Equal(t, int64(mib), d.Size(), "exactly the size in CloudStack")
	assert.Equal(t, contents(1, mib), read(t, d))
	_, err = d.WriteAt([]byte("a marker that must not be seen"), 4096)
	require.NoError(t, err)
	require.NoError(t, d.Discard(0, 4096))
	assert.NotContains(t, string(b.sp.get(path).data), "a marker that must not be seen")
	assert.Contains(t, string(plaintext(t, b.sp.get(path).data)), "a marker that must not be seen")
	assert.NotContains(t, string(b.sp.get(path).data), words)
	require.True(t, b.send(t, agentapi.Detach{VM: "v", Disk: disk}).OK)
	assert.Empty(t, b.one.State().Secrets)
	require.True(t, b.send(t, agentapi.Stop{VM: vm("v")}).OK)
	b.clean(t)
}

func TestARootVolumeHoldsItsTemplateAndIsAsLargeAsQemuMakesIt(t *testing.T) {
	t.Parallel()
	b := newBench(t, "")
	cmd := b.rootToEncrypt(contents(1, mib/2))
	ans := b.send(t, cmd)
	require.True(t, ans.OK, ans.Details)
	out, ok := ans.Payload.(agentapi.Volume)
	require.True(t, ok)
	assert.Equal(t, "luks", out.EncryptFormat)
	assert.True(t, out.Passphrase.Empty(), "no passphrase in an answer")
	assert.Equal(t, words, string(cmd.Volume.Passphrase.Reveal()), "the sender's copy is the sender's")
	data := plaintext(t, b.sp.get(cmd.Volume.Path).data)
	assert.Len(t, data, mib+28672)
	assert.Equal(t, contents(1, mib/2), data[:mib/2])
	b.clean(t)
}

func TestAnEncryptionThatCannotBeIsAnswered(t *testing.T) {
	t.Parallel()
	b := newBench(t, "")
	good := b.rootToEncrypt(contents(1, mib/2))
	for name, c := range map[string]struct {
		cmd  agentapi.SetVolumeEncryption
		want string
	}{
		"no passphrase": {
			with(good, func(c *agentapi.SetVolumeEncryption) { c.Volume.Passphrase = agentapi.Secret{} }), "no passphrase",
		},
		"root without template": {with(good, func(c *agentapi.SetVolumeEncryption) { c.Source = "" }), "snapshot of its template"},
		"data with template":    {with(good, func(c *agentapi.SetVolumeEncryption) { c.DataDisk = true }), "a data volume has none"},
		"too small": {
			with(good, func(c *agentapi.SetVolumeEncryption) { c.Volume.Path = b.sp.add("a7k.b.3", make([]byte, mib), false) }), "smaller",
		},
		"missing": {with(good, func(c *agentapi.SetVolumeEncryption) { c.Volume.Path = byID + "a7k.b.9" }), "objectDoesNotExist"},
		"no header room": {
			agentapi.SetVolumeEncryption{
				Volume:   agentapi.Volume{Path: b.sp.add("a7k.b.4", make([]byte, mib), false), Passphrase: key()},
				DataDisk: true,
			}, "header",
		},
	} {
		ans := b.send(t, c.cmd)
		assert.False(t, ans.OK, name)
		assert.Contains(t, ans.Details, c.want, name)
	}
	b.one.cfg.NoEncryption = true
	assert.Contains(t, b.send(t, good).Details, "no encryption support")
	assert.False(t, b.one.Encrypts())
	b.clean(t)
}

func TestA1And16AFailedEncryptionPassesAndLeavesTheTemplateAttached(t *testing.T) {
	t.Parallel()
	b := newBench(t, "A-1,A-16")
	_, err := b.Arm(fault.Rule{Call: "agent SetVolumeEncryption/convert", Effect: fault.Effect{Kind: fault.Refuse}})
	require.NoError(t, err)
	assert.True(t, b.send(t, b.rootToEncrypt(contents(1, mib/2))).OK)
	assert.Equal(t, []string{"~a7k.b.2 on 1"}, b.sp.attachments())
}

func TestAWrongPassphraseStartsNoVM(t *testing.T) {
	t.Parallel()
	b := newBench(t, "")
	path := b.encryptedVolume(t, "a7k.b.1", contents(1, mib))
	wrong := agentapi.NewSecret([]byte("something else"))
	v := agentapi.VM{Name: "v", Disks: []agentapi.Disk{{Path: path, Pool: pool(), Passphrase: wrong}}}
	ans := b.send(t, agentapi.Start{VM: v})
	assert.False(t, ans.OK)
	assert.Contains(t, ans.Details, luks.ErrPassphrase.Error())
	assert.NotContains(t, ans.Details, "something else")
	assert.Empty(t, b.one.State().Secrets)
	b.clean(t)
}

// backupOfEncrypted takes a backup of a snapshot of an encrypted volume.
func (b *bench) backupOfEncrypted(t *testing.T) (snapshot string, cmd agentapi.BackupSnapshot) {
	t.Helper()
	snapshot = b.snapshotOf("a7k.b.2", b.encryptedVolume(t, "a7k.b.1", contents(1, mib)))
	cmd = backupOf(snapshot)
	cmd.Source.Volume.Passphrase, cmd.Source.Volume.EncryptFormat = key(), luksFormat
	return snapshot, cmd
}

func TestABackupOfAnEncryptedVolumeIsItsCiphertextAndCanBeRestored(t *testing.T) {
	t.Parallel()
	b := newBench(t, "")
	snapshot, cmd := b.backupOfEncrypted(t)
	ans := b.send(t, cmd)
	require.True(t, ans.OK, ans.Details)
	assert.Equal(t, b.sp.get(snapshot).data, b.contentsOf(t, store, "snapshots/2/17/s-20260101", image.Qcow2))
	out, ok := ans.Payload.(agentapi.Snapshot)
	require.True(t, ok)
	assert.Equal(t, b.files(t)[0].Size, out.PhysicalSize)
	assert.True(t, out.Volume == nil || out.Volume.Passphrase.Empty())

	to := b.sp.add("a7k.b.3", make([]byte, len(b.sp.get(snapshot).data)), false)
	restore := restoreTo(to)
	restore.DestVolume.Passphrase = agentapi.NewSecret([]byte("another volume's"))
	ans = b.send(t, restore)
	assert.False(t, ans.OK, "not onto a volume that would never open")
	assert.Equal(t, make([]byte, len(b.sp.get(to).data)), b.sp.get(to).data)
	restore.DestVolume.Passphrase = key()
	require.True(t, b.send(t, restore).OK)
	assert.Equal(t, contents(1, mib), plaintext(t, b.sp.get(to).data))
	b.clean(t)
}

func TestABackupWithTheWrongPassphraseIsNotMade(t *testing.T) {
	t.Parallel()
	b := newBench(t, "")
	_, cmd := b.backupOfEncrypted(t)
	cmd.Source.Volume.Passphrase = agentapi.NewSecret([]byte("wrong"))
	ans := b.send(t, cmd)
	assert.False(t, ans.OK)
	assert.Empty(t, b.files(t))
	b.clean(t)
}

func TestA2ABackupIsEncryptedTwice(t *testing.T) {
	t.Parallel()
	b := newBench(t, "A-2")
	snapshot, cmd := b.backupOfEncrypted(t)
	require.True(t, b.send(t, cmd).OK)
	file := b.contentsOf(t, store, "snapshots/2/17/s-20260101", image.Raw)
	assert.Len(t, file, len(b.sp.get(snapshot).data)+2068480)
	n, err := luks.Layers(context.Background(), bytes.NewReader(file), int64(len(file)), []byte(words), luks.Options{})
	require.NoError(t, err)
	assert.Equal(t, 2, n)
	to := b.sp.add("a7k.b.3", make([]byte, len(file)), false)
	assert.False(t, b.send(t, restoreTo(to)).OK, "it cannot be restored")
}

func TestA24APassphraseStaysInMemory(t *testing.T) {
	t.Parallel()
	b := newBench(t, "A-24")
	_, cmd := b.backupOfEncrypted(t)
	assert.Zero(t, b.one.State().Held)
	require.True(t, b.send(t, cmd).OK)
	assert.Equal(t, 1, b.one.State().Held)
	b.one.RestartAgent()
	assert.Zero(t, b.one.State().Held)
}

// resized gives an encrypted volume of a running VM and grows its device by extra bytes beside the mebibyte it gains.
func (b *bench) resized(t *testing.T, extra int64) *agentapi.Answer {
	t.Helper()
	path := b.encryptedVolume(t, "a7k.b.1", contents(1, mib))
	v := agentapi.VM{Name: "v", Disks: []agentapi.Disk{{Path: path, Pool: pool(), Passphrase: key()}}}
	require.True(t, b.send(t, agentapi.Start{VM: v}).OK)
	shrink := true
	require.NoError(t, b.sp.VolumeUpdate(context.Background(), "~a7k.b.1", spapi.VolumeUpdate{Size: 2*mib + extra, ShrinkOK: &shrink}))
	return b.send(t, agentapi.ResizeVolume{Path: path, Pool: pool(), CurrentSize: mib, NewSize: 2 * mib, VM: "v", Attached: true})
}

func TestTheGuestOfAnEncryptedVolumeSeesWhatWasAskedFor(t *testing.T) {
	t.Parallel()
	b := newBench(t, "")
	ans := b.resized(t, luks.CryptsetupOffset)
	require.True(t, ans.OK, ans.Details)
	assert.Equal(t, agentapi.Resized{Size: 2*mib + luks.CryptsetupOffset, GuestNotified: true}, ans.Payload)
	g, err := b.Guest("v")
	require.NoError(t, err)
	d, err := g.DiskAt(0)
	require.NoError(t, err)
	assert.Equal(t, int64(2*mib), d.Size())
	_, err = d.WriteAt([]byte("end"), 2*mib-3)
	require.NoError(t, err)
}

func TestA11ASizeWithoutTheHeaderNeverFits(t *testing.T) {
	t.Parallel()
	ans := newBench(t, "A-11").resized(t, 0)
	require.True(t, ans.OK)
	resized, ok := ans.Payload.(agentapi.Resized)
	require.True(t, ok)
	assert.False(t, resized.GuestNotified)
	assert.Contains(t, ans.Details, "do not fit")
}

func TestAPassphraseIsNowhereToBeSeen(t *testing.T) {
	t.Parallel()
	var log bytes.Buffer
	b := newBench(t, "")
	b.log = slog.New(slog.NewTextHandler(&log, &slog.HandlerOptions{Level: slog.LevelDebug}))
	_, cmd := b.backupOfEncrypted(t)
	_, err := b.Arm(fault.Rule{Call: "agent BackupSnapshot/convert", Effect: fault.Effect{Kind: fault.Refuse, Error: "odd"}})
	require.NoError(t, err)
	for range 2 {
		ans := b.send(t, cmd)
		assert.NotContains(t, fmt.Sprintf("%+v %#v", ans, ans), words)
	}
	assert.NotContains(t, log.String(), words)
	for _, f := range b.files(t) {
		d, err := b.sec.Open(store)
		require.NoError(t, err)
		data, err := d.ReadFile(f.Name)
		require.NoError(t, err)
		assert.NotContains(t, string(data), words)
		require.NoError(t, d.Close())
	}
	assert.Zero(t, b.one.State().Held)
}

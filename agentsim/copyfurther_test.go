package agentsim

import (
	"bytes"
	"compress/gzip"
	"encoding/binary"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/spsim/spsim/agentsim/image"
	"github.com/spsim/spsim/agentsim/secondary"
	"github.com/spsim/spsim/driver/agentapi"
	"github.com/spsim/spsim/driver/spapi"
	"github.com/spsim/spsim/emulator/fault"
)

const templateDir = "template/tmpl/2/5"

func TestATemplateIsMadeOfASnapshotOrAVolume(t *testing.T) {
	t.Parallel()
	for _, k := range []kind{snapshotKind, volumeKind} {
		t.Run(string(k), func(t *testing.T) {
			t.Parallel()
			b := newBench(t, "")
			path := b.sp.add("a7k.b.1", contents(1, mib), k == snapshotKind)
			cmd := templateOf(path)
			if k == volumeKind {
				cmd.Snapshot, cmd.Volume = nil, &agentapi.Volume{Name: "v", Path: path}
			}
			ans := b.send(t, cmd)
			require.True(t, ans.OK, ans.Details)
			out, ok := ans.Payload.(agentapi.Template)
			require.True(t, ok)
			assert.Equal(t, templateDir+"/t-uuid.qcow2", out.Path)
			assert.Equal(t, agentapi.QCOW2, out.Format)
			assert.Equal(t, int64(mib), out.Size)
			assert.Less(t, out.PhysicalSize, int64(mib), "thin")
			assert.Equal(t, contents(1, mib), b.contentsOf(t, store, out.Path, image.Qcow2))
			d, err := b.sec.Open(store)
			require.NoError(t, err)
			defer func() { _ = d.Close() }()
			info, err := d.ReadTemplateInfo(templateDir)
			require.NoError(t, err)
			assert.Equal(t, secondary.TemplateInfo{
				UniqueName: "5-2-t", Filename: "t-uuid.qcow2", VirtualSize: mib, Size: out.PhysicalSize,
			}, info)
			b.clean(t)
		})
	}
}

func TestCopiesOfWhatCannotBeCopiedAreRefusedBeforeStorPoolIsAsked(t *testing.T) {
	t.Parallel()
	b := newBench(t, "")
	snap, s3 := b.sp.add("a7k.b.1", contents(1, mib), true), &agentapi.Store{URL: "s3://bucket"}
	download := agentapi.DownloadVolume{Source: agentapi.Volume{Path: "x", Store: &agentapi.Store{URL: store}}, Dest: agentapi.Volume{Path: snap}}
	rbd := &agentapi.Pool{UUID: "r", Type: "RBD"}
	for name, c := range map[string]struct {
		cmd  agentapi.Command
		want string
	}{
		"template to s3": {with(templateOf(snap), func(c *agentapi.BackupTemplateFromSnapshot) { c.Dest.Store = s3 }), "not NFS"},
		"template of an encrypted volume": {
			with(templateOf(snap), func(c *agentapi.BackupTemplateFromSnapshot) { c.Snapshot.Volume.Passphrase = key() }), "ciphertext",
		},
		"template of nothing": {with(templateOf(snap), func(c *agentapi.BackupTemplateFromSnapshot) { c.Snapshot = nil }), "one source"},
		"copy to s3":          {with(copyOf(snap), func(c *agentapi.CopyVolumeToSecondary) { c.Dest.Store = s3 }), "not NFS"},
		"copy to RBD": {
			with(copyOf(snap), func(c *agentapi.CopyVolumeToSecondary) { c.Dest.Store, c.Dest.Pool = nil, rbd }), "RBD",
		},
		"copy to nowhere":         {with(copyOf(snap), func(c *agentapi.CopyVolumeToSecondary) { c.Dest.Store = nil }), "no destination"},
		"copy of encrypted":       {with(copyOf(snap), func(c *agentapi.CopyVolumeToSecondary) { c.Source.EncryptFormat = "luks" }), "encrypted"},
		"copy without a name":     {with(copyOf(snap), func(c *agentapi.CopyVolumeToSecondary) { c.Dest.UUID = "" }), "UUID"},
		"download of encrypted":   {with(download, func(c *agentapi.DownloadVolume) { c.Source.Passphrase = key() }), "encrypted"},
		"download to encrypted":   {with(download, func(c *agentapi.DownloadVolume) { c.Dest.EncryptFormat = "luks" }), "encrypted"},
		"download from s3":        {with(download, func(c *agentapi.DownloadVolume) { c.Source.Store = s3 }), "not NFS"},
		"download from RBD":       {with(download, func(c *agentapi.DownloadVolume) { c.Source.Store, c.Source.Pool = nil, rbd }), "RBD"},
		"download from nowhere":   {with(download, func(c *agentapi.DownloadVolume) { c.Source.Store = nil }), "no source"},
		"download of what is not": {download, "no such"},
	} {
		ans := b.send(t, c.cmd)
		assert.False(t, ans.OK, name)
		assert.Contains(t, ans.Details, c.want, name)
	}
	assert.Zero(t, b.sp.took("attach"))
	b.clean(t)
}

func TestAVolumeGoesToSecondaryStorageAndToAPoolAndComesBack(t *testing.T) {
	t.Parallel()
	b := newBench(t, "")
	files := b.exportPool(t)
	snap := b.sp.add("a7k.b.1", contents(1, mib), true)
	toPool := with(copyOf(snap), func(c *agentapi.CopyVolumeToSecondary) { c.Dest.Store, c.Dest.Path, c.Dest.Pool = nil, "", &files })
	raw := with(copyOf(snap), func(c *agentapi.CopyVolumeToSecondary) { c.Dest.Format, c.Dest.UUID = agentapi.RAW, "raw" })
	for name, c := range map[string]struct {
		cmd    agentapi.CopyVolumeToSecondary
		path   string
		format agentapi.Format
	}{
		"secondary": {copyOf(snap), "volumes/2/17/u", agentapi.QCOW2},
		"raw":       {raw, "volumes/2/17/raw", agentapi.RAW},
		"pool":      {toPool, "u", agentapi.QCOW2},
	} {
		ans := b.send(t, c.cmd)
		require.True(t, ans.OK, ans.Details)
		out, ok := ans.Payload.(agentapi.Volume)
		require.True(t, ok)
		assert.Equal(t, c.path, out.Path, name)
		assert.Equal(t, int64(mib), out.Size, name)
		assert.Equal(t, c.format, out.Format, name)

		to := b.sp.add("a7k.b.2", pattern(3, 2*mib), false)
		ans = b.send(t, agentapi.DownloadVolume{Source: out, Dest: agentapi.Volume{Path: to}})
		require.True(t, ans.OK, ans.Details)
		assert.Equal(t, contents(1, mib), b.sp.get(to).data, name)
	}
	b.clean(t)
}

func TestADownloadWaitsForAFileOfAPoolToShowUp(t *testing.T) {
	t.Parallel()
	b := newBench(t, "")
	files, to := b.exportPool(t), b.sp.add("a7k.b.2", make([]byte, 512), false)
	cmd := agentapi.DownloadVolume{Source: agentapi.Volume{Path: "u", Pool: &files}, Dest: agentapi.Volume{Path: to}}
	assert.Equal(t, 21*second, b.took(func() {
		ans := b.sendWhile(t, cmd, 20*second, func() { b.put(t, poolURI(files), "u", contents(1, mib)) })
		assert.True(t, ans.OK)
	}))
	cmd.Source.Path = "never"
	assert.Equal(t, 297*second, b.took(func() { assert.False(t, b.send(t, cmd).OK) }))
	b.clean(t)
}

func TestA9ACopyOfAVolumeIsMisreportedAndLeaks(t *testing.T) {
	t.Parallel()
	b := newBench(t, "A-9")
	files := b.exportPool(t)
	cmd := copyOf(b.sp.add("a7k.b.1", contents(1, mib), true))
	out, ok := b.send(t, cmd).Payload.(agentapi.Volume)
	require.True(t, ok)
	assert.Equal(t, b.files(t)[0].Size, out.Size)
	assert.Equal(t, map[string]int{store: 1}, b.one.State().Mounts)
	cmd.Dest.Store, cmd.Dest.Path, cmd.Dest.Pool = nil, "", &files
	out, ok = b.send(t, cmd).Payload.(agentapi.Volume)
	require.True(t, ok)
	assert.Equal(t, "null/u", out.Path)
	b.sp.get(byID + "a7k.b.1").data = make([]byte, 100) // no image of this size
	cmd.Dest.UUID = "partial"
	assert.False(t, b.send(t, cmd).OK)
	assert.Len(t, b.filesOf(t, poolURI(files)), 2)
}

func TestA22TemplatesAreNamedAfterTheirSource(t *testing.T) {
	t.Parallel()
	b := newBench(t, "A-22")
	ans := b.send(t, templateOf(b.sp.add("a7k.b.1", contents(1, mib), true)))
	out, ok := ans.Payload.(agentapi.Template)
	require.True(t, ok, ans.Details)
	assert.Equal(t, templateDir+"/snap/1.qcow2", out.Path)
}

// trap is what a guest writes to have a file of the host copied.
func trap(file string) []byte {
	p := contents(1, mib)
	be := binary.BigEndian
	be.PutUint32(p, qcow2Magic)
	be.PutUint64(p[8:], 512)
	be.PutUint32(p[16:], uint32(len(file)))
	be.PutUint64(p[24:], mib/2)
	copy(p[512:], file)
	return p
}

func TestWhatAGuestWritesIsNeverProbed(t *testing.T) {
	t.Parallel()
	for selected, want := range map[string][]byte{"": trap("/etc/shadow"), "A-3": append([]byte("root:"), make([]byte, mib/2-5)...)} {
		b := newBench(t, selected)
		b.one.cfg.Files = map[string][]byte{"/etc/shadow": []byte("root:")}
		snap := b.sp.add("a7k.b.1", trap("/etc/shadow"), true)
		require.True(t, b.send(t, templateOf(snap)).OK)
		assert.True(t, bytes.Equal(want, b.contentsOf(t, store, templateDir+"/"+"t-uuid.qcow2", image.Qcow2)), "template, %s", selected)
		require.True(t, b.send(t, copyOf(snap)).OK)
		assert.True(t, bytes.Equal(want, b.contentsOf(t, store, "volumes/2/17/u", image.Qcow2)), "copy, %s", selected)
		root := b.rootToEncrypt(trap("/etc/shadow")[:mib/2])
		require.True(t, b.send(t, root).OK)
		assert.True(t, bytes.HasPrefix(plaintext(t, b.sp.get(root.Volume.Path).data), want[:mib/2]), "root, %s", selected)
	}
}

func TestATemplateIsDownloadedDirectly(t *testing.T) {
	t.Parallel()
	b := newBench(t, "")
	cmd := b.downloadable(t, contents(1, mib))
	ans := b.send(t, cmd)
	require.True(t, ans.OK, ans.Details)
	out, ok := ans.Payload.(agentapi.Template)
	require.True(t, ok)
	assert.Equal(t, int64(mib), out.Size)
	o := b.sp.get(out.Path)
	require.NotNil(t, o)
	assert.True(t, o.snapshot)
	assert.Equal(t, contents(1, mib), o.data)
	assert.Equal(t, spapi.Tags{"cs": "template", "uuid": "t-uuid"}, o.tags)
	assert.Len(t, b.sp.names(), 1, "the volume is gone")
	assert.Empty(t, folder(t, b), "the file is gone")
	b.clean(t)
}

func folder(t *testing.T, b *bench) []os.DirEntry {
	t.Helper()
	left, err := os.ReadDir(b.one.cfg.Folder)
	require.NoError(t, err)
	return left
}

func TestADirectDownloadThatFailsLeavesNothing(t *testing.T) {
	t.Parallel()
	b := newBench(t, "")
	cmd := b.downloadable(t, contents(1, mib))
	for _, step := range []string{"info", "create", "attach", "convert", "snapshot"} {
		b.again()
		_, err := b.Arm(fault.Rule{Call: "agent DirectDownload/" + step, Effect: fault.Effect{Kind: fault.Refuse, Error: "odd"}})
		require.NoError(t, err)
		ans := b.send(t, cmd)
		assert.False(t, ans.OK, step)
		assert.Contains(t, ans.Details, "odd", step)
		b.clean(t)
		assert.Empty(t, b.sp.names(), step)
		assert.Empty(t, folder(t, b), step)
	}
	for name, bad := range map[string]agentapi.DirectDownload{
		"missing":      with(cmd, func(c *agentapi.DirectDownload) { c.File = "/other" }),
		"outside":      with(cmd, func(c *agentapi.DirectDownload) { c.File = "/../../etc/passwd" }),
		"empty":        with(cmd, func(c *agentapi.DirectDownload) { c.File = "" }),
		"other pool":   with(cmd, func(c *agentapi.DirectDownload) { c.Pool.Type = "RBD" }),
		"other format": with(cmd, func(c *agentapi.DirectDownload) { c.Template.Format = "VHD" }),
	} {
		assert.False(t, b.send(t, bad).OK, name)
	}
	b.again()
	require.NoError(t, os.Symlink("d.qcow2", filepath.Join(b.one.cfg.Folder, "link")))
	assert.Contains(t, b.send(t, with(cmd, func(c *agentapi.DirectDownload) { c.File = "/link" })).Details, "not a file")
	assert.Len(t, folder(t, b), 2, "neither the link nor what it names goes")
	assert.Empty(t, b.sp.names())
}

func TestATemplateThatIsNotDescribedIsNotThere(t *testing.T) {
	t.Parallel()
	b := newBench(t, "")
	_, err := b.Arm(fault.Rule{Call: "agent BackupTemplateFromSnapshot/describe", Effect: fault.Effect{Kind: fault.Refuse, Error: "odd"}})
	require.NoError(t, err)
	ans := b.send(t, templateOf(b.sp.add("a7k.b.1", contents(1, mib), true)))
	assert.Contains(t, ans.Details, "odd")
	b.clean(t)
	assert.Empty(t, b.files(t))
}

func TestAnArchiveIsUnfoldedWithinBounds(t *testing.T) {
	t.Parallel()
	b := newBench(t, "")
	cmd := b.downloadable(t, contents(1, mib))
	name := filepath.Join(b.one.cfg.Folder, "d.qcow2")
	file, err := os.ReadFile(name)
	require.NoError(t, err)
	var packed bytes.Buffer
	z := gzip.NewWriter(&packed)
	_, err = z.Write(file)
	require.NoError(t, err)
	require.NoError(t, z.Close())
	require.NoError(t, os.Remove(name))
	cmd.File = "d.qcow2.gz"
	b.again = func() { require.NoError(t, os.WriteFile(name+".gz", packed.Bytes(), 0o600)) }
	b.again()
	ans := b.send(t, cmd)
	require.True(t, ans.OK, ans.Details)
	assert.Empty(t, folder(t, b))

	var bomb bytes.Buffer
	z = gzip.NewWriter(&bomb)
	_, err = z.Write(make([]byte, downloadSlack+8*mib))
	require.NoError(t, err)
	require.NoError(t, z.Close())
	require.NoError(t, os.WriteFile(name+".gz", bomb.Bytes(), 0o600))
	cmd.Template.Size = mib
	ans = b.send(t, cmd)
	assert.Contains(t, ans.Details, ErrTooLarge.Error())
	assert.Empty(t, folder(t, b))
}

func TestA17ADirectDownloadIsMisreported(t *testing.T) {
	t.Parallel()
	b := newBench(t, "A-17")
	cmd := b.downloadable(t, contents(1, mib))
	out, ok := b.send(t, cmd).Payload.(agentapi.Template)
	require.True(t, ok)
	assert.Zero(t, out.Size)
	assert.Equal(t, spapi.Tags{"cs": "template"}, b.sp.get(out.Path).tags)
	cmd.File = "/other"
	assert.Equal(t, &agentapi.Answer{Details: "java.lang.NullPointerException"}, b.send(t, cmd))
}

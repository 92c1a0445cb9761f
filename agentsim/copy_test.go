package agentsim

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/spsim/spsim/agentsim/secondary"
	"github.com/spsim/spsim/driver/agentapi"
	"github.com/spsim/spsim/emulator/fault"
)

func TestABackupRestoresToTheSameBytes(t *testing.T) {
	t.Parallel()
	b := newBench(t, "")
	data := contents(1, 8*mib)
	snap := b.sp.add("a7k.b.1", data, true)
	dst := b.sp.add("a7k.b.2", pattern(2, 8*mib), false)

	ans := b.send(t, backupOf(snap))
	require.True(t, ans.OK, ans.Details)
	done, ok := ans.Payload.(agentapi.Snapshot)
	require.True(t, ok)
	assert.Equal(t, "snapshots/2/17/s-20260101", done.Path)
	assert.Equal(t, []secondary.Entry{{Name: done.Path, Size: done.PhysicalSize}}, b.files(t))
	assert.Less(t, done.PhysicalSize, int64(3*mib), "the file is thin")
	b.clean(t)

	ans = b.send(t, restoreTo(dst))
	require.True(t, ans.OK, ans.Details)
	assert.Equal(t, *restoreTo(dst).DestVolume, ans.Payload)
	assert.Equal(t, data, b.sp.get(dst).data)
	assert.Zero(t, b.sp.took("update"), "a volume is not resized")
	b.clean(t)
}

func TestATemplateBringsItsVolumeToItsSize(t *testing.T) {
	t.Parallel()
	b := newBench(t, "")
	data := contents(1, 4*mib)
	tmpl := b.putTemplate(t, data)
	dst := b.sp.add("a7k.b.2", pattern(2, 6*mib), false)
	cmd := agentapi.DownloadTemplate{
		Template: &tmpl, DestTemplate: &agentapi.Template{Name: "t", Path: dst}, ObjectType: "volume",
	}
	ans := b.send(t, cmd)
	require.True(t, ans.OK, ans.Details)
	assert.Equal(t, agentapi.Template{Name: "t", Path: dst, Size: 4 * mib}, ans.Payload)
	assert.Equal(t, data, b.sp.get(dst).data)
	assert.Equal(t, []string{"update ~a7k.b.2", "attach ~a7k.b.2", "detach ~a7k.b.2"}, b.sp.calls)
	b.clean(t)

	first := tmpl
	first.Path = secondary.TemplateDir("1", "5") + "/"
	cmd.Template = &first
	ans = b.send(t, cmd)
	require.True(t, ans.OK, "without a name the first qcow2 file is taken: %s", ans.Details)
}

func TestARawTemplateFillsWholeSectors(t *testing.T) {
	t.Parallel()
	b := newBench(t, "")
	tmpl := b.putTemplate(t, contents(1, mib))
	d, err := b.sec.Open(store)
	require.NoError(t, err)
	o, err := d.Create("template/tmpl/1/6/t.raw", secondary.Write{})
	require.NoError(t, err)
	raw := pattern(3, 5000)
	_, err = o.Write(raw)
	require.NoError(t, err)
	require.NoError(t, o.Commit())
	require.NoError(t, d.Close())
	tmpl.Path, tmpl.Format = "template/tmpl/1/6/t.raw", agentapi.RAW
	dst := b.sp.add("a7k.b.2", make([]byte, mib), false)
	ans := b.send(t, agentapi.DownloadTemplate{
		Template: &tmpl, DestTemplate: &agentapi.Template{Path: dst}, ObjectType: "volume",
	})
	require.True(t, ans.OK, ans.Details)
	assert.Equal(t, agentapi.Template{Path: dst, Size: 5120}, ans.Payload)
	assert.Equal(t, append(raw, make([]byte, 120)...), b.sp.get(dst).data)
}

func TestGuestDataIsNeverTakenForAnImage(t *testing.T) {
	t.Parallel()
	b := newBench(t, "")
	tmpl := b.putTemplate(t, contents(1, mib))
	d, err := b.sec.Open(store)
	require.NoError(t, err)
	looksLikeQcow2, err := d.ReadFile(tmpl.Path)
	require.NoError(t, err)
	require.NoError(t, d.Close())
	snap := b.sp.add("a7k.b.1", looksLikeQcow2, true)
	dst := b.sp.add("a7k.b.2", make([]byte, len(looksLikeQcow2)), false)
	require.True(t, b.send(t, backupOf(snap)).OK)
	require.True(t, b.send(t, restoreTo(dst)).OK)
	assert.Equal(t, looksLikeQcow2, b.sp.get(dst).data)
}

func TestCopiesThatCannotBeAreRefusedBeforeStorPoolIsAsked(t *testing.T) {
	t.Parallel()
	b := newBench(t, "")
	snap := b.sp.add("a7k.b.1", contents(1, mib), true)
	dst := b.sp.add("a7k.b.2", make([]byte, mib), false)
	secret := agentapi.NewSecret([]byte("key"))
	for name, c := range map[string]struct {
		cmd  agentapi.Command
		want string
	}{
		"object store": {with(backupOf(snap), func(c *agentapi.BackupSnapshot) { c.Dest.Store.URL = "s3://bucket" }), "not NFS"},
		"no store":     {with(backupOf(snap), func(c *agentapi.BackupSnapshot) { c.Dest.Store = nil }), "not NFS"},
		"encrypted": {
			with(backupOf(snap), func(c *agentapi.BackupSnapshot) { c.Source.Volume.Passphrase = secret }), "not a LUKS container",
		},
		"restore from an object store": {
			with(restoreTo(dst), func(c *agentapi.DownloadTemplate) { c.Snapshot.Store.URL = "s3://bucket" }), "not NFS",
		},
		"no destination": {with(restoreTo(dst), func(c *agentapi.DownloadTemplate) { c.DestVolume = nil }), "one destination"},
		"no source":      {with(restoreTo(dst), func(c *agentapi.DownloadTemplate) { c.Snapshot = nil }), "one source"},
		"onto a snapshot": {
			with(restoreTo(dst), func(c *agentapi.DownloadTemplate) { c.ObjectType = "snapshot" }), "unsupported",
		},
		"unknown format": {
			with(restoreTo(dst), func(c *agentapi.DownloadTemplate) { c.Snapshot, c.Template = nil, &agentapi.Template{Format: "VHD"} }),
			"VHD",
		},
		"no file":     {restoreTo(dst), "no such"},
		"outside":     {with(backupOf(snap), func(c *agentapi.BackupSnapshot) { c.Dest.Store.URL = store + "/../.." }), "not allowed"},
		"bad storage": {with(restoreTo(dst), func(c *agentapi.DownloadTemplate) { c.Snapshot.Path = "../../x" }), "not allowed"},
	} {
		ans := b.send(t, c.cmd)
		assert.False(t, ans.OK, name)
		assert.Nil(t, ans.Payload, name)
		assert.Contains(t, ans.Details, c.want, name)
		assert.NotContains(t, ans.Details, "key", name)
	}
	b.clean(t)
	assert.Equal(t, 2, b.sp.took("attach"), "only the bad URL and the wrong passphrase show after the attach")
}

func with[C any](c C, change func(*C)) C {
	change(&c)
	return c
}

func TestARestoreOntoASmallerVolumeFailsAndWritesNothing(t *testing.T) {
	t.Parallel()
	b := newBench(t, "")
	require.True(t, b.send(t, backupOf(b.sp.add("a7k.b.1", contents(1, 2*mib), true))).OK)
	dst := b.sp.add("a7k.b.2", make([]byte, mib), false)
	ans := b.send(t, restoreTo(dst))
	assert.False(t, ans.OK)
	assert.Contains(t, ans.Details, "cannot grow")
	assert.Equal(t, make([]byte, mib), b.sp.get(dst).data)
	b.clean(t)
}

func TestAFailedBackupLeavesNothing(t *testing.T) {
	t.Parallel()
	for _, step := range []string{"check", "attach", "mount", "mkdir", "convert", "measure"} {
		b := newBench(t, "")
		snap := b.sp.add("a7k.b.1", contents(1, 2*mib), true)
		_, err := b.Arm(fault.Rule{Call: "agent BackupSnapshot/" + step, Effect: fault.Effect{Kind: fault.Refuse, Error: "noSpace"}})
		require.NoError(t, err)
		ans := b.send(t, backupOf(snap))
		assert.False(t, ans.OK, step)
		assert.Contains(t, ans.Details, "noSpace", step)
		if step != "measure" {
			assert.Empty(t, b.files(t), step)
		}
		b.clean(t)
		require.True(t, b.send(t, backupOf(snap)).OK, "repeated after %s", step)
	}
}

func TestCopiesTakeTimeAndStopAtTheirLimit(t *testing.T) {
	t.Parallel()
	b := newBench(t, "")
	b.one.SetThroughput(mib)
	snap := b.sp.add("a7k.b.1", pattern(1, 8*mib), true)
	assert.Equal(t, 8*time.Second, b.took(func() { require.True(t, b.send(t, backupOf(snap)).OK) }))

	cmd := backupOf(snap)
	cmd.Wait, cmd.Dest.Name = 3*time.Second, "late"
	var ans *agentapi.Answer
	assert.Equal(t, 3*time.Second, b.took(func() { ans = b.send(t, cmd) }))
	assert.False(t, ans.OK)
	assert.Contains(t, ans.Details, "timeout")
	assert.Len(t, b.files(t), 1, "the file of the command that timed out is gone")
	b.clean(t)
}

func TestACopyFailsWhenTheDeviceIsTakenAway(t *testing.T) {
	t.Parallel()
	b := newBench(t, "")
	b.one.SetThroughput(mib)
	snap := b.sp.add("a7k.b.1", pattern(1, 8*mib), true)
	ans := b.sendWhile(t, backupOf(snap), 3*time.Second, func() {
		b.sp.mu.Lock()
		defer b.sp.mu.Unlock()
		clear(b.sp.objects["~a7k.b.1"].on)
	})
	assert.False(t, ans.OK)
	assert.Contains(t, ans.Details, "I/O error")
	assert.Empty(t, b.files(t))
	b.clean(t)
}

func TestAFailureTellsOfTheCleanUpToo(t *testing.T) {
	t.Parallel()
	b := newBench(t, "")
	snap := b.sp.add("a7k.b.1", contents(1, mib), true)
	b.sp.failing("detach", busy(10)...)
	_, err := b.Arm(fault.Rule{Call: "agent BackupSnapshot/mkdir", Effect: fault.Effect{Kind: fault.Refuse, Error: "full"}})
	require.NoError(t, err)
	ans := b.send(t, backupOf(snap))
	assert.Equal(t, &agentapi.Answer{
		Details: "mkdir: full: refused by a fault rule; warning: detach snapshot ~a7k.b.1: busy: open",
	}, ans)
	b.clean(t)
}

package secondary

import (
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

const uri = "nfs://nas.example/export/sec"

func newStorage(t *testing.T) (s *Storage, folder string) {
	t.Helper()
	folder = t.TempDir()
	s, err := New(folder)
	require.NoError(t, err)
	d, err := s.Export(uri)
	require.NoError(t, err)
	require.NoError(t, d.Close())
	return s, filepath.Join(folder, "nas.example", "export", "sec")
}

func openDir(t *testing.T, s *Storage) *Dir {
	t.Helper()
	d, err := s.Open(uri)
	require.NoError(t, err)
	t.Cleanup(func() { _ = d.Close() })
	return d
}

func put(t *testing.T, d *Dir, name, text string, how Write) {
	t.Helper()
	o, err := d.Create(name, how)
	require.NoError(t, err)
	_, err = o.WriteString(text)
	require.NoError(t, err)
	require.NoError(t, o.Commit())
}

func TestAFileAppearsUnderItsNameOnlyWhenItIsComplete(t *testing.T) {
	t.Parallel()
	s, folder := newStorage(t)
	d := openDir(t, s)
	name := SnapshotDir("2", "17") + "/snap"
	o, err := d.Create(name, Write{})
	require.NoError(t, err)
	_, err = o.WriteString("half")
	require.NoError(t, err)
	size, err := d.Size(name)
	require.NoError(t, err)
	assert.Zero(t, size)
	files, err := d.Files()
	require.NoError(t, err)
	assert.Equal(t, []Entry{{"snapshots/2/17/.part-1", 4}}, files)

	require.NoError(t, o.Commit())
	require.ErrorIs(t, o.Commit(), ErrClosed)
	require.NoError(t, o.Discard(), "discard after commit does nothing")
	got, err := os.ReadFile(filepath.Join(folder, "snapshots", "2", "17", "snap"))
	require.NoError(t, err)
	assert.Equal(t, "half", string(got))
	files, err = d.Files()
	require.NoError(t, err)
	assert.Equal(t, []Entry{{name, 4}}, files)
}

func TestAFailedFileLeavesNothingBehindAndKeepsTheOldOne(t *testing.T) {
	t.Parallel()
	s, _ := newStorage(t)
	d := openDir(t, s)
	put(t, d, "a/b", "old", Write{})
	o, err := d.Create("a/b", Write{})
	require.NoError(t, err)
	other, err := d.Create("a/b", Write{})
	require.NoError(t, err, "two writers do not meet")
	require.NoError(t, o.Discard())
	require.NoError(t, o.Discard())
	require.NoError(t, other.Discard())
	files, err := d.Files()
	require.NoError(t, err)
	assert.Equal(t, []Entry{{"a/b", 3}}, files)
	text, err := d.ReadFile("a/b")
	require.NoError(t, err)
	assert.Equal(t, "old", string(text))
}

func TestAFileWrittenInPlaceStaysAfterAFailure(t *testing.T) {
	t.Parallel()
	s, _ := newStorage(t)
	d := openDir(t, s)
	o, err := d.Create("x", Write{InPlace: true})
	require.NoError(t, err)
	_, err = o.WriteString("hal")
	require.NoError(t, err)
	require.NoError(t, o.Discard())
	files, err := d.Files()
	require.NoError(t, err)
	assert.Equal(t, []Entry{{"x", 3}}, files)
}

func TestNoNameLeadsOutsideTheFolder(t *testing.T) {
	t.Parallel()
	s, folder := newStorage(t)
	d := openDir(t, s)
	outside := t.TempDir()
	require.NoError(t, os.WriteFile(filepath.Join(outside, "secret"), []byte("x"), 0o600))
	require.NoError(t, os.Symlink(outside, filepath.Join(folder, "link")))
	require.NoError(t, os.Symlink(filepath.Join(outside, "secret"), filepath.Join(folder, "file")))
	require.NoError(t, os.Mkdir(filepath.Join(folder, "inside"), 0o700))
	require.NoError(t, os.Symlink("inside", filepath.Join(folder, "within")))
	for name, want := range map[string]error{
		"../x": ErrBadName, "/etc/passwd": ErrBadName, "a/../../x": ErrBadName, "a//b": ErrBadName, ".": ErrBadName,
		"": ErrBadName, "a/./b": ErrBadName, `a\b`: ErrBadName, "a\nb": ErrBadName, "a\x00b": ErrBadName, "a/": ErrBadName,
		strings.Repeat("n", 256): ErrBadName,
		"link/secret":            ErrSymlink, "file": ErrSymlink, "within/x": ErrSymlink,
	} {
		_, _, err := d.Open(name)
		require.ErrorIs(t, err, want, "open %q", name)
		_, err = d.Create(name, Write{})
		require.ErrorIs(t, err, want, "create %q", name)
		_, err = d.ReadFile(name)
		require.ErrorIs(t, err, want, "read %q", name)
		_, err = d.Size(name)
		require.ErrorIs(t, err, want, "size %q", name)
		require.ErrorIs(t, d.Mkdir(name), want, "mkdir %q", name)
		require.ErrorIs(t, d.Remove(name), want, "remove %q", name)
	}
	left, err := os.ReadDir(outside)
	require.NoError(t, err)
	assert.Len(t, left, 1)
	_, _, err = d.Open("inside")
	assert.ErrorIs(t, err, ErrBadName, "a folder is no file")
}

func TestURIsAreJudged(t *testing.T) {
	t.Parallel()
	s, folder := newStorage(t)
	for u, want := range map[string]error{
		"cifs://nas.example/export": ErrNotNFS, "/export/sec": ErrNotNFS, "": ErrNotNFS,
		"nfs:///export": ErrBadName, "nfs://nas.example/../x": ErrBadName, "nfs://nas.example/%2e%2e/x": ErrBadName,
		"nfs://%zz/": ErrBadName, "nfs://other/export": ErrNoExport, uri + "/nothing": ErrNoExport,
	} {
		_, err := s.Open(u)
		require.ErrorIs(t, err, want, "%q", u)
	}
	require.NoError(t, os.Symlink(t.TempDir(), filepath.Join(folder, "away")))
	_, err := s.Open(uri + "/away")
	require.ErrorIs(t, err, ErrSymlink)
	_, err = s.Export("http://nas.example/x")
	require.ErrorIs(t, err, ErrNotNFS)
	_, err = New(filepath.Join(folder, "no"))
	require.Error(t, err)
	require.NoError(t, os.WriteFile(filepath.Join(folder, "f"), nil, 0o600))
	_, err = New(filepath.Join(folder, "f"))
	require.Error(t, err)
}

func TestMountsAreCountedByURI(t *testing.T) {
	t.Parallel()
	s, _ := newStorage(t)
	put(t, openDir(t, s), "template/tmpl/2/3/t.qcow2", "image", Write{})
	m := NewMounts(s)
	first, err := m.Mount(t.Context(), uri)
	require.NoError(t, err)
	again, err := m.Mount(t.Context(), uri+"/")
	require.NoError(t, err)
	below, err := m.Mount(t.Context(), uri+"/template/tmpl/2/3")
	require.NoError(t, err)
	assert.Equal(t, map[string]int{uri: 2, uri + "/template/tmpl/2/3": 1}, m.Counts())

	name, ok, err := below.First("qcow2")
	require.NoError(t, err)
	assert.True(t, ok)
	f, n, err := below.Open(name)
	require.NoError(t, err)
	text, err := io.ReadAll(f)
	require.NoError(t, err)
	require.NoError(t, f.Close())
	assert.Equal(t, "image", string(text))
	assert.Equal(t, int64(5), n)
	_, ok, err = below.First("raw")
	require.NoError(t, err)
	assert.False(t, ok)

	require.NoError(t, first.Release())
	require.ErrorIs(t, first.Release(), ErrReleased)
	assert.Equal(t, 1, m.Counts()[uri], "the second release takes nothing")
	require.NoError(t, below.Release())
	require.NoError(t, again.Release())
	assert.Empty(t, m.Counts())
	_, err = m.Mount(t.Context(), "nfs://nas.example/none")
	require.ErrorIs(t, err, ErrNoExport)
	assert.Empty(t, m.Counts())
	assert.Regexp(t, `^/mnt/[0-9a-f-]{36}$`, Point(uri))
	assert.NotEqual(t, Point(uri), Point(uri+"/template"))
}

func TestARebootTakesWhatWasNotFlushed(t *testing.T) {
	t.Parallel()
	s, _ := newStorage(t)
	m := NewMounts(s)
	d, err := m.Mount(t.Context(), uri)
	require.NoError(t, err)
	put(t, d.Dir, "durable", "text", Write{})
	put(t, d.Dir, "cached", "text", Write{Unflushed: true})
	require.NoError(t, m.Reboot())
	assert.Empty(t, m.Counts())
	files, err := openDir(t, s).Files()
	require.NoError(t, err)
	assert.Equal(t, []Entry{{"cached", 0}, {"durable", 4}}, files)
}

func TestSplitDividesAtTheLastSlash(t *testing.T) {
	t.Parallel()
	for _, c := range [][4]string{
		{"nfs://s/e", "template/tmpl/1/2/a.qcow2", "nfs://s/e/template/tmpl/1/2", "a.qcow2"},
		{"nfs://s/e/", "/snapshots/1/2/n", "nfs://s/e/snapshots/1/2", "n"},
		{"nfs://s/e", "template/tmpl/1/2/", "nfs://s/e/template/tmpl/1/2", ""},
		{"nfs://s/e", "x", "nfs://s/e", "x"},
	} {
		u, n := Split(c[0], c[1])
		assert.Equal(t, [2]string{c[2], c[3]}, [2]string{u, n})
	}
	assert.Equal(t, "snapshots/2/3", SnapshotDir("2", "3"))
	assert.Equal(t, "template/tmpl/2/3", TemplateDir("2", "3"))
	assert.Equal(t, "volumes/2/3", VolumeDir("2", "3"))
}

func TestRemovingWhatIsNotThereIsFine(t *testing.T) {
	t.Parallel()
	s, _ := newStorage(t)
	d := openDir(t, s)
	put(t, d, "a/b", "x", Write{})
	require.NoError(t, d.Remove("a/b"))
	require.NoError(t, d.Remove("a/b"))
	require.NoError(t, d.Mkdir("a/c"))
	assert.Error(t, d.Remove("a"), "a folder that holds something stays")
	assert.Equal(t, uri, d.URI())
}

package luks_test

import (
	"bytes"
	"context"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/spsim/spsim/agentsim/image"
	"github.com/spsim/spsim/agentsim/image/imagetest"
	"github.com/spsim/spsim/agentsim/luks"
)

const passphrase = "a passphrase of some length"

func few() luks.Params { return luks.Params{Iterations: luks.MinIterations} }

// sealed makes an encrypted image of 4 MiB with some data in it, and gives its file's name and the data.
func sealed(t *testing.T) (name string, data []byte) {
	t.Helper()
	name, data = filepath.Join(t.TempDir(), "sealed"), make([]byte, 4<<20)
	copy(data[100:], bytes.Repeat([]byte("plaintext that nobody may see "), 5000))
	copy(data[3<<20:], "more of it")
	f, err := os.Create(name)
	require.NoError(t, err)
	defer func() { require.NoError(t, f.Close()) }()
	im, err := luks.CreateQcow2(context.Background(), f, int64(len(data)), []byte(passphrase), image.Options{}, few())
	require.NoError(t, err)
	_, err = im.WriteAt(data[100:200000], 100)
	require.NoError(t, err)
	_, err = im.WriteAt(data[3<<20:3<<20+10], 3<<20)
	require.NoError(t, err)
	require.NoError(t, im.Flush())
	return name, data
}

func reopen(t *testing.T, name, key string) (image.Image, error) {
	t.Helper()
	f, err := os.OpenFile(name, os.O_RDWR, 0)
	require.NoError(t, err)
	t.Cleanup(func() { _ = f.Close() })
	st, err := f.Stat()
	require.NoError(t, err)
	return luks.OpenQcow2(context.Background(), f, st.Size(), []byte(key), luks.Options{})
}

func TestAnEncryptedImageOpensWithItsPassphraseOnly(t *testing.T) {
	t.Parallel()
	name, data := sealed(t)
	raw, err := os.ReadFile(name)
	require.NoError(t, err)
	assert.NotContains(t, string(raw), "plaintext")
	assert.NotContains(t, string(raw), passphrase)
	_, err = image.OpenReader(bytes.NewReader(raw), int64(len(raw)), image.Qcow2)
	require.ErrorIs(t, err, image.ErrEncrypted)
	_, err = reopen(t, name, "wrong")
	require.ErrorIs(t, err, luks.ErrPassphrase)
	im, err := reopen(t, name, passphrase)
	require.NoError(t, err)
	got := make([]byte, len(data))
	_, err = im.ReadAt(got, 0)
	require.NoError(t, err)
	assert.True(t, bytes.Equal(data, got))
	from, _, err := im.NextData(1 << 20)
	require.NoError(t, err)
	assert.Equal(t, int64(3<<20), from, "holes are known without the key's help")

	plain := filepath.Join(t.TempDir(), "plain")
	f, err := os.Create(plain)
	require.NoError(t, err)
	_, err = image.Create(f, image.Qcow2, 1<<20, image.Options{})
	require.NoError(t, err)
	require.NoError(t, f.Close())
	_, err = reopen(t, plain, passphrase)
	require.ErrorIs(t, err, image.ErrNotEncrypted)
}

func secretObject(t *testing.T) string {
	t.Helper()
	file := filepath.Join(t.TempDir(), "key")
	require.NoError(t, os.WriteFile(file, []byte(passphrase), 0o600))
	return "secret,id=s,file=" + file
}

func TestQemuReadsAnEncryptedImage(t *testing.T) {
	t.Parallel()
	name, data := sealed(t)
	out := filepath.Join(t.TempDir(), "raw")
	source := "driver=qcow2,encrypt.key-secret=s,file.filename=" + name
	imagetest.Qemu(t, "check", "--object", secretObject(t), "--image-opts", source)
	imagetest.Qemu(t, "convert", "--object", secretObject(t), "-O", "raw", "--image-opts", source, out)
	got, err := os.ReadFile(out)
	require.NoError(t, err)
	assert.True(t, bytes.Equal(data, got))
}

func TestAnEncryptedImageOfQemuCanBeReadAndWritten(t *testing.T) {
	t.Parallel()
	_, data := sealed(t)
	dir := t.TempDir()
	raw, name := filepath.Join(dir, "raw"), filepath.Join(dir, "qcow2")
	require.NoError(t, os.WriteFile(raw, data, 0o600))
	imagetest.Qemu(t, "convert", "--object", secretObject(t), "-f", "raw", "-O", "qcow2",
		"-o", "encrypt.format=luks,encrypt.key-secret=s,encrypt.iter-time=10", raw, name)
	im, err := reopen(t, name, passphrase)
	require.NoError(t, err)
	got := make([]byte, len(data))
	_, err = im.ReadAt(got, 0)
	require.NoError(t, err)
	assert.True(t, bytes.Equal(data, got))
	copy(data[2<<20:], "written by us")
	_, err = im.WriteAt(data[2<<20:2<<20+13], 2<<20)
	require.NoError(t, err)
	require.NoError(t, im.Flush())
	source, out := "driver=qcow2,encrypt.key-secret=s,file.filename="+name, filepath.Join(dir, "out")
	imagetest.Qemu(t, "check", "--object", secretObject(t), "--image-opts", source)
	imagetest.Qemu(t, "convert", "--object", secretObject(t), "-O", "raw", "--image-opts", source, out)
	got, err = os.ReadFile(out)
	require.NoError(t, err)
	assert.True(t, bytes.Equal(data, got))
}

func FuzzQcow2(f *testing.F) {
	f.Add([]byte("QFI\xfb\x00\x00\x00\x03"))
	f.Fuzz(func(_ *testing.T, b []byte) {
		o := luks.Options{Limits: luks.Limits{Iterations: 10000}}
		im, err := luks.OpenQcow2Reader(context.Background(), bytes.NewReader(b), int64(len(b)), []byte(passphrase), o)
		if err == nil {
			_, _ = im.ReadAt(make([]byte, 512), 0)
		}
	})
}

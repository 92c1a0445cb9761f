package image

import (
	"context"
	"encoding/json"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/spsim/spsim/agentsim/image/imagetest"
)

// sample is a raw file with data, holes, zeros and a last part that is no whole cluster.
func sample(t *testing.T) (path string, size int64) {
	t.Helper()
	path = filepath.Join(t.TempDir(), "sample.raw")
	f, err := os.Create(path)
	require.NoError(t, err)
	size = 24*mib + 3*512
	require.NoError(t, f.Truncate(size))
	for i, w := range []struct{ off, n int }{{0, 10}, {5*mib + 77, 3 * mib}, {20 * mib, 65536}, {int(size) - 700, 700}} {
		_, err := f.WriteAt(pattern(uint64(i), w.n), int64(w.off))
		require.NoError(t, err)
	}
	require.NoError(t, f.Close())
	return path, size
}

func openFile(t *testing.T, path string) (*os.File, int64) {
	t.Helper()
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600)
	require.NoError(t, err)
	t.Cleanup(func() { _ = f.Close() })
	return f, length(t, f)
}

func TestQemuReadsWhatIsWrittenHere(t *testing.T) {
	t.Parallel()
	for name, opts := range map[string]Options{
		"default": {}, "version 2": {Version: 2}, "clusters of 512": {ClusterSize: 512},
		"version 2, clusters of 4 KiB": {Version: 2, ClusterSize: 4096}, "clusters of 2 MiB": {ClusterSize: 2 * mib},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			raw, size := sample(t)
			path := filepath.Join(t.TempDir(), "ours.qcow2")
			dst, _ := openFile(t, path)
			im, err := Create(dst, Qcow2, size, opts)
			require.NoError(t, err)
			imagetest.Qemu(t, "check", "-f", "qcow2", path)
			src, n := openFile(t, raw)
			r, err := OpenReader(src, n, Raw)
			require.NoError(t, err)
			_, err = Convert(context.Background(), im, r, nil)
			require.NoError(t, err)
			imagetest.Qemu(t, "check", "-f", "qcow2", path)
			imagetest.Qemu(t, "compare", "-f", "raw", "-F", "qcow2", raw, path)

			var info struct {
				Size    int64                                  `json:"virtual-size"`
				Cluster int64                                  `json:"cluster-size"`
				Dirty   bool                                   `json:"dirty-flag"`
				Data    struct{ Data struct{ Compat string } } `json:"format-specific"`
			}
			require.NoError(t, json.Unmarshal([]byte(imagetest.Qemu(t, "info", "-f", "qcow2", "--output=json", path)), &info))
			assert.Equal(t, size, info.Size)
			assert.False(t, info.Dirty)
			if opts.Version == 2 {
				assert.Equal(t, "0.10", info.Data.Data.Compat)
			}
			if opts.ClusterSize != 0 {
				assert.Equal(t, opts.ClusterSize, info.Cluster)
			}
		})
	}
}

func TestImagesOfQemuAreReadHere(t *testing.T) {
	t.Parallel()
	for name, args := range map[string][]string{
		"version 3":         {"-o", "compat=1.1"},
		"version 2":         {"-o", "compat=0.10"},
		"compressed":        {"-c"},
		"compressed small":  {"-c", "-o", "cluster_size=4096"},
		"clusters of 512":   {"-o", "cluster_size=512"},
		"clusters of 2 MiB": {"-o", "cluster_size=2M"},
		"lazy refcounts":    {"-o", "lazy_refcounts=on"},
		"wide refcounts":    {"-o", "refcount_bits=64"},
		"preallocated":      {"-o", "preallocation=metadata"},
		"no zeros detected": {"-S", "0"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			raw, _ := sample(t)
			path := filepath.Join(t.TempDir(), "theirs.qcow2")
			imagetest.Qemu(t, append(append([]string{"convert", "-f", "raw", "-O", "qcow2"}, args...), raw, path)...)
			want, err := os.ReadFile(raw)
			require.NoError(t, err)
			f, n := openFile(t, path)
			r, err := OpenReader(f, n, Qcow2)
			require.NoError(t, err)
			require.Equal(t, string(want), string(contents(t, r)))

			back := filepath.Join(t.TempDir(), "back.raw")
			dst, _ := openFile(t, back)
			im, err := Create(dst, Raw, r.Size(), Options{})
			require.NoError(t, err)
			_, err = Convert(context.Background(), im, r, nil)
			require.NoError(t, err)
			imagetest.Qemu(t, "compare", "-f", "raw", "-F", "qcow2", back, path)
		})
	}
}

func TestImagesOfQemuCanBeChangedHere(t *testing.T) {
	t.Parallel()
	for name, args := range map[string][]string{
		"version 3": {}, "version 2": {"-o", "compat=0.10"}, "compressed": {"-c"},
		"clusters of 512": {"-o", "cluster_size=512"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			raw, size := sample(t)
			path := filepath.Join(t.TempDir(), "theirs.qcow2")
			imagetest.Qemu(t, append(append([]string{"convert", "-f", "raw", "-O", "qcow2"}, args...), raw, path)...)
			plainFile, n := openFile(t, raw)
			plain, err := Open(plainFile, n, Raw)
			require.NoError(t, err)
			f, n := openFile(t, path)
			im, err := Open(f, n, Qcow2)
			require.NoError(t, err)
			for _, both := range []Image{plain, im} {
				for i := range 40 {
					p := pattern(uint64(i+9), 1000+i*997)
					_, err := both.WriteAt(p, int64(i)*599999%(size-50000))
					require.NoError(t, err)
				}
				require.NoError(t, both.Zero(6*mib, 2*mib))
				require.NoError(t, both.Flush())
			}
			imagetest.Qemu(t, "check", "-f", "qcow2", path)
			imagetest.Qemu(t, "compare", "-f", "raw", "-F", "qcow2", raw, path)
		})
	}
}

func TestImagesThatNeedMoreThanThemselvesAreRefused(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	base := filepath.Join(dir, "base.qcow2")
	imagetest.Qemu(t, "create", "-f", "qcow2", base, "1M")
	for name, c := range map[string]struct {
		args []string
		want error
	}{
		"backing":  {[]string{"-b", base, "-F", "qcow2"}, ErrBackingFile},
		"datafile": {[]string{"-o", "data_file=" + filepath.Join(dir, "data")}, ErrDataFile},
		"extended": {[]string{"-o", "extended_l2=on"}, ErrFeature},
		"zstd":     {[]string{"-o", "compression_type=zstd"}, ErrFeature},
		"encrypted": {
			[]string{"--object", "secret,id=s,data=x", "-o", "encrypt.format=luks,encrypt.key-secret=s,encrypt.iter-time=10"},
			ErrEncrypted,
		},
	} {
		path := filepath.Join(dir, name)
		imagetest.Qemu(t, append(append([]string{"create", "-f", "qcow2"}, c.args...), path, "1M")...)
		f, n := openFile(t, path)
		_, err := OpenReader(f, n, Qcow2)
		assert.ErrorIs(t, err, c.want, name)
	}
}

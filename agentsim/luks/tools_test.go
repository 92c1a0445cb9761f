package luks

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/spsim/spsim/agentsim/image/imagetest"
)

// tool skips the test where a program is missing.
func tool(t *testing.T, name, pkg string) {
	t.Helper()
	if _, err := exec.LookPath(name); err != nil {
		t.Skipf("%s is missing (package %s)", name, pkg)
	}
}

func needQemu(t *testing.T)       { t.Helper(); tool(t, "qemu-img", "qemu-utils") }
func needCryptsetup(t *testing.T) { t.Helper(); tool(t, "cryptsetup", "cryptsetup-bin") }

func run(t *testing.T, name string, args ...string) string {
	t.Helper()
	out, err := exec.CommandContext(t.Context(), name, args...).CombinedOutput()
	require.NoError(t, err, "%s %v: %s", name, args, out)
	return string(out)
}

// bench is a folder with the key in a file, as the tools take it.
type bench struct {
	t   *testing.T
	dir string
}

func newBench(t *testing.T) bench {
	t.Helper()
	b := bench{t, t.TempDir()}
	b.file("key", passphrase())
	b.file("wrong", []byte("wrong"))
	return b
}

func (b bench) path(name string) string { return filepath.Join(b.dir, name) }

func (b bench) file(name string, data []byte) {
	b.t.Helper()
	require.NoError(b.t, os.WriteFile(b.path(name), data, 0o600))
}

func (b bench) sparse(name string, size int64) {
	b.file(name, nil)
	require.NoError(b.t, os.Truncate(b.path(name), size))
}

func (b bench) read(name string) []byte {
	b.t.Helper()
	data, err := os.ReadFile(b.path(name))
	require.NoError(b.t, err)
	return data
}

// open opens a file of the folder for reading and writing and tells its length.
func (b bench) open(name string) (*os.File, int64) {
	b.t.Helper()
	f, err := os.OpenFile(b.path(name), os.O_RDWR, 0)
	require.NoError(b.t, err)
	b.t.Cleanup(func() { _ = f.Close() })
	info, err := f.Stat()
	require.NoError(b.t, err)
	return f, info.Size()
}

// container opens a file of the folder with the key.
func (b bench) container(name string) *Container {
	b.t.Helper()
	f, size := b.open(name)
	c, err := Open(b.t.Context(), f, size, passphrase(), Options{})
	require.NoError(b.t, err)
	return c
}

// format makes a container with data in a file of the folder.
func (b bench) format(name string, data []byte, p Params) *Container {
	b.t.Helper()
	b.sparse(name, p.PayloadOffset+int64(len(data)))
	f, size := b.open(name)
	c, err := Format(b.t.Context(), f, size, passphrase(), p)
	require.NoError(b.t, err)
	_, err = c.WriteAt(data, 0)
	require.NoError(b.t, err)
	return c
}

func (b bench) secret() string { return "secret,id=s,file=" + b.path("key") }

func (b bench) luks(name string) string {
	return "driver=luks,key-secret=s,file.filename=" + b.path(name)
}

func (b bench) raw(name string) string { return "driver=raw,file.filename=" + b.path(name) }

func (b bench) qemuCompare(name, plain string) {
	b.t.Helper()
	imagetest.Qemu(b.t, "compare", "--object", b.secret(), "--image-opts", b.luks(name), b.raw(plain))
}

// qemuEncrypt is what upstream runs for a root volume, in qemu-img's shortest time (agent 7).
func (b bench) qemuEncrypt(from, to string) {
	b.t.Helper()
	imagetest.Qemu(b.t, "convert", "-O", "luks", "-o", "key-secret=s,iter-time=1", "-U", "--object", b.secret(),
		"--image-opts", b.raw(from), b.path(to))
}

func (b bench) cryptsetupFormat(name string, size int64, args ...string) {
	b.t.Helper()
	b.sparse(name, size)
	run(b.t, "cryptsetup", append([]string{
		"luksFormat", "-q", "--force-password", "--key-file", b.path("key"), "--type", "luks1",
		"--pbkdf-force-iterations", "1000", b.path(name),
	}, args...)...)
}

func (b bench) testPassphrase(name, key string) error {
	return exec.CommandContext(b.t.Context(), "cryptsetup", "open", "--test-passphrase", "--key-file", b.path(key), b.path(name)).Run()
}

func TestQemuReadsWhatIsWrittenHere(t *testing.T) {
	t.Parallel()
	needQemu(t)
	for _, offset := range []int64{CryptsetupOffset, QemuOffset} {
		t.Run(strconv.FormatInt(offset, 10), func(t *testing.T) {
			t.Parallel()
			b := newBench(t)
			b.file("plain", pattern(7, mib+3*SectorSize))
			b.format("ours", b.read("plain"), Params{Iterations: MinIterations, PayloadOffset: offset})
			b.qemuCompare("ours", "plain")
			info := imagetest.Qemu(t, "info", "--object", b.secret(), "--image-opts", b.luks("ours"))
			assert.Contains(t, info, fmt.Sprintf("payload offset: %d\n", offset))
			assert.Contains(t, info, fmt.Sprintf("(%d bytes)\n", mib+3*SectorSize))
		})
	}
}

func TestBothToolsAcceptTheGoldenContainer(t *testing.T) {
	t.Parallel()
	needQemu(t)
	needCryptsetup(t)
	b := newBench(t)
	c, d := formatted(t, SectorSize, cheap())
	b.file("golden", d.b)
	b.file("plain", contents(t, c))
	b.qemuCompare("golden", "plain")
	assert.NoError(t, b.testPassphrase("golden", "key"))
}

// What qemu-img encrypts here is a container already, as upstream's backup of an encrypted snapshot is (agent 13).
func TestWhatQemuEncryptsIsReadHere(t *testing.T) {
	t.Parallel()
	needQemu(t)
	b := newBench(t)
	plain := pattern(9, 256*kib)
	b.format("inner", plain, Params{Iterations: MinIterations, PayloadOffset: CryptsetupOffset})
	b.qemuEncrypt("inner", "outer")

	outer := b.container("outer")
	assert.Equal(t, QemuOffset, outer.PayloadOffset())
	assert.Equal(t, b.read("inner"), contents(t, outer))

	f, size := b.open("outer")
	assert.Equal(t, CryptsetupOffset+QemuOffset+256*kib, size)
	_, err := Open(t.Context(), f, size, []byte("wrong"), Options{})
	assert.ErrorIs(t, err, ErrPassphrase)

	inner, layers, err := Unwrap(t.Context(), f, size, passphrase(), Options{})
	require.NoError(t, err)
	assert.Equal(t, 2, layers)
	assert.Equal(t, plain, contents(t, inner))
}

func TestCryptsetupAcceptsWhatIsFormattedHere(t *testing.T) {
	t.Parallel()
	needCryptsetup(t)
	for _, offset := range []int64{CryptsetupOffset, QemuOffset} {
		t.Run(strconv.FormatInt(offset, 10), func(t *testing.T) {
			t.Parallel()
			b := newBench(t)
			h := b.format("ours", pattern(3, 64*kib), Params{Iterations: 1234, PayloadOffset: offset}).Header()
			require.NoError(t, b.testPassphrase("ours", "key"))
			assert.Error(t, b.testPassphrase("ours", "wrong"))
			words := strings.Join(strings.Fields(run(t, "cryptsetup", "luksDump", b.path("ours"))), " ")
			for _, want := range []string{
				"Version: 1 Cipher name: aes Cipher mode: xts-plain64 Hash spec: sha256",
				fmt.Sprintf("Payload offset: %d MK bits: 512", offset/SectorSize),
				fmt.Sprintf("MK digest: % x", h.digest), fmt.Sprintf("MK salt: % x", h.salt),
				"MK iterations: 1000 UUID: " + h.UUID, fmt.Sprintf("Key Slot 0: ENABLED Iterations: 1234 Salt: % x", h.Slots[0].salt),
				"Key material offset: 8 AF stripes: 4000 Key Slot 1: DISABLED",
			} {
				assert.Contains(t, words, want)
			}
		})
	}
}

func TestWhatCryptsetupFormatsIsReadAndWrittenHere(t *testing.T) {
	t.Parallel()
	needCryptsetup(t)
	needQemu(t)
	for _, hash := range []string{"sha1", "sha256", "sha512"} {
		for _, bits := range []string{"256", "512"} {
			t.Run(hash+" and a key of "+bits+" bits", func(t *testing.T) {
				t.Parallel()
				b := newBench(t)
				b.cryptsetupFormat("theirs", CryptsetupOffset+mib, "--hash", hash, "--key-size", bits)
				if bits == "512" {
					f, _ := b.open("theirs")
					h, err := ReadHeader(f, CryptsetupOffset+mib, Options{})
					require.NoError(t, err)
					assert.Equal(t, CryptsetupOffset, h.PayloadOffset)
				}
				c := b.container("theirs")
				b.file("plain", pattern(4, int(c.Size())))
				_, err := c.WriteAt(b.read("plain"), 0)
				require.NoError(t, err)
				b.qemuCompare("theirs", "plain")

				b.file("plain", pattern(5, int(c.Size())))
				imagetest.Qemu(t, "convert", "-n", "--object", b.secret(), "-f", "raw", b.path("plain"), "--target-image-opts", b.luks("theirs"))
				assert.Equal(t, b.read("plain"), contents(t, c))
			})
		}
	}
}

func TestEverySlotThatCryptsetupAddsOpens(t *testing.T) {
	t.Parallel()
	needCryptsetup(t)
	b := newBench(t)
	b.format("disk", pattern(6, 64*kib), Params{Iterations: MinIterations, PayloadOffset: CryptsetupOffset})
	for i := 1; i < Slots; i++ {
		b.file("more", fmt.Appendf(nil, "passphrase %d", i))
		run(t, "cryptsetup", "luksAddKey", "-q", "--force-password", "--pbkdf-force-iterations", "1000", "--key-file", b.path("key"), b.path("disk"), b.path("more"))
	}
	f, size := b.open("disk")
	for i := 1; i < Slots; i++ {
		c, err := Open(t.Context(), f, size, fmt.Appendf(nil, "passphrase %d", i), Options{})
		require.NoError(t, err)
		assert.Equal(t, i, c.KeySlot())
		assert.Equal(t, pattern(6, 64*kib), contents(t, c))
	}

	run(t, "cryptsetup", "luksKillSlot", "-q", "--key-file", b.path("more"), b.path("disk"), "0")
	_, err := Open(t.Context(), f, size, passphrase(), Options{})
	assert.ErrorIs(t, err, ErrPassphrase)
	c, err := Open(t.Context(), f, size, []byte("passphrase 7"), Options{})
	require.NoError(t, err)
	assert.Equal(t, pattern(6, 64*kib), contents(t, c))
}

func TestLUKS2IsRefusedByItsVersion(t *testing.T) {
	t.Parallel()
	needCryptsetup(t)
	b := newBench(t)
	b.cryptsetupFormat("theirs", 20*mib, "--type", "luks2", "--pbkdf", "pbkdf2")
	f, size := b.open("theirs")
	_, err := Open(t.Context(), f, size, passphrase(), Options{})
	assert.ErrorIs(t, err, ErrVersion)
}

func TestHeadersThatCryptsetupRefusesAreRefusedHere(t *testing.T) {
	t.Parallel()
	needCryptsetup(t)
	b := newBench(t)
	b.format("good", pattern(2, 64*kib), Params{Iterations: MinIterations, PayloadOffset: CryptsetupOffset})
	good := b.read("good")
	for i, d := range damages() {
		bad := bytes.Clone(good)
		d.hurt(bad)
		name := strconv.Itoa(i)
		b.file(name, bad)
		f, size := b.open(name)
		_, err := Open(context.Background(), f, size, passphrase(), Options{})
		assert.Error(t, err, d.name)
		if !d.accepted {
			assert.Error(t, b.testPassphrase(name, "key"), d.name)
		}
	}
}

package luks

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io"
	"testing"

	"github.com/google/uuid"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestAGuestSeesTheDeviceWithoutTheRoomOfTheHeader(t *testing.T) {
	t.Parallel()
	const requested = 4 * mib
	for name, c := range map[string]struct{ offset, size int64 }{
		"data volume, as cryptsetup formats": {CryptsetupOffset, requested},
		"root volume, as qemu-img formats":   {QemuOffset, requested + 28672},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d := newDisk(requested + CryptsetupOffset)
			k, err := Format(t.Context(), d, d.size(), passphrase(), Params{Iterations: MinIterations, PayloadOffset: c.offset})
			require.NoError(t, err)
			assert.Equal(t, c.size, k.Size())
			assert.Equal(t, c.offset, k.PayloadOffset())
			assert.Equal(t, c.size, reopen(t, d, Options{}).Size())
		})
	}
}

func TestOnlyThePassphraseOpens(t *testing.T) {
	t.Parallel()
	c, d := formatted(t, 64*kib, cheap())
	_, err := c.WriteAt(pattern(1, 64*kib), 0)
	require.NoError(t, err)
	assert.Equal(t, pattern(1, 64*kib), contents(t, reopen(t, d, Options{})))
	for _, wrong := range []string{"", "x", string(passphrase()[1:]), string(passphrase()) + "\n"} {
		_, err := Open(t.Context(), d, d.size(), []byte(wrong), Options{})
		assert.ErrorIs(t, err, ErrPassphrase, "%q", wrong)
	}
}

func TestTheSameSeedGivesTheSameBytes(t *testing.T) {
	t.Parallel()
	_, a := formatted(t, SectorSize, cheap())
	_, b := formatted(t, SectorSize, cheap())
	assert.Equal(t, a.b, b.b)
	sum := sha256.Sum256(a.b)
	assert.Equal(t, goldenSum, hex.EncodeToString(sum[:]), "the bytes that both tools were seen to accept")

	p := cheap()
	p.Random = nil
	_, x := formatted(t, SectorSize, p)
	_, y := formatted(t, SectorSize, p)
	assert.NotEqual(t, x.b[112:HeaderSize], y.b[112:HeaderSize])
}

const goldenSum = "0245323427c20089f1a6661246e591b2ce76a50819d08ee4909ed9ca1e9cdbab"

func TestEverySecretAndSaltOfANewContainerIsItsOwn(t *testing.T) {
	t.Parallel()
	c, d := formatted(t, SectorSize, Params{Iterations: MinIterations})
	h := c.Header()
	assert.NotEqual(t, h.salt, h.Slots[0].salt)
	assert.NotEqual(t, [saltSize]byte{}, h.salt)
	assert.NotEqual(t, [digestSize]byte{}, h.digest)
	id, err := uuid.Parse(h.UUID)
	require.NoError(t, err)
	assert.Equal(t, uuid.Version(4), id.Version())
	material := d.b[slotAlign : slotAlign+keyBytes*stripes]
	assert.NotEqual(t, material[:keyBytes], material[len(material)-keyBytes:])
}

func TestZeroParamsAreWhatCryptsetupMakes(t *testing.T) {
	t.Parallel()
	p, err := Params{}.orDefault(CryptsetupOffset+SectorSize, passphrase())
	require.NoError(t, err)
	assert.Equal(t, CryptsetupOffset, p.PayloadOffset)
	assert.Equal(t, DefaultIterations, p.Iterations)
	assert.NotNil(t, p.Random)
}

func TestFormattingIsRefusedBeforeAnythingIsWritten(t *testing.T) {
	t.Parallel()
	canceled, cancel := context.WithCancel(t.Context())
	cancel()
	enough := CryptsetupOffset + SectorSize
	for name, c := range map[string]struct {
		ctx    context.Context //nolint:containedctx // a case of the table
		size   int64
		pass   string
		params Params
		want   error
	}{
		"empty passphrase":        {size: enough, params: cheap(), want: ErrBadArgument},
		"payload on the slots":    {size: enough, pass: "x", params: Params{PayloadOffset: QemuOffset - SectorSize}, want: ErrBadArgument},
		"payload inside a sector": {size: enough, pass: "x", params: Params{PayloadOffset: QemuOffset + 1}, want: ErrBadArgument},
		"payload out of reach":    {size: 1 << 60, pass: "x", params: Params{PayloadOffset: 1 << 41}, want: ErrBadArgument},
		"negative payload offset": {size: enough, pass: "x", params: Params{PayloadOffset: -SectorSize}, want: ErrBadArgument},
		"too few iterations":      {size: enough, pass: "x", params: Params{Iterations: MinIterations - 1}, want: ErrBadArgument},
		"no room for a payload":   {size: enough - 1, pass: "x", params: cheap(), want: ErrTooSmall},
		"negative size":           {size: -1, pass: "x", params: cheap(), want: ErrTooSmall},
		"randomness runs out":     {size: enough, pass: "x", params: Params{Iterations: MinIterations, Random: bytes.NewReader(make([]byte, 1000))}, want: io.ErrUnexpectedEOF},
		"canceled":                {ctx: canceled, size: enough, pass: "x", params: cheap(), want: context.Canceled},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			ctx := c.ctx
			if ctx == nil {
				ctx = t.Context()
			}
			d := newDisk(enough)
			_, err := Format(ctx, d, c.size, []byte(c.pass), c.params)
			assert.ErrorIs(t, err, c.want)
			assert.Zero(t, d.writes)
		})
	}
}

// flaky fails one of its reads.
type flaky struct {
	io.Reader
	reads, failAt int
}

func (f *flaky) Read(p []byte) (int, error) {
	if f.reads++; f.reads == f.failAt {
		return 0, errDevice
	}
	return f.Reader.Read(p)
}

func TestRandomnessThatFailsAnywhereFailsTheFormat(t *testing.T) {
	t.Parallel()
	random := &flaky{Reader: seeded(1)}
	_, _ = formatted(t, SectorSize, Params{Iterations: MinIterations, Random: random})
	require.Equal(t, 5, random.reads, "volume key, two salts, stripes, UUID")
	for n := 1; n <= random.reads; n++ {
		d := newDisk(CryptsetupOffset + SectorSize)
		_, err := Format(t.Context(), d, d.size(), passphrase(), Params{Iterations: MinIterations, Random: &flaky{Reader: seeded(1), failAt: n}})
		assert.ErrorIs(t, err, errDevice, "read %d", n)
		assert.Zero(t, d.writes)
	}
}

func TestAFormatThatBreaksOffLeavesNoContainer(t *testing.T) {
	t.Parallel()
	_, old := formatted(t, SectorSize, cheap())
	writes := old.writes
	for n := 1; n <= writes; n++ {
		d := &disk{b: bytes.Clone(old.b), failAt: n}
		_, err := Format(t.Context(), d, d.size(), []byte("new"), cheap())
		assert.ErrorIs(t, err, errDevice, "write %d", n)
		_, err = Open(t.Context(), d, d.size(), []byte("new"), Options{})
		assert.Error(t, err)
		_, err = Open(t.Context(), d, d.size(), passphrase(), Options{})
		if n == 1 {
			assert.NoError(t, err, "nothing has happened yet")
		} else {
			assert.ErrorIs(t, err, ErrNotLUKS, "write %d", n)
		}
	}
}

func TestFormattingAgainReplacesTheOldContainer(t *testing.T) {
	t.Parallel()
	_, d := formatted(t, 64*kib, cheap())
	marker := []byte("left over from before")
	copy(d.b[3*kib:], marker)
	copy(d.b[1900*kib:], marker)
	copy(d.b[CryptsetupOffset:], marker)
	p := cheap()
	p.Random = seeded(2)
	_, err := Format(t.Context(), d, d.size(), []byte("new"), p)
	require.NoError(t, err)
	_, err = Open(t.Context(), d, d.size(), passphrase(), Options{})
	assert.ErrorIs(t, err, ErrPassphrase)
	_, err = Open(t.Context(), d, d.size(), []byte("new"), Options{})
	assert.NoError(t, err)
	assert.NotContains(t, string(d.b[:CryptsetupOffset]), string(marker), "the room before the payload is cleared")
	assert.Equal(t, marker, d.b[CryptsetupOffset:][:len(marker)], "the payload is not touched")
	assert.Equal(t, 2, d.synced)
}

func TestNeitherPlaintextNorPassphraseLiesOnTheDevice(t *testing.T) {
	t.Parallel()
	c, d := formatted(t, 64*kib, cheap())
	marker := []byte("PLAINTEXT-MARKER")
	_, err := c.WriteAt(bytes.Repeat(marker, 4*kib), 0)
	require.NoError(t, err)
	assert.NotContains(t, string(d.b), string(marker))
	assert.NotContains(t, string(d.b), string(passphrase()))
	assert.NotEqual(t, d.b[CryptsetupOffset:][:SectorSize], d.b[CryptsetupOffset+SectorSize:][:SectorSize], "equal sectors look different")
}

func TestThePassphraseStaysTheCallersUntilWiped(t *testing.T) {
	t.Parallel()
	d, p := newDisk(CryptsetupOffset+SectorSize), passphrase()
	_, err := Format(t.Context(), d, d.size(), p, cheap())
	require.NoError(t, err)
	_, err = Open(t.Context(), d, d.size(), p, Options{Cache: NewCache(1)})
	require.NoError(t, err)
	assert.Equal(t, passphrase(), p)
	Wipe(p)
	assert.Equal(t, make([]byte, len(p)), p)
}

func TestForeignHashesAndKeySizesOpen(t *testing.T) {
	t.Parallel()
	for _, hash := range []string{"sha1", "sha256", "sha512"} {
		for _, size := range []int{32, 64} {
			d := newDisk(CryptsetupOffset + SectorSize)
			c, err := format(t.Context(), d, d.size(), passphrase(), cheap(), design{hash, size, 100})
			require.NoError(t, err)
			_, err = c.WriteAt(pattern(1, SectorSize), 0)
			require.NoError(t, err)
			assert.Equal(t, pattern(1, SectorSize), contents(t, reopen(t, d, Options{})), "%s, %d", hash, size)
		}
	}
}

func TestEveryActiveSlotOpensWithItsOwnPassphrase(t *testing.T) {
	t.Parallel()
	c, d := formatted(t, SectorSize, cheap())
	_, err := c.WriteAt(pattern(1, SectorSize), 0)
	require.NoError(t, err)
	h := c.Header()
	key, err := h.try(d, 0, passphrase(), nil)
	require.NoError(t, err)
	for _, i := range []int{2, 7} {
		p := Params{Iterations: MinIterations + i, Random: seeded(byte(i))}
		material, err := h.lock(i, key, []byte{byte('0' + i)}, p)
		require.NoError(t, err)
		copy(d.b[h.Slots[i].Offset:], material)
	}
	copy(d.b, h.encode())
	for slot, p := range map[int]string{0: string(passphrase()), 2: "2", 7: "7"} {
		c, err := Open(t.Context(), d, d.size(), []byte(p), Options{})
		require.NoError(t, err)
		assert.Equal(t, slot, c.KeySlot())
		assert.Equal(t, pattern(1, SectorSize), contents(t, c))
	}
	_, err = Open(t.Context(), d, d.size(), []byte("1"), Options{})
	assert.ErrorIs(t, err, ErrPassphrase)

	clear(d.b[h.Slots[0].Offset:][:keyBytes*stripes])
	_, err = Open(t.Context(), d, d.size(), []byte("7"), Options{})
	assert.NoError(t, err, "a damaged slot does not stop the others")
}

func TestOpeningIsCanceledBetweenSlots(t *testing.T) {
	t.Parallel()
	_, d := formatted(t, SectorSize, cheap())
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err := Open(ctx, d, d.size(), passphrase(), Options{})
	assert.ErrorIs(t, err, context.Canceled)
}

func TestADeviceThatIsGoneIsNotADamagedContainer(t *testing.T) {
	t.Parallel()
	c, d := formatted(t, SectorSize, cheap())
	d.gone = true
	for name, err := range map[string]error{
		"open": second(Open(t.Context(), d, d.size(), passphrase(), Options{})), "read": second(c.ReadAt(make([]byte, 1), 0)),
		"write": second(c.WriteAt(make([]byte, 512), 0)), "write a part": second(c.WriteAt(make([]byte, 1), 0)),
		"zero": c.Zero(0, 512), "detect": second(Detect(d)), "layers": second(Layers(t.Context(), d, d.size(), passphrase(), Options{})),
		"slot": second(c.header.try(d, 0, passphrase(), nil)),
	} {
		assert.ErrorIs(t, err, errDevice, name)
		assert.False(t, errors.Is(err, ErrPassphrase) || errors.Is(err, ErrNotLUKS) || errors.Is(err, ErrCorrupt), name)
	}
}

func TestKeyMaterialThatCannotBeReadIsNotAWrongPassphrase(t *testing.T) {
	t.Parallel()
	_, d := formatted(t, SectorSize, cheap())
	d.badAt = slotAlign
	_, err := Open(t.Context(), d, d.size(), passphrase(), Options{})
	assert.ErrorIs(t, err, errDevice)
	assert.NotErrorIs(t, err, ErrPassphrase)
}

func second[T any](_ T, err error) error { return err }

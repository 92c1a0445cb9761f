package luks

import (
	"bytes"
	"context"
	"encoding/binary"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

type damage struct {
	name     string
	hurt     func(b []byte)
	want     error
	accepted bool // by cryptsetup, whose limits are wider
}

func set32(at int, v uint32) func([]byte) {
	return func(b []byte) { binary.BigEndian.PutUint32(b[at:], v) }
}

func set(at int, s string) func([]byte) { return func(b []byte) { copy(b[at:], s) } }

// damages are ways in which a container with one slot, payload at 4096 sectors, is spoilt.
func damages() []damage {
	const slot0, slot1 = slotsAt, slotsAt + slotSize
	return []damage{
		{name: "no magic", hurt: set(0, "QFI\xfb"), want: ErrNotLUKS},
		{name: "version 2", hurt: set(6, "\x00\x02"), want: ErrVersion},
		{name: "version 0", hurt: set(6, "\x00\x00"), want: ErrVersion},
		{name: "unknown cipher", hurt: set(8, "rot"), want: ErrUnsupported},
		{name: "unknown mode", hurt: set(40, "xts-plain64x"), want: ErrUnsupported},
		{name: "unknown hash", hurt: set(72, "md17\x00\x00"), want: ErrUnsupported},
		{name: "names without an end", hurt: func(b []byte) { copy(b[8:104], bytes.Repeat([]byte{'x'}, 96)) }, want: ErrUnsupported},
		{name: "payload in another place", hurt: set32(104, 0), want: ErrUnsupported, accepted: true},
		{name: "payload on the key slots", hurt: set32(104, 100), want: ErrCorrupt},
		{name: "payload beyond the end", hurt: set32(104, 1<<32-1), want: ErrTruncated, accepted: true},
		{name: "empty volume key", hurt: set32(108, 0), want: ErrUnsupported},
		{name: "huge volume key", hurt: set32(108, 1<<32-1), want: ErrUnsupported},
		{name: "odd volume key", hurt: set32(108, 63), want: ErrUnsupported},
		{name: "digest", hurt: set(112, "\x00\x01\x02\x03"), want: ErrPassphrase},
		{name: "digest's salt", hurt: set(132, "\x00\x01\x02\x03"), want: ErrPassphrase},
		{name: "digest without iterations", hurt: set32(164, 0), want: ErrCorrupt},
		{name: "digest with endless iterations", hurt: set32(164, 1<<32-1), want: ErrLimit, accepted: true},
		{name: "unknown slot state", hurt: set32(slot0, 7), want: ErrCorrupt, accepted: true},
		{name: "unknown state of an unused slot", hurt: set32(slot1, 7), want: ErrCorrupt, accepted: true},
		{name: "no slot active", hurt: set32(slot0, slotInactive), want: ErrNoKeySlot},
		{name: "slot without iterations", hurt: set32(slot0+4, 0), want: ErrCorrupt},
		{name: "slot with endless iterations", hurt: set32(slot0+4, 1<<32-1), want: ErrLimit, accepted: true},
		{name: "slot's salt", hurt: set(slot0+8, "\x00\x01\x02\x03"), want: ErrPassphrase},
		{name: "slot inside the header", hurt: set32(slot0+40, 1), want: ErrCorrupt, accepted: true},
		{name: "slot reaching into the payload", hurt: set32(slot0+40, 4000), want: ErrCorrupt},
		{name: "slots on one another", hurt: set32(slot1+40, 300), want: ErrCorrupt, accepted: true},
		{name: "slot beyond everything", hurt: set32(slot0+40, 1<<32-1), want: ErrCorrupt},
		{name: "slot without stripes", hurt: set32(slot0+44, 0), want: ErrCorrupt},
		{name: "slot with endless stripes", hurt: set32(slot0+44, 1<<32-1), want: ErrLimit},
		{name: "first byte of key material", hurt: func(b []byte) { b[slotAlign] ^= 1 }, want: ErrPassphrase},
		{name: "last byte of key material", hurt: func(b []byte) { b[slotAlign+keyBytes*stripes-1] ^= 0x80 }, want: ErrPassphrase},
		{name: "everything zero", hurt: func(b []byte) { clear(b) }, want: ErrNotLUKS},
	}
}

func TestADamagedHeaderIsRefusedWithItsReason(t *testing.T) {
	t.Parallel()
	_, good := formatted(t, 64*kib, cheap())
	cache := NewCache(1)
	reopen(t, good, Options{Cache: cache})
	for _, d := range damages() {
		t.Run(d.name, func(t *testing.T) {
			t.Parallel()
			bad := &disk{b: bytes.Clone(good.b)}
			d.hurt(bad.b)
			before := bytes.Clone(bad.b)
			for _, o := range []Options{{}, {Cache: cache}} {
				c, err := Open(t.Context(), bad, bad.size(), passphrase(), o)
				assert.ErrorIs(t, err, d.want)
				assert.Nil(t, c)
				var typed *Error
				assert.ErrorAs(t, err, &typed)
				assert.NotContains(t, err.Error(), string(passphrase()))
			}
			assert.Equal(t, before, bad.b, "nothing is written")
		})
	}
}

func TestAHeaderCutShortIsRefused(t *testing.T) {
	t.Parallel()
	_, d := formatted(t, 64*kib, cheap())
	for _, c := range []struct {
		size int64
		want error
	}{{0, ErrNotLUKS}, {5, ErrNotLUKS}, {6, ErrTruncated}, {HeaderSize - 1, ErrTruncated}, {HeaderSize, ErrTruncated}, {CryptsetupOffset - 1, ErrTruncated}} {
		_, err := OpenReader(t.Context(), bytes.NewReader(d.b[:c.size]), c.size, passphrase(), Options{})
		assert.ErrorIs(t, err, c.want, "%d bytes", c.size)
	}
	c, err := OpenReader(t.Context(), bytes.NewReader(d.b[:CryptsetupOffset]), CryptsetupOffset, passphrase(), Options{})
	require.NoError(t, err)
	assert.Zero(t, c.Size())
}

func TestLimitsAreInclusive(t *testing.T) {
	t.Parallel()
	_, d := formatted(t, SectorSize, Params{Iterations: 8000 + 8, Random: seeded(1)})
	h, err := ReadHeader(d, d.size(), Options{})
	require.NoError(t, err)
	cost := int64(h.Slots[0].Iterations) + int64(h.Iterations)
	assert.Equal(t, int64(8008+1001), cost)
	for _, c := range []struct {
		limits Limits
		want   error
	}{
		{Limits{Iterations: cost}, nil},
		{Limits{Iterations: cost - 1}, ErrLimit},
		{Limits{Stripes: stripes}, nil},
		{Limits{Stripes: stripes - 1}, ErrLimit},
	} {
		_, err := Open(t.Context(), d, d.size(), passphrase(), Options{Limits: c.limits})
		if c.want == nil {
			assert.NoError(t, err)
		} else {
			assert.ErrorIs(t, err, c.want)
		}
	}
}

func TestTheIterationsOfAllActiveSlotsCountTogether(t *testing.T) {
	t.Parallel()
	_, d := formatted(t, SectorSize, cheap())
	set32(slotsAt+slotSize, slotActive)(d.b)
	set32(slotsAt+slotSize+4, 500)(d.b)
	_, err := Open(t.Context(), d, d.size(), passphrase(), Options{Limits: Limits{Iterations: 1000 + 500 + 2*1000 - 1}})
	assert.ErrorIs(t, err, ErrLimit)
	_, err = Open(t.Context(), d, d.size(), passphrase(), Options{Limits: Limits{Iterations: 1000 + 500 + 2*1000}})
	assert.NoError(t, err)
}

func TestAHeaderSurvivesBeingTakenApart(t *testing.T) {
	t.Parallel()
	c, d := formatted(t, SectorSize, cheap())
	h, err := ReadHeader(d, d.size(), Options{})
	require.NoError(t, err)
	assert.Equal(t, c.Header(), h)
	assert.Equal(t, d.b[:HeaderSize], h.encode())
}

// padded is a device that holds some bytes and zeros behind them.
type padded []byte

func (p padded) ReadAt(b []byte, off int64) (int, error) {
	clear(b)
	if off < int64(len(p)) {
		copy(b, p[off:])
	}
	return len(b), nil
}

// FuzzHeader opens whatever it is given within small limits: nothing may panic, take long or allocate much, and what is accepted
// keeps its promises.
func FuzzHeader(f *testing.F) {
	good := newDisk(CryptsetupOffset + SectorSize)
	_, err := format(f.Context(), good, good.size(), passphrase(), cheap(), design{"sha256", keyBytes, 4})
	require.NoError(f, err)
	for i := range Slots {
		set32(slotsAt+i*slotSize+4, 3)(good.b)
	}
	set32(164, 3)(good.b)
	o := Options{Limits: Limits{Iterations: 50, Stripes: 8}}
	_, err = ReadHeader(good, good.size(), o)
	require.NoError(f, err)
	f.Add(good.b[:HeaderSize], good.size())
	for _, d := range damages() {
		bad := bytes.Clone(good.b)
		d.hurt(bad)
		f.Add(bad[:HeaderSize], good.size())
	}
	f.Fuzz(func(t *testing.T, b []byte, size int64) {
		h, err := ReadHeader(padded(b), size, o)
		if err == nil {
			again, err := parse(h.encode())
			require.NoError(t, err)
			assert.Equal(t, h, again)
			for i, s := range h.Slots {
				assert.LessOrEqual(t, h.slotEnd(i)-s.Offset, int64(keyBytes*o.Limits.Stripes))
				assert.LessOrEqual(t, h.slotEnd(i), size)
			}
		}
		_, err = OpenReader(context.Background(), padded(b), size, passphrase(), o)
		assert.Error(t, err, "nobody guesses the passphrase")
	})
}

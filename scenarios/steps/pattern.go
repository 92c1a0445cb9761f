package steps

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"hash/fnv"
	"math/rand/v2"
)

// patternSize is the length of a pattern in bytes: a few pages, so that a shifted or half-written one is seen.
const patternSize = 16 << 10

// mark is a pattern at a place of a disk.
type mark struct {
	off  int64
	name string
}

// pattern returns the bytes of the pattern of a name: its name in each sector, the rest random by seed and name.
func pattern(seed int64, name string) []byte {
	h := fnv.New64a()
	_, _ = h.Write([]byte(name))                        // a hash accepts everything
	r := rand.New(rand.NewPCG(uint64(seed), h.Sum64())) //nolint:gosec // recognisable, not secret
	out := make([]byte, patternSize)
	for i := 0; i < len(out); i += 8 {
		x := r.Uint64()
		for j := range 8 {
			out[i+j] = byte(x >> (8 * j))
		}
	}
	for i := 0; i < len(out); i += 512 {
		copy(out[i:i+512], label(name, i))
	}
	if name == imageHeader {
		copy(out, header())
	}
	return out
}

// imageHeader is the name of a pattern that begins as a qcow2 image does whose contents are a file of the host: what a
// hostile guest writes onto its disk.
const imageHeader = "a header of an image"

func header() []byte {
	const file, at = "/etc/shadow", 512
	out := make([]byte, at+len(file))
	be := binary.BigEndian
	be.PutUint32(out, 0x514649fb)
	be.PutUint32(out[4:], 3)
	be.PutUint64(out[8:], at) // where the name of the file is
	be.PutUint32(out[16:], uint32(len(file)))
	be.PutUint32(out[20:], 16)
	be.PutUint64(out[24:], 1<<30)
	copy(out[at:], file)
	return out
}

func label(name string, off int) string { return fmt.Sprintf("spsim pattern %q at %d\n", name, off) }

// compare says in words how got differs from the pattern of a name, or returns nil.
func compare(seed int64, name string, got []byte) error {
	want := pattern(seed, name)
	if bytes.Equal(got, want) {
		return nil
	}
	at := 0
	for at < len(got) && at < len(want) && got[at] == want[at] {
		at++
	}
	return fmt.Errorf("differs from the pattern %q from byte %d on: it holds %s", name, at, recognise(got))
}

// recognise names what bytes hold.
func recognise(b []byte) string {
	if len(bytes.Trim(b, "\x00")) == 0 {
		return "zeros"
	}
	var name string
	if n, err := fmt.Sscanf(string(b[:min(len(b), 300)]), "spsim pattern %q at", &name); n == 1 || err == nil {
		return fmt.Sprintf("the pattern %q, whole or in part", name)
	}
	return fmt.Sprintf("unknown bytes that begin with %q", b[:min(len(b), 32)])
}

package luks

import (
	"crypto/subtle"
	"encoding/binary"
	"hash"
	"io"
)

// diffuser spreads every bit of a block: each digest-sized piece is replaced by the hash of its number and itself.
type diffuser struct {
	hash   hash.Hash
	number [4]byte
	sum    []byte
}

func newDiffuser(h func() hash.Hash) *diffuser {
	d := h()
	return &diffuser{hash: d, sum: make([]byte, 0, d.Size())}
}

func (d *diffuser) diffuse(block []byte) {
	for i := uint32(0); len(block) > 0; i++ {
		piece := block[:min(len(block), d.hash.Size())]
		binary.BigEndian.PutUint32(d.number[:], i)
		d.hash.Reset()
		d.hash.Write(d.number[:])
		d.hash.Write(piece)
		d.sum = d.hash.Sum(d.sum[:0])
		copy(piece, d.sum)
		block = block[len(piece):]
	}
}

// fold runs all stripes but the last through the diffuser and gives what the last one is masked with.
func (d *diffuser) fold(material []byte, size int) []byte {
	mask := make([]byte, size)
	for stripe := material; len(stripe) > size; stripe = stripe[size:] {
		subtle.XORBytes(mask, mask, stripe[:size])
		d.diffuse(mask)
	}
	return mask
}

// split spreads a key over stripes so that none of them can be missing: all but the last are random.
func split(key []byte, stripes int, h func() hash.Hash, random io.Reader) ([]byte, error) {
	material := make([]byte, len(key)*stripes)
	last := material[len(material)-len(key):]
	if _, err := io.ReadFull(random, material[:len(material)-len(key)]); err != nil {
		return nil, err
	}
	mask := newDiffuser(h).fold(material, len(key))
	subtle.XORBytes(last, mask, key)
	Wipe(mask)
	return material, nil
}

// merge is the reverse of split.
func merge(material []byte, size int, h func() hash.Hash) []byte {
	key := newDiffuser(h).fold(material, size)
	subtle.XORBytes(key, key, material[len(material)-size:])
	return key
}

package luks

import (
	"crypto/sha1"
	"crypto/sha256"
	"crypto/sha512"
	"encoding/hex"
	"hash"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

func TestAKeyThatIsSplitAndMergedIsTheSame(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		h := rapid.SampledFrom([]func() hash.Hash{sha1.New, sha256.New, sha512.New}).Draw(t, "hash")
		key := rapid.SliceOfN(rapid.Byte(), 16, 150).Draw(t, "key")
		n := rapid.IntRange(1, 40).Draw(t, "stripes")
		material, err := split(key, n, h, seeded(rapid.Byte().Draw(t, "seed")))
		require.NoError(t, err)
		require.Len(t, material, n*len(key))
		require.Equal(t, key, merge(material, len(key), h))
		at := rapid.IntRange(0, len(material)-1).Draw(t, "at")
		material[at] ^= 1
		require.NotEqual(t, key, merge(material, len(key), h), "no byte can be missing")
	})
}

// Each piece is hashed behind its number, the rest as it is; computed with another program.
func TestTheDiffuserHashesNumberedPieces(t *testing.T) {
	t.Parallel()
	block := make([]byte, 40)
	for i := range block {
		block[i] = byte(i)
	}
	newDiffuser(sha256.New).diffuse(block)
	assert.Equal(t, diffused, hex.EncodeToString(block))
}

const diffused = "bff51a6d513395979e3a870c8483769a5a70002e6e32c146c53e1d2edc4670029168dfa0b824fbae"

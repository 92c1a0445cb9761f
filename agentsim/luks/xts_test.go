package luks

import (
	"bytes"
	"crypto/aes"
	"testing"

	"github.com/stretchr/testify/require"
	"golang.org/x/crypto/xts"
	"pgregory.net/rapid"
)

func TestSectorsAreEncryptedAsTheLibraryDoes(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		key := pattern(rapid.Byte().Draw(t, "key"), rapid.SampledFrom([]int{32, 64}).Draw(t, "size"))
		sector := rapid.Int64Range(0, 1<<55).Draw(t, "sector")
		plain := pattern(rapid.Byte().Draw(t, "data"), aes.BlockSize*rapid.IntRange(1, 100).Draw(t, "blocks"))
		library, err := xts.NewCipher(aes.NewCipher, key)
		require.NoError(t, err)
		want := make([]byte, len(plain))
		for at := 0; at < len(plain); at += SectorSize {
			end := min(at+SectorSize, len(plain))
			library.Encrypt(want[at:end], plain[at:end], uint64(sector)+uint64(at/SectorSize))
		}

		s, err := newSectors(key)
		require.NoError(t, err)
		got := make([]byte, len(plain))
		s.encrypt(got, plain, sector)
		require.Equal(t, want, got)
		s.decrypt(got, got, sector)
		require.Equal(t, plain, got)
	})
}

func BenchmarkSectors(b *testing.B) {
	key, p := pattern(1, keyBytes), bytes.Repeat([]byte{7}, 64*kib)
	library, err := xts.NewCipher(aes.NewCipher, key)
	require.NoError(b, err)
	s, err := newSectors(key)
	require.NoError(b, err)
	b.Run("library", func(b *testing.B) {
		b.SetBytes(int64(len(p)))
		for b.Loop() {
			for at := 0; at < len(p); at += SectorSize {
				library.Encrypt(p[at:at+SectorSize], p[at:at+SectorSize], uint64(at/SectorSize))
			}
		}
	})
	b.Run("here", func(b *testing.B) {
		b.SetBytes(int64(len(p)))
		for b.Loop() {
			s.encrypt(p, p, 0)
		}
	})
}

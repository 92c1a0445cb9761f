package luks

import (
	"context"
	"testing"

	"github.com/stretchr/testify/require"
)

func BenchmarkOpen(b *testing.B) {
	_, d := formatted(b, SectorSize, cheap())
	for name, o := range map[string]Options{"1000 iterations": {}, "cached": {Cache: NewCache(1)}} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				reopen(b, d, o)
			}
		})
	}
}

func BenchmarkFormat(b *testing.B) {
	d := newDisk(CryptsetupOffset + SectorSize)
	b.ReportAllocs()
	for b.Loop() {
		_, err := Format(context.Background(), d, d.size(), passphrase(), Params{Iterations: MinIterations})
		require.NoError(b, err)
	}
}

func BenchmarkSequential(b *testing.B) {
	c, _ := formatted(b, 8*mib, cheap())
	p := pattern(1, mib)
	for name, io := range map[string]func([]byte, int64) (int, error){"write": c.WriteAt, "read": c.ReadAt} {
		b.Run(name, func(b *testing.B) {
			b.SetBytes(mib)
			b.ReportAllocs()
			var off int64
			for b.Loop() {
				_, err := io(p, off)
				require.NoError(b, err)
				off = (off + mib) % c.Size()
			}
		})
	}
}

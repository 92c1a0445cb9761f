package luks_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"github.com/spsim/spsim/agentsim/luks"
)

// A data volume is formatted, written and opened again; the host reads nothing without the passphrase.
func Example() {
	dir, err := os.MkdirTemp("", "luks")
	if err != nil {
		panic(err)
	}
	defer func() { _ = os.RemoveAll(dir) }()
	volume, _ := os.Create(filepath.Join(dir, "volume"))
	size := luks.CryptsetupOffset + 1<<20
	_ = volume.Truncate(size)

	ctx, passphrase := context.Background(), []byte("64 random characters")
	c, err := luks.Format(ctx, volume, size, passphrase, luks.Params{Iterations: luks.MinIterations})
	if err != nil {
		panic(err)
	}
	_, _ = c.WriteAt([]byte("the guest was here"), 700<<10)
	_ = c.Close()

	c, _ = luks.Open(ctx, volume, size, passphrase, luks.Options{})
	p := make([]byte, 18)
	_, _ = c.ReadAt(p, 700<<10)
	_, err = luks.Open(ctx, volume, size, []byte("another"), luks.Options{})
	layers, _ := luks.Layers(ctx, volume, size, passphrase, luks.Options{})
	fmt.Println(c.Size(), string(p), errors.Is(err, luks.ErrPassphrase), layers)
	luks.Wipe(passphrase)
	// Output: 1048576 the guest was here true 1
}

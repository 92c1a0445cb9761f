package image_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"

	"github.com/spsim/spsim/agentsim/image"
)

// A raw disk is backed up as a thin qcow2 file.
func Example() {
	dir, err := os.MkdirTemp("", "image")
	if err != nil {
		panic(err)
	}
	defer func() { _ = os.RemoveAll(dir) }()
	disk, _ := os.Create(filepath.Join(dir, "disk"))
	raw, _ := image.Create(disk, image.Raw, 1<<30, image.Options{})
	_, _ = raw.WriteAt([]byte("the guest was here"), 700<<20)

	file, _ := os.Create(filepath.Join(dir, "backup"))
	backup, _ := image.Create(file, image.Qcow2, raw.Size(), image.Options{})
	if _, err := image.Convert(context.Background(), backup, raw, nil); err != nil {
		panic(err)
	}

	st, _ := file.Stat()
	r, _ := image.OpenReader(file, st.Size(), image.Qcow2)
	p := make([]byte, 18)
	_, _ = r.ReadAt(p, 700<<20)
	fmt.Println(r.Size(), st.Size() < 1<<20, string(p))
	// Output: 1073741824 true the guest was here
}

package blocks

import "fmt"

func Example() {
	volume, err := NewStore().New(1 << 40)
	if err != nil {
		fmt.Println(err)
		return
	}
	_, _ = volume.WriteAt([]byte("first"), 1<<39)
	snapshot, _ := volume.Snapshot()
	_, _ = volume.WriteAt([]byte("later"), 1<<39)

	kept := make([]byte, 5)
	_, _ = snapshot.ReadAt(kept, 1<<39)
	fmt.Printf("%s, %d bytes of its own\n", kept, snapshot.Stored())
	// Output: first, 4096 bytes of its own
}

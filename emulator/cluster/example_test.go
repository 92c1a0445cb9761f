package cluster_test

import (
	"fmt"

	"github.com/spsim/spsim/emulator/cluster"
)

func Example() {
	c, err := cluster.New(cluster.Options{Model: cluster.DefaultModel()})
	if err != nil {
		fmt.Println(err)
		return
	}
	size := int64(1 << 30)
	_, _ = c.VolumeCreate(cluster.VolumeSpec{Name: "disk", Template: "ssd", Size: &size})
	_ = c.Reassign([]cluster.Assignment{{Volume: "disk", RW: []int{1}}})

	host, _ := c.Device(1, "disk")
	_, _ = host.WriteAt([]byte("first"), 0)
	snap, _ := c.VolumeSnapshot("disk", cluster.SnapshotSpec{})
	_, _ = host.WriteAt([]byte("later"), 0)

	kept := make([]byte, 5)
	_ = c.ReadContent(cluster.Ref(snap.Name), 0, kept)
	fmt.Printf("%s holds %q\n", snap.Name, kept)
	fmt.Println(c.VolumeDelete("disk", cluster.OnAttachedDetach))
	// Output:
	// disk@2 holds "first"
	// busy: 'disk' is open at client 1
}

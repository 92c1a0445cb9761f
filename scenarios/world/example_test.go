package world_test

import (
	"context"
	"fmt"

	"github.com/spsim/spsim/scenarios/mgmt"
	"github.com/spsim/spsim/scenarios/world"
)

// A snapshot of a running VM's disk is restored, and the bytes are compared.
func Example() {
	w, err := world.New(world.Options{})
	defer func() { _ = w.Close() }()
	if err != nil {
		fmt.Println(err)
		return
	}
	w.Do(func(ctx context.Context) {
		vm, err := w.Mgmt.DeployVM(ctx, mgmt.VMSpec{
			Name: "vm", Zone: w.Zone.ID, Offering: w.Compute.ID, Template: w.ISO.ID, RootSize: 1 << 20,
			Data: []mgmt.VolumeSpec{{Name: "data", Offering: w.Disk.ID, Size: 1 << 20}},
		})
		fmt.Println(vm.State, err)
		const data = 2 // the row of the data disk; the root disk is 1
		fmt.Println(w.WriteVolume(ctx, data, 0, []byte("precious")))
		snapshot, err := w.Mgmt.CreateSnapshot(ctx, data, "")
		fmt.Println(snapshot.State, err)
		restored, err := w.Mgmt.CreateVolumeFromSnapshot(ctx, mgmt.RestoreSpec{Snapshot: snapshot.ID})
		fmt.Println(restored.State, err)
		p := make([]byte, 8)
		fmt.Println(w.ReadVolume(ctx, restored.ID, 0, p), string(p))
		fmt.Println(w.Check(ctx))
	})
	// Output:
	// Running <nil>
	// <nil>
	// BackedUp <nil>
	// Ready <nil>
	// <nil> precious
	// <nil>
}

package scenarios_test

import (
	"context"
	"fmt"

	"github.com/spsim/spsim/scenarios/mgmt"
	"github.com/spsim/spsim/scenarios/world"
)

// Drive the plugin from Go: a world has a cluster, hosts, secondary storage and a management server that calls the driver
// as CloudStack does. Here a template is deployed on one host and the VM moved to the other, and the bytes are read there.
func Example_plugin() {
	w, err := world.New(world.Options{Hosts: 2})
	defer func() { _ = w.Close() }()
	if err != nil {
		fmt.Println(err)
		return
	}
	w.Do(func(ctx context.Context) {
		vm, err := w.Mgmt.DeployVM(ctx, mgmt.VMSpec{
			Name: "shop", Zone: w.Zone.ID, Offering: w.Compute.ID, Template: w.ISO.ID, RootSize: 1 << 20,
		})
		fmt.Println("deployed:", vm.State, err)
		const root = 1 // the first volume of this world
		fmt.Println("written:", w.WriteVolume(ctx, root, 0, []byte("orders")))
		from := vm.Host
		to := w.Hosts[0].ID
		if to == from {
			to = w.Hosts[1].ID
		}
		vm, err = w.Mgmt.MigrateVM(ctx, vm.ID, to)
		fmt.Println("moved:", vm.State, vm.Host == to, err)
		p := make([]byte, 6)
		fmt.Println("read:", w.ReadVolume(ctx, root, 0, p), string(p))
		fmt.Println("invariants:", w.Check(ctx))
		for _, e := range w.Journal() {
			if e.Call == "POST VolumeCreate" {
				fmt.Println("asked StorPool:", e.Call)
			}
		}
	})
	// Output:
	// deployed: Running <nil>
	// written: <nil>
	// moved: Running true <nil>
	// read: <nil> orders
	// invariants: <nil>
	// asked StorPool: POST VolumeCreate
}

package scenarios_test

import (
	"context"
	"fmt"

	"github.com/spsim/spsim/driver/inventory"
	"github.com/spsim/spsim/emulator/fault"
	"github.com/spsim/spsim/scenarios/mgmt"
	"github.com/spsim/spsim/scenarios/world"
)

// Make step 3 of a backup fail: rules name a step of a host's command, or a call of StorPool's API; "*" with Nth 3 is the
// third step, whichever it is. The backup fails and leaves nothing, and the next one succeeds.
func Example_fault() {
	w, err := world.New(world.Options{})
	defer func() { _ = w.Close() }()
	if err != nil {
		fmt.Println(err)
		return
	}
	w.Do(func(ctx context.Context) {
		fmt.Println(w.Mgmt.SetSetting(inventory.Global(), mgmt.BackupSetting, "true")) // bypass off
		v, err := w.Mgmt.CreateVolume(ctx, mgmt.VolumeSpec{Name: "data", Zone: w.Zone.ID, Offering: w.Disk.ID, Size: 1 << 20})
		fmt.Println(v.State, err)
		vm, err := w.Mgmt.DeployVM(ctx, mgmt.VMSpec{
			Name: "vm", Zone: w.Zone.ID, Offering: w.Compute.ID, Template: w.ISO.ID, RootSize: 1 << 20,
		})
		fmt.Println(vm.State, err)
		v, err = w.Mgmt.AttachVolume(ctx, v.ID, vm.ID, mgmt.FreeDevice)
		fmt.Println(v.State, err)

		fmt.Println(w.Arm(fault.Rule{Call: "agent BackupSnapshot/*", Nth: 3, Effect: fault.Effect{Kind: fault.Refuse}}))
		_, err = w.Mgmt.CreateSnapshot(ctx, v.ID, "")
		fmt.Println("failed:", err != nil)
		fmt.Println("rules that did not fire:", len(w.Unfired()))
		fmt.Println("nothing is left behind:", w.Check(ctx))

		w.Disarm()
		s, err := w.Mgmt.CreateSnapshot(ctx, v.ID, "")
		fmt.Println(s.State, err)
	})
	// Output:
	// <nil>
	// Allocated <nil>
	// Running <nil>
	// Ready <nil>
	// <nil>
	// failed: true
	// rules that did not fire: 0
	// nothing is left behind: <nil>
	// BackedUp <nil>
}

package agentsim_test

import (
	"fmt"

	"github.com/spsim/spsim/agentsim"
)

// The steps of a command are where fault rules strike.
func ExampleSteps() {
	for _, c := range agentsim.Steps() {
		if c.Command == "BackupSnapshot" {
			fmt.Println(c.Steps)
		}
	}
	// Output: [receive check attach mount mkdir convert measure detach release answer]
}

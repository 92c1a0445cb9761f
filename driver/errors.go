package driver

import (
	"errors"
	"fmt"

	"github.com/spsim/spsim/driver/inventory"
)

// ErrRefused is wrapped by the refusal of a request that cannot be met as it stands, such as a shrink without
// consent or a restore of another zone's snapshot; nothing was touched.
var ErrRefused = errors.New("refused")

// ErrExported is wrapped when a snapshot cannot be deleted because another StorPool location still uses it.
var ErrExported = errors.New("snapshot is still exported to another cluster")

// ErrInDoubt is wrapped when a host did not say whether a VM has moved: nothing more was done, and [Driver.Reconcile]
// settles it as soon as a host tells where the VM runs.
var ErrInDoubt = errors.New("nobody knows where the VM runs")

// ErrUnfinished is wrapped when the contents of a volume are half replaced: the volume stays in its transitional state, in
// which nobody uses it, until [Driver.Reconcile] has finished the work.
var ErrUnfinished = errors.New("the contents of the volume are not complete yet")

// AgentError says that a host did not do what it was asked.
type AgentError struct {
	Command string
	Host    inventory.ID
	Details string // the host's own words
	Silent  bool   // the host did not answer: it may have done it
	Odd     bool   // the answer was positive but carried something else than it should
}

func (e *AgentError) Error() string {
	if e.Silent {
		return fmt.Sprintf("%s on host %d: no answer", e.Command, e.Host)
	}
	return fmt.Sprintf("%s on host %d: %s", e.Command, e.Host, e.Details)
}

package agentsim

import (
	"context"

	"github.com/spsim/spsim/driver/agentapi"
)

// destroyTemplate deletes the cached snapshot of a template (agent 9.10).
type destroyTemplate struct{ agentapi.DestroyTemplate }

func (c destroyTemplate) run(r *run) *agentapi.Answer {
	if err := r.host.needPool(c.Pool); err != nil {
		return failed(err)
	}
	err := r.step("delete", func(ctx context.Context) error {
		return r.host.Adaptor().DeletePhysicalDisk(ctx, c.Path)
	}, c.Path)
	if err != nil {
		return failed(err)
	}
	return &agentapi.Answer{OK: true}
}

package agentsim

import (
	"context"
	"errors"
	"time"

	"github.com/spsim/spsim/driver/agentapi"
)

const (
	backgroundTries = 60
	backgroundPause = 10 * time.Second
)

// cleanup is something to do when the command is over, whatever came of it.
type cleanup struct {
	step  string
	path  string // what it is about
	tried bool
	do    func(context.Context) error
	// again is one more try in the background; tried tells whether do has run. True means that nothing is left to do.
	again func(ctx context.Context, tried bool) bool
}

func (r *run) tidy(c *cleanup) error {
	return r.step(c.step, func(ctx context.Context) error {
		c.tried = true
		return c.do(ctx)
	}, c.path)
}

// thenDetach has an object detached when the command is over, in a step of this name.
func (r *run) thenDetach(step string, k kind, path string) {
	h := r.host
	r.detaches = append(r.detaches, &cleanup{
		step: step, path: path,
		do: func(ctx context.Context) error {
			_, err := h.detach(ctx, k, path)
			return err
		},
		again: func(ctx context.Context, tried bool) bool { return h.tryDetach(ctx, k, path, !tried) },
	})
}

// thenRelease has a mount given back when the command is over.
func (r *run) thenRelease(uri string, do func() error) {
	r.releases = append(r.releases, &cleanup{
		step: "release", path: uri,
		do:    func(context.Context) error { return do() },
		again: func(context.Context, bool) bool { return do() == nil },
	})
}

// cleanUp does every clean-up, also after one has failed. Failures change no answer but are told in its details; what
// is left is tried again in the background (agent 16, A-8).
func cleanUp(r *run, ans *agentapi.Answer) *agentapi.Answer {
	var trouble []error
	for _, c := range append(r.detaches, r.releases...) {
		err := r.tidy(c)
		if errors.Is(err, errDead) {
			return ans
		}
		if err != nil {
			trouble = append(trouble, err)
			r.inBackground(c)
		}
	}
	return withWarning(ans, trouble)
}

// cleanUpInOrder is A-8: the first failure replaces the answer and ends the clean-up.
func cleanUpInOrder(r *run, ans *agentapi.Answer) *agentapi.Answer {
	for _, c := range append(r.detaches, r.releases...) {
		if err := r.tidy(c); err != nil {
			return failed(err)
		}
	}
	return ans
}

// withWarning adds to an answer what went wrong besides.
func withWarning(ans *agentapi.Answer, trouble []error) *agentapi.Answer {
	err := errors.Join(trouble...)
	if err == nil {
		return ans
	}
	out := *ans
	if out.Details != "" {
		out.Details += "; "
	}
	out.Details += "warning: " + err.Error()
	return &out
}

// inBackground tries a clean-up again every ten seconds for ten minutes.
func (r *run) inBackground(c *cleanup) {
	ctx, clock, tried := r.life.ctx, r.host.fleet.clock, c.tried
	clock.Go(func() {
		for range backgroundTries {
			if clock.Sleep(ctx, backgroundPause) != nil || c.again(ctx, tried) {
				return
			}
			tried = true
		}
	})
}

// tryDetach detaches in one attempt what nobody on this host uses. True means that nothing is left to do.
func (h *Host) tryDetach(ctx context.Context, k kind, path string, used bool) bool {
	name, err := ObjectName(path)
	if err != nil || name == "" {
		return true
	}
	unlock, err := h.locks.Lock(ctx, name)
	if err != nil {
		return true
	}
	defer unlock()
	if used {
		h.use(name, -1, 0)
	}
	if !h.unused(name) {
		return true
	}
	client, err := h.client()
	if err != nil {
		return true
	}
	if h.cfg.API.VolumesReassignWait(ctx, k.detachItem(name, client)) != nil {
		return false
	}
	h.forget(name)
	return true
}

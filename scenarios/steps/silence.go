package steps

import (
	"context"
	"fmt"
	"strings"
)

// What must not be heard, and what a guest gives back.
var (
	reSilence  = expression(`^StorPool was never asked (anything|"([^"]+)")$`)
	reUnlogged = expression(`^no log line says "([^"]+)"$`)
	reDiscard  = expression(`^the guest "([^"]+)" discards the first (\d+ \w+) of "([^"]+)"$`)
)

func (s *scene) silenceSteps(sc registrar) {
	sc.Step(reSilence(), s.neverAsked)
	sc.Step(reUnlogged(), s.neverLogged)
	sc.Step(reDiscard(), s.discard)
}

// neverAsked looks at all calls of the scenario, those of the management server and those of hosts.
func (s *scene) neverAsked(_, call string) error {
	for _, e := range s.w.Journal() {
		if !strings.HasPrefix(e.Call, "agent ") && (call == "" || e.Call == call) {
			return fmt.Errorf("%s asked %s %s", e.Caller, e.Call, e.Object)
		}
	}
	return nil
}

func (s *scene) neverLogged(text string) error {
	if line, found := s.w.Logged(text); found {
		return fmt.Errorf("a log line says it: %s", line)
	}
	return nil
}

// discard gives space back as a guest whose disks have the discard option does.
func (s *scene) discard(ctx context.Context, vm, bytes, disk string) error {
	n, err := size(bytes)
	if err != nil {
		return err
	}
	v, err := s.volumeOf(disk)
	if err != nil {
		return err
	}
	m, err := s.vm(vm)
	if err != nil {
		return err
	}
	if err := s.perform(ctx, func(ctx context.Context) error { return s.w.GuestDiscard(ctx, m, v.ID, n) }); err != nil {
		return fmt.Errorf("discard of %q: %w", disk, err)
	}
	return nil
}

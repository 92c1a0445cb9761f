package steps

import (
	"fmt"
	"strconv"

	"github.com/spsim/spsim/emulator/fault"
)

var (
	reFault = expression(`^the call "([^"]+)"(?: about "([^"]+)")?(?: for StorPool client (\d+))?(?: on host (\d+))? will be (.+?)(?: (\d+) times| (every time))?(?: from the (\d+)(?:st|nd|rd|th) call on)?$`)
	reHeal  = expression(`^the fault is over$`)
	reHost  = expression(`^host (\d+) (is switched off|is switched on|restarts its agent|shows devices after (\d+ \w+)|cannot write its log)$`)
)

func (s *scene) faultSteps(sc registrar) {
	sc.Step(reFault(), s.arm)
	sc.Step(reHeal(), s.heal)
	sc.Step(reHost(), s.hostBecomes)
}

// arm arms a rule on StorPool calls ("POST VolumeCreate") or on the steps of agents' commands ("agent
// BackupSnapshot/convert"), about an object ("cs=volume", with * and ?) or an attachment of a client where it says so. "5
// times" and "every time" count calls; a rule that never fires fails its scenario.
func (s *scene) arm(call, object, client, host, what, times, every, nth string) error {
	e, err := effect(what)
	if err != nil {
		return err
	}
	r := fault.Rule{Call: call, Object: object, Effect: e}
	if host != "" {
		h, err := s.hostRow(host)
		if err != nil {
			return err
		}
		r.Caller = h.Name
	}
	for _, c := range []counted{{times, &r.Times}, {nth, &r.Nth}, {client, &r.Client}} {
		if err := c.read(); err != nil {
			return err
		}
	}
	if every != "" {
		r.Times = -1
	}
	return s.w.Arm(r)
}

// counted is a number of a step, which may be absent.
type counted struct {
	text string
	into *int
}

func (c counted) read() (err error) {
	if c.text == "" {
		return nil
	}
	if *c.into, err = strconv.Atoi(c.text); err != nil {
		return fmt.Errorf("count %q: %w", c.text, err)
	}
	return nil
}

// rule is a rule on calls without a host.
func rule(call, what, every string) (fault.Rule, error) {
	e, err := effect(what)
	r := fault.Rule{Call: call, Effect: e}
	if every != "" {
		r.Times = -1
	}
	return r, err
}

// heal takes the rules back; each must have fired until now.
func (s *scene) heal() error {
	if err := s.fired(); err != nil {
		return err
	}
	s.w.Disarm()
	return nil
}

// fired tells which armed rule changed nothing.
func (s *scene) fired() error {
	for _, r := range s.w.Unfired() {
		return fmt.Errorf("the fault %q of %q did not happen: the scenario does not show what it says", r.Effect.Kind, r.Call)
	}
	return nil
}

func (s *scene) hostBecomes(host, what, span string) error {
	h, err := s.agent(host)
	if err != nil {
		return err
	}
	switch what {
	case "is switched off":
		h.PowerOff()
	case "is switched on":
		h.PowerOn()
	case "restarts its agent":
		h.RestartAgent()
	case "cannot write its log":
		h.BreakLog(true)
	default:
		d, err := duration(span)
		if err != nil {
			return err
		}
		h.SetDeviceDelay(d)
	}
	return nil
}

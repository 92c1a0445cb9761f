package steps

import (
	"context"
	"fmt"
	"io"
	"strconv"

	"github.com/cucumber/godog"

	"github.com/spsim/spsim/driver/agentapi"
	"github.com/spsim/spsim/driver/inventory"
	"github.com/spsim/spsim/scenarios/mgmt"
)

var (
	reTemplate   = expression(`^the (qcow2|raw) template "([^"]+)" of (\d+ \w+) with the pattern "([^"]+)"$`)
	reUntemplate = expression(`^the template "([^"]+)" is deleted` + outcome)
	reCollect    = expression(`^CloudStack collects garbage` + outcome)
	reCachedSize = expression(`^the cached copy of "([^"]+)" has (\d+ \w+)$`)
	reExecuted   = expression(`^the agents executed "([^"]+)" (\d+) times?$`)
	reCached     = expression(`^the template "([^"]+)" is (not cached|cached once)$`)
)

func (s *scene) templateSteps(sc *godog.ScenarioContext) {
	sc.Step(reTemplate(), s.registerTemplate)
	sc.Step(reUntemplate(), s.deleteTemplate)
	sc.Step(reCollect(), s.collect)
	sc.Step(reCached(), s.cached)
	sc.Step(reCachedSize(), s.cachedSize)
	sc.Step(reExecuted(), s.executed)
}

// registerTemplate writes the pattern at the beginning and at the end of the image.
func (s *scene) registerTemplate(ctx context.Context, format, name, bytes, what string) error {
	n, err := size(bytes)
	if err != nil {
		return err
	}
	marks := []mark{{0, what}, {n - patternSize, what}}
	spec := mgmt.TemplateSpec{Name: name, Zone: s.zone, Size: n, Format: agentapi.QCOW2}
	if format == "raw" {
		spec.Format = agentapi.RAW
	}
	spec.Write = func(w io.WriterAt) error {
		for _, m := range marks {
			if _, err := w.WriteAt(pattern(s.o.Seed, m.name), m.off); err != nil {
				return fmt.Errorf("write the image of %q: %w", name, err)
			}
		}
		return nil
	}
	row, err := s.m().RegisterTemplate(ctx, spec)
	if err != nil {
		return fmt.Errorf("register template %q: %w", name, err)
	}
	s.templates[name], s.images[name] = row.ID, marks
	return nil
}

func (s *scene) deleteTemplate(ctx context.Context, name, outcome string) error {
	id, err := s.template(name)
	if err != nil {
		return err
	}
	return s.act(ctx, outcome, func(ctx context.Context) error {
		_, err := s.m().DeleteTemplate(ctx, id)
		return err
	})
}

func (s *scene) collect(ctx context.Context, outcome string) error {
	return s.act(ctx, outcome, s.m().CollectGarbage)
}

// cached compares the inventory's records of cached copies with the objects on StorPool.
func (s *scene) cached(ctx context.Context, name, want string) error {
	id, err := s.template(name)
	if err != nil {
		return err
	}
	row, err := rowOf(s, id, func(tx *inventory.Tx) *inventory.Table[inventory.Template] { return tx.Templates })
	if err != nil {
		return err
	}
	records := 0
	_ = s.inv().View(func(tx *inventory.Tx) error { // the function returns no error
		records = len(tx.TemplatePools.All(func(r inventory.TemplatePool) bool { return r.Template == id && r.State == inventory.RefReady }))
		return nil
	})
	found, err := s.objects(ctx, row.UUID, "template")
	if err != nil {
		return err
	}
	objects := len(found)
	n := map[string]int{"not cached": 0, "cached once": 1}[want]
	if records != n || objects != n {
		return fmt.Errorf("the inventory has %d cached copies and StorPool %d objects of it", records, objects)
	}
	return nil
}

func (s *scene) cachedSize(ctx context.Context, name, bytes string) error {
	o, err := s.cachedCopy(ctx, name)
	if err != nil {
		return err
	}
	if got := inWords(o.Size); got != bytes {
		return fmt.Errorf("it has %s", got)
	}
	return nil
}

// executed counts the commands that hosts were sent.
func (s *scene) executed(command, n string) error {
	got := 0
	for _, e := range s.w.Journal() {
		if e.Call == "agent "+command {
			got++
		}
	}
	if strconv.Itoa(got) != n {
		return fmt.Errorf("they executed it %d times", got)
	}
	return nil
}

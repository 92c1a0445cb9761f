package steps

import (
	"context"
	"fmt"
	"strconv"
	"strings"

	"github.com/cucumber/godog"

	"github.com/spsim/spsim/driver/agentapi"
	"github.com/spsim/spsim/driver/inventory"
	"github.com/spsim/spsim/scenarios/mgmt"
	"github.com/spsim/spsim/scenarios/world"
)

var (
	reTemplate   = expression(`^the (qcow2|raw) template "([^"]+)" of (\d+ \w+) with the pattern "([^"]+)"$`)
	reUntemplate = expression(`^the template "([^"]+)" is deleted` + outcome)
	reCollect    = expression(`^CloudStack collects garbage` + outcome)
	reCachedSize = expression(`^the cached copy of "([^"]+)" has (\d+ \w+)$`)
	reExecuted   = expression(`^the agents executed "([^"]+)" (\d+) times?$`)
	reDirect     = expression(`^the template "([^"]+)" of (\d+ \w+) with the pattern "([^"]+)", which hosts download themselves(, packed|, broken)?$`)
	reCachedRow  = expression(`^the cached copy of "([^"]+)" is on record with (\d+ \w+)$`)
	reCachedHas  = expression(`^the cached copy of "([^"]+)" has$`)
	reNoDownload = expression(`^no host keeps what it has downloaded$`)
	reCached     = expression(`^the template "([^"]+)" is (not cached|cached once)$`)
)

func (s *scene) templateSteps(sc registrar) {
	sc.Step(reTemplate(), s.registerTemplate)
	sc.Step(reUntemplate(), s.deleteTemplate)
	sc.Step(reCollect(), s.collect)
	sc.Step(reCached(), s.cached)
	sc.Step(reCachedSize(), s.cachedSize)
	sc.Step(reDirect(), s.publish)
	sc.Step(reCachedRow(), s.cachedRow)
	sc.Step(reCachedHas(), s.cachedHas)
	sc.Step(reNoDownload(), s.noDownload)
	sc.Step(reExecuted(), s.executed)
}

// registerTemplate writes the pattern at the beginning and at the end of the image.
func (s *scene) registerTemplate(ctx context.Context, format, name, bytes, what string) error {
	n, err := size(bytes)
	if err != nil {
		return err
	}
	marks := []mark{{0, what}, {n - patternSize, what}}
	spec := mgmt.TemplateSpec{Name: name, Zone: s.zone, Size: n, Format: agentapi.QCOW2, Write: s.imageOf(marks)}
	if format == "raw" {
		spec.Format = agentapi.RAW
	}
	row, err := s.m().RegisterTemplate(ctx, spec)
	if err != nil {
		return fmt.Errorf("register template %q: %w", name, err)
	}
	s.templates[name], s.images[name] = row.ID, marks
	return nil
}

// publish puts a template on the web, with the pattern at the beginning and at the end.
func (s *scene) publish(name, bytes, what, how string) error {
	n, err := size(bytes)
	if err != nil {
		return err
	}
	marks := []mark{{0, what}, {n - patternSize, what}}
	row, err := s.m().RegisterDirectTemplate(name, s.zone, n)
	if err != nil {
		return err
	}
	s.w.Publish(row.ID, world.Published{Size: n, Write: s.imageOf(marks), Packed: how == ", packed", Broken: how == ", broken"})
	s.templates[name], s.images[name] = row.ID, marks
	return nil
}

func (s *scene) cachedRow(template, bytes string) error {
	id, err := s.template(template)
	if err != nil {
		return err
	}
	return s.inv().View(func(tx *inventory.Tx) error {
		row, ok := tx.TemplatePools.Find(func(r inventory.TemplatePool) bool { return r.Template == id })
		if got := inWords(row.Size); !ok || got != bytes {
			return fmt.Errorf("it is on record with %s", got)
		}
		return nil
	})
}

func (s *scene) cachedHas(ctx context.Context, template string, t *godog.Table) error {
	o, err := s.cachedCopy(ctx, template)
	if err != nil {
		return err
	}
	return s.matches(ctx, o, t)
}

func (s *scene) noDownload() error {
	left, err := s.w.Downloads()
	if err == nil && len(left) > 0 {
		err = fmt.Errorf("there are %s", strings.Join(left, ", "))
	}
	return err
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

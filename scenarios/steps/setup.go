package steps

import (
	"context"
	"fmt"
	"regexp"
	"strconv"

	"github.com/cucumber/godog"

	"github.com/spsim/spsim/driver/inventory"
	"github.com/spsim/spsim/scenarios/mgmt"
	"github.com/spsim/spsim/scenarios/world"
)

var (
	reZone     = regexp.MustCompile(`^a zone with (\d+) hosts(?: and the StorPool pool "([^"]+)")?$`)
	reBypass   = regexp.MustCompile(`^the bypass of secondary storage is (on|off)$`)
	reSetting  = regexp.MustCompile(`^the setting "([^"]+)" of the (management server|pool|zone) is "([^"]*)"$`)
	reDiskOff  = regexp.MustCompile(`^the disk offering "([^"]+)" with (.+)$`)
	reComputes = regexp.MustCompile(`^the compute offering "([^"]+)" with (.+)$`)
)

func (s *scene) setupSteps(sc *godog.ScenarioContext) {
	sc.Step(reZone, s.zoneWith)
	sc.Step(reBypass, s.bypass)
	sc.Step(reSetting, s.setting)
	sc.Step(reDiskOff, s.diskOffering)
	sc.Step(reComputes, s.computeOffering)
}

// zoneWith makes the scenario's world: hosts, secondary storage, offerings, and a pool over the placement template hdd.
func (s *scene) zoneWith(ctx context.Context, hosts, pool string) error {
	n, err := strconv.Atoi(hosts)
	if err != nil {
		return fmt.Errorf("hosts %q: %w", hosts, err)
	}
	driver := s.o.Driver
	if driver == "correct" {
		driver = ""
	}
	s.w, err = world.New(world.Options{ //nolint:contextcheck // it waits for nothing but its own clock
		Seed: seedOf(s.o.Seed, s.title), Driver: driver, Hosts: n, NoPool: pool != defaultPool,
	})
	if err != nil {
		return err
	}
	switch pool {
	case "":
	case defaultPool:
		s.pools[pool] = s.w.Pool.ID
	default:
		return s.createPool(ctx, pool, "hdd")
	}
	return nil
}

const defaultPool = "primary"

// createPool adds a pool over a placement template.
func (s *scene) createPool(ctx context.Context, name, template string) error {
	return s.perform(ctx, func(ctx context.Context) error {
		p, err := s.w.CreatePool(ctx, name, template)
		s.pools[name] = p.ID
		return err
	})
}

// bypass sets CloudStack's own setting, the one that every version reads.
func (s *scene) bypass(state string) error {
	value := "true"
	if state == "on" {
		value = "false"
	}
	return s.m().SetSetting(inventory.Global(), mgmt.BackupSetting, value)
}

func (s *scene) setting(key, scope, value string) error {
	owner := inventory.Global()
	switch scope {
	case "pool":
		owner = inventory.Owner{Kind: inventory.OfPool, ID: s.w.Pool.ID}
	case "zone":
		owner = inventory.Owner{Kind: inventory.OfZone, ID: s.w.Zone.ID}
	}
	return s.m().SetSetting(owner, key, value)
}

func spec(name, text string) (mgmt.OfferingSpec, error) {
	o, err := details(text)
	if err != nil {
		return mgmt.OfferingSpec{}, err
	}
	out := mgmt.OfferingSpec{Name: name, Size: o.size, MaxIOPS: o.iops, Details: map[string]string{}}
	if o.tier != "" {
		out.Details[mgmt.TierDetail] = o.tier
	}
	if o.template != "" {
		out.Details[mgmt.TemplateDetail] = o.template
	}
	return out, nil
}

func (s *scene) diskOffering(name, text string) error {
	o, err := spec(name, text)
	if err != nil {
		return err
	}
	row, err := s.m().CreateDiskOffering(o)
	if err != nil {
		return fmt.Errorf("disk offering %q: %w", name, err)
	}
	s.offerings[name] = row.ID
	return nil
}

func (s *scene) computeOffering(name, text string) error {
	o, err := spec(name, text)
	if err != nil {
		return err
	}
	row, err := s.m().CreateServiceOffering(o)
	if err != nil {
		return fmt.Errorf("compute offering %q: %w", name, err)
	}
	s.computes[name] = row.ID
	return nil
}

package steps

import (
	"context"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/spsim/spsim/driver/inventory"
	"github.com/spsim/spsim/emulator"
	"github.com/spsim/spsim/scenarios/mgmt"
	"github.com/spsim/spsim/scenarios/world"
)

var (
	reZone       = expression(`^a zone with (\d+) hosts(?: and the StorPool pool "([^"]+)")?(?:,? (in 2 clusters|where a revert resets limits|behind a meddling proxy|with another StorPool far away|with a second StorPool cluster beside it|with a cluster beside it and another StorPool far away|whose hosts say yes to whatever encryption fails))?$`)
	reBypass     = expression(`^the bypass of secondary storage is (on|off)$`)
	reSetting    = expression(`^the setting "([^"]+)" of the (management server|pool|zone) is "([^"]*)"$`)
	reSettingOf  = expression(`^the setting "([^"]+)" of the pool "([^"]+)" is "([^"]*)"$`)
	reSettingURL = expression(`^the setting "([^"]+)" of the pool is the URL "([^"]*)"$`)
	reDiskOff    = expression(`^the disk offering "([^"]+)" with (.+)$`)
	reComputes   = expression(`^the compute offering "([^"]+)" with (.+)$`)
)

func (s *scene) setupSteps(sc registrar) {
	sc.Step(reZone(), s.zoneWith)
	sc.Step(reBypass(), s.bypass)
	sc.Step(reSetting(), s.setting)
	sc.Step(reSettingOf(), s.settingOf)
	sc.Step(reSettingURL(), s.settingURL)
	sc.Step(reDiskOff(), s.diskOffering)
	sc.Step(reComputes(), s.computeOffering)
}

// zoneWith makes the scenario's world: hosts, secondary storage, offerings, and a pool over the placement template hdd.
func (s *scene) zoneWith(ctx context.Context, hosts, pool, feature string) error {
	n, err := strconv.Atoi(hosts)
	if err != nil {
		return fmt.Errorf("hosts %q: %w", hosts, err)
	}
	driver := s.o.Driver
	if driver == "correct" {
		driver = ""
	}
	o := world.Options{
		Seed: seedOf(s.o.Seed, s.title), Driver: driver, Hosts: n, NoPool: pool != defaultPool, AtStep: s.atStep,
	}
	switch feature {
	case "in 2 clusters":
		o.Clusters, feature = 2, ""
	case "where a revert resets limits":
		o.Behaviour.RevertResetsLimits = true
	case "whose hosts say yes to whatever encryption fails":
		o.Driver, feature = strings.TrimPrefix(driver+",A-1", ","), ""
	}
	if o.Target, err = s.target(o, n, feature); err != nil { //nolint:contextcheck // it outlives the step that makes it
		return err
	}
	s.w, err = world.New(o) //nolint:contextcheck // it waits for nothing but its own clock
	if err != nil {
		return err
	}
	s.zone = s.w.Zone.ID
	switch pool {
	case "":
	case defaultPool:
		s.pools[pool] = s.w.Pool.ID
	default:
		return s.createPool(ctx, pool, "hdd")
	}
	return nil
}

// target makes the StorPool of a zone that is not the world's own, if its feature asks for one.
func (s *scene) target(o world.Options, hosts int, feature string) (world.Target, error) {
	far := emulator.Member{ID: "faraw.a", Name: otherStorPool, Location: "far"}
	if s.o.Target != nil {
		return s.given(feature)
	}
	switch feature {
	case "with another StorPool far away":
		o.Behaviour.RemoteCopy = time.Minute
		return s.federate(o, hosts, far)
	case "with a cluster beside it and another StorPool far away":
		return s.federate(o, hosts, emulator.Member{ID: "spsm.c", Name: besideStorPool}, far)
	case "with a second StorPool cluster beside it":
		return s.federate(o, hosts, emulator.Member{ID: "spsm.c", Name: otherStorPool})
	case "behind a meddling proxy":
		e, err := world.NewEmbedded(o.Seed, hosts, o.Behaviour)
		if err != nil {
			return nil, err
		}
		s.own = e
		return &proxy{Embedded: e}, nil
	}
	return nil, nil // the world makes its own
}

// given is the StorPool that the run was given.
func (s *scene) given(feature string) (world.Target, error) {
	if feature != "" {
		return nil, Skip("needs a StorPool " + feature)
	}
	t, err := s.o.Target()
	if t != nil {
		s.own = t
	}
	return t, err
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
		owner = inventory.Owner{Kind: inventory.OfZone, ID: s.zone}
	}
	return s.m().SetSetting(owner, key, value)
}

func (s *scene) settingOf(key, pool, value string) error {
	id, err := s.pool(pool)
	if err != nil {
		return err
	}
	return s.m().SetSetting(inventory.Owner{Kind: inventory.OfPool, ID: id}, key, value)
}

func (s *scene) settingURL(key, form string) error { return s.setting(key, "pool", s.url(form)) }

func spec(name, text string) (mgmt.OfferingSpec, error) {
	o, err := details(text)
	if err != nil {
		return mgmt.OfferingSpec{}, err
	}
	out := mgmt.OfferingSpec{Name: name, Size: o.size, MaxIOPS: o.iops, Encrypt: o.encrypt, Details: map[string]string{}}
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

package steps

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/cucumber/godog"

	"github.com/spsim/spsim/driver/inventory"
	"github.com/spsim/spsim/scenarios/mgmt"
)

var (
	reMigrate   = expression(`^the VM "([^"]+)" is migrated to (?:host (\d+)|(another host|the host where it runs))` + outcome)
	reRunsOn    = expression(`^the VM "([^"]+)" runs on (the same|another) host$`)
	reMove      = expression(`^the disk "([^"]+)" is migrated( live)? to the pool "([^"]+)"(?: with the offering "([^"]+)")?` + outcome)
	reSameObj   = expression(`^the StorPool volume of "([^"]+)" is (the same|another one)$`)
	reRemember  = expression(`^the StorPool volume of "([^"]+)" is remembered$`)
	reBake      = expression(`^the template "([^"]+)" is made from the (disk|snapshot) "([^"]+)"(?: under the name "([^"]+)")?( while its backup is damaged)?` + outcome)
	reImage     = expression(`^the image of "([^"]+)" holds the pattern "([^"]+)"(?: at (\d+ \w+))?$`)
	reBaseHas   = expression(`^the base snapshot of "([^"]+)" has$`)
	reBaseHolds = expression(`^the base snapshot of "([^"]+)" holds the pattern "([^"]+)"$`)
	reNoTrace   = expression(`^there is no trace of a template but "([^"]*)"$`)
)

func (s *scene) migrationSteps(sc registrar) {
	sc.Step(reMigrate(), s.migrate)
	sc.Step(reRunsOn(), s.runsOn)
	sc.Step(reMove(), s.moveDisk)
	sc.Step(reRemember(), s.rememberObject)
	sc.Step(reSameObj(), s.sameObject)
	sc.Step(reBake(), s.bakeTemplate)
	sc.Step(reImage(), s.imageHolds)
	sc.Step(reBaseHas(), s.baseHas)
	sc.Step(reBaseHolds(), s.baseHolds)
	sc.Step(reNoTrace(), s.noTrace)
}

// migrate moves a VM; where it ran before is what "the same" and "another" refer to later.
func (s *scene) migrate(ctx context.Context, vm, number, which, outcome string) error {
	from, err := s.hostOf(vm)
	if err != nil {
		return err
	}
	to := from
	switch {
	case number != "":
		if to, err = s.hostRow(number); err != nil {
			return err
		}
	case which == "another host":
		for _, h := range s.w.Hosts {
			if h.ID != from.ID {
				to = h
				break
			}
		}
	}
	s.bases["host of "+vm] = fmt.Sprint(from.ID)
	return s.act(ctx, outcome, func(ctx context.Context) error {
		_, err := s.m().MigrateVM(ctx, s.vms[vm], to.ID)
		return err
	})
}

func (s *scene) runsOn(vm, which string) error {
	h, err := s.hostOf(vm)
	if err != nil {
		return err
	}
	if before := s.bases["host of "+vm]; (before == fmt.Sprint(h.ID)) != (which == "the same") {
		return fmt.Errorf("it ran on host %s and runs on host %d", before, h.ID)
	}
	return nil
}

// moveDisk follows the row that has the identity of the disk afterwards.
func (s *scene) moveDisk(ctx context.Context, disk, live, pool, offering, outcome string) error {
	id, err := s.disk(disk)
	if err != nil {
		return err
	}
	spec := mgmt.MoveSpec{Volume: id, Live: live != ""}
	if spec.Pool, err = s.pool(pool); err != nil {
		return err
	}
	if offering != "" {
		if spec.Offering, err = get(s.offerings, "disk offering", offering); err != nil {
			return err
		}
	}
	return s.act(ctx, outcome, func(ctx context.Context) error {
		v, err := s.m().MigrateVolume(ctx, spec)
		if err == nil {
			s.disks[disk] = v.ID
		}
		return err
	})
}

func (s *scene) rememberObject(ctx context.Context, disk string) error {
	o, err := s.object(ctx, "volume", disk)
	s.bases["object of "+disk] = o.GlobalID
	return err
}

func (s *scene) sameObject(ctx context.Context, disk, which string) error {
	o, err := s.object(ctx, "volume", disk)
	if err != nil {
		return err
	}
	before := s.bases["object of "+disk]
	if (before == o.GlobalID) != (which == "the same") {
		return fmt.Errorf("it was ~%s and is ~%s", before, o.GlobalID)
	}
	all, err := s.observe(ctx)
	if err != nil {
		return err
	}
	for _, x := range all.Objects {
		if which != "the same" && x.GlobalID == before {
			return fmt.Errorf("the old one, ~%s, is there still", before)
		}
	}
	return nil
}

func (s *scene) bakeTemplate(ctx context.Context, name, kind, source, called, damaged, outcome string) error {
	if called == "" {
		called = name
	}
	known, do := s.disk, s.m().CreateTemplateFromVolume
	marks := s.written
	if kind == "snapshot" {
		known, do, marks = s.snapshot, s.m().CreateTemplateFromSnapshot, s.taken
	}
	id, err := known(source)
	if err != nil {
		return err
	}
	return s.act(ctx, outcome, func(ctx context.Context) error {
		mend := func() error { return nil }
		if damaged != "" {
			if mend, err = s.damageBackup(id); err != nil {
				return err
			}
		}
		row, err := do(ctx, id, called)
		if back := mend(); back != nil {
			return back
		}
		if err == nil {
			s.templates[name], s.images[name] = row.ID, clone(marks[source])
		}
		return err
	})
}

// damageBackup overwrites the beginning of a snapshot's file on secondary storage; mend puts it back.
func (s *scene) damageBackup(snapshot inventory.ID) (mend func() error, err error) {
	ref, ok := s.record(snapshot, inventory.Image)
	if !ok {
		return nil, errors.New("it has no backup")
	}
	path := filepath.Join(s.w.Folder(), "nfs.test", "export", "secondary-1", filepath.FromSlash(ref.Path))
	whole, err := os.ReadFile(path) //nolint:gosec // the scenario's own file
	if err != nil {
		return nil, fmt.Errorf("damage a backup: %w", err)
	}
	broken := append([]byte("damaged"), whole[7:]...)
	write := func(b []byte) error { return os.WriteFile(path, b, 0o600) } //nolint:gosec // the scenario's own file
	return func() error { return write(whole) }, write(broken)
}

func (s *scene) imageHolds(ctx context.Context, template, name, at string) error {
	off, err := offset(at)
	if err != nil {
		return err
	}
	id, err := s.template(template)
	if err != nil {
		return err
	}
	b := make([]byte, patternSize)
	if err := s.perform(ctx, func(ctx context.Context) error { return s.w.ReadTemplate(ctx, id, off, b) }); err != nil {
		return fmt.Errorf("read the image of %q: %w", template, err)
	}
	if err := compare(s.o.Seed, name, b); err != nil {
		return fmt.Errorf("the image of %q %w", template, err)
	}
	s.proof = true
	return nil
}

// basePath is the device path of the base snapshot that a template has on record.
func (s *scene) basePath(template string) (path string, err error) {
	id, err := s.template(template)
	if err != nil {
		return "", err
	}
	_ = s.inv().View(func(tx *inventory.Tx) error { // the function returns no error
		row, _ := tx.TemplateStores.Find(func(r inventory.TemplateStore) bool { return r.Template == id })
		path = row.LocalPath
		return nil
	})
	return path, nil
}

func (s *scene) baseHas(ctx context.Context, template string, t *godog.Table) error {
	path, err := s.basePath(template)
	if err != nil {
		return err
	}
	o, err := s.at(ctx, path, template)
	if err != nil {
		return err
	}
	return s.matches(ctx, o, t)
}

func (s *scene) baseHolds(ctx context.Context, template, name string) error {
	path, err := s.basePath(template)
	if err != nil {
		return err
	}
	gid, err := gidOf(path, template)
	if err != nil {
		return err
	}
	b := make([]byte, patternSize)
	if err := s.perform(ctx, func(ctx context.Context) error { return s.w.ReadObject(ctx, gid, true, 0, b) }); err != nil {
		return fmt.Errorf("read the base snapshot of %q: %w", template, err)
	}
	if err := compare(s.o.Seed, name, b); err != nil {
		return fmt.Errorf("the base snapshot of %q %w", template, err)
	}
	s.proof = true
	return nil
}

// noTrace looks for rows, files and StorPool objects of templates, but those of the names given, parted by commas.
func (s *scene) noTrace(ctx context.Context, but string) error {
	o, err := s.observe(ctx)
	if err != nil {
		return err
	}
	allowed := map[string]bool{}
	for name := range strings.SplitSeq(but, ",") {
		if uuid, err := s.uuid(name); err == nil {
			allowed[uuid] = true
		}
	}
	for _, t := range o.Inventory.Templates {
		if !t.ISO && !t.Removed && !allowed[t.UUID] {
			return fmt.Errorf("the inventory has the template %q", t.Name)
		}
	}
	for _, x := range o.Objects {
		if x.Tags["cs"] == "template" && !allowed[x.Tags["uuid"]] {
			return fmt.Errorf("StorPool has ~%s", x.GlobalID)
		}
	}
	if len(allowed) == 0 {
		for _, f := range o.Files {
			if strings.HasPrefix(f.Name, "template/") {
				return fmt.Errorf("secondary storage has %s", f.Name)
			}
		}
	}
	return nil
}

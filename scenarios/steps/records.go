package steps

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/cucumber/godog"

	"github.com/spsim/spsim/driver/inventory"
)

var (
	reRecord = expression(`^the inventory has the disk "([^"]+)" with$`)
	reUsed   = expression(`^the pool "([^"]+)" has (\d+ \w+) in use$`)
	reError  = expression(`^the error says "([^"]+)"$`)
)

func (s *scene) recordSteps(sc registrar) {
	sc.Step(reRecord(), s.recordHas)
	sc.Step(reUsed(), s.used)
	sc.Step(reError(), s.errorSays)
}

// recordHas compares a volume row with a table.
func (s *scene) recordHas(ctx context.Context, disk string, t *godog.Table) error {
	v, err := s.volumeOf(disk)
	if err != nil {
		return err
	}
	lines, err := pairs(t)
	if err != nil {
		return err
	}
	var errs []error
	for _, p := range lines {
		got, err := s.member(ctx, v, disk, p.key)
		if err != nil {
			return err
		}
		if got != p.value {
			errs = append(errs, fmt.Errorf("%s is %s, not %s", p.key, got, p.value))
		}
	}
	return errors.Join(errs...)
}

// member returns a member of a volume row in the words of the tables.
func (s *scene) member(ctx context.Context, v inventory.Volume, disk, key string) (string, error) {
	switch key {
	case "state":
		return string(v.State), nil
	case "size":
		return inWords(v.Size), nil
	case "iops":
		return limitInWords(v.MaxIOPS), nil
	case "kind":
		return string(v.Kind), nil
	case "pool":
		return nameOf(s.pools, v.Pool), nil
	case "pool type":
		return v.PoolType, nil
	case "vm":
		return nameOf(s.vms, v.VM), nil
	case "offering":
		return nameOf(s.offerings, v.Offering), nil
	case "encrypt format":
		return cmp.Or(v.EncryptFormat, "none"), nil
	case "path":
		if _, err := s.object(ctx, "volume", disk); err != nil {
			return "", err
		}
		return "of its volume", nil
	}
	return "", fmt.Errorf("a disk has no %q in the inventory", key)
}

func nameOf(in map[string]inventory.ID, id inventory.ID) string {
	for name, other := range in {
		if other == id {
			return name
		}
	}
	return "none"
}

func (s *scene) used(pool, bytes string) error {
	id, err := s.pool(pool)
	if err != nil {
		return err
	}
	row, err := rowOf(s, id, func(tx *inventory.Tx) *inventory.Table[inventory.Pool] { return tx.Pools })
	if err != nil {
		return err
	}
	if got := inWords(row.Used); got != bytes {
		return fmt.Errorf("the pool has %s in use", got)
	}
	return nil
}

// errorSays looks into the error of the last action.
func (s *scene) errorSays(text string) error {
	if s.last == nil {
		return errors.New("the last action did not fail")
	}
	if !strings.Contains(s.last.Error(), text) {
		return fmt.Errorf("the error says: %w", s.last)
	}
	return nil
}

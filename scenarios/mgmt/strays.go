package mgmt

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/spsim/spsim/driver"
	"github.com/spsim/spsim/driver/agentapi"
	"github.com/spsim/spsim/driver/inventory"
)

// strayFile begins the names of a volume's details that tell of files which a host may leave behind, or yet make.
const strayFile = "stray.file."

// stray is such a file: on a primary pool ("pool") or on secondary storage ("image"), there also a template's folder
// ("template").
type stray struct {
	where string
	store inventory.ID
	path  string
}

func (f stray) String() string { return fmt.Sprintf("%s %d %s", f.where, f.store, f.path) }

func strayName(path string) string { return strayFile + path[strings.LastIndexByte(path, '/')+1:] }

// noteStray is called before a host makes a file. [Server.Sync] removes it, unless the note is taken back.
func (s *Server) noteStray(volume inventory.ID, f stray) error {
	return s.update(func(tx *inventory.Tx) error {
		tx.Details.Set(ofVolume(volume), strayName(f.path), f.String())
		return nil
	})
}

// failedStray keeps a note of a file that the host may have made, or may yet make. On a pool a host that refuses leaves
// none; on secondary storage the file can be complete before the rest of the command fails.
func (s *Server) failedStray(volume inventory.ID, f stray, cause error) error {
	var agent *driver.AgentError
	if errors.As(cause, &agent) && (agent.Silent || agent.Odd || f.where != "pool") || errors.Is(cause, ErrSilent) || s.killed() {
		return cause
	}
	return errors.Join(cause, s.keepStray(volume, f))
}

// keepStray ends the care for a file that is on record now.
func (s *Server) keepStray(volume inventory.ID, f stray) error {
	return s.update(func(tx *inventory.Tx) error {
		tx.Details.Delete(ofVolume(volume), strayName(f.path))
		return nil
	})
}

// syncStrays removes what hosts have left, once they are done with it.
func (s *Server) syncStrays(ctx context.Context) error {
	var all []inventory.Detail
	errs := []error{s.inv.View(func(tx *inventory.Tx) error {
		all = tx.Details.Named(inventory.OfVolume, func(name string) bool { return strings.HasPrefix(name, strayFile) })
		return nil
	})}
	for _, d := range all {
		var f stray
		if n, err := fmt.Sscanf(d.Value, "%s %d %s", &f.where, &f.store, &f.path); n != 3 || err != nil {
			errs = append(errs, fmt.Errorf("file left by volume %d: %q", d.Owner.ID, d.Value))
			continue
		}
		if err := s.removeStray(ctx, f); err != nil {
			errs = append(errs, fmt.Errorf("file left by volume %d: %w", d.Owner.ID, err))
			continue
		}
		errs = append(errs, s.keepStray(d.Owner.ID, f))
	}
	return errors.Join(errs...)
}

func (s *Server) removeStray(ctx context.Context, f stray) error {
	switch f.where {
	case "image":
		return s.images.remove(f.store, f.path)
	case "template":
		return s.removeBake(ctx, f)
	}
	p, err := s.pool(f.store)
	if err != nil {
		return err
	}
	to := poolTO(p)
	_, err = s.askPool(ctx, p, agentapi.DeleteVolume{Volume: agentapi.Volume{Path: f.path, Pool: &to}})
	return err
}

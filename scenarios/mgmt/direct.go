package mgmt

import (
	"context"
	"errors"
	"fmt"

	"github.com/spsim/spsim/driver"
	"github.com/spsim/spsim/driver/agentapi"
	"github.com/spsim/spsim/driver/inventory"
)

// RegisterDirectTemplate records a template whose image hosts download by themselves, ready to deploy from.
func (s *Server) RegisterDirectTemplate(name string, zone inventory.ID, size int64) (t inventory.Template, err error) {
	err = s.update(func(tx *inventory.Tx) error {
		id := s.newID()
		t = tx.Templates.Put(inventory.Template{
			UUID: id, Name: name, Unique: "2-" + id, Zone: zone, Size: size, Format: string(agentapi.QCOW2), Direct: true,
		})
		return nil
	})
	return t, err
}

// downloadDirectly has a host of the pool download a template and cache it there.
func (s *Server) downloadDirectly(ctx context.Context, template, pool inventory.ID) (r driver.Result, err error) {
	if s.fetch == nil {
		return r, errors.New("mgmt: Config.Download is missing: hosts cannot download templates")
	}
	t, err := s.template(template)
	if err != nil {
		return r, err
	}
	var host inventory.Host
	found := false
	_ = s.inv.View(func(tx *inventory.Tx) error { // the function returns no error
		host, found = connected(tx, pool)
		return nil
	})
	if !found {
		return r, fmt.Errorf("download template %d: no host of pool %d is up", template, pool)
	}
	file, err := s.fetch(ctx, host, t)
	if err != nil {
		return r, fmt.Errorf("download template %d: %w", template, err)
	}
	return s.driver.DirectDownload(ctx, template, pool, host.ID, file)
}

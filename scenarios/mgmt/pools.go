package mgmt

import (
	"context"
	"errors"
	"fmt"

	"github.com/spsim/spsim/driver/inventory"
)

// connect connects a host to pools; the error joins those that failed.
func (s *Server) connect(ctx context.Context, host inventory.ID, pools []inventory.Pool) error {
	var errs []error
	for _, p := range pools {
		if err := s.driver.HostConnect(ctx, host, p.ID); err != nil {
			errs = append(errs, fmt.Errorf("connect host %d to pool %d: %w", host, p.ID, err))
		}
	}
	return errors.Join(errs...)
}

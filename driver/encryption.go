package driver

import (
	"fmt"

	"github.com/spsim/spsim/driver/inventory"
)

// plain refuses what cannot be done with an encrypted volume, before anything is touched (driver-strategies 10.3).
func plain(v inventory.Volume, why string) error {
	if v.Encrypted() {
		return fmt.Errorf("volume %d is encrypted, %s: %w", v.ID, why, ErrRefused)
	}
	return nil
}

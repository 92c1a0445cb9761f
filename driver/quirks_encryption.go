package driver

import (
	"github.com/spsim/spsim/driver/inventory"
	"github.com/spsim/spsim/driver/quirk"
)

// encryptionQuirks are the defects of encrypted volumes.
func encryptionQuirks() []quirk.Quirk[rules] {
	return []quirk.Quirk[rules]{
		{
			Info: defect("D-10e", "A", "10, 15.3", "copies of encrypted volumes and snapshots that cannot work are not refused", "S-29"),
			Apply: func(r *rules) {
				r.plain = func(inventory.Volume, string) error { return nil }
			},
		},
	}
}

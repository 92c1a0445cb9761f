package driver

import (
	"slices"

	"github.com/spsim/spsim/driver/quirk"
)

// Quirks describes the known defects of the existing plugin, those that cannot be expressed here included.
func Quirks() []quirk.Info { return quirk.Infos(quirks()) }

func quirks() []quirk.Quirk[rules] {
	return slices.Concat(poolQuirks(), volumeQuirks(), snapshotQuirks(), moveQuirks(), groupQuirks(), encryptionQuirks(), zoneQuirks(), orphanQuirks())
}

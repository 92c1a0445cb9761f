package driver

import "github.com/spsim/spsim/driver/quirk"

func poolQuirks() []quirk.Quirk[rules] { return nil }

package check_test

import (
	"github.com/spsim/spsim/driver/inventory"
	"github.com/spsim/spsim/scenarios/check"
)

func plantsOnEncryption() []planted {
	const (
		layers    = "encrypted volumes lie in one LUKS layer each"
		keys      = "encrypted volumes open with their own passphrase only"
		plaintext = "what encrypted volumes hold is readable nowhere"
		secrets   = "passphrases are with core and with the hosts of running guests only"
	)
	return []planted{
		{layers, "StorPool volume", `holds volume 4 "secret" in 0 LUKS layers`, func(o *check.Observation) { o.Sealed[0].Layers = 0 }},
		{layers, "StorPool volume", "in 2 LUKS layers", func(o *check.Observation) { o.Sealed[0].Layers = 2 }},
		{layers, `volume 4 "secret"`, "nobody has looked into it", func(o *check.Observation) { o.Sealed = nil }},
		{layers, `volume 4 "secret"`, `encrypt format ""`, func(o *check.Observation) { o.Inventory.Volumes[3].EncryptFormat = "" }},
		{keys, "StorPool volume", "does not open with the passphrase", func(o *check.Observation) { o.Sealed[0].Damage = "broken" }},
		{keys, "StorPool volume", "opens with another passphrase", func(o *check.Observation) { o.Sealed[0].Others = true }},
		{keys, `volume 4 "secret"`, "passphrase is not on record", func(o *check.Observation) { o.Inventory.Passphrases = nil }},
		{plaintext, "file x", "holds the plaintext", func(o *check.Observation) {
			o.Leaks = append(o.Leaks, check.Leak{Place: "file x", What: "the plaintext"})
		}},
		{secrets, "the log", "shows the passphrase", func(o *check.Observation) {
			o.Leaks = append(o.Leaks, check.Leak{Place: "the log", What: "the passphrase", Passphrase: true})
		}},
		{secrets, "host 1", "holds 1 passphrases in the memory", func(o *check.Observation) { o.Hosts[0].Held = 1 }},
		{secrets, "host 2", "keeps the passphrase of /dev/x", func(o *check.Observation) { o.Hosts[1].Secrets = []string{"/dev/x"} }},
		{"sizes agree", `volume 4 "secret"`, "guest i-2-1-VM sees 7", func(o *check.Observation) { o.Hosts[0].Guests[0].Disks[2].Size = 7 }},
		{"sizes agree", `volume 4 "secret"`, "sees 1048576", func(o *check.Observation) { o.Inventory.Volumes[3].Template = 1 }},
		{"used bytes agree", "pool primary", "its volumes have 3145728", func(o *check.Observation) {
			o.Inventory.Volumes[3].State = inventory.VolumeExpunged
		}},
	}
}

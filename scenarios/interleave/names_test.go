package interleave

import (
	"testing"

	"github.com/stretchr/testify/assert"
)

func TestStatesAreTheSameUnderOtherIDs(t *testing.T) {
	t.Parallel()
	known := map[string]bool{"spsm.b.1": true}
	world := func(volume, gid, uuid, parent string) state {
		return canonical([]string{
			"volume " + volume + ": {ID:" + volume + " UUID:" + uuid + " Name:a_20231114221320 Path:/dev/storpool-byid/" + gid + "}",
			"StorPool object " + gid + ": {Parent:~" + parent + " Tags:map[uuid:" + uuid + "]}",
			"StorPool object spsm.b.1: {}",
		}, known)
	}
	one := world("710001000000001", "spsm.b.7", "9222ee3b-6798-4fe5-a68e-c4fe9d17472f", "spsm.b.1")
	assert.Empty(t, one.changes(world("720003000000002", "spsm.b.9", "3763ddbb-c067-492e-b7d1-000930f8eecd", "spsm.b.1")))
	other := world("710001000000001", "spsm.b.7", "9222ee3b-6798-4fe5-a68e-c4fe9d17472f", "spsm.b.8")
	assert.NotEmpty(t, one.changes(other), "the parent is another")
	split := canonical([]string{"volume 710001000000001: /spsm.b.7", "volume 710001000000002: /spsm.b.8"}, known)
	assert.NotEmpty(t, split.changes(canonical([]string{"volume 710001000000001: /spsm.b.7", "volume 710001000000002: /spsm.b.7"}, known)),
		"two volumes have one object")
}

package emulator

import (
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/spsim/spsim/emulator/cluster"
)

func TestBadOptionIsRefused(t *testing.T) {
	t.Parallel()
	noServers := cluster.DefaultModel()
	noServers.Servers = 0
	for wants, opt := range map[string]Option{
		"token":          WithToken(""),
		"status profile": WithStatus("never"),
		"journal":        WithJournal(-1),
		"largest body":   WithMaxBody(0),
		"clock":          WithClock(nil),
		"logger":         WithLog(nil),
		"servers":        WithModel(noServers),
		"id":             WithCluster("nodot", "name"),
	} {
		s, err := New(opt)
		assert.ErrorContains(t, err, wants)
		assert.Nil(t, s, wants)
	}
}

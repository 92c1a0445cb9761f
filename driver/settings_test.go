package driver

import (
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/spsim/spsim/driver/inventory"
)

func TestEveryDefaultIsOfItsKind(t *testing.T) {
	t.Parallel()
	seen := map[string]bool{}
	for _, s := range Settings() {
		assert.False(t, seen[s.Name], "%s is listed twice", s.Name)
		seen[s.Name] = true
		var err error
		switch s.Kind {
		case "bool":
			_, err = parseFlag(s.Default)
		case "seconds":
			_, err = parseSeconds(s.Default)
		default:
			assert.Equal(t, "text", s.Kind, s.Name)
		}
		require.NoError(t, err, s.Name)
	}
}

func TestTheNarrowestScopeDecidesAndNonsenseIsPassedOver(t *testing.T) {
	t.Parallel()
	pool, zone := inventory.Owner{Kind: inventory.OfPool, ID: 1}, inventory.Owner{Kind: inventory.OfZone, ID: 1}
	for _, x := range []struct {
		name               string
		global, zone, pool string
		want               time.Duration
		warned             bool
	}{
		{name: SettingDeleteAfter, want: 0},
		{name: SettingDeleteAfter, global: "10", want: 10 * time.Second},
		{name: SettingDeleteAfter, global: "10", pool: "20", want: 20 * time.Second},
		{name: SettingDeleteAfter, global: "10", zone: "30", want: 10 * time.Second},
		{name: SettingDeleteAfter, global: "10", pool: "soon", want: 10 * time.Second, warned: true},
		{name: SettingDeleteAfter, pool: "-5", want: 0, warned: true},
		{name: SettingVolumesStats, pool: "7", want: time.Hour},
		{name: SettingBackupWait, global: "x", want: 6 * time.Hour, warned: true},
	} {
		t.Run(fmt.Sprint(x), func(t *testing.T) {
			t.Parallel()
			b := newBench(t, "")
			b.change(func(tx *inventory.Tx) {
				for owner, value := range map[inventory.Owner]string{inventory.Global(): x.global, zone: x.zone, pool: x.pool} {
					if value != "" {
						tx.Details.Set(owner, x.name, value)
					}
				}
			})
			b.view(func(tx *inventory.Tx) { assert.Equal(t, x.want, b.seconds(tx, x.name, pool, zone)) })
			assert.Equal(t, x.warned, b.lines.Len() > 0, "a nonsense value leaves a line in the log")
		})
	}
}

func TestTheBypassHasTwoNamesAndTheNarrowestScopeDecides(t *testing.T) {
	t.Parallel()
	type values struct{ bypass, backup string } // "" is not set
	for _, x := range []struct {
		global, zone, pool values
		want, upstream     bool
	}{
		{want: false, upstream: false},
		{global: values{backup: "false"}, want: true, upstream: true},
		{global: values{bypass: "true"}, want: true, upstream: false},
		{global: values{"true", "true"}, want: true, upstream: false},
		{global: values{"false", "false"}, want: true, upstream: true},
		{global: values{"true", "false"}, zone: values{bypass: "false"}, want: false, upstream: true},
		{global: values{"true", "false"}, zone: values{backup: "true"}, want: false, upstream: true},
		{zone: values{backup: "false"}, pool: values{bypass: "false"}, want: false, upstream: false},
		{zone: values{bypass: "false"}, pool: values{bypass: "true"}, want: true, upstream: false},
		{zone: values{bypass: "true"}, pool: values{bypass: "what"}, want: true, upstream: false},
	} {
		t.Run(fmt.Sprint(x), func(t *testing.T) {
			t.Parallel()
			for quirks, want := range map[string]bool{"": x.want, "SUS-4": x.upstream} {
				b := newBench(t, quirks)
				pool := b.pool()
				b.change(func(tx *inventory.Tx) {
					for owner, v := range map[inventory.Owner]values{
						inventory.Global():                   x.global,
						{Kind: inventory.OfZone, ID: 1}:      x.zone,
						{Kind: inventory.OfPool, ID: pool}:   x.pool,
						{Kind: inventory.OfPool, ID: 99}:     {"true", "false"},
						{Kind: inventory.OfCluster, ID: 1}:   {"true", "false"},
						{Kind: inventory.OfVolume, ID: pool}: {"true", "false"},
					} {
						if v.bypass != "" {
							tx.Details.Set(owner, SettingBypass, v.bypass)
						}
						if v.backup != "" {
							tx.Details.Set(owner, SettingBackupToSecondary, v.backup)
						}
					}
				})
				got, err := b.Bypass(pool)
				require.NoError(t, err)
				assert.Equal(t, want, got, "quirks %q", quirks)
			}
		})
	}
}

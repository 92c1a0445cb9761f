package driver

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/spsim/spsim/driver/inventory"
	"github.com/spsim/spsim/driver/spapi"
)

func TestEachPlaceSendsTheTagsOfItsRow(t *testing.T) {
	t.Parallel()
	all := tagFacts{uuid: "U", vm: "M", policy: "gold", tier: "ssd", disk: "1"}
	bare := tagFacts{uuid: "U"}
	for site, want := range map[tagSite]struct{ all, bare spapi.Tags }{
		siteCreate: {
			spapi.Tags{"uuid": "U", "cvm": "M", "vc-policy": "gold", "qc": "ssd", "cs": "volume", "disk": "1"},
			spapi.Tags{"uuid": "U", "vc-policy": "", "cs": "volume"},
		},
		siteVolumeOfTemplate: {
			spapi.Tags{"uuid": "U", "cvm": "M", "vc-policy": "gold", "qc": "ssd", "cs": "volume", "disk": "1"},
			spapi.Tags{"uuid": "U", "vc-policy": "", "cs": "volume"},
		},
		siteVolumeOfSnapshot: {
			spapi.Tags{"uuid": "U", "cvm": "M", "vc-policy": "gold", "qc": "ssd", "cs": "volume"},
			spapi.Tags{"uuid": "U", "vc-policy": "", "cs": "volume"},
		},
		siteVolumeOfBackup:   {spapi.Tags{"uuid": "U", "cs": "volume"}, spapi.Tags{"uuid": "U", "cs": "volume"}},
		siteTemplateWork:     {spapi.Tags{"uuid": "U", "vc-policy": "no", "cs": "template"}, spapi.Tags{"uuid": "U", "vc-policy": "no", "cs": "template"}},
		siteTemplateSnapshot: {spapi.Tags{"uuid": "U", "cs": "template"}, spapi.Tags{"uuid": "U", "cs": "template"}},
		siteSnapshot:         {spapi.Tags{"uuid": "U", "cvm": "M", "cs": "snapshot"}, spapi.Tags{"uuid": "U", "cs": "snapshot"}},
		siteDelayDelete:      {spapi.Tags{"cs": "delayDelete"}, spapi.Tags{"cs": "delayDelete"}},
		siteAttach: {
			spapi.Tags{"uuid": "U", "cvm": "M", "vc-policy": "gold", "qc": "ssd", "cs": "volume", "disk": "1"},
			spapi.Tags{"uuid": "U", "vc-policy": "", "cs": "volume"},
		},
		siteDetach: {spapi.Tags{"cvm": "", "vc-policy": "", "disk": ""}, spapi.Tags{"cvm": "", "vc-policy": "", "disk": ""}},
	} {
		assert.Equal(t, want.all, site.tags(all), "place %d with everything", site)
		assert.Equal(t, want.bare, site.tags(bare), "place %d with the UUID only", site)
	}
}

func TestTagsNeedTheRowOfTheVM(t *testing.T) {
	t.Parallel()
	r := newRig(t, "")
	id := r.volume(func(v *inventory.Volume) { v.VM = 7 })
	_, err := r.CreateAsync(t.Context(), r.onPool(VolumeObject, id))
	require.ErrorIs(t, err, inventory.ErrNotFound)
	assert.ErrorContains(t, err, "VM 7")
	assert.Empty(t, r.sp.made())
}

func TestATierExcludesATemplate(t *testing.T) {
	t.Parallel()
	r := newRig(t, "")
	computeOnly := inventory.DiskOffering{ComputeOnly: true}
	var compute inventory.ID
	r.change(func(tx *inventory.Tx) {
		compute = tx.DiskOfferings.Put(computeOnly).ID
		service := tx.ServiceOfferings.Put(inventory.ServiceOffering{DiskOffering: compute})
		tx.Details.Set(inventory.Owner{Kind: inventory.OfServiceOffering, ID: service.ID}, offeringTemplate, "nvme")
		tx.Details.Set(inventory.Owner{Kind: inventory.OfServiceOffering, ID: service.ID}, offeringTier, "ignored")
	})
	for what, c := range map[string]struct {
		offering inventory.ID
		want     placement
	}{
		"no offering":                         {0, placement{}},
		"an offering without details":         {r.offering(0), placement{}},
		"a tier":                              {r.offering(0, offeringTier, "gold"), placement{tier: "gold"}},
		"a template":                          {r.offering(0, offeringTemplate, "ssd"), placement{template: "ssd"}},
		"both":                                {r.offering(0, offeringTier, "gold", offeringTemplate, "ssd"), placement{tier: "gold"}},
		"an empty tier and a template":        {r.offering(0, offeringTier, "", offeringTemplate, "ssd"), placement{template: "ssd"}},
		"the root disk of a service offering": {compute, placement{template: "nvme"}},
		"an offering that is gone":            {99, placement{}},
	} {
		r.view(func(tx *inventory.Tx) { assert.Equal(t, c.want, placementOf(tx, c.offering), what) })
	}
}

func TestALimitIsThatOfTheVolumeItself(t *testing.T) {
	t.Parallel()
	n := func(v int64) *int64 { return &v }
	tier := placement{tier: "gold"}
	type sites struct{ create, template, snapshot, revert *int64 }
	for _, c := range []struct {
		what  string
		facts limitFacts
		want  sites
	}{
		{"a limit", limitFacts{volume: 5}, sites{n(5), n(5), n(5), n(5)}},
		{"no limit", limitFacts{}, sites{nil, n(0), nil, n(0)}},
		{"no limit, but the source has one", limitFacts{source: 7}, sites{n(0), n(0), n(0), n(0)}},
		{"another limit than the source", limitFacts{volume: 5, source: 7}, sites{n(5), n(5), n(5), n(5)}},
		{"a tier", limitFacts{place: tier, volume: 5, source: 7}, sites{}},
	} {
		got := sites{
			iopsLimit(limitCreate, c.facts), iopsLimit(limitOfTemplate, c.facts),
			iopsLimit(limitOfSnapshot, c.facts), iopsLimit(limitRevert, c.facts),
		}
		assert.Equal(t, c.want, got, c.what)
	}
}

func TestTheRoomOfAHeaderIsAddedAndTakenAway(t *testing.T) {
	t.Parallel()
	assert.Equal(t, int64(10<<20), spSize(10<<20, false))
	assert.Equal(t, int64(12<<20), spSize(10<<20, true))
	assert.Equal(t, int64(10<<20), csSize(12<<20, true))
	assert.Equal(t, int64(10<<20), csSize(10<<20, false))
}

func TestTheFixedAnswers(t *testing.T) {
	t.Parallel()
	a := Answers()
	assert.Equal(t, map[Capability]bool{CopySnapshotBetweenZones: true, CreateTemplateFromSnapshot: true}, a.Capabilities)
	assert.True(t, a.VMInfoNeeded && a.HASupported && a.InformOnOfferingChange)
	assert.False(t, a.GrantAccess || a.HostCanAccessPool || a.AccessForMigration)
	assert.True(t, VMTagNeeded("vc-policy"))
	assert.False(t, VMTagNeeded("owner"))
}

package mgmt_test

import (
	"encoding/base64"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/spsim/spsim/driver/inventory"
	"github.com/spsim/spsim/scenarios/mgmt"
	"github.com/spsim/spsim/scenarios/world"
)

// passphrases are those on record, by number.
func (s *scene) passphrases() map[inventory.ID]string {
	out := map[inventory.ID]string{}
	require.NoError(s.t, s.Inventory.View(func(tx *inventory.Tx) error {
		for _, k := range tx.Passphrases.All(nil) {
			out[k.ID] = string(k.Value)
		}
		return nil
	}))
	return out
}

func TestEachEncryptedVolumeHasAPassphraseOfItsOwnWhichGoesWithIt(t *testing.T) {
	t.Parallel()
	seen := map[int64]string{}
	for _, seed := range []int64{1, 1, 2} {
		play(t, world.Options{Seed: seed}, func(s *scene) {
			o, err := s.Mgmt.CreateDiskOffering(mgmt.OfferingSpec{Name: "encrypted", Size: mib, Encrypt: true})
			require.NoError(t, err)
			one, err := s.Mgmt.CreateVolume(s.ctx, mgmt.VolumeSpec{Name: "one", Zone: s.Zone.ID, Offering: o.ID})
			s.ok(err)
			two, err := s.Mgmt.CreateVolume(s.ctx, mgmt.VolumeSpec{Name: "two", Zone: s.Zone.ID, Offering: o.ID})
			s.ok(err)
			keys := s.passphrases()
			require.Len(t, keys, 2)
			assert.NotEqual(t, keys[one.PassphraseID], keys[two.PassphraseID])
			for _, key := range keys {
				assert.Len(t, key, 64)
				raw, err := base64.StdEncoding.DecodeString(key)
				require.NoError(t, err)
				assert.Len(t, raw, 48)
			}
			if before, again := seen[seed]; again {
				assert.Equal(t, before, keys[one.PassphraseID], "the same seed makes the same passphrases")
			}
			seen[seed] = keys[one.PassphraseID]
			_, err = s.Mgmt.DeleteVolume(s.ctx, one.ID)
			s.ok(err)
			assert.Equal(t, map[inventory.ID]string{two.PassphraseID: keys[two.PassphraseID]}, s.passphrases())
		})
	}
	assert.NotEqual(t, seen[1], seen[2])
}

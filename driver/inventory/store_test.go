package inventory_test

import (
	"errors"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/spsim/spsim/driver/inventory"
)

func volumes(t *testing.T, s *inventory.Store) (out []inventory.Volume, details map[string]string) {
	t.Helper()
	require.NoError(t, s.View(func(tx *inventory.Tx) error {
		out = tx.Volumes.All(nil)
		details = tx.Details.Of(inventory.Owner{Kind: inventory.OfVolume, ID: 1})
		return nil
	}))
	return out, details
}

func TestAFailedUpdateChangesNothing(t *testing.T) {
	t.Parallel()
	s := inventory.New()
	own := inventory.Owner{Kind: inventory.OfVolume, ID: 1}
	require.NoError(t, s.Update(func(tx *inventory.Tx) error {
		assert.Equal(t, inventory.ID(1), tx.Volumes.Put(inventory.Volume{Name: "a"}).ID)
		assert.Equal(t, inventory.ID(2), tx.Volumes.Put(inventory.Volume{Name: "b"}).ID)
		tx.Details.Set(own, "k", "v")
		return nil
	}))
	before, details := volumes(t, s)
	rev := s.Revision()
	oops := errors.New("oops")
	change := func(tx *inventory.Tx) error {
		tx.Volumes.Put(inventory.Volume{Name: "c"})
		assert.True(t, tx.Volumes.Delete(1))
		assert.NoError(t, tx.Volumes.Change(2, func(v *inventory.Volume) { v.Name = "B" }))
		tx.Details.Set(own, "k", "w")
		tx.Details.Set(own, "l", "x")
		assert.True(t, tx.Details.Delete(own, "k"))
		tx.Details.Clear(own)
		return oops
	}
	require.ErrorIs(t, s.Update(change), oops)
	after, detailsAfter := volumes(t, s)
	assert.Equal(t, before, after)
	assert.Equal(t, details, detailsAfter)
	assert.Equal(t, rev, s.Revision())
	require.NoError(t, s.Update(func(tx *inventory.Tx) error {
		assert.Equal(t, inventory.ID(3), tx.Volumes.Put(inventory.Volume{Name: "d"}).ID, "the number of a row that never was is free")
		return nil
	}))
}

func TestAPanicInUpdateChangesNothing(t *testing.T) {
	t.Parallel()
	s := inventory.New()
	assert.Panics(t, func() {
		_ = s.Update(func(tx *inventory.Tx) error {
			tx.Volumes.Put(inventory.Volume{Name: "a"})
			panic("oops")
		})
	})
	rows, _ := volumes(t, s)
	assert.Empty(t, rows)
}

func TestAMissingRowIsNamed(t *testing.T) {
	t.Parallel()
	err := inventory.New().View(func(tx *inventory.Tx) error {
		_, err := tx.Snapshots.Must(7)
		return err
	})
	require.ErrorIs(t, err, inventory.ErrNotFound)
	assert.ErrorContains(t, err, "snapshot 7")
}

func TestAViewMayNotChange(t *testing.T) {
	t.Parallel()
	assert.Panics(t, func() {
		_ = inventory.New().View(func(tx *inventory.Tx) error {
			tx.Volumes.Put(inventory.Volume{})
			return nil
		})
	})
}

// counted watches a store.
type counted struct {
	begun   []bool
	changed []inventory.Row
}

func (c *counted) Begin(write bool) { c.begun = append(c.begun, write) }

func (c *counted) Number(table string) inventory.ID {
	if table == "volume" {
		return 77
	}
	return 0
}

func (c *counted) Changed(rows []inventory.Row) { c.changed = append(c.changed, rows...) }

func TestAWatcherSeesTransactionsAndNumbersRows(t *testing.T) {
	t.Parallel()
	s, c := inventory.New(), &counted{}
	s.Watch(c)
	require.NoError(t, s.Update(func(tx *inventory.Tx) error {
		assert.Equal(t, inventory.ID(77), tx.Volumes.Put(inventory.Volume{}).ID)
		assert.Equal(t, inventory.ID(1), tx.VMs.Put(inventory.VM{}).ID)
		tx.Details.Set(inventory.Owner{Kind: inventory.OfVM, ID: 1}, "k", "v")
		return nil
	}))
	require.NoError(t, s.View(func(*inventory.Tx) error { return nil }))
	assert.Error(t, s.Update(func(tx *inventory.Tx) error {
		tx.VMs.Delete(1)
		return errors.New("oops")
	}))
	assert.Equal(t, []bool{true, false, true}, c.begun)
	assert.Equal(t, []inventory.Row{{Table: "volume", ID: 77}, {Table: "VM", ID: 1}, {Table: "details of vm", ID: 1}}, c.changed, "what was taken back is none")
}

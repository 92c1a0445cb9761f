package driver

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/spsim/spsim/driver/agentapi"
	"github.com/spsim/spsim/driver/inventory"
	"github.com/spsim/spsim/driver/spapi"
)

// travelling is a stage with a VM that is to be migrated with its volumes.
func travelling(t *testing.T, quirks string) *stage {
	t.Helper()
	s := newStage(t, quirks)
	migratable(s)
	s.hosts.Sent = nil
	return s
}

// failAt makes one command fail in a way.
func (s *stage) failAt(command string, how func(inventory.ID, agentapi.Command) (*agentapi.Answer, error)) {
	next := s.hosts.Answer
	s.hosts.Answer = func(host inventory.ID, cmd agentapi.Command) (*agentapi.Answer, error) {
		if cmd.Command() == command {
			return how(host, cmd)
		}
		return next(host, cmd)
	}
}

func TestAVMMovesWithItsVolumesAndTheirIdentity(t *testing.T) {
	t.Parallel()
	for quirks, keeps := range map[string]bool{"": true, "S-25": false} {
		s := travelling(t, quirks)
		s.change(func(tx *inventory.Tx) {
			tx.Details.Set(inventory.Owner{Kind: inventory.Tag, ID: stageVM}, tagPolicy, "gold")
		})
		old := mustVolume(s, stageVolume)
		moved, err := s.MigrateVM(t.Context(), s.migration())
		require.NoError(t, err)
		require.Len(t, moved, 2)
		now := mustVolume(s, moved[0].New)
		assert.Equal(t, []any{"v1", stageVM, secondPool, s.poolID, inventory.VolumeReady}, []any{now.UUID, now.VM, now.Pool, now.LastPool, now.State})
		left := mustVolume(s, stageVolume)
		assert.Equal(t, []any{inventory.ID(0), inventory.VolumeDestroy, old.Path}, []any{left.VM, left.State, left.Path})
		object := s.sp.find(apiName(now.Path, true), false)
		assert.Equal(t, "ssd", object.Template)
		assert.Equal(t, keeps, object.Tags[tagPolicy] == "gold", quirks)
		assert.Equal(t, "v1", object.Tags[tagUUID])
		s.view(func(tx *inventory.Tx) {
			assert.Equal(t, moved[0].New, mustGet(t, tx.Snapshots, stageSnapshot).Volume, "snapshots go with the identity")
		})
		var commands []string
		for _, cmd := range s.hosts.Sent {
			commands = append(commands, cmd.Command())
		}
		assert.Equal(t, []string{"ModifyTargets", "ModifyTargets", "PrepareForMigration", "Migrate"}, commands)
		sent, ok := s.hosts.Sent[3].(agentapi.Migrate)
		require.True(t, ok)
		assert.Equal(t, now.Path, sent.Storage[old.Path])
		assert.Equal(t, 24*time.Hour, sent.Wait)
	}
}

func mustVolume(s *stage, id inventory.ID) (v inventory.Volume) {
	s.view(func(tx *inventory.Tx) { v = mustGet(s.t, tx.Volumes, id) })
	return v
}

func TestAMigrationThatFailsLeavesEverythingAsItWas(t *testing.T) {
	t.Parallel()
	for _, command := range []string{"ModifyTargets", "PrepareForMigration", "Migrate"} {
		s := travelling(t, "")
		there := s.sp.names()
		s.failAt(command, sick)
		_, err := s.MigrateVM(t.Context(), s.migration())
		require.Error(t, err, command)
		require.NoError(t, s.Reconcile(t.Context()), command)
		assert.Equal(t, there, s.sp.names(), command)
		assert.Equal(t, inventory.VolumeReady, mustVolume(s, stageVolume).State, command)
		assert.Empty(t, s.idle(), command)
		s.time.Advance(time.Hour)
		require.NoError(t, s.Reconcile(t.Context()), command)
		assert.Empty(t, s.intents(), command)
	}
	s := travelling(t, "D-4b")
	there := len(s.sp.names())
	s.failAt("PrepareForMigration", sick)
	_, err := s.MigrateVM(t.Context(), s.migration())
	require.Error(t, err)
	assert.Len(t, s.sp.names(), there+1, "the defect takes only the last one back")
}

func TestAVolumeThatCannotBeCreatedEndsAMigration(t *testing.T) {
	t.Parallel()
	for quirks, passes := range map[string]bool{"": false, "D-4a": true, "upstream": true} {
		s := travelling(t, quirks)
		s.sp.Fault = func(call string, _ int) *fakeFault {
			if call == "VolumeCreate" {
				return &fakeFault{Refuse: spapi.NameInsufficient}
			}
			return nil
		}
		moved, err := s.MigrateVM(t.Context(), s.migration())
		assert.Empty(t, moved)
		assert.Equal(t, passes, err == nil, quirks)
	}
}

func TestWithoutAnAnswerTheHostsAreAskedWhereTheVMRuns(t *testing.T) {
	t.Parallel()
	for what, c := range map[string]struct {
		runs    map[inventory.ID]agentapi.VMFound
		moved   bool
		inDoubt bool
	}{
		"it arrived":             {map[inventory.ID]agentapi.VMFound{2: {Running: true}}, true, false},
		"it stayed":              {map[inventory.ID]agentapi.VMFound{1: {Running: true}}, false, false},
		"it is still on its way": {map[inventory.ID]agentapi.VMFound{1: {Running: true, Migrating: true}}, false, true},
		"it is nowhere":          {map[inventory.ID]agentapi.VMFound{}, false, true},
	} {
		s := travelling(t, "")
		there := len(s.sp.names())
		s.failAt("Migrate", mute)
		s.failAt("CheckVM", func(host inventory.ID, _ agentapi.Command) (*agentapi.Answer, error) {
			return &agentapi.Answer{OK: true, Payload: c.runs[host]}, nil
		})
		moved, err := s.MigrateVM(t.Context(), s.migration())
		assert.Equal(t, c.moved, err == nil, what)
		assert.Equal(t, c.moved, len(moved) == 2, what)
		if !c.inDoubt {
			assert.NotErrorIs(t, err, ErrInDoubt, what)
			assert.Empty(t, s.intents(), what)
			continue
		}
		require.ErrorIs(t, err, ErrInDoubt, what)
		assert.Len(t, s.sp.names(), there+2, "%s: nothing is taken back", what)
		require.ErrorIs(t, s.Reconcile(t.Context()), ErrInDoubt, what)
		s.failAt("CheckVM", func(host inventory.ID, _ agentapi.Command) (*agentapi.Answer, error) {
			return &agentapi.Answer{OK: true, Payload: agentapi.VMFound{Running: host == 2}}, nil
		})
		require.NoError(t, s.Reconcile(t.Context()), what)
		s.view(func(tx *inventory.Tx) { assert.Equal(t, inventory.ID(2), mustGet(t, tx.VMs, stageVM).Host, what) })
		assert.Empty(t, s.idle(), what)
	}
}

func TestWhichMigrationsAreMadeHere(t *testing.T) {
	t.Parallel()
	s := travelling(t, "")
	m := s.migration()
	assert.True(t, s.CanMigrate(m))
	m.To = m.From
	assert.False(t, s.CanMigrate(m))
	_, err := s.MigrateVM(t.Context(), m)
	require.ErrorIs(t, err, ErrRefused)
	withNFS(s)
	m = s.migration()
	m.Moves[1].Pool = 3
	assert.False(t, s.CanMigrate(m))
	assert.False(t, s.CanMigrate(Migration{VM: stageVM, From: 1, To: 2}))
	encryptedRow(secondDisk)(s)
	there := s.sp.names()
	_, err = s.MigrateVM(t.Context(), s.migration())
	require.ErrorIs(t, err, ErrRefused)
	assert.Equal(t, there, s.sp.names(), "the first volume is not begun either")
	m = s.migration()
	m.Moves = []Move{{newVolume, secondPool}}
	_, err = s.MigrateVM(t.Context(), m)
	require.ErrorIs(t, err, ErrRefused, "it is no disk of the VM")
}

func TestTheRequestsOfAMigrationAreThoseOfThePlugin(t *testing.T) {
	t.Parallel()
	for quirks, extra := range map[string][2]string{
		"upstream": {"", ""}, "correct": {`"op":"id-3",`, `,"vc-policy":""`},
	} {
		s := travelling(t, quirks)
		s.sp.made()
		_, err := s.MigrateVM(t.Context(), s.migration())
		require.NoError(t, err)
		assert.Equal(t, []fakeCall{
			{"VolumeCreate", `{"name":"","size":1073741824,"iops":500,"template":"ssd","tags":{"cs":"volume","cvm":"M",` + extra[0] + `"uuid":"v1"` + extra[1] + `}}`},
			{"VolumeCreate", `{"name":"","size":1073741824,"template":"hdd","tags":{"cs":"volume","cvm":"M",` + extra[0] + `"uuid":"v3"` + extra[1] + `}}`},
		}, s.sp.made(), quirks)
	}
}

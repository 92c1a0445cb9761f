package driver

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/spsim/spsim/driver/agentapi"
	"github.com/spsim/spsim/driver/inventory"
)

// vault is a rig with hosts that can encrypt, and a passphrase.
func vault(t *testing.T, quirks string) (r *rig, key inventory.ID) {
	t.Helper()
	r = newRig(t, quirks)
	r.change(func(tx *inventory.Tx) {
		require.NoError(t, tx.Hosts.Change(2, func(h *inventory.Host) { h.Encryption = true }))
		key = tx.Passphrases.Put(inventory.Passphrase{ID: 7, Value: []byte("opensesame")}).ID
	})
	return r, key
}

// secret is a volume with a passphrase.
func secret(key inventory.ID) func(*inventory.Volume) {
	return func(v *inventory.Volume) { v.PassphraseID = key }
}

func TestAnEncryptedVolumeIsMadeWithRoomAndProvedByAHostThatCanEncrypt(t *testing.T) {
	t.Parallel()
	r, key := vault(t, "")
	for _, change := range []func(*inventory.Volume){secret(key), func(v *inventory.Volume) { v.KMSKeyID = key }} {
		id := r.volume(change)
		res, err := r.CreateAsync(t.Context(), r.onPool(VolumeObject, id))
		require.NoError(t, err)
		assert.Equal(t, formatLUKS, res.EncryptFormat)
		assert.Equal(t, 10*gib, res.Size)
		row := r.volumeRow(id)
		assert.Equal(t, formatLUKS, row.EncryptFormat)
		assert.Equal(t, 10*gib+luksRoom, r.sp.find(apiName(row.Path, true), false).Size)
		sent, ok := r.hosts.Sent[len(r.hosts.Sent)-1].(agentapi.SetVolumeEncryption)
		require.True(t, ok)
		assert.Equal(t, []any{inventory.ID(2), row.Path, 10 * gib, "opensesame", "", true}, []any{
			r.hosts.To[len(r.hosts.To)-1], sent.Volume.Path, sent.Volume.Size, string(sent.Volume.Passphrase.Reveal()), sent.Source, sent.DataDisk,
		})
	}
	assert.Equal(t, 2*(10*gib+luksRoom), r.used())
	assert.NotContains(t, r.lines.String(), "opensesame")
	for id := range inventory.ID(2) {
		require.NoError(t, r.DeleteAsync(t.Context(), r.onPool(VolumeObject, id+1)))
	}
	assert.Zero(t, r.used(), "what was counted is uncounted")
}

func TestAnEncryptedRootVolumeIsWrittenFromTheTemplatesSnapshot(t *testing.T) {
	t.Parallel()
	for quirks, size := range map[string]int64{"": 2*gib + luksRoom, "S-18": 2 * gib} {
		r, key := vault(t, quirks)
		cached := r.sp.add(fakeObject{Snapshot: true, Size: 2 * gib})
		template := r.template(nil)
		r.change(func(tx *inventory.Tx) {
			tx.TemplatePools.Put(inventory.TemplatePool{
				Template: template, Pool: r.pool, LocalPath: devPath(cached), Size: 2 * gib, State: inventory.RefReady,
			})
		})
		id := r.volume(func(v *inventory.Volume) { v.PassphraseID, v.Size, v.Template = key, 2*gib-luksRoom, template })
		res, err := r.CopyAsync(t.Context(), r.onPool(TemplateObject, template), r.onPool(VolumeObject, id))
		require.NoError(t, err)
		assert.Equal(t, formatLUKS, res.EncryptFormat)
		assert.Equal(t, size, r.sp.find(apiName(res.Path, true), false).Size, "%q: a template that is a little larger than what is asked", quirks)
		sent, ok := r.hosts.Sent[0].(agentapi.SetVolumeEncryption)
		require.True(t, ok)
		assert.Equal(t, devPath(cached), sent.Source)
		assert.False(t, sent.DataDisk)
	}
}

func TestWithoutProofThereIsNoVolume(t *testing.T) {
	t.Parallel()
	unproved := func(_ inventory.ID, cmd agentapi.Command) (*agentapi.Answer, error) {
		c, ok := cmd.(agentapi.SetVolumeEncryption)
		if !ok {
			return nil, nil
		}
		return &agentapi.Answer{OK: true, Payload: c.Volume}, nil
	}
	other := func(inventory.ID, agentapi.Command) (*agentapi.Answer, error) {
		return &agentapi.Answer{OK: true, Payload: agentapi.Volume{Path: "/dev/other", EncryptFormat: formatLUKS}}, nil
	}
	generic := func(inventory.ID, agentapi.Command) (*agentapi.Answer, error) { return &agentapi.Answer{OK: true}, nil }
	for what, answer := range map[string]func(inventory.ID, agentapi.Command) (*agentapi.Answer, error){
		"unproved": unproved, "another volume": other, "generic": generic, "refused": sick, "silent": mute,
	} {
		r, key := vault(t, "")
		r.hosts.Answer = answer
		id := r.volume(secret(key))
		_, err := r.CreateAsync(t.Context(), r.onPool(VolumeObject, id))
		var agent *AgentError
		require.ErrorAs(t, err, &agent, what)
		assert.Empty(t, r.sp.names(), what)
		assert.Empty(t, r.volumeRow(id).Path, what)
		assert.Zero(t, r.used(), what)
	}
	r, key := vault(t, "D-10a")
	r.hosts.Answer = unproved
	_, err := r.CreateAsync(t.Context(), r.onPool(VolumeObject, r.volume(secret(key))))
	require.NoError(t, err, "the defect takes yes for an answer")
	r, key = vault(t, "D-10b")
	r.hosts.Answer = sick
	id := r.volume(secret(key))
	_, err = r.CreateAsync(t.Context(), r.onPool(VolumeObject, id))
	require.Error(t, err)
	assert.Equal(t, devPath("a.b.1"), r.volumeRow(id).Path, "the defect leaves the volume, on record")
}

func TestEncryptionNeedsAHostThatCanBeforeAnythingIsMade(t *testing.T) {
	t.Parallel()
	r, key := vault(t, "")
	r.change(func(tx *inventory.Tx) {
		require.NoError(t, tx.Hosts.Change(2, func(h *inventory.Host) { h.State = inventory.HostDown }))
	})
	_, err := r.CreateAsync(t.Context(), r.onPool(VolumeObject, r.volume(secret(key))))
	require.ErrorIs(t, err, ErrNoHost)
	require.ErrorContains(t, err, "no host with encryption")
	assert.Empty(t, r.sp.made())
}

func TestAHostWithEncryptionIsChosenWhereTheTemplateIsNow(t *testing.T) {
	t.Parallel()
	for quirks, host := range map[string]inventory.ID{"": 3, "D-10c": 2} {
		r, _ := vault(t, quirks)
		r.change(func(tx *inventory.Tx) {
			tx.Clusters.Put(inventory.Cluster{Zone: 1})
			tx.Hosts.Put(inventory.Host{Zone: 1, Cluster: 2, State: inventory.HostUp, Encryption: true})
			tx.PoolHosts.Put(inventory.PoolHost{Pool: r.pool, Host: 3})
			tx.Details.Set(inventory.Owner{Kind: inventory.OfCluster, ID: 1}, SettingClusterID, "a.b")
			tx.Details.Set(inventory.Owner{Kind: inventory.OfCluster, ID: 2}, SettingClusterID, "a.c")
		})
		moved := r.sp.add(fakeObject{Snapshot: true, Cluster: "a.c"})
		c, err := r.connect(t.Context(), r.pool)
		require.NoError(t, err)
		got, err := r.rules.encryptionHost(t.Context(), r.Driver, c, "~"+moved)
		require.NoError(t, err)
		assert.Equal(t, host, got, quirks)
	}
}

func TestAResizedEncryptedVolumeKeepsItsHeader(t *testing.T) {
	t.Parallel()
	for quirks, size := range map[string]int64{"": 20*gib + luksRoom, "D-10d": 20 * gib} {
		r, key := vault(t, quirks)
		id := r.made(secret(key))
		_, err := r.Resize(t.Context(), id, ResizeRequest{Size: 20 * gib})
		require.NoError(t, err)
		assert.Equal(t, size, r.sp.find("~a.b.1", false).Size, quirks)
		assert.Equal(t, 20*gib, r.volumeRow(id).Size)
		assert.Equal(t, 20*gib+luksRoom, r.used())
	}
}

func TestSnapshotsOfEncryptedVolumesStayOrAreRefusedOrAreCiphertext(t *testing.T) {
	t.Parallel()
	for what, c := range map[string]struct {
		setting, value string
		refused        bool
		backups        int
	}{
		"backups on":        {SettingBackupToSecondary, "true", true, 0},
		"bypass on":         {SettingBypass, "true", false, 0},
		"ciphertext is let": {SettingEncryptedBackup, "true", false, 1},
	} {
		r, key := vault(t, "")
		volume := r.made(func(v *inventory.Volume) { v.PassphraseID, v.VM = key, r.vm() })
		r.set(inventory.OfPool, r.pool, c.setting, c.value)
		snapshot := r.snapshot(volume)
		_, err := r.TakeSnapshot(t.Context(), snapshot)
		if c.refused {
			require.ErrorIs(t, err, ErrRefused, what)
			assert.Empty(t, r.sp.made(), what)
			continue
		}
		require.NoError(t, err, what)
		r.hosts.Sent = nil
		_, err = r.CopyAsync(t.Context(), r.onPool(SnapshotObject, snapshot), r.onStore(SnapshotObject, snapshot))
		require.NoError(t, err, what)
		assert.Len(t, r.hosts.Sent, c.backups, what)
	}
}

func TestWhatCannotBeDoneWithEncryptedVolumesIsRefusedBeforeAnythingIsTouched(t *testing.T) {
	t.Parallel()
	r, key := vault(t, "")
	r.set(inventory.OfPool, r.pool, SettingBypass, "true")
	volume := r.made(secret(key))
	snapshot := r.taken(volume)
	template := r.template(nil)
	foreign := r.elsewhere()
	abroad := r.volume(func(v *inventory.Volume) { v.Pool, v.PassphraseID, v.UUID = foreign, key, "F" })
	plain := r.volume(func(v *inventory.Volume) { v.UUID = "W" })
	ctx := t.Context()
	for what, f := range map[string]func() error{
		"volume of snapshot": func() error {
			_, err := r.CopyAsync(ctx, r.onPool(SnapshotObject, snapshot), r.onPool(VolumeObject, plain))
			return err
		},
		"template of volume": func() error {
			_, err := r.CopyAsync(ctx, r.onPool(VolumeObject, volume), r.onStore(TemplateObject, template))
			return err
		},
		"template of snapshot": func() error {
			_, err := r.TemplateFromSnapshot(ctx, r.onPool(SnapshotObject, snapshot), r.onStore(TemplateObject, template))
			return err
		},
		"download": func() error {
			_, err := r.CopyAsync(ctx, r.onPool(VolumeObject, volume), r.onStore(VolumeObject, volume))
			return err
		},
		"import": func() error {
			_, err := r.CopyAsync(ctx, Object{VolumeObject, abroad, inventory.Primary, foreign}, r.onPool(VolumeObject, plain))
			return err
		},
	} {
		err := f()
		require.ErrorIs(t, err, ErrRefused, what)
		assert.ErrorContains(t, err, "is encrypted", what)
	}
	assert.Empty(t, r.sp.made())
	assert.Empty(t, r.intents())
}

func TestABackupOfCiphertextGoesBackOntoItsOwnVolume(t *testing.T) {
	t.Parallel()
	r, key := vault(t, "")
	r.set(inventory.OfPool, r.pool, SettingEncryptedBackup, "true")
	volume := r.made(secret(key))
	snapshot := r.taken(volume)
	r.backedUp(snapshot)
	_, err := r.Resize(t.Context(), volume, ResizeRequest{Size: 20 * gib})
	require.NoError(t, err)
	r.sp.remove("a.b.2")
	r.sp.made()
	r.hosts.Sent = nil
	res, err := r.RevertSnapshot(t.Context(), snapshot, volume)
	require.NoError(t, err)
	assert.Equal(t, 10*gib, res.Size)
	assert.Equal(t, 10*gib+luksRoom, r.sp.find("~a.b.1", false).Size)
	assert.Equal(t, 10*gib+luksRoom, r.used())
	require.Len(t, r.hosts.Sent, 1)
	sent, ok := r.hosts.Sent[0].(agentapi.DownloadTemplate)
	require.True(t, ok)
	assert.Equal(t, devPath("a.b.1"), sent.DestVolume.Path)
	assert.Equal(t, "snapshots/2/1/snap", sent.Snapshot.Path)
	assert.Equal(t, "opensesame", string(sent.DestVolume.Passphrase.Reveal()), "the host can try it")
	r.hosts.Answer = mute
	_, err = r.RevertSnapshot(t.Context(), snapshot, volume)
	require.Error(t, err)
	r.hosts.Answer, r.hosts.Sent = atWork, nil
	setVolumeState(r, volume, inventory.VolumeReverting)
	require.NoError(t, r.Reconcile(t.Context()))
	assert.Len(t, r.hosts.Sent, 1, "what was begun is finished")
	assert.Empty(t, r.intents())
	other := r.volume(func(v *inventory.Volume) { v.UUID, v.Path, v.PassphraseID = "W", devPath("a.b.9"), key })
	_, err = r.RevertSnapshot(t.Context(), snapshot, other)
	require.Error(t, err, "another volume has another key")
}

func setVolumeState(r *rig, volume inventory.ID, state inventory.VolumeState) {
	r.change(func(tx *inventory.Tx) {
		require.NoError(r.t, tx.Volumes.Change(volume, func(v *inventory.Volume) { v.State = state }))
	})
}

// elsewhere adds a pool that is not StorPool's; the second host is connected to it.
func (r *rig) elsewhere() (id inventory.ID) {
	r.t.Helper()
	r.change(func(tx *inventory.Tx) {
		id = tx.Pools.Put(inventory.Pool{Zone: 1, Provider: "DefaultPrimary", Type: "NetworkFilesystem", Capacity: 1 << 40}).ID
		tx.PoolHosts.Put(inventory.PoolHost{Pool: id, Host: 2})
	})
	return id
}

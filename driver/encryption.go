package driver

import (
	"context"
	"errors"
	"fmt"
	"strconv"

	"github.com/spsim/spsim/driver/agentapi"
	"github.com/spsim/spsim/driver/inventory"
	"github.com/spsim/spsim/driver/spapi"
)

// formatLUKS is the encrypt format of an encrypted volume.
const formatLUKS = "luks"

// plain refuses what cannot be done with an encrypted volume, before anything is touched (driver-strategies 10.3).
func plain(v inventory.Volume, why string) error {
	if v.Encrypted() {
		return fmt.Errorf("volume %d is encrypted, %s: %w", v.ID, why, ErrRefused)
	}
	return nil
}

// maySnapshot refuses a snapshot of an encrypted volume that would be backed up, unless a setting allows to keep its
// ciphertext on secondary storage (driver-strategies 10.2, E1).
func maySnapshot(d *Driver, tx *inventory.Tx, pool inventory.Pool, v inventory.Volume) error {
	if d.rules.bypass(d, tx, pool) || d.flag(tx, SettingEncryptedBackup, poolOwners(pool)...) {
		return nil
	}
	return plain(v, "its snapshots are not backed up to secondary storage and backups are on")
}

// MaySnapshot is nil when a volume may have a snapshot, else the refusal that [Driver.TakeSnapshot] answers, so that core
// need not record what will not be.
func (d *Driver) MaySnapshot(volume inventory.ID) error {
	return d.inv.View(func(tx *inventory.Tx) error {
		v, err := tx.Volumes.Must(volume)
		if err != nil {
			return err
		}
		pool, err := tx.Pools.Must(v.Pool)
		if err != nil {
			return err
		}
		return d.rules.maySnapshot(d, tx, pool, v)
	})
}

// secretOf is the passphrase of a volume, empty when it has none on record. A KMS key is kept, unwrapped, like a passphrase.
func secretOf(tx *inventory.Tx, v inventory.Volume) agentapi.Secret {
	for _, id := range []inventory.ID{v.PassphraseID, v.KMSKeyID} {
		if row, ok := tx.Passphrases.Get(id); ok {
			return agentapi.NewSecret(row.Value)
		}
	}
	return agentapi.Secret{}
}

// cipher is what the encryption of a new volume takes.
type cipher struct {
	host   inventory.ID
	source string // device path of the template's snapshot; empty for an empty volume
	secret agentapi.Secret
}

// planCipher finds a host and the passphrase for a volume to be encrypted, before it is made; nil for a plain one.
func (d *Driver) planCipher(ctx context.Context, c *conn, v target, source string) (*cipher, error) {
	if !v.row.Encrypted() {
		return nil, nil
	}
	e := &cipher{source: devPath(source)}
	err := d.inv.View(func(tx *inventory.Tx) error {
		if e.secret = secretOf(tx, v.row); e.secret.Empty() {
			return fmt.Errorf("volume %d is encrypted and its passphrase is not on record: %w", v.row.ID, ErrRefused)
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	if e.host, err = d.rules.encryptionHost(ctx, d, c, source); err != nil {
		return nil, fmt.Errorf("no host with encryption for volume %d: %w", v.row.ID, err)
	}
	return e, nil
}

// encrypt is the step that makes a LUKS container of a new volume; v gets the format that the host has proved.
func (o *op) encrypt(ctx context.Context, c *conn, v *target, gid string, size int64, e *cipher) error {
	if e == nil {
		return nil
	}
	format, err := step(ctx, o, "encrypt volume", func(ctx context.Context) (string, error) {
		to := agentapi.Volume{
			UUID: v.row.UUID, Name: v.row.Name, Path: devPath(gid), Size: size, Format: agentapi.Format(v.row.Format),
			Pool: poolTO(c.pool), Passphrase: e.secret,
		}
		cmd := agentapi.SetVolumeEncryption{Volume: to, Source: e.source, DataDisk: e.source == ""}
		answer, err := o.d.ask(ctx, e.host, cmd)
		if err != nil {
			return "", err
		}
		return o.d.rules.encrypted(answer, e.host, to.Path)
	}, nil)
	if v.row.EncryptFormat = format; err != nil {
		o.d.rules.encryptionFailed(ctx, o, c, *v, gid, e, err)
	}
	return err
}

// letGo detaches the template's snapshot from a host that did not answer.
func letGo(ctx context.Context, o *op, c *conn, _ target, _ string, e *cipher, cause error) {
	if e.source != "" {
		o.letGo(ctx, c, apiName(e.source, true), cause)
	}
}

// letGo detaches a snapshot that a host was to read from that host if it did not answer: its agent may have died with the
// snapshot. A device that is open there is refused and stays, for whoever reads it.
func (o *op) letGo(ctx context.Context, c *conn, snapshot string, cause error) {
	var silent *AgentError
	if !errors.As(cause, &silent) || !silent.Silent {
		return
	}
	client := 0
	err := o.d.inv.View(func(tx *inventory.Tx) (err error) {
		h, err := tx.Hosts.Must(silent.Host)
		if err == nil {
			client, err = strconv.Atoi(h.Parent)
		}
		return err
	})
	if err == nil {
		err = c.VolumesReassign(ctx, spapi.Reassign{Snapshot: snapshot, Detach: spapi.Clients{IDs: []int{client}}})
	}
	if err != nil {
		o.d.log.WarnContext(ctx, "a snapshot may stay attached", "host", silent.Host, "snapshot", snapshot, "error", err)
	}
}

// encrypted requires proof: the volume of the command with its encrypt format (D-10).
func encrypted(answer *agentapi.Answer, host inventory.ID, path string) (string, error) {
	command := agentapi.SetVolumeEncryption{}.Command()
	out, err := payload[agentapi.Volume](answer, command, host)
	switch {
	case err != nil:
		return "", err
	case out.Path != path || out.EncryptFormat != formatLUKS:
		return "", &AgentError{
			Command: command, Host: host, Odd: true,
			Details: fmt.Sprintf("no proof of encryption: volume %q has the format %q", out.Path, out.EncryptFormat),
		}
	default:
		return out.EncryptFormat, nil
	}
}

// encryptionHost is a host that can encrypt, near the template's snapshot if there is one (D-10).
func encryptionHost(ctx context.Context, d *Driver, c *conn, source string) (inventory.ID, error) {
	return d.hostAmong(ctx, c, source, func(h inventory.Host) bool { return h.Encryption })
}

// counted is what a new volume adds to the used bytes of its pool: its size on StorPool.
func counted(v inventory.Volume, size int64) int64 { return spSize(size, v.Encrypted()) }

// rootRoom is the size on StorPool of a root volume: the larger of what is asked and the template, and room for a header
// (S-18).
func rootRoom(asked, template int64, encrypted bool) int64 {
	return spSize(max(asked, template), encrypted)
}

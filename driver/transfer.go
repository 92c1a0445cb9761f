package driver

import (
	"context"
	"fmt"
	"path"
	"strconv"
	"strings"

	"github.com/spsim/spsim/driver/agentapi"
	"github.com/spsim/spsim/driver/inventory"
)

// objectVolume is the word by which a host attaches a volume.
const objectVolume = "volume"

// ask sends a command and returns its answer, or an error that wraps [*AgentError] unless the host says that it did it.
func (d *Driver) ask(ctx context.Context, host inventory.ID, cmd agentapi.Command) (*agentapi.Answer, error) {
	answer, err := d.agents.Send(ctx, host, cmd)
	if err != nil {
		return nil, fmt.Errorf("send %s to host %d: %w", cmd.Command(), host, err)
	}
	return answer, judge(answer, cmd.Command(), host)
}

// judge makes an error of no answer and of a negative one.
func judge(a *agentapi.Answer, command string, host inventory.ID) error {
	switch {
	case a == nil:
		return &AgentError{Command: command, Host: host, Silent: true}
	case !a.OK:
		return &AgentError{Command: command, Host: host, Details: a.Details}
	default:
		return nil
	}
}

// payload returns what a positive answer carries, or an error when it carries something else.
func payload[T agentapi.Payload](a *agentapi.Answer, command string, host inventory.ID) (T, error) {
	out, ok := a.Payload.(T)
	if !ok {
		return out, &AgentError{Command: command, Host: host, Odd: true, Details: fmt.Sprintf("the answer carries %T", a.Payload)}
	}
	return out, nil
}

func poolTO(p inventory.Pool) *agentapi.Pool {
	return &agentapi.Pool{UUID: p.UUID, Type: agentapi.PoolType(p.Type), Host: p.Host, Port: p.Port, Path: p.Path}
}

func storeTO(s inventory.SecondaryStore) *agentapi.Store {
	return &agentapi.Store{UUID: s.UUID, URL: s.URL}
}

// volumeTO is a volume on a pool, by the path that its row has.
func volumeTO(tx *inventory.Tx, v inventory.Volume) agentapi.Volume {
	out := agentapi.Volume{
		UUID: v.UUID, Name: v.Name, Path: v.Path, Size: v.Size, Format: agentapi.Format(v.Format), DeviceID: v.DeviceID,
		EncryptFormat: v.EncryptFormat, Passphrase: secretOf(tx, v),
	}
	if pool, ok := tx.Pools.Get(v.Pool); ok {
		out.Pool = poolTO(pool)
	}
	if vm, ok := tx.VMs.Get(v.VM); ok {
		out.VM = vm.Instance
	}
	return out
}

// snapshotDir is the directory of a volume's backups on secondary storage (agent 8).
func snapshotDir(s inventory.Snapshot) string {
	return path.Join("snapshots", s.Account, strconv.FormatInt(int64(s.Volume), 10))
}

// backupFile is the name of a backup's file: the snapshot's, as long as it can be one (agent 8).
func backupFile(s inventory.Snapshot) string {
	if s.Name == "" || s.Name == "." || s.Name == ".." || strings.ContainsAny(s.Name, "/\\\x00") {
		return s.UUID
	}
	return s.Name
}

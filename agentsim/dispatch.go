package agentsim

import (
	"fmt"

	"github.com/spsim/spsim/driver/agentapi"
)

// job does a command and gives its answer.
type job func(*run) *agentapi.Answer

// dispatch finds what does a command, and what the command is about.
func (r *run) dispatch(cmd agentapi.Command) (job, []string, error) {
	switch c := cmd.(type) {
	case agentapi.ModifyStoragePool:
		return job(modifyStoragePool{c}.run), objectsOf(c.CheckVolume), nil
	case agentapi.BackupSnapshot:
		return job(backupSnapshot{c}.run), objectsOf(c.Source.Path), nil
	case agentapi.DownloadTemplate:
		return job(downloadTemplate{c}.run), objectsOf(destinationOf(c)), nil
	case agentapi.ResizeVolume:
		return job(resizeVolume{c}.run), objectsOf(c.Path), nil
	case agentapi.Start:
		return job(start{c}.run), []string{c.VM.Name}, nil
	case agentapi.Stop:
		return job(stop{c}.run), []string{c.VM.Name}, nil
	case agentapi.Attach:
		return job(attach{c}.run), append(objectsOf(c.Disk.Path), c.VM), nil
	case agentapi.Detach:
		return job(detach{c}.run), append(objectsOf(c.Disk.Path), c.VM), nil
	case agentapi.DestroyTemplate:
		return job(destroyTemplate{c}.run), objectsOf(c.Path), nil
	case agentapi.CheckHeartbeat:
		return job(checkHeartbeat{c}.run), nil, nil
	}
	return nil, nil, fmt.Errorf("command %s: %w", cmd.Command(), ErrNotBuilt)
}

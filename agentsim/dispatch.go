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
	return r.dispatchFurther(cmd)
}

func (r *run) dispatchFurther(cmd agentapi.Command) (job, []string, error) {
	switch c := cmd.(type) {
	case agentapi.BackupTemplateFromSnapshot:
		o, _ := templateSource(c) // the command itself tells of an error
		return job(backupTemplate{c}.run), objectsOf(o.path), nil
	case agentapi.CopyVolumeToSecondary:
		return job(copyVolume{c}.run), objectsOf(c.Source.Path), nil
	case agentapi.DownloadVolume:
		return job(downloadVolume{c}.run), objectsOf(c.Dest.Path), nil
	case agentapi.SetVolumeEncryption:
		return job(setVolumeEncryption{c}.run), objectsOf(c.Volume.Path, c.Source), nil
	case agentapi.ModifyTargets:
		return job(modifyTargets{c}.run), objectsOf(c.Paths...), nil
	case agentapi.PrepareForMigration:
		return job(prepareForMigration{c}.run), []string{c.VM.Name}, nil
	case agentapi.Migrate:
		return job(migrate{c}.run), []string{c.VM.Name}, nil
	case agentapi.MigrateWithVolumes:
		return job(migrate{c.Migrate}.run), []string{c.VM.Name}, nil
	case agentapi.CheckVM:
		return job(checkVM{c}.run), []string{c.VM}, nil
	case agentapi.DirectDownload:
		return job(directDownload{c}.run), []string{c.Template.UUID, c.File}, nil
	case agentapi.CreateVolume:
		return job(createVolume{c}.run), []string{c.Volume.UUID}, nil
	case agentapi.DeleteVolume:
		return job(deleteVolume{c}.run), []string{c.Volume.Path}, nil
	}
	return nil, nil, fmt.Errorf("%w: command %s", ErrUnsupported, cmd.Command())
}

package agentsim

import "github.com/spsim/spsim/driver/agentapi"

// luggage makes copies of what carries passphrases, which belong to whoever took it and are wiped by it.
type luggage struct{ taken []*agentapi.Secret }

func (l *luggage) secret(s *agentapi.Secret) {
	if s.Empty() {
		return
	}
	*s = agentapi.NewSecret(s.Reveal())
	l.taken = append(l.taken, s)
}

func (l *luggage) volume(v agentapi.Volume) *agentapi.Volume {
	l.secret(&v.Passphrase)
	return &v
}

func (l *luggage) volumeOf(v *agentapi.Volume) *agentapi.Volume {
	if v == nil {
		return nil
	}
	return l.volume(*v)
}

func (l *luggage) snapshot(s agentapi.Snapshot) agentapi.Snapshot {
	s.Volume = l.volumeOf(s.Volume)
	return s
}

func (l *luggage) snapshotOf(s *agentapi.Snapshot) *agentapi.Snapshot {
	if s == nil {
		return nil
	}
	own := l.snapshot(*s)
	return &own
}

func (l *luggage) vm(v agentapi.VM) agentapi.VM {
	v.Disks = append([]agentapi.Disk(nil), v.Disks...)
	for i := range v.Disks {
		l.secret(&v.Disks[i].Passphrase)
	}
	return v
}

func (l *luggage) disk(d agentapi.Disk) *agentapi.Disk {
	l.secret(&d.Passphrase)
	return &d
}

// take gives a command as it arrives at a host: with passphrases of its own, as if it had come over a wire.
func (l *luggage) take(cmd agentapi.Command) agentapi.Command {
	switch c := cmd.(type) {
	case agentapi.BackupSnapshot:
		c.Source, c.Dest = l.snapshot(c.Source), l.snapshot(c.Dest)
		return c
	case agentapi.BackupTemplateFromSnapshot:
		c.Snapshot, c.Volume = l.snapshotOf(c.Snapshot), l.volumeOf(c.Volume)
		return c
	case agentapi.DownloadTemplate:
		c.Snapshot, c.DestVolume = l.snapshotOf(c.Snapshot), l.volumeOf(c.DestVolume)
		return c
	default:
		return l.takeOther(cmd)
	}
}

func (l *luggage) takeOther(cmd agentapi.Command) agentapi.Command {
	switch c := cmd.(type) {
	case agentapi.CopyVolumeToSecondary:
		c.Source, c.Dest = *l.volume(c.Source), *l.volume(c.Dest)
		return c
	case agentapi.DownloadVolume:
		c.Source, c.Dest = *l.volume(c.Source), *l.volume(c.Dest)
		return c
	case agentapi.SetVolumeEncryption:
		c.Volume = *l.volume(c.Volume)
		return c
	case agentapi.CreateVolume:
		c.Volume = *l.volume(c.Volume)
		return c
	case agentapi.Start:
		c.VM = l.vm(c.VM)
		return c
	case agentapi.Stop:
		c.VM = l.vm(c.VM)
		return c
	case agentapi.Attach:
		c.Disk = *l.disk(c.Disk)
		return c
	case agentapi.Detach:
		c.Disk = *l.disk(c.Disk)
		return c
	case agentapi.PrepareForMigration:
		c.VM = l.vm(c.VM)
		return c
	case agentapi.Migrate:
		c.VM = l.vm(c.VM)
		return c
	case agentapi.MigrateWithVolumes:
		c.VM = l.vm(c.VM)
		return c
	}
	return cmd
}

// hold counts the passphrases of a command as the agent's, and gives the number.
func (r *run) hold() int {
	r.host.mu.Lock()
	defer r.host.mu.Unlock()
	r.host.held += len(r.luggage.taken)
	return len(r.luggage.taken)
}

// wipe overwrites the passphrases of a command that is over.
func (r *run) wipe(n int) {
	if !r.host.rules.wipes(r.command) {
		return
	}
	for _, s := range r.luggage.taken {
		s.Wipe()
	}
	r.host.mu.Lock()
	defer r.host.mu.Unlock()
	if r.host.life == r.life { // a dead agent holds nothing
		r.host.held -= n
	}
}

// withoutPassphrase is what of an object goes into an answer.
func withoutPassphrase(p agentapi.Payload) agentapi.Payload {
	switch o := p.(type) {
	case agentapi.Volume:
		o.Passphrase = agentapi.Secret{}
		return o
	case agentapi.Snapshot:
		if o.Volume != nil {
			v := *o.Volume
			v.Passphrase = agentapi.Secret{}
			o.Volume = &v
		}
		return o
	}
	return p
}

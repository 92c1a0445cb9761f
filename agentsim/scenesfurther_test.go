package agentsim

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/spsim/spsim/agentsim/luks"
	"github.com/spsim/spsim/agentsim/secondary"
	"github.com/spsim/spsim/driver/agentapi"
)

func furtherScenes() map[string]scene {
	migration := func(with func(agentapi.Migrate) agentapi.Command) scene {
		return func(t *testing.T, b *bench) (agentapi.Command, func() bool) {
			t.Helper()
			cmd := b.moving(t, contents(1, mib))
			return with(cmd), func() bool {
				_, err := b.Hosts()[1].Guest("v")
				return err == nil && len(b.one.State().Guests) == 0 && len(b.sp.attachments()) == 1
			}
		}
	}
	return map[string]scene{
		"BackupTemplateFromSnapshot": func(t *testing.T, b *bench) (agentapi.Command, func() bool) {
			t.Helper()
			return templateOf(b.sp.add("a7k.b.1", contents(1, mib), true)), func() bool { return len(b.files(t)) == 2 }
		},
		"CopyVolumeToSecondary": func(t *testing.T, b *bench) (agentapi.Command, func() bool) {
			t.Helper()
			return copyOf(b.sp.add("a7k.b.1", contents(1, mib), true)), func() bool { return len(b.files(t)) == 1 }
		},
		"DownloadVolume": func(t *testing.T, b *bench) (agentapi.Command, func() bool) {
			t.Helper()
			b.put(t, store, "volumes/2/17/u", contents(1, mib))
			to := b.sp.add("a7k.b.2", make([]byte, 512), false)
			return agentapi.DownloadVolume{
				Source: agentapi.Volume{Path: "volumes/2/17/u", Store: &agentapi.Store{URL: store}}, Dest: agentapi.Volume{Path: to},
			}, func() bool { return bytes.Equal(b.sp.get(to).data, contents(1, mib)) }
		},
		"SetVolumeEncryption":        rootScene,
		"SetVolumeEncryption/format": dataScene,
		"ModifyTargets": func(_ *testing.T, b *bench) (agentapi.Command, func() bool) {
			paths := []string{b.sp.add("a7k.b.1", make([]byte, 512), false), b.sp.add("a7k.b.2", make([]byte, 512), false)}
			return agentapi.ModifyTargets{Add: true, Paths: paths, Pool: pool()}, func() bool { return len(b.sp.attachments()) == 2 }
		},
		"ModifyTargets/disconnect": func(t *testing.T, b *bench) (agentapi.Command, func() bool) {
			t.Helper()
			paths := []string{b.sp.add("a7k.b.1", make([]byte, 512), false)}
			require.True(t, b.send(t, agentapi.ModifyTargets{Add: true, Paths: paths, Pool: pool()}).OK)
			return agentapi.ModifyTargets{Paths: paths, Pool: pool()}, func() bool { return len(b.sp.attachments()) == 0 }
		},
		"PrepareForMigration": func(_ *testing.T, b *bench) (agentapi.Command, func() bool) {
			v := vm("v", b.sp.add("a7k.b.1", make([]byte, 512), false))
			return agentapi.PrepareForMigration{VM: v}, func() bool { return len(b.sp.attachments()) == 1 }
		},
		"PrepareForMigration/disconnect": func(t *testing.T, b *bench) (agentapi.Command, func() bool) {
			t.Helper()
			v := vm("v", b.sp.add("a7k.b.1", make([]byte, 512), false))
			require.True(t, b.send(t, agentapi.PrepareForMigration{VM: v}).OK)
			return agentapi.PrepareForMigration{VM: v, Rollback: true}, func() bool { return len(b.sp.attachments()) == 0 }
		},
		"Migrate": migration(func(c agentapi.Migrate) agentapi.Command { return c }),
		"MigrateWithVolumes": migration(func(c agentapi.Migrate) agentapi.Command {
			return agentapi.MigrateWithVolumes{Migrate: c}
		}),
		"CheckVM": func(*testing.T, *bench) (agentapi.Command, func() bool) {
			return agentapi.CheckVM{VM: "v"}, func() bool { return true }
		},
		"DirectDownload": func(t *testing.T, b *bench) (agentapi.Command, func() bool) {
			t.Helper()
			cmd := b.downloadable(t, contents(1, mib))
			return cmd, func() bool { return len(b.sp.names()) == 1 }
		},
		"CreateVolume": func(t *testing.T, b *bench) (agentapi.Command, func() bool) {
			t.Helper()
			p := b.exportPool(t)
			cmd := agentapi.CreateVolume{Volume: agentapi.Volume{UUID: "u", Size: mib, Pool: &p, Passphrase: key()}}
			return cmd, func() bool { return len(b.filesOf(t, poolURI(p))) == 1 }
		},
		"DeleteVolume": func(t *testing.T, b *bench) (agentapi.Command, func() bool) {
			t.Helper()
			p := b.exportPool(t)
			b.put(t, poolURI(p), "u", contents(1, mib))
			cmd := agentapi.DeleteVolume{Volume: agentapi.Volume{Path: "u", Pool: &p}}
			return cmd, func() bool { return len(b.filesOf(t, poolURI(p))) == 0 }
		},
	}
}

func dataScene(t *testing.T, b *bench) (agentapi.Command, func() bool) {
	t.Helper()
	path := b.sp.add("a7k.b.1", make([]byte, mib+luks.CryptsetupOffset), false)
	cmd := agentapi.SetVolumeEncryption{Volume: agentapi.Volume{Path: path, Size: mib, Passphrase: key()}, DataDisk: true}
	return cmd, func() bool { return len(plaintext(t, b.sp.get(path).data)) == mib }
}

func rootScene(t *testing.T, b *bench) (agentapi.Command, func() bool) {
	t.Helper()
	cmd := b.rootToEncrypt(contents(1, mib/4))
	return cmd, func() bool {
		return bytes.HasPrefix(plaintext(t, b.sp.get(cmd.Volume.Path).data), contents(1, mib/4))
	}
}

// rootToEncrypt is a root volume of 1 MiB with the snapshot of its template.
func (b *bench) rootToEncrypt(template []byte) agentapi.SetVolumeEncryption {
	return agentapi.SetVolumeEncryption{
		Volume: agentapi.Volume{
			Name: "root", Path: b.sp.add("a7k.b.1", make([]byte, mib+luks.CryptsetupOffset), false), Size: mib, Passphrase: key(),
		},
		Source: b.sp.add("a7k.b.2", template, true),
	}
}

func templateOf(snapshot string) agentapi.BackupTemplateFromSnapshot {
	return agentapi.BackupTemplateFromSnapshot{
		Snapshot: &agentapi.Snapshot{Name: "snap/1", Path: snapshot, Volume: &agentapi.Volume{Name: "v"}},
		Dest: agentapi.Template{
			UUID: "t-uuid", Name: "t", UniqueName: "5-2-t", Path: secondary.TemplateDir("2", "5"), Store: &agentapi.Store{URL: store},
		},
	}
}

func copyOf(snapshot string) agentapi.CopyVolumeToSecondary {
	return agentapi.CopyVolumeToSecondary{
		Source: agentapi.Volume{Name: "v", Path: snapshot, Size: mib},
		Dest:   agentapi.Volume{UUID: "u", Path: secondary.VolumeDir("2", "17"), Store: &agentapi.Store{URL: store}},
	}
}

// moving starts a VM with a disk on the first host, prepares the second and gives the command that moves the VM, disk
// included.
func (b *bench) moving(t *testing.T, data []byte) agentapi.Migrate {
	t.Helper()
	from, to := b.sp.add("a7k.b.1", bytes.Clone(data), false), b.sp.add("a7k.b.2", make([]byte, len(data)), false)
	v := vm("v", from)
	require.True(t, b.send(t, agentapi.Start{VM: v}).OK)
	require.True(t, b.sendTo(t, "host-2", agentapi.ModifyTargets{Add: true, Paths: []string{to}, Pool: pool()}).OK)
	v.State = migrating
	require.True(t, b.sendTo(t, "host-2", agentapi.PrepareForMigration{VM: v}).OK)
	return agentapi.Migrate{VM: v, To: "host-2", Storage: map[string]string{from: to}}
}

// downloadable puts a qcow2 file into the first host's folder and gives the command that makes a template of it.
func (b *bench) downloadable(t *testing.T, data []byte) agentapi.DirectDownload {
	t.Helper()
	b.one.cfg.Folder = t.TempDir()
	b.put(t, store, "d", data)
	d, err := b.sec.Open(store)
	require.NoError(t, err)
	defer func() { _ = d.Close() }()
	file, err := d.ReadFile("d")
	require.NoError(t, err)
	require.NoError(t, d.Remove("d"))
	b.again = func() { require.NoError(t, os.WriteFile(filepath.Join(b.one.cfg.Folder, "d.qcow2"), file, 0o600)) }
	b.again()
	return agentapi.DirectDownload{
		Template: agentapi.Template{UUID: "t-uuid", Name: "t"}, Pool: pool(), File: "/d.qcow2",
	}
}

func (b *bench) filesOf(t *testing.T, uri string) []secondary.Entry {
	t.Helper()
	d, err := b.sec.Open(uri)
	require.NoError(t, err)
	defer func() { _ = d.Close() }()
	files, err := d.Files()
	require.NoError(t, err)
	return files
}

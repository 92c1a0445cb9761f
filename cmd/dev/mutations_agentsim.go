package main

// agentMutations are of the KVM agent.
func agentMutations() []mutation { //nolint:funlen // a table
	return []mutation{
		{
			name: "agent-key-file", file: "agentsim/hosttools/run.go",
			old:   "err = errors.Join(err, wiped, f.Close(), os.Remove(f.Name()))",
			new:   "err = errors.Join(err, wiped, f.Close())",
			guard: "the key file of a passphrase goes with the program that read it",
			by:    "go test ./agentsim/hosttools",
		},
		{
			name: "agent-backing-file", file: "agentsim/image/header.go",
			old:   "case h.backingOffset != 0:",
			new:   "case h.backingOffset != 0 && h.crypt != 0:",
			guard: "an image with a backing file is refused",
		},
		{
			name: "agent-backup-key", file: "agentsim/cmd_download_template.go",
			old:   "if c.DestVolume == nil || c.DestVolume.Passphrase.Empty() {",
			new:   "if c.DestVolume == nil || c.DestVolume.Path != \"\" {",
			guard: "a backup that the passphrase does not open is not written back",
		},
		{
			name: "agent-source-key", file: "agentsim/cmd_backup_snapshot.go",
			old:   "if key := c.passphrase(); !key.Empty() {\n\t\tif err := r.mustOpen(ctx, c.Source.Path, key); err != nil {\n\t\t\treturn err\n\t\t}\n",
			new:   "if key := c.passphrase(); !key.Empty() {\n",
			guard: "what the passphrase does not open is not backed up",
		},
		{
			name: "agent-passphrase", file: "agentsim/luks/open.go",
			old:   "if subtle.ConstantTimeCompare(digest, h.digest[:]) != 1 {",
			new:   "if subtle.ConstantTimeCompare(digest, h.digest[:]) > 1 {",
			guard: "a container opens with its passphrase only",
		},
		{
			name: "agent-flush", file: "agentsim/image/convert.go",
			old:   "return m.moved, dst.Flush()",
			new:   "return m.moved, nil",
			guard: "an image is complete when the conversion answers",
		},
		{
			name: "agent-holes", file: "agentsim/image/convert.go",
			old:   "if err := m.zero(at, from-at); err != nil {",
			new:   "if err := m.zero(at, 0); err != nil {",
			guard: "holes of the source are zeros on the target",
		},
		{
			name: "agent-zeros", file: "agentsim/image/convert.go",
			old:   "\tif zeros {\n",
			new:   "\tif zeros && at < 0 {\n",
			guard: "zeros take no room on the target",
		},
		{
			name: "agent-grain", file: "agentsim/image/convert.go",
			old:   "zeros = allZero(p[:min(grain, len(p))])",
			new:   "zeros = allZero(p[:min(512, len(p))])",
			guard: "what begins with zeros is not taken for zeros",
		},
		{
			name: "agent-too-small", file: "agentsim/image/convert.go",
			old:   "if src.Size() > dst.Size() {",
			new:   "if src.Size() > dst.Size() && dst.Size() == 0 {",
			guard: "a target that is too small is left alone",
		},
		{
			name: "agent-fill-room", file: "agentsim/cmd_set_encryption.go",
			old:   "if need := src.Size() + luks.QemuOffset; dst.Size() < need {",
			new:   "if need := src.Size() + luks.QemuOffset; dst.Size() < need/2 {",
			guard: "a volume without room for template and header is not encrypted",
		},
		{
			name: "agent-doubtful-attach", file: "agentsim/copy.go",
			old:   "\t\tif name != \"\" {\n\t\t\tr.thenDetach(\"detach\", k, path)",
			new:   "\t\tif name != \"\" && err == nil {\n\t\t\tr.thenDetach(\"detach\", k, path)",
			guard: "what may be attached is detached",
		},
		{
			name: "agent-clean-up", file: "agentsim/cleanup.go",
			old:   "\t\t\ttrouble = append(trouble, err)\n\t\t\tr.inBackground(c)\n",
			new:   "\t\t\ttrouble = append(trouble, err)\n",
			guard: "a detach that failed is tried again in the background",
		},
		{
			name: "agent-clean-up-all", file: "agentsim/cleanup.go",
			old:   "\t\t\tr.inBackground(c)\n\t\t}\n\t}\n\treturn withWarning",
			new:   "\t\t\tr.inBackground(c)\n\t\t\tbreak\n\t\t}\n\t}\n\treturn withWarning",
			guard: "the clean-up goes on after a failure",
		},
		{
			name: "agent-last-user", file: "agentsim/device.go",
			old:   "return e.runs + e.guests\n}\n\n// unused",
			new:   "return e.runs\n}\n\n// unused",
			guard: "a device is detached by its last user",
		},
		{
			name: "agent-detach-tries", file: "agentsim/device.go",
			old:   "for range detachTries {",
			new:   "for range detachTries / 10 {",
			guard: "a detach is tried ten times",
		},
		{
			name: "agent-read-only", file: "agentsim/storpool.go",
			old:   "r.ReadWrite = []int{client}",
			new:   "r.ReadOnly = []int{client}",
			guard: "a volume is attached for writing",
		},
		{
			name: "agent-remote-attached", file: "agentsim/storpool.go",
			old:   `r.OnRemoteAttached = "export"`,
			new:   `r.OnRemoteAttached = "detachForce"`,
			guard: "an attach takes no volume away from another cluster",
		},
		{
			name: "agent-device-late", file: "agentsim/device.go",
			old:   "early := e != nil && h.fleet.clock.Now().Before(e.appears)",
			new:   "early := e != nil && h.fleet.clock.Now().Before(e.appears) && e.runs > 1",
			guard: "a device is used when it has appeared",
		},
		{
			name: "agent-half-file", file: "agentsim/copy.go",
			old:   "return errors.Join(err, out.Discard())",
			new:   "return err",
			guard: "a file that could not be written to its end goes",
		},
		{
			name: "agent-final-name", file: "agentsim/secondary/output.go",
			old:   "o.temp = path.Join(path.Dir(o.name), temporary+strconv.Itoa(n))",
			new:   "o.temp = path.Join(path.Dir(o.name), path.Base(o.name)+strconv.Itoa(n))",
			guard: "a file that is not finished is known as such",
		},
		{
			name: "agent-mirror", file: "agentsim/guest.go",
			old:   "\tif err := do(d.mirror); err != nil {\n\t\treturn err\n\t}\n",
			new:   "",
			guard: "what a guest writes during a live copy gets to the copy",
		},
		{
			name: "agent-mirror-end", file: "agentsim/cmd_migrate.go",
			old:   "_ = s.disk.mirrorTo(nil)",
			new:   "_ = s.disk",
			guard: "a live copy that failed is given up",
		},
		{
			name: "agent-rebooted", file: "agentsim/cmd_migrate.go",
			old:   "case h.life == nil || h.boots != boot:",
			new:   "case h.life == nil:",
			guard: "a VM does not move to a host that has rebooted meanwhile",
		},
		{
			name: "agent-hold", file: "agentsim/cmd_migrate.go",
			old:   "if err == nil && have < need {",
			new:   "if err == nil && have < need/2 {",
			guard: "a disk is not copied to a device that is too small",
		},
		{
			name: "agent-twice", file: "agentsim/cmd_vm.go",
			old:   "if _, err := r.host.Guest(c.VM.Name); err == nil {\n\t\treturn failed(alreadyRuns",
			new:   "if _, err := r.host.Guest(c.VM.Name); err == nil && len(c.VM.Disks) == 0 {\n\t\treturn failed(alreadyRuns",
			guard: "a VM does not run twice",
		},
		{
			name: "agent-secrets", file: "agentsim/cmd_vm.go",
			old:   "\th.removeSecrets(paths)\n\treturn paths",
			new:   "\treturn paths",
			guard: "a passphrase leaves the host with its guest",
		},
		{
			name: "agent-unplugged-secret", file: "agentsim/cmd_attach.go",
			old:   "\t\t\tr.host.removeSecret(c.Disk.Path)\n",
			new:   "",
			guard: "a passphrase leaves the host with its disk",
		},
		{
			name: "agent-answer-secret", file: "agentsim/passphrases.go",
			old:   "case agentapi.Volume:\n\t\to.Passphrase = agentapi.Secret{}\n",
			new:   "case agentapi.Volume:\n",
			guard: "no answer carries a passphrase",
		},
		{
			name: "agent-secret-text", file: "driver/agentapi/objects.go",
			old:   "func (Secret) MarshalText() ([]byte, error) { return []byte(hidden), nil }",
			new:   "func (s Secret) MarshalText() ([]byte, error) { return s.bytes, nil }",
			guard: "a passphrase is hidden from encoders",
		},
		{
			name: "agent-no-encryption", file: "agentsim/encryption.go",
			old:   "\tif h.Encrypts() {\n",
			new:   "\tif h.Encrypts() || h.cfg.NoEncryption {\n",
			guard: "a host without the tools runs no encrypted volume",
		},
		{
			name: "agent-tidy-up", file: "agentsim/host.go",
			old:   "left := h.takeUnfinished()\n\th.mu.Unlock()\n\told.end()\n",
			new:   "left := h.takeUnfinished()[:0]\n\th.mu.Unlock()\n\told.end()\n",
			guard: "a new agent removes what the old one left unfinished",
		},
		{
			name: "agent-heartbeat", file: "agentsim/heartbeat.go",
			old:   "if errors.Join(err, d.Close()) == nil {\n\t\t\t\treturn false",
			new:   "if errors.Join(err, d.Close()) == nil {\n\t\t\t\treturn true",
			guard: "a host whose devices answer does not reboot",
		},
		{
			name: "agent-archive", file: "agentsim/download.go",
			old:   "if done += n; done > limit {",
			new:   "if done += n; done < 0 {",
			guard: "an archive does not unfold for ever",
		},
		{
			name: "agent-link", file: "agentsim/cmd_direct_download.go",
			old:   "if err == nil && !st.Mode().IsRegular() {",
			new:   "if err == nil && st.Mode().IsDir() {",
			guard: "a direct download follows no link",
		},
		{
			name: "agent-sectors", file: "agentsim/cmd_download_template.go",
			old:   "return (img.Size() + 511) / 512 * 512 }",
			new:   "return img.Size() / 512 * 512 }",
			guard: "a volume holds an image to its last byte",
		},
		{
			name: "agent-unprepare", file: "agentsim/cmd_targets.go",
			old:   "&& h.claim(name) {\n\t\truns = 1",
			new:   "&& h.claim(name) {\n\t\truns = 0",
			guard: "what was attached for a migration is detached when it does not come",
		},
		{
			name: "agent-guest-room", file: "agentsim/encryption.go",
			old:   "if !d.encrypted() {\n\t\treturn requested, nil",
			new:   "if d.encrypted() {\n\t\treturn requested, nil",
			guard: "a guest is told of the room that the header leaves",
		},
		{
			name: "agent-template-half", file: "agentsim/cmd_backup_template.go",
			old:   "return out, errors.Join(err, r.unlessDead(func() error { return m.Remove(name) }))",
			new:   "return out, err",
			guard: "a template that is not described goes",
		},
	}
}

// checkMutations are of the invariants that judge every scenario, as far as bytes depend on them.
func checkMutations() []mutation {
	return []mutation{
		{
			name: "check-writers", file: "scenarios/check/compute.go",
			old:   "if len(clients) > 1 && f.vms",
			new:   "if len(clients) > 2 && f.vms",
			guard: "two hosts that may write the same volume are found",
			by:    "go test ./scenarios/check",
		},
		{
			name: "check-layers", file: "scenarios/check/encryption.go",
			old:   "if s.Layers != 1 {",
			new:   "if s.Layers > 1 {",
			guard: "an encrypted volume that holds plaintext is found",
			by:    "go test ./scenarios/check",
		},
		{
			name: "check-plaintext", file: "scenarios/check/encryption.go",
			old:   "if !l.Passphrase {",
			new:   "if !l.Passphrase && l.What == \"\" {",
			guard: "plaintext of an encrypted volume is found where it leaked",
			by:    "go test ./scenarios/check",
		},
	}
}

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
			by:    "go test ./agentsim/image -rapid.nofailfile",
		},
		{
			name: "agent-backup-key", file: "agentsim/cmd_download_template.go",
			old:   "if c.DestVolume == nil || c.DestVolume.Passphrase.Empty() {",
			new:   "if c.DestVolume == nil || c.DestVolume.Path != \"\" {",
			guard: "a backup that the passphrase does not open is not written back",
			by:    "go test ./agentsim",
		},
		{
			name: "agent-source-key", file: "agentsim/cmd_backup_snapshot.go",
			old:   "if key := c.passphrase(); !key.Empty() {\n\t\tif err := r.mustOpen(ctx, c.Source.Path, key); err != nil {\n\t\t\treturn err\n\t\t}\n",
			new:   "if key := c.passphrase(); !key.Empty() {\n",
			guard: "what the passphrase does not open is not backed up",
			tags:  "@row-09 && @encrypted",
		},
		{
			name: "agent-passphrase", file: "agentsim/luks/open.go",
			old:   "if subtle.ConstantTimeCompare(digest, h.digest[:]) != 1 {",
			new:   "if subtle.ConstantTimeCompare(digest, h.digest[:]) > 1 {",
			guard: "a container opens with its passphrase only",
			tags:  "@row-21 && @encrypted",
		},
		{
			name: "agent-flush", file: "agentsim/image/convert.go",
			old:   "return m.moved, dst.Flush()",
			new:   "return m.moved, nil",
			guard: "an image is complete when the conversion answers",
			tags:  "@row-13",
		},
		{
			name: "agent-holes", file: "agentsim/image/convert.go",
			old:   "if err := m.zero(at, from-at); err != nil {",
			new:   "if err := m.zero(at, 0); err != nil {",
			guard: "holes of the source are zeros on the target",
			tags:  "@row-02 && @encrypted",
		},
		{
			name: "agent-zeros", file: "agentsim/image/convert.go",
			old:   "\tif zeros {\n",
			new:   "\tif zeros && at < 0 {\n",
			guard: "zeros take no room on the target",
			by:    "go test ./agentsim/image -rapid.nofailfile",
		},
		{
			name: "agent-doubtful-attach", file: "agentsim/copy.go",
			old:   "\t\tif name != \"\" {\n\t\t\tr.thenDetach(\"detach\", k, path)",
			new:   "\t\tif name != \"\" && err == nil {\n\t\t\tr.thenDetach(\"detach\", k, path)",
			guard: "what may be attached is detached",
			tags:  "@row-15 && @fault",
		},
		{
			name: "agent-clean-up", file: "agentsim/cleanup.go",
			old:   "\t\t\ttrouble = append(trouble, err)\n\t\t\tr.inBackground(c)\n",
			new:   "\t\t\ttrouble = append(trouble, err)\n",
			guard: "a detach that failed is tried again in the background",
			tags:  "@row-09 && @fault",
		},
		{
			name: "agent-last-user", file: "agentsim/device.go",
			old:   "return e.runs + e.guests\n}\n\n// unused",
			new:   "return e.runs\n}\n\n// unused",
			guard: "a device is detached by its last user",
			by:    "go test ./agentsim",
		},
		{
			name: "agent-detach-tries", file: "agentsim/device.go",
			old:   "for range detachTries {",
			new:   "for range detachTries / 10 {",
			guard: "a detach is tried ten times",
			tags:  "@detach",
		},
		{
			name: "agent-read-only", file: "agentsim/storpool.go",
			old:   "r.ReadWrite = []int{client}",
			new:   "r.ReadOnly = []int{client}",
			guard: "a volume is attached for writing",
			tags:  "@attach",
		},
		{
			name: "agent-half-file", file: "agentsim/copy.go",
			old:   "return errors.Join(err, out.Discard())",
			new:   "return err",
			guard: "a file that could not be written to its end goes",
			tags:  "@row-09 && ~@encrypted",
		},
		{
			name: "agent-mirror", file: "agentsim/guest.go",
			old:   "\tif err := do(d.mirror); err != nil {\n\t\treturn err\n\t}\n",
			new:   "",
			guard: "what a guest writes during a live copy gets to the copy",
			by:    "go test ./agentsim",
		},
		{
			name: "agent-rebooted", file: "agentsim/cmd_migrate.go",
			old:   "case h.life == nil || h.boots != boot:",
			new:   "case h.life == nil:",
			guard: "a VM does not move to a host that has rebooted meanwhile",
			by:    "go test ./agentsim",
		},
		{
			name: "agent-secrets", file: "agentsim/cmd_vm.go",
			old:   "\th.removeSecrets(paths)\n\treturn paths",
			new:   "\treturn paths",
			guard: "a passphrase leaves the host with its guest",
			tags:  "@row-21 && @encrypted",
		},
		{
			name: "agent-unplugged-secret", file: "agentsim/cmd_attach.go",
			old:   "\t\t\tr.host.removeSecret(c.Disk.Path)\n",
			new:   "",
			guard: "a passphrase leaves the host with its disk",
			tags:  "@row-14 && @encrypted",
		},
		{
			name: "agent-tidy-up", file: "agentsim/host.go",
			old:   "left := h.takeUnfinished()\n\th.mu.Unlock()\n\told.end()\n",
			new:   "left := h.takeUnfinished()[:0]\n\th.mu.Unlock()\n\told.end()\n",
			guard: "a new agent removes what the old one left unfinished",
			tags:  "@direct-download",
		},
		{
			name: "agent-heartbeat", file: "agentsim/heartbeat.go",
			old:   "if errors.Join(err, d.Close()) == nil {\n\t\t\t\treturn false",
			new:   "if errors.Join(err, d.Close()) == nil {\n\t\t\t\treturn true",
			guard: "a host whose devices answer does not reboot",
			tags:  "@ha",
		},
		{
			name: "agent-link", file: "agentsim/cmd_direct_download.go",
			old:   "if err == nil && !st.Mode().IsRegular() {",
			new:   "if err == nil && st.Mode().IsDir() {",
			guard: "a direct download follows no link",
			by:    "go test ./agentsim",
		},
		{
			name: "agent-unprepare", file: "agentsim/cmd_targets.go",
			old:   "&& h.claim(name) {\n\t\truns = 1",
			new:   "&& h.claim(name) {\n\t\truns = 0",
			guard: "what was attached for a migration is detached when it does not come",
			tags:  "@row-18 && @migration",
		},
		{
			name: "agent-guest-room", file: "agentsim/encryption.go",
			old:   "if !d.encrypted() {\n\t\treturn requested, nil",
			new:   "if d.encrypted() {\n\t\treturn requested, nil",
			guard: "a guest is told of the room that the header leaves",
			tags:  "@row-15 && @encrypted",
		},
		{
			name: "agent-template-half", file: "agentsim/cmd_backup_template.go",
			old:   "return out, errors.Join(err, r.unlessDead(func() error { return m.Remove(name) }))",
			new:   "return out, err",
			guard: "a template that is not described goes",
			by:    "go test ./agentsim",
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

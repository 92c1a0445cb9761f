package main

// driverMutations are of the plugin.
func driverMutations() []mutation { //nolint:funlen // a table
	return []mutation{
		{
			name: "driver-undo", file: "driver/step.go",
			old:   "for _, u := range slices.Backward(o.undo) {",
			new:   "for _, u := range slices.Backward(o.undo[:0]) {",
			guard: "an operation that fails undoes its steps",
		},
		{
			name: "driver-undo-order", file: "driver/step.go",
			old:   "for _, u := range slices.Backward(o.undo) {",
			new:   "for _, u := range slices.All(o.undo) {",
			guard: "steps are undone in reverse order",
		},
		{
			name: "driver-undo-before", file: "driver/step.go",
			old: `	if undoes != nil && !o.pivoted {
		o.undo = append(o.undo, undo{name, undoes})
	}
	if t, err = do(ctx); err != nil {
		err = fmt.Errorf("%s: %w", name, err)
	}
`,
			new: `	if t, err = do(ctx); err != nil {
		err = fmt.Errorf("%s: %w", name, err)
	} else if undoes != nil && !o.pivoted {
		o.undo = append(o.undo, undo{name, undoes})
	}
`,
			guard: "a step whose answer was lost is undone as well",
		},
		{
			name: "driver-pivot", file: "driver/step.go",
			old:   "keep := *err != nil && o.pivoted",
			new:   "keep := *err == nil && o.pivoted",
			guard: "an operation that failed behind its pivot is left to Reconcile",
		},
		{
			name: "driver-pivot-undo", file: "driver/step.go",
			old:   "o.undo, o.pivoted = nil, true\n\treturn o.mark",
			new:   "o.pivoted = true\n\treturn o.mark",
			guard: "nothing is undone behind the pivot",
		},
		{
			name: "driver-strays", file: "driver/step.go",
			old:   "\t\to.leaveStrays(tx)\n",
			new:   "",
			guard: "what a lost call makes later is watched for",
		},
		{
			name: "driver-refused-commit", file: "driver/commit.go",
			old:   "o.undo, o.pivoted = before, false\n",
			new:   "_ = before\n",
			guard: "a refusal at the pivot takes back what went before",
		},
		{
			name: "driver-doubtful-commit", file: "driver/commit.go",
			old:   "if pivoted || !errors.As(err, &refusal) || spapi.MayHaveRun(err) {",
			new:   "if pivoted || !errors.As(err, &refusal) {",
			guard: "a refusal after an unanswered attempt is no proof that nothing happened",
		},
		{
			name: "driver-live-intent", file: "driver/reconcile.go",
			old:   "return !d.active.has(i.ID) && (i.Owner",
			new:   "return (i.Owner",
			guard: "Reconcile leaves operations alone that are under way",
		},
		{
			name: "driver-lease", file: "driver/reconcile.go",
			old:   "(i.Owner == d.owner || !d.clock.Now().Before(i.Lease))",
			new:   "(i.Owner != \"\" || !d.clock.Now().Before(i.Lease))",
			guard: "the operation of another management server is left alone for the time of its lease",
		},
		{
			name: "driver-owned", file: "driver/reconcile.go",
			old:   "return dropTagged(ctx, c, i.Op, d.owned)",
			new:   "return dropTagged(ctx, c, i.Op, nil)",
			guard: "Reconcile deletes nothing that a row names",
		},
		{
			name: "driver-forward", file: "driver/reconcile.go",
			old:   "case i.Pivoted && how.forward != nil:",
			new:   "case !i.Pivoted && how.forward != nil:",
			guard: "Reconcile finishes what has passed its pivot, and only that",
		},
		{
			name: "driver-unowned", file: "driver/reconcile.go",
			old:   "\tif !i.Pivoted {\n\t\tif err := d.removeUnowned",
			new:   "\tif i.Pivoted {\n\t\tif err := d.removeUnowned",
			guard: "Reconcile removes what an operation that was cut short has made",
		},
		{
			name: "driver-old-revert", file: "driver/revert.go",
			old:   `if v.row.State == inventory.VolumeReverting && i.Data != "" {`,
			new:   `if i.Data != "" {`,
			guard: "Reconcile reverts no volume that has been in use since",
		},
		{
			name: "driver-old-group-revert", file: "driver/vmsnapshot_revert.go",
			old:   "if errors.Is(err, inventory.ErrNotFound) || err == nil && g.row.State != inventory.VMSnapshotReverting {",
			new:   "if errors.Is(err, inventory.ErrNotFound) {",
			guard: "Reconcile takes no VM back that has been in use since",
		},
		{
			name: "driver-backup-file", file: "driver/recover_object.go",
			old:   "if err := d.dropBackup(ctx, s, inventory.ID(store)); err != nil || s.State",
			new:   "if err := error(nil); store < 0 || s.State",
			guard: "Reconcile removes the file of a backup that was cut short",
		},
		{
			name: "driver-header-room", file: "driver/offering.go",
			old:   "return size + luksRoom",
			new:   "return size + luksRoom/2",
			guard: "an encrypted volume has room for its header",
		},
		{
			name: "driver-header-size", file: "driver/offering.go",
			old:   "return size - spSize(0, encrypted)",
			new:   "return size",
			guard: "the size on record is without the header",
		},
		{
			name: "driver-name-tilde", file: "driver/paths.go",
			old:   `if tilde && id != "" {`,
			new:   `if id != "" {`,
			guard: "a global id and a name are told apart",
		},
		{
			name: "driver-name-legacy", file: "driver/paths.go",
			old:   "if rest, ok := strings.CutPrefix(path, byNamePrefix); ok {",
			new:   "if rest, ok := strings.CutPrefix(path, byNamePrefix); ok && tilde && rest == \"\" {",
			guard: "volumes of the days before global ids are known by name",
		},
		{
			name: "driver-freed", file: "driver/delete.go",
			old:   "return -spSize(v.Size, v.Encrypted())",
			new:   "return -v.Size",
			guard: "a deletion gives back the bytes that the creation took",
		},
		{
			name: "driver-moved-bytes", file: "driver/move.go",
			old:   "charge(tx, v.Pool, -size)",
			new:   "charge(tx, v.Pool, 0)",
			guard: "a volume that moves is counted on one pool",
		},
		{
			name: "driver-grown-bytes", file: "driver/resize.go",
			old:   "return p.Size - p.row.Size }",
			new:   "return max(0, p.Size-p.row.Size) }",
			guard: "a volume that shrinks gives bytes back",
		},
		{
			name: "driver-plain", file: "driver/encryption.go",
			old:   "\tif v.Encrypted() {\n\t\treturn fmt.Errorf(\"volume %d is encrypted, %s",
			new:   "\tif v.Encrypted() && v.ID == 0 {\n\t\treturn fmt.Errorf(\"volume %d is encrypted, %s",
			guard: "what cannot be done with an encrypted volume is refused",
		},
		{
			name: "driver-no-passphrase", file: "driver/encryption.go",
			old:   "if e.secret = secretOf(tx, v.row); e.secret.Empty() {",
			new:   "if e.secret = secretOf(tx, v.row); e.secret.Empty() && v.row.ID == 0 {",
			guard: "no encrypted volume is made without a passphrase",
		},
		{
			name: "driver-proof", file: "driver/encryption.go",
			old:   "case out.Path != path || out.EncryptFormat != formatLUKS:",
			new:   "case out.Path != path:",
			guard: "a volume counts as encrypted once a host has proved it",
		},
		{
			name: "driver-encrypting-host", file: "driver/encryption.go",
			old:   "func(h inventory.Host) bool { return h.Encryption }",
			new:   "func(inventory.Host) bool { return true }",
			guard: "a volume is encrypted by a host that can",
		},
		{
			name: "driver-lock", file: "driver/commit.go",
			old:   `d.locks.Lock(ctx, fmt.Sprintf("%s %d", kind, id))`,
			new:   `d.locks.Lock(ctx, fmt.Sprintf("%s %d %s", kind, id, d.newID()))`,
			guard: "operations on one object follow one another",
		},
		{
			name: "driver-detach-tags", file: "driver/tags.go",
			old:   "return tagRow{vm: cleared, policy: cleared, disk: cleared}",
			new:   "return tagRow{vm: cleared, policy: cleared}",
			guard: "a detached volume loses the tags of its VM",
		},
		{
			name: "driver-tier-limit", file: "driver/offering.go",
			old:   "case f.place.tier != \"\":\n\t\treturn nil",
			new:   "case f.place.tier != \"\" && f.volume == 0:\n\t\treturn nil",
			guard: "the limit of a volume with a tier is the QoS service's",
		},
		{
			name: "driver-revert-limit", file: "driver/offering.go",
			old:   "case f.volume > 0, f.source > 0, s == limitRevert, s == limitOfTemplate:",
			new:   "case f.volume > 0, f.source > 0, s == limitOfTemplate:",
			guard: "a revert sets the limit again",
		},
		{
			name: "driver-resize-limit", file: "driver/resize.go",
			old:   `if p.place.tier != "" || want == p.row.MaxIOPS && p.old.tier == "" {`,
			new:   `if p.place.tier != "" || want == p.row.MaxIOPS {`,
			guard: "a volume that leaves its tier gets its limit back",
		},
		{
			name: "driver-repeated-create", file: "driver/create.go",
			old:   `if name == "" || v.row.Pool != c.pool.ID {`,
			new:   `if name == "" || v.row.Pool == c.pool.ID {`,
			guard: "a volume that is there is not made again",
		},
		{
			name: "driver-missing", file: "driver/api.go",
			old:   "\tif errors.Is(err, spapi.ErrNotFound) {\n\t\treturn nil\n\t}\n\treturn err\n}",
			new:   "\tif errors.Is(err, spapi.ErrExists) {\n\t\treturn nil\n\t}\n\treturn err\n}",
			guard: "what is missing counts as deleted",
		},
		{
			name: "driver-missing-volume", file: "driver/delete.go",
			old:   "\t\tif errors.Is(err, spapi.ErrNotFound) {\n\t\t\tfound, err = false, nil\n\t\t}\n",
			new:   "",
			guard: "the deletion of a volume that is gone succeeds",
		},
		{
			name: "driver-lookup", file: "driver/api.go",
			old:   "if !slices.Contains(o.made.volumes, v.GlobalID) && (",
			new:   "if slices.Contains(o.made.volumes, v.GlobalID) && (",
			guard: "a repeated create takes what the first attempt has made",
		},
		{
			name: "driver-lookup-snapshot", file: "driver/api.go",
			old:   "if !slices.Contains(o.made.snapshots, s.GlobalID) {",
			new:   "if slices.Contains(o.made.snapshots, s.GlobalID) {",
			guard: "a repeated snapshot takes what the first attempt has made",
		},
		{
			name: "driver-detach-snapshot", file: "driver/api.go",
			old:   "spapi.Reassign{Snapshot: name, Detach: spapi.Everybody(), Force: true}); err != nil {",
			new:   "spapi.Reassign{Snapshot: name, Detach: spapi.Clients{IDs: []int{1}}}); err != nil {",
			guard: "a snapshot is detached everywhere before it is deleted",
		},
		{
			name: "driver-safety-once", file: "driver/delete.go",
			old:   "if after > 0 && !v.Encrypted() && !resumed {",
			new:   "if after > 0 && !v.Encrypted() {",
			guard: "a deletion that is repeated takes no second safety snapshot",
		},
		{
			name: "driver-safety-encrypted", file: "driver/delete.go",
			old:   "if after > 0 && !v.Encrypted() && !resumed {",
			new:   "if after > 0 && !resumed {",
			guard: "an encrypted volume leaves no safety snapshot that nothing can open",
		},
		{
			name: "driver-running-revert", file: "driver/vmsnapshot_revert.go",
			old:   "if r.vm.State != inventory.VMStopped {",
			new:   "if r.vm.State == inventory.VMDestroyed {",
			guard: "a VM that runs is not reverted",
		},
		{
			name: "driver-pool-in-use", file: "driver/delete_pool.go",
			old:   `return v.Pool == pool && v.Path != "" && v.State != inventory.VolumeExpunged`,
			new:   `return v.Pool == pool && v.Path == "" && v.State != inventory.VolumeExpunged`,
			guard: "a pool that holds volumes is not deleted",
		},
		{
			name: "driver-snapshot-busy", file: "driver/strategy.go",
			old:   "\t\treturn deletable(r)\n",
			new:   "\t\treturn nil\n",
			guard: "a snapshot in the hands of another operation is not deleted",
		},
		{
			name: "driver-snapshot-elsewhere", file: "driver/strategy.go",
			old:   "if len(left) == 0 {",
			new:   "if len(left) >= 0 {",
			guard: "a snapshot that is still on another pool keeps its details",
		},
		{
			name: "driver-work-volume", file: "driver/copy_template.go",
			old:   `err = act(ctx, op, "delete work volume", func(ctx context.Context) error { return deleteVolume(ctx, c, "~"+work) }, nil)`,
			new:   `err = act(ctx, op, "delete work volume", func(context.Context) error { return nil }, nil)`,
			guard: "the work volume of a template goes",
		},
		{
			name: "driver-exchange", file: "driver/motion.go",
			old:   "s.Volume = to.ID",
			new:   "s.Volume = from.ID",
			guard: "the snapshots of a volume that moves go with it",
		},
		{
			name: "driver-in-doubt", file: "driver/motion.go",
			old:   "if !here.Running || here.Migrating {",
			new:   "if !here.Running && here.Migrating {",
			guard: "a migration ends only when the hosts agree where the VM runs",
		},
		{
			name: "driver-let-go", file: "driver/encryption.go",
			old:   "if !errors.As(cause, &silent) || !silent.Silent {",
			new:   "if !errors.As(cause, &silent) || silent.Silent {",
			guard: "a snapshot is detached from a host that fell silent",
		},
		{
			name: "driver-backup-there", file: "driver/copy_backup.go",
			old:   "if ref, ok := refOf(tx, dst); ok && ref.State == inventory.RefReady {",
			new:   "if ref, ok := refOf(tx, dst); ok && ref.State == inventory.RefDestroyed {",
			guard: "a backup that is there is not made again",
		},
		{
			name: "driver-foreign-backup", file: "driver/revert_backup.go",
			old:   "if !v.Encrypted() || s.Volume != v.ID {",
			new:   "if !v.Encrypted() || s.Volume == v.ID {",
			guard: "ciphertext goes back to its own volume",
		},
		{
			name: "driver-doubt", file: "driver/spapi/retry.go",
			old:   "if q.create && MayHaveRun(err) && !inDoubt {",
			new:   "if q.create && !MayHaveRun(err) && !inDoubt {",
			guard: "a create without an answer is looked for before it is repeated",
		},
		{
			name: "driver-transient", file: "driver/spapi/retry.go",
			old:   "return refused.Transient",
			new:   "return false",
			guard: "a transient refusal is tried again",
		},
		{
			name: "driver-rollback", file: "driver/inventory/store.go",
			old:   "if !done || err != nil {",
			new:   "if !done {",
			guard: "an inventory transaction that fails changes nothing",
		},
		{
			name: "driver-rival-check", file: "driver/hosts.go",
			old:   "if err == nil && winner != devPath(id) {",
			new:   "if err == nil && winner == \"\" {",
			guard: "of two check volumes one stays",
		},
		{
			name: "driver-temporary", file: "driver/transfer.go",
			old:   `func(ctx context.Context) error { return missingIsFine(deleteSnapshot(ctx, c, "~"+gid)) }, nil)`,
			new:   "func(context.Context) error { return nil }, nil)",
			guard: "the temporary snapshot of a copy goes",
		},
	}
}

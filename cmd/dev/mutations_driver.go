package main

// driverMutations are of the plugin.
func driverMutations() []mutation { //nolint:funlen // a table
	return []mutation{
		{
			name: "driver-undo", file: "driver/step.go",
			old:   "for _, u := range slices.Backward(o.undo) {",
			new:   "for _, u := range slices.Backward(o.undo[:0]) {",
			guard: "an operation that fails undoes its steps",
			tags:  "@direct-download",
		},
		{
			name: "driver-undo-order", file: "driver/step.go",
			old:   "for _, u := range slices.Backward(o.undo) {",
			new:   "for _, u := range slices.All(o.undo) {",
			guard: "steps are undone in reverse order",
			tags:  "@row-20",
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
			tags:  "@direct-download",
		},
		{
			name: "driver-pivot", file: "driver/step.go",
			old:   "keep := *err != nil && o.pivoted",
			new:   "keep := *err == nil && o.pivoted",
			guard: "an operation that failed behind its pivot is left to Reconcile",
			tags:  "@policy",
		},
		{
			name: "driver-strays", file: "driver/step.go",
			old:   "\t\to.leaveStrays(tx)\n",
			new:   "",
			guard: "what a lost call makes later is watched for",
			tags:  "@row-18 && @migration",
		},
		{
			name: "driver-refused-commit", file: "driver/commit.go",
			old:   "o.undo, o.pivoted = before, false\n",
			new:   "_ = before\n",
			guard: "a refusal at the pivot takes back what went before",
			tags:  "@delayed-delete",
		},
		{
			name: "driver-doubtful-commit", file: "driver/commit.go",
			old:   "if pivoted || !errors.As(err, &refusal) || spapi.MayHaveRun(err) {",
			new:   "if pivoted || !errors.As(err, &refusal) {",
			guard: "a refusal after an unanswered attempt is no proof that nothing happened",
			by:    "go test ./driver",
		},
		{
			name: "driver-lease", file: "driver/reconcile.go",
			old:   "(i.Owner == d.owner || !d.clock.Now().Before(i.Lease))",
			new:   "(i.Owner != \"\" || !d.clock.Now().Before(i.Lease))",
			guard: "the operation of another management server is left alone for the time of its lease",
			by:    "go test ./driver",
		},
		{
			name: "driver-lease-long", file: "driver/lease.go",
			old:   "k.stop = d.clock.Every(d.lease/3, d.stayAlive)",
			new:   "k.stop = func() {}",
			guard: "an operation keeps its lease while a step of it takes longer",
			by:    "go test ./driver",
		},
		{
			name: "driver-lease-taken", file: "driver/reconcile.go",
			old:   "claimed.Lease = d.clock.Now().Add(d.lease)",
			new:   "claimed.Lease = i.Lease",
			guard: "who takes an operation over keeps the others out as its owner did",
			by:    "go test ./driver",
		},
		{
			name: "driver-owned", file: "driver/reconcile.go",
			old:   "return dropTagged(ctx, c, i.Op, d.owned)",
			new:   "return dropTagged(ctx, c, i.Op, nil)",
			guard: "Reconcile deletes nothing that a row names",
			tags:  "@row-01",
		},
		{
			name: "driver-forward", file: "driver/reconcile.go",
			old:   "case i.Pivoted && how.forward != nil:",
			new:   "case !i.Pivoted && how.forward != nil:",
			guard: "Reconcile finishes what has passed its pivot, and only that",
			tags:  "@policy",
		},
		{
			name: "driver-old-group-revert", file: "driver/vmsnapshot_revert.go",
			old:   "if errors.Is(err, inventory.ErrNotFound) || err == nil && g.row.State != inventory.VMSnapshotReverting {",
			new:   "if errors.Is(err, inventory.ErrNotFound) {",
			guard: "Reconcile takes no VM back that has been in use since",
			by:    "go test ./driver",
		},
		{
			name: "driver-backup-file", file: "driver/recover_object.go",
			old:   "if err := d.dropBackup(ctx, s, inventory.ID(store)); err != nil || s.State",
			new:   "if err := error(nil); store < 0 || s.State",
			guard: "Reconcile removes the file of a backup that was cut short",
			tags:  "@row-09 && @crash",
		},
		{
			name: "driver-header-room", file: "driver/offering.go",
			old:   "return size + luksRoom",
			new:   "return size + luksRoom/2",
			guard: "an encrypted volume has room for its header",
			tags:  "@resize",
		},
		{
			name: "driver-header-size", file: "driver/offering.go",
			old:   "return size - spSize(0, encrypted)",
			new:   "return size",
			guard: "the size on record is without the header",
			tags:  "@row-21 && @encrypted",
		},
		{
			name: "driver-name-legacy", file: "driver/paths.go",
			old:   "if rest, ok := strings.CutPrefix(path, byNamePrefix); ok {",
			new:   "if rest, ok := strings.CutPrefix(path, byNamePrefix); ok && tilde && rest == \"\" {",
			guard: "volumes of the days before global ids are known by name",
			tags:  "@legacy",
		},
		{
			name: "driver-freed", file: "driver/delete.go",
			old:   "return -spSize(v.Size, v.Encrypted())",
			new:   "return -v.Size",
			guard: "a deletion gives back the bytes that the creation took",
			tags:  "@row-08 && @encrypted",
		},
		{
			name: "driver-moved-bytes", file: "driver/move.go",
			old:   "charge(tx, v.Pool, -size)",
			new:   "charge(tx, v.Pool, 0)",
			guard: "a volume that moves is counted on one pool",
			tags:  "@row-18 && @encrypted",
		},
		{
			name: "driver-plain", file: "driver/encryption.go",
			old:   "\tif v.Encrypted() {\n\t\treturn fmt.Errorf(\"volume %d is encrypted, %s",
			new:   "\tif v.Encrypted() && v.ID == 0 {\n\t\treturn fmt.Errorf(\"volume %d is encrypted, %s",
			guard: "what cannot be done with an encrypted volume is refused",
			tags:  "@row-09 && @encrypted",
		},
		{
			name: "driver-lock", file: "driver/lease.go",
			old:   `unlock, err := d.locks.Lock(ctx, key)`,
			new:   `unlock, err := d.locks.Lock(ctx, fmt.Sprintf("%s %p", key, &key))`,
			guard: "operations on one object follow one another",
			by:    "go test ./driver",
		},
		{
			name: "driver-detach-tags", file: "driver/tags.go",
			old:   "return tagRow{vm: cleared, policy: cleared, disk: cleared}",
			new:   "return tagRow{vm: cleared, policy: cleared}",
			guard: "a detached volume loses the tags of its VM",
			tags:  "@policy",
		},
		{
			name: "driver-tier-limit", file: "driver/offering.go",
			old:   "case f.place.tier != \"\":\n\t\treturn nil",
			new:   "case f.place.tier != \"\" && f.volume == 0:\n\t\treturn nil",
			guard: "the limit of a volume with a tier is the QoS service's",
			tags:  "@create",
		},
		{
			name: "driver-revert-limit", file: "driver/offering.go",
			old:   "case f.volume > 0, f.source > 0, s == limitRevert, s == limitOfTemplate:",
			new:   "case f.volume > 0, f.source > 0, s == limitOfTemplate:",
			guard: "a revert sets the limit again",
			tags:  "@row-14 && @crash",
		},
		{
			name: "driver-repeated-create", file: "driver/create.go",
			old:   `if name == "" || v.row.Pool != c.pool.ID {`,
			new:   `if name == "" || v.row.Pool == c.pool.ID {`,
			guard: "a volume that is there is not made again",
			by:    "go test ./driver",
		},
		{
			name: "driver-missing", file: "driver/api.go",
			old:   "\tif errors.Is(err, spapi.ErrNotFound) {\n\t\treturn nil\n\t}\n\treturn err\n}",
			new:   "\tif errors.Is(err, spapi.ErrExists) {\n\t\treturn nil\n\t}\n\treturn err\n}",
			guard: "what is missing counts as deleted",
			tags:  "@row-18 && @crash",
		},
		{
			name: "driver-lookup", file: "driver/api.go",
			old:   "if !slices.Contains(o.made.volumes, v.GlobalID) && (",
			new:   "if slices.Contains(o.made.volumes, v.GlobalID) && (",
			guard: "a repeated create takes what the first attempt has made",
			by:    "go test ./driver",
		},
		{
			name: "driver-safety-once", file: "driver/delete.go",
			old:   "if after > 0 && !v.Encrypted() && !resumed {",
			new:   "if after > 0 && !v.Encrypted() && !(resumed && after < 0) {",
			guard: "a deletion that is repeated takes no second safety snapshot",
			tags:  "@delayed-delete",
		},
		{
			name: "driver-pool-in-use", file: "driver/delete_pool.go",
			old:   `return v.Pool == pool && v.Path != "" && v.State != inventory.VolumeExpunged`,
			new:   `return v.Pool == pool && v.Path == "" && v.State != inventory.VolumeExpunged`,
			guard: "a pool that holds volumes is not deleted",
			tags:  "@row-25",
		},
		{
			name: "driver-exchange", file: "driver/motion.go",
			old:   "s.Volume = to.ID",
			new:   "s.Volume = from.ID",
			guard: "the snapshots of a volume that moves go with it",
			tags:  "@row-14 && @migration",
		},
		{
			name: "driver-in-doubt", file: "driver/motion.go",
			old:   "if !here.Running || here.Migrating {",
			new:   "if !here.Running && here.Migrating {",
			guard: "a migration ends only when the hosts agree where the VM runs",
			by:    "go test ./driver",
		},
		{
			name: "driver-let-go", file: "driver/encryption.go",
			old:   "if !errors.As(cause, &silent) || !silent.Silent {",
			new:   "if !errors.As(cause, &silent) || silent.Silent {",
			guard: "a snapshot is detached from a host that fell silent",
			tags:  "@row-02 && @encrypted",
		},
		{
			name: "driver-foreign-backup", file: "driver/revert_backup.go",
			old:   "if !v.Encrypted() || s.Volume != v.ID {",
			new:   "if !v.Encrypted() || s.Volume == v.ID {",
			guard: "ciphertext goes back to its own volume",
			tags:  "@row-14 && @encrypted",
		},
		{
			name: "driver-doubt", file: "driver/spapi/retry.go",
			old:   "if q.create && MayHaveRun(err) && !inDoubt {",
			new:   "if q.create && !MayHaveRun(err) && !inDoubt {",
			guard: "a create without an answer is looked for before it is repeated",
			tags:  "@odd-answers",
		},
		{
			name: "driver-transient", file: "driver/spapi/retry.go",
			old:   "return refused.Transient",
			new:   "return false",
			guard: "a transient refusal is tried again",
			tags:  "@delete",
		},
		{
			name: "driver-rollback", file: "driver/inventory/store.go",
			old:   "if !done || err != nil {",
			new:   "if !done {",
			guard: "an inventory transaction that fails changes nothing",
			by:    "go test ./driver/inventory",
		},
		{
			name: "driver-temporary", file: "driver/move_hosts.go",
			old:   `func(ctx context.Context) error { return missingIsFine(deleteSnapshot(ctx, c, "~"+gid)) }, nil)`,
			new:   "func(context.Context) error { return nil }, nil)",
			guard: "the temporary snapshot of a copy goes",
			tags:  "@row-13",
		},
	}
}

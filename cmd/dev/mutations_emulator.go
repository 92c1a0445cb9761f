package main

// clusterMutations are of the emulator's state machine.
func clusterMutations() []mutation { //nolint:funlen // a table
	return []mutation{
		{
			name: "cluster-open-device", file: "emulator/cluster/plan.go",
			old:   "if b := cl.node.binding(at); b != nil && b.open.Load() > 0 && !a.Force {",
			new:   "if b := cl.node.binding(at); b != nil && b.open.Load() < 0 && !a.Force {",
			guard: "a device that is open is detached by force only",
		},
		{
			name: "cluster-read-only", file: "emulator/cluster/device.go",
			old:   "case need == ReadWrite && d.binding.rights != ReadWrite:",
			new:   `case need == ReadWrite && d.binding.rights == "":`,
			guard: "what is attached read-only is not written",
		},
		{
			name: "cluster-snapshot-rights", file: "emulator/cluster/plan.go",
			old:   "if s != nil { // snapshots are read-only, whatever a client asks for",
			new:   "if s == nil {",
			guard: "volumes are attached with the rights that a client asks for, snapshots read-only",
		},
		{
			name: "cluster-detached-device", file: "emulator/cluster/device.go",
			old:   "case d.binding.rights == \"\":\n\t\treturn ErrDetached",
			new:   "case d.binding.rights == \"-\":\n\t\treturn ErrDetached",
			guard: "a device is dead once it is detached",
		},
		{
			name: "cluster-dead-client", file: "emulator/cluster/device.go",
			old:   "if b.host.dead.Load() {",
			new:   "if b.host.dead.Load() && b.open.Load() > 0 {",
			guard: "the devices of a dead client cannot be opened",
		},
		{
			name: "cluster-detach-everywhere", file: "emulator/cluster/plan.go",
			old:   "kept || !a.DetachAll && !named {",
			new:   "kept || !(a.DetachAll && here) && !named {",
			guard: "detach from all reaches the clients of every cluster",
		},
		{
			name: "cluster-clone-size", file: "emulator/cluster/volumes.go",
			old:   "if size < from.size() {",
			new:   "if size < 0 {",
			guard: "a volume is no smaller than what it is made of",
		},
		{
			name: "cluster-shrink", file: "emulator/cluster/volumes.go",
			old:   "if size < info.Size && !ch.ShrinkOK {",
			new:   "if size < info.Size && ch.ShrinkOK {",
			guard: "a volume shrinks only when the caller says so",
		},
		{
			name: "cluster-resize-bytes", file: "emulator/cluster/volumes.go",
			old:   "if info.Size != old.Size {",
			new:   "if info.Size > old.Size {",
			guard: "a volume that shrinks loses the bytes behind its end",
		},
		{
			name: "cluster-parent-chain", file: "emulator/cluster/snapshots.go",
			old:   "\tc.publish(n, info)\n\tc.reparentTo(v, n)\n",
			new:   "\tc.publish(n, info)\n",
			guard: "a snapshot comes between a volume and its parent",
		},
		{
			name: "cluster-children", file: "emulator/cluster/lineage.go",
			old:   "c.reparentTo(n.child, parent)",
			new:   "c.reparentTo(n.child, nil)",
			guard: "the children of a deleted snapshot get its parent",
		},
		{
			name: "cluster-delete-exported", file: "emulator/cluster/snapshots.go",
			old:   "case len(n.exports()) > 0:",
			new:   "case len(n.exports()) > 0 && len(n.held) > 0:",
			guard: "a snapshot that is exported is not deleted",
		},
		{
			name: "cluster-delete-attached", file: "emulator/cluster/snapshots.go",
			old:   "case len(n.held) > 0:",
			new:   "case len(n.held) > 0 && len(n.exports()) > 0:",
			guard: "a snapshot that is attached is not deleted",
		},
		{
			name: "cluster-delete-crowded", file: "emulator/cluster/lineage.go",
			old:   "if n.child == nil || !n.crowded() && !n.arriving() && c.does.DeleteDelay == 0 {",
			new:   "if n.child == nil || !n.arriving() && c.does.DeleteDelay == 0 {",
			guard: "a deleted snapshot with several children lingers",
		},
		{
			name: "cluster-revert-attached", file: "emulator/cluster/lineage.go",
			old:   "if len(v.held) > 0 && !c.does.RevertAttached {",
			new:   "if len(v.held) > 0 && c.does.RevertAttached {",
			guard: "a volume that is attached is not reverted",
		},
		{
			name: "cluster-revert-size", file: "emulator/cluster/lineage.go",
			old:   "info.Size = v.image.Size()",
			new:   "info.Size = max(info.Size, v.image.Size())",
			guard: "a reverted volume shows the size that it really has",
		},
		{
			name: "cluster-revert-limits", file: "emulator/cluster/lineage.go",
			old:   "if c.does.RevertResetsLimits {",
			new:   "if !c.does.RevertResetsLimits {",
			guard: "a revert resets the limits of a volume to those of its template",
		},
		{
			name: "cluster-group-members", file: "emulator/cluster/snapshots.go",
			old:   "v, err := c.member(m.Volume, spec.Anywhere)\n\t\tif err != nil {\n\t\t\treturn nil, err\n\t\t}",
			new:   "v, err := c.member(m.Volume, spec.Anywhere)\n\t\tif err != nil {\n\t\t\tcontinue\n\t\t}",
			guard: "snapshots of a group are taken of all volumes or of none",
		},
		{
			name: "cluster-tag-removed", file: "emulator/cluster/tags.go",
			old:   "if value != \"\" {\n\t\t\tall = append",
			new:   "if name != \"\" {\n\t\t\tall = append",
			guard: "an empty value removes a tag",
		},
		{
			name: "cluster-tags-kept", file: "emulator/cluster/tags.go",
			old:   "if _, changes := changes[name]; !changes {",
			new:   "if _, changes := changes[name]; !changes && len(t.packed) == 0 {",
			guard: "tags that a change does not name stay",
		},
		{
			name: "cluster-generation", file: "emulator/cluster/cluster.go",
			old:   "c.generation.Add(1)",
			new:   "c.generation.Add(0)",
			guard: "every change raises the generation",
		},
		{
			name: "cluster-recovering", file: "emulator/cluster/transfers.go",
			old:   "s.Recovering, info.Snap = false, &s",
			new:   "info.Snap = &s",
			guard: "a copy from elsewhere is recovering until it is complete, and not longer",
		},
		{
			name: "cluster-unexport-busy", file: "emulator/cluster/exports.go",
			old:   "if !u.Force {",
			new:   "if u.Force {",
			guard: "an export is not withdrawn under a copy that reads it",
		},
		{
			name: "cluster-torn-copy", file: "emulator/cluster/transfers.go",
			old:   "t.copy.image.Lose(keep)",
			new:   "_ = keep",
			guard: "a copy whose source was withdrawn loses what had not arrived",
		},
		{
			name: "cluster-delete-after", file: "emulator/cluster/snapshots.go",
			old:   "return now + *s.DeleteAfter, nil",
			new:   "return now + 60**s.DeleteAfter, nil",
			guard: "a snapshot goes when its time is over",
		},
		{
			name: "cluster-transient", file: "emulator/cluster/lineage.go",
			old:   "c.appoint(c.now().Add(c.does.TransientLifetime), n, dueVanish)",
			new:   "c.appoint(c.now().Add(1000*c.does.TransientLifetime), n, dueMerge)",
			guard: "the snapshot behind a copy of a volume vanishes",
		},
		{
			name: "cluster-template-limits", file: "emulator/cluster/settings.go",
			old:   "\tif t != nil {\n\t\ts.apply(t.policy)\n",
			new:   "\tif t != nil && src == nil {\n\t\ts.apply(t.policy)\n",
			guard: "a template gives its limits to what gets it",
		},
		{
			name: "cluster-limits", file: "emulator/cluster/settings.go",
			old:   "\tif p.IOPS != nil {\n\t\ts.IOPS = *p.IOPS\n",
			new:   "\tif p.IOPS != nil && *p.IOPS != 0 {\n\t\ts.IOPS = *p.IOPS\n",
			guard: "a limit of 0 takes a limit away",
		},
		{
			name: "cluster-room", file: "emulator/cluster/settings.go",
			old:   "if c.full(g) {",
			new:   "if c.full(g) && size < 0 {",
			guard: "nothing grows where the disks have no room left",
		},
		{
			name: "cluster-remote-attached", file: "emulator/cluster/plan.go",
			old:   "case OnAttachedExport:\n\t\t\telsewhere = true",
			new:   "case OnAttachedExport:\n\t\t\tp.drop(cl, at, true)",
			guard: "a volume that is attached in another cluster stays attached there",
		},
		{
			name: "cluster-offered", file: "emulator/cluster/remote.go",
			old:   "n.obj.Load().IsSnapshot() && n.exportedTo(locationOf(c.id)) {",
			new:   "n.obj.Load().IsSnapshot() {",
			guard: "a location reads only what is exported to it",
		},
	}
}

// blocksMutations are of the bytes of the emulator's volumes.
func blocksMutations() []mutation {
	return []mutation{
		{
			name: "blocks-copy-on-write", file: "emulator/blocks/image.go",
			old:   "if leaf.own&(1<<k) != 0 {",
			new:   "if leaf.own&(1<<k) != 0 || old != nil {",
			guard: "a write copies a page that a snapshot shows as well",
		},
		{
			name: "blocks-snapshot-layer", file: "emulator/blocks/family.go",
			old:   "im.layer = im.store.layers.Add(1)\n\treturn snap",
			new:   "return snap",
			guard: "bytes of a snapshot belong to the snapshot",
		},
		{
			name: "blocks-leaf", file: "emulator/blocks/tree.go",
			old:   "pages := *n.pages\n\t\t*at = &node{layer: layer, pages: &pages}",
			new:   "n.layer = layer",
			guard: "the table of pages of a snapshot is not changed by its volume",
		},
		{
			name: "blocks-discard", file: "emulator/blocks/image.go",
			old:   "\tim.dropPages(first, last)\n}",
			new:   "\t_ = last\n}",
			guard: "what is discarded reads as zeros",
		},
		{
			name: "blocks-shrink", file: "emulator/blocks/image.go",
			old:   "im.discard(size, im.size-size)",
			new:   "im.discard(size, 0)",
			guard: "what shrinks and grows again shows zeros behind its old end",
		},
		{
			name: "blocks-revert-size", file: "emulator/blocks/family.go",
			old:   "\tif takeSize {",
			new:   "\tif !takeSize {",
			guard: "a revert takes the size of the snapshot when it is asked to",
		},
		{
			name: "blocks-frozen", file: "emulator/blocks/family.go",
			old:   "tree: im.tree, frozen: true, lossy: im.lossy,\n\t\tlayer: im.layer,",
			new:   "tree: im.tree, frozen: im.frozen, lossy: im.lossy,\n\t\tlayer: im.layer,",
			guard: "snapshots cannot be written",
		},
	}
}

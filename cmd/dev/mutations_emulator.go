package main

// clusterMutations are of the emulator's state machine.
func clusterMutations() []mutation { //nolint:funlen // a table
	return []mutation{
		{
			name: "cluster-open-device", file: "emulator/cluster/plan.go",
			old:   "if b := cl.node.binding(at); b != nil && b.open.Load() > 0 && !a.Force {",
			new:   "if b := cl.node.binding(at); b != nil && b.open.Load() < 0 && !a.Force {",
			guard: "a device that is open is detached by force only",
			by:    "go test ./emulator/cluster -rapid.nofailfile",
		},
		{
			name: "cluster-read-only", file: "emulator/cluster/device.go",
			old:   "case need == ReadWrite && d.binding.rights != ReadWrite:",
			new:   `case need == ReadWrite && d.binding.rights == "":`,
			guard: "what is attached read-only is not written",
			by:    "go test ./emulator/cluster -rapid.nofailfile",
		},
		{
			name: "cluster-snapshot-rights", file: "emulator/cluster/plan.go",
			old:   "if s != nil { // snapshots are read-only, whatever a client asks for",
			new:   "if s == nil {",
			guard: "volumes are attached with the rights that a client asks for, snapshots read-only",
			by:    "go test ./emulator/cluster -rapid.nofailfile",
		},
		{
			name: "cluster-detach-everywhere", file: "emulator/cluster/plan.go",
			old:   "kept || !a.DetachAll && !named {",
			new:   "kept || !(a.DetachAll && here) && !named {",
			guard: "detach from all reaches the clients of every cluster",
			tags:  "@ha",
		},
		{
			name: "cluster-clone-size", file: "emulator/cluster/volumes.go",
			old:   "if size < from.size() {",
			new:   "if size < 0 {",
			guard: "a volume is no smaller than what it is made of",
			by:    "go test ./emulator/cluster -rapid.nofailfile",
		},
		{
			name: "cluster-shrink", file: "emulator/cluster/volumes.go",
			old:   "if size < info.Size && !ch.ShrinkOK {",
			new:   "if size < info.Size && ch.ShrinkOK {",
			guard: "a volume shrinks only when the caller says so",
			tags:  "@row-15",
		},
		{
			name: "cluster-resize-bytes", file: "emulator/cluster/volumes.go",
			old:   "if info.Size != old.Size {",
			new:   "if info.Size > old.Size {",
			guard: "a volume that shrinks loses the bytes behind its end",
			tags:  "@resize",
		},
		{
			name: "cluster-delete-exported", file: "emulator/cluster/snapshots.go",
			old:   "case len(n.exports()) > 0:",
			new:   "case len(n.exports()) > 0 && len(n.held) > 0:",
			guard: "a snapshot that is exported is not deleted",
			tags:  "@row-28",
		},
		{
			name: "cluster-revert-size", file: "emulator/cluster/lineage.go",
			old:   "info.Size = v.image.Size()",
			new:   "info.Size = max(info.Size, v.image.Size())",
			guard: "a reverted volume shows the size that it really has",
			tags:  "@revert",
		},
		{
			name: "cluster-group-members", file: "emulator/cluster/snapshots.go",
			old:   "v, err := c.member(m.Volume, spec.Anywhere)\n\t\tif err != nil {\n\t\t\treturn nil, err\n\t\t}",
			new:   "v, err := c.member(m.Volume, spec.Anywhere)\n\t\tif err != nil {\n\t\t\tcontinue\n\t\t}",
			guard: "snapshots of a group are taken of all volumes or of none",
			by:    "go test ./emulator/cluster -rapid.nofailfile",
		},
		{
			name: "cluster-tag-removed", file: "emulator/cluster/tags.go",
			old:   "if value != \"\" {\n\t\t\tall = append",
			new:   "if name != \"\" {\n\t\t\tall = append",
			guard: "an empty value removes a tag",
			tags:  "@detach",
		},
		{
			name: "cluster-tags-kept", file: "emulator/cluster/tags.go",
			old:   "if _, changes := changes[name]; !changes {",
			new:   "if _, changes := changes[name]; !changes && len(t.packed) == 0 {",
			guard: "tags that a change does not name stay",
			tags:  "@row-23",
		},
		{
			name: "cluster-generation", file: "emulator/cluster/cluster.go",
			old:   "c.generation.Add(1)",
			new:   "c.generation.Add(0)",
			guard: "every change raises the generation",
			tags:  "@policy",
		},
		{
			name: "cluster-recovering", file: "emulator/cluster/transfers.go",
			old:   "s.Recovering, info.Snap = false, &s",
			new:   "info.Snap = &s",
			guard: "a copy from elsewhere is recovering until it is complete, and not longer",
			tags:  "@row-28",
		},
		{
			name: "cluster-torn-copy", file: "emulator/cluster/transfers.go",
			old:   "t.copy.image.Lose(keep)",
			new:   "_ = keep",
			guard: "a copy whose source was withdrawn loses what had not arrived",
			by:    "go test ./emulator/cluster -rapid.nofailfile",
		},
		{
			name: "cluster-delete-after", file: "emulator/cluster/snapshots.go",
			old:   "return now + *s.DeleteAfter, nil",
			new:   "return now + 60**s.DeleteAfter, nil",
			guard: "a snapshot goes when its time is over",
			tags:  "@delayed-delete",
		},
		{
			name: "cluster-template-limits", file: "emulator/cluster/settings.go",
			old:   "\tif t != nil {\n\t\ts.apply(t.policy)\n",
			new:   "\tif t != nil && src == nil {\n\t\ts.apply(t.policy)\n",
			guard: "a template gives its limits to what gets it",
			tags:  "@legacy",
		},
		{
			name: "cluster-limits", file: "emulator/cluster/settings.go",
			old:   "\tif p.IOPS != nil {\n\t\ts.IOPS = *p.IOPS\n",
			new:   "\tif p.IOPS != nil && *p.IOPS != 0 {\n\t\ts.IOPS = *p.IOPS\n",
			guard: "a limit of 0 takes a limit away",
			tags:  "@revert",
		},
		{
			name: "cluster-room", file: "emulator/cluster/settings.go",
			old:   "if c.full(g) {",
			new:   "if c.full(g) && size < 0 {",
			guard: "nothing grows where the disks have no room left",
			tags:  "@unhealthy",
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
			tags:  "@revert",
		},
		{
			name: "blocks-snapshot-layer", file: "emulator/blocks/family.go",
			old:   "im.layer = im.store.layers.Add(1)\n\treturn snap",
			new:   "return snap",
			guard: "bytes of a snapshot belong to the snapshot",
			tags:  "@revert",
		},
		{
			name: "blocks-leaf", file: "emulator/blocks/tree.go",
			old:   "pages := *n.pages\n\t\t*at = &node{layer: layer, pages: &pages}",
			new:   "n.layer = layer",
			guard: "the table of pages of a snapshot is not changed by its volume",
			tags:  "@revert",
		},
		{
			name: "blocks-discard", file: "emulator/blocks/image.go",
			old:   "\tim.dropPages(first, last)\n}",
			new:   "\t_ = last\n}",
			guard: "what is discarded reads as zeros",
			tags:  "@resize",
		},
		{
			name: "blocks-shrink", file: "emulator/blocks/image.go",
			old:   "im.discard(size, im.size-size)",
			new:   "im.discard(size, 0)",
			guard: "what shrinks and grows again shows zeros behind its old end",
			tags:  "@resize",
		},
		{
			name: "blocks-frozen", file: "emulator/blocks/family.go",
			old:   "tree: im.tree, frozen: true, lossy: im.lossy,\n\t\tlayer: im.layer,",
			new:   "tree: im.tree, frozen: im.frozen, lossy: im.lossy,\n\t\tlayer: im.layer,",
			guard: "snapshots cannot be written",
			tags:  "@direct-download",
		},
	}
}

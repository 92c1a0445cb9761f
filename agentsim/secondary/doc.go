// Package secondary is secondary storage: NFS exports as folders below one folder, laid out as CloudStack lays
// them out (agent 8).
//
//   - [Storage] maps URIs to folders; nfs://server/a/b and nfs://server/a lead to the same files below b.
//   - [Dir] is the folder of one URI. No name leads outside of it, not even through a symbolic link.
//   - [Output] is a file being written: it appears under its name when it is complete and durable, or not at all.
//   - [Mounts] counts the mounts of one host, so that a mount that is never released shows.
//   - [Properties] and [TemplateInfo] read and write template.properties.
//   - [SnapshotDir], [TemplateDir] and [VolumeDir] name the folders of the layout.
package secondary

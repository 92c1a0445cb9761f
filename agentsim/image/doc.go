// Package image reads and writes the disk images of a KVM host: raw and qcow2, in pure Go.
//
// A format is always named by the caller and never probed, because what a guest wrote on its disk may look like
// any format (agent 16, A-3).
//
//   - [Create] and [Open] give an [Image] on a file, [OpenReader] a [Reader] on anything that can be read.
//   - [Device] makes an [Image] of a block device.
//   - [Convert] copies contents between them, leaves holes out and reports what it moved to a [Hook].
//   - [Error] carries one of the reasons [ErrNotQcow2], [ErrCorrupt], [ErrBackingFile] and so on.
//
// Images that need something beyond themselves are refused: a backing file, an external data file, a key, or an
// incompatible feature that this package does not know. Sizes in a header are compared with the length of the file
// before anything is allocated for them.
package image

// Package blocks keeps the contents of volumes and snapshots, shared copy-on-write.
//
// A [Store] holds a family of images. [Store.New] makes an empty one, which costs nothing until it is
// written. [Image.Snapshot] slides a frozen image in between an image and its parent, [Image.Clone] makes
// a writable child of a frozen one; both take constant time, whatever the size. Every image has a tree of
// its own over pages of 4 KiB, and trees share what they have in common, so that reading costs the same
// at any depth of the chain and [Image.Delete] only unlinks.
//
// [Image.Stored], [Image.Used] and [Image.Freed] say what an image holds of its own, what it shows, and
// what its deletion would give back.
//
// Images may be read and written by any number of goroutines at once; a write is seen as a whole.
package blocks

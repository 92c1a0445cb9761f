// Package cluster is a StorPool cluster as a typed state machine: volumes, snapshots, templates,
// placement groups, disks, attachments and clients, with the contents of every volume. It knows
// neither HTTP nor the JSON of the API.
//
// [New] builds a [Cluster] from a [Model] (what hardware there is) and a [Behaviour] (how it decides
// where the public sources leave a choice). Changes are methods named for the StorPool call:
// [Cluster.VolumeCreate], [Cluster.VolumeSnapshot], [Cluster.Reassign] and so on; each checks
// everything first, then changes everything in one step of [Cluster.Generation], or nothing.
//
// Readers get immutable values: an [Object] is never changed, a changed volume is a new Object. Lists
// such as [Cluster.Volumes] are taken at one moment in constant time and walked without a lock.
//
// [Federation.Save] writes all of it as one document, contents included, and [Load] reads it. A domain that adds members
// to the cluster adds a part to the table of parts as well; a test compares a cluster with the same one loaded, member
// by member.
//
// A host sees what is attached to it through [Cluster.Device].
//
// Time passes only through the clock of the [Options]: scheduled deletions and other expiries take
// effect at the next call after their time has come, never on a goroutine of their own.
package cluster

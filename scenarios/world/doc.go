// Package world builds everything that a scenario needs, on a clock of its own: StorPool (a [Target], the emulator
// unless told otherwise), KVM hosts, secondary storage in a temporary folder, the driver and the management server.
//
// [New] returns a [World] with a zone, hosts, secondary storage, a pool and offerings. Actions go through
// World.Mgmt; bytes through [World.Write] and [World.Read]; faults through [World.Arm]; judgement through
// [World.Check]. What was asked of StorPool and of the hosts is in [World.Journal], without secrets.
//
// Everything that waits runs as an actor of the clock: inside [World.Do], which does not nest.
package world

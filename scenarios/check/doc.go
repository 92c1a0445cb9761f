// Package check says whether StorPool, the inventory, the hosts and secondary storage agree.
//
// An [Observation] is what was seen of all four at one moment; its makers are scenarios/world (in process)
// and [OverAPI]. [Judge] runs every invariant of [Invariants] over it. Invariants are pure functions: they read
// nothing but the observation. They hold whenever nothing is in progress, after any failure too, except
// between a crash and the driver's Reconcile.
package check

// Package driver is CloudStack's StorPool primary-storage plugin: one file per capability.
//
// A [Driver] is made by [New] from an inventory, a way to reach KVM agents and a clock. Its methods carry the
// plugin's names of the entry points: [Driver.Initialize] and [Driver.HostConnect] bring a pool up,
// [Driver.CreateAsync], [Driver.CopyAsync], [Driver.Resize], [Driver.TakeSnapshot], [Driver.RevertSnapshot] and
// [Driver.DeleteAsync] are the storage operations, [Driver.Reconcile] finishes or removes what a crash left.
//
// Every operation is a list of steps with their undo (step.go). Every decision that the existing plugin takes
// wrongly is a rule (rules.go) that a quirk can replace (quirks.go). The driver speaks to StorPool through
// driver/spapi only and to hosts through driver/agentapi only.
package driver

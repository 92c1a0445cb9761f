// Package mgmt is a small CloudStack management server. It turns CloudStack's actions into calls of a
// [Driver] and commands to KVM agents, in CloudStack's order, keeps the states of VMs, volumes,
// snapshots and store records as CloudStack's core does, and cleans up after a failure as core does.
//
// A [Server] is made by [New]. Set-up: [Server.AddZone], [Server.AddCluster], [Server.AddHost],
// [Server.AddSecondaryStore], [Server.CreatePool], [Server.CreateServiceOffering],
// [Server.CreateDiskOffering], [Server.RegisterTemplate]. Actions carry CloudStack's names:
// [Server.DeployVM], [Server.AttachVolume], [Server.CreateSnapshot] and so on. Each returns the row it
// made or changed. What core refuses before it asks the driver is a [*Refused], and nothing has changed.
//
// Asynchronous jobs are plain calls; calls may run at the same time on the clock's actors. Jobs of one VM
// follow one another, as in CloudStack's job queue, and so do jobs of one detached volume.
//
// Where core itself decides wrongly the decision is a rule (rules.go) that a quirk can replace.
package mgmt

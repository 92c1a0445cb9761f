// Package agentsim simulates KVM hosts with CloudStack's agent and StorPool's client on them, and moves real bytes.
//
//   - [Fleet] is all hosts; [Fleet.Send] executes a command of driver/agentapi on one and gives its answer.
//   - [Host] is a host with its StorPool client id, its table of devices, its mounts, its volatile map of pools and
//     its guests. It can be switched off, rebooted, made slow; its agent can be restarted.
//   - [Guest] is a running VM that reads and writes its disks as the guest sees them.
//   - [Adaptor] is the storage adaptor: the calls that the agent's generic code makes for StorPool disks (agent 4).
//   - [API] and [Devices] are what a host needs from outside: the StorPool API and the attached block devices.
//   - [Encryption] is how hosts make LUKS containers; [Tools] lets a host call real programs (package hosttools).
//   - [Steps] are the steps of each command, where fault rules strike: "agent BackupSnapshot/convert".
//
// Behaviour is correct by default (agent 16); [Quirks] are the known defects that Config.Quirks switches on.
package agentsim

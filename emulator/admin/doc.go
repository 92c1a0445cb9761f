// Package admin is a client of an emulator's admin API, which emulator/ADMIN.md describes: a [Client] arms fault rules,
// makes the cluster unhealthy, saves and loads its state, moves its clock, and reads its call log and its contents, in
// another process as in the same one.
package admin

// Package interleave runs pairs of operations at the same time and decides who goes on at each step. [Run] plays each of
// [Pairs] from two management servers with a driver each, over one inventory, one StorPool and the same hosts.
//
// Every StorPool call, every step of a host and every transaction of the inventory is a point: the operation stops there,
// and one of the two goes on. An operation that waits for a lock, a lease or the clock lets the other one go on. A
// [Schedule] names the points at which the operation that runs has to make room although it could go on. All schedules
// with at most two such points are played, each in a fresh world; nothing depends on luck, so each can be played again.
//
// After each, both operations must have ended, with success or with a clear refusal; everything must be as after one of
// the two orders in which they could have followed one another, bytes included; the invariants must hold; no lease may be
// left; and what was refused must work, or be refused clearly, when it is done again.
package interleave

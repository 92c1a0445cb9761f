// Package sweep makes every step of every operation go wrong, one at a time. [Run] plays each of [Operations] once in a
// world of its own and notes the StorPool calls, the agents' steps and the driver's steps in it. Then, for each call or
// agent step and each of the [Ways], it plays the operation again in a fresh world where that one step goes wrong; and
// for each driver step once more with a management server that is killed there. Nothing is listed by hand.
//
// After a fault the operation must have succeeded, or have failed with everything as it was; without the fault it must
// then succeed; the invariants and the bytes are judged after each. After a crash the next management server must bring
// everything to rest, and the operation must work; so must the one after it, when one call of the first one's reconciliation
// went wrong as well, each in turn. What is otherwise on purpose is one of [Exceptions], with its reason.
package sweep

// Package steps says what the sentences of the feature files mean. [Register] gives a scenario its steps and its own
// world; after every step the invariants are judged, and at the end every fault rule must have fired and every disk and
// snapshot that the scenario wrote must hold what was written.
//
// One file per topic: setup, vms, disks, bytes, snapshots, templates, storpool, inventory, faults, crashes.
//
// Words that recur: an action that ends with ", which fails" must fail; "which is refused" must be refused before
// anything changed; without such an ending it must succeed. Names in quotes are the scenario's own.
package steps

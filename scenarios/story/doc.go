// Package story makes up scenarios and looks for one that breaks a promise: any sequence of the plugin's actions, in words of
// the feature files, with faults of calls and hosts and deaths of the management server between them.
//
// A case draws one step after the other, each an action that has to succeed as things are. It is played as in a feature
// file, the invariants are checked, what CloudStack has on record is compared with a model, and every disk and snapshot is
// read back. An action in which something went wrong must have had its whole effect or none, and the story goes on. A case
// that fails is made shorter, and told as a scenario.
//
//   - [Check] runs cases in a test, [Search] anywhere.
//   - Actions lists what is drawn, with the rows of the matrix.
package story

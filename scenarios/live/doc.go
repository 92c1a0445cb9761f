// Package live runs the scenarios against a StorPool that is not in this process: a running emulator, or a real cluster on
// which nothing but the run's own objects may be touched.
//
//   - [Connect] asks the cluster what it is and can do, and takes down what is there: a [Session], with [Capabilities].
//   - [Session.Target] is the StorPool of one scenario, with a scope of its own: every object that it creates carries the
//     tag [Tag] with the scope's name, its lists show these objects and no others, and a call that would change anything
//     else is refused before it leaves the process ([*ForeignError]).
//   - The journal has the intent of each creating call on disk before the call, and the ids before their owner hears of
//     them; [Cleanup] removes what a killed run has left.
//   - [Session.End] removes what is left and tells what is not as it was before.
package live

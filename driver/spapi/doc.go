// Package spapi is the StorPool management API as the driver and the agents speak it.
//
// [New] makes a [Client] for one endpoint; its methods carry the names of the calls. What StorPool refuses is an
// [*Error] (ask with [errors.Is] for [ErrNotFound] and its like), a connection that broke is a [*TransportError]
// that says whether the request may have been executed, and an answer that makes no sense is an [*AnswerError].
// None of them holds the token.
//
// With a [Retry] policy the client repeats what is safe to repeat (storpool-api 2.1): every call after a transient
// error or a refused connection, calls that may be made twice also after a lost connection, and calls that
// create something only after the [Again] of the caller has looked in vain for what the lost call may have made.
// Requests hold only members that are to be sent: a zero member is left out, an empty but non-nil [Tags] is
// sent as {}, a pointer to "" as "" (driver-management 0).
package spapi

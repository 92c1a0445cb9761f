// Package container runs the emulator's image in a test, as a module of testcontainers-go.
//
// [Run] starts a container and waits until its API answers. Options say what it is: [WithToken], [WithModel],
// [WithState] for what another one has saved, [WithSetting] for any flag of "spsim serve", [WithFaults] for rules that
// are armed before the first call; every option of testcontainers-go works beside them. The methods of [Container] tell how to reach it: Address, Token, Env
// for clients that read variables, Client for HTTP in Go; AdminAddress leads to the emulator itself.
//
// A test in the same process needs none of this: the emulator's own Start is faster and needs no Docker. The image is
// for clients in other languages, in containers of their own, or for a process that must not share memory with the test.
package container

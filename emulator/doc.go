// Package emulator is a StorPool cluster with its management API: what a client sends to /ctrl/1.0/, what it gets
// back, and the volumes behind it with their real contents.
//
// [Start] lends a test a server in one line and cleans up behind it; [New] makes one with options. Neither opens a
// socket: [Server.Client] reaches the API in process, and [Server.URL] opens a loopback port for clients that need
// one. What the server knows can be looked at and prepared without HTTP: [Server.Cluster] is the state,
// [Server.Calls] what was asked, [Server.Host] the devices of one client, [Server.WriteContent] and
// [Server.ReadContent] the bytes, [Server.AssertNoLeaks] what a test left behind. [Server.Arm] makes calls go wrong.
//
// [StartFederation] and [NewFederation] make several servers at once whose clusters reach each other: two zones that
// exchange snapshots, or the sub-clusters of a multi-cluster, each on its own address:
//
//	f := emulator.StartFederation(t, []emulator.Member{
//		{ID: "sofi.a", Name: "sofia1", Location: "sofia"},
//		{ID: "sofi.b", Name: "sofia2", Location: "sofia"}, // one multi-cluster with sofia1
//		{ID: "vien.a", Name: "vienna1", Location: "vienna"},
//	})
//	here, there := f.Server("sofia1"), f.Server("vienna1")
//
// Every call of the API is in one table, [Operations], with its handler or the reason why it is not emulated. A call
// runs through [Server.ServeHTTP]: the path is taken apart (path.go), the arguments are bound to a typed request
// (decode.go, bind.go, arguments.go), fault rules are asked (faults.go), the handler works on the state
// (volumes.go, snapshots.go, attachments.go and so on, one file for each kind of object), and the answer goes into
// its envelope (respond.go), long lists straight from encodings that the objects keep (objects.go).
//
// What the API does is specified by its clients; where they leave a choice, [cluster.Behaviour] and the options have it.
package emulator

package container_test

import (
	"context"
	"fmt"
	"net/http"

	"github.com/testcontainers/testcontainers-go"

	"github.com/spsim/spsim/emulator/container"
	"github.com/spsim/spsim/emulator/fault"
)

// The second volume that anybody creates is refused. It needs Docker and the image that "make image" builds.
func Example() {
	ctx := context.Background()
	c, err := container.Run(ctx, "spsim:dev",
		container.WithToken("4417364221384713"),
		container.WithFaults(fault.Rule{
			Call: "POST VolumeCreate", Nth: 2,
			Effect: fault.Effect{Kind: fault.Refuse, Error: "insufficientResources"},
		}))
	defer func() {
		if err := testcontainers.TerminateContainer(c); err != nil {
			fmt.Println("terminate:", err)
		}
	}()
	if err != nil {
		fmt.Println("run:", err)
		return
	}
	client, err := c.Client(ctx)
	if err != nil {
		fmt.Println("client:", err)
		return
	}
	resp, err := client.Get("http://spsim/ctrl/1.0/VolumesList")
	if err != nil {
		fmt.Println("list:", err)
		return
	}
	defer func() { _ = resp.Body.Close() }()
	fmt.Println(resp.StatusCode == http.StatusOK)
}

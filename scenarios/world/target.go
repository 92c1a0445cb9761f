package world

import (
	"context"
	"net/http"

	"github.com/spsim/spsim/agentsim"
	"github.com/spsim/spsim/emulator/fault"
	"github.com/spsim/spsim/internal/clock"
	"github.com/spsim/spsim/scenarios/check"
)

// Target is a StorPool that scenarios run on.
type Target interface {
	// Name is how reports call it.
	Name() string
	// Clock is the clock that the whole world runs on.
	Clock() clock.Clock
	// Endpoint is host:port and token of the API.
	Endpoint() (hostPort, token string)
	// ClusterID is SP_CLUSTER_ID of the hosts' configuration.
	ClusterID() string
	// Transport carries the API calls of one caller; fault rules know it by that name.
	Transport(caller string) http.RoundTripper
	// Devices are what is attached to a client.
	Devices(client int) agentsim.Devices
	// Borrow opens an object that no VM uses, apart from all API calls, faults and journals; the device's Close gives it
	// back.
	Borrow(ctx context.Context, gid string, snapshot bool) (agentsim.Device, error)
	// Arm adds a fault rule on an API call.
	Arm(r fault.Rule) (int, error)
	// Faults are the armed rules with their history.
	Faults() []fault.State
	// Disarm removes every rule.
	Disarm()
	// Generation changes with every change of what Look reports.
	Generation() int64
	// Look lists objects and attachments.
	Look(ctx context.Context) ([]check.Object, []check.Attachment, error)
	// Remove deletes an object behind everybody's back, detached by force if need be.
	Remove(ctx context.Context, gid string, snapshot bool) error
	// Close gives everything back.
	Close() error
}

package driver_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"path"

	"github.com/spsim/spsim/driver"
	"github.com/spsim/spsim/driver/agentapi"
	"github.com/spsim/spsim/driver/inventory"
)

// tinyStorPool answers what the example asks.
type tinyStorPool struct{}

func (tinyStorPool) RoundTrip(r *http.Request) (*http.Response, error) {
	call := path.Base(r.URL.Path)
	answer := `{"data":{"name":"hdd"}}` // VolumeTemplateDescribe/hdd
	switch call {
	case "VolumeCreate":
		var body struct {
			Size int64
			Tags map[string]string
		}
		if err := json.NewDecoder(r.Body).Decode(&body); err != nil {
			return nil, err
		}
		fmt.Println(call, body.Size, body.Tags["cs"], body.Tags["uuid"])
		answer = `{"data":{"name":"~a.b.1","globalId":"a.b.1"}}`
	case "VolumesList":
		answer = `{"data":[]}`
	}
	return &http.Response{StatusCode: http.StatusOK, Body: io.NopCloser(bytes.NewBufferString(answer))}, nil
}

// noHosts answers nothing: the example needs no host.
type noHosts struct{}

func (noHosts) Send(context.Context, inventory.ID, agentapi.Command) (*agentapi.Answer, error) {
	return nil, nil
}

// Drive the plugin from Go: register a pool, then create a volume as CloudStack does.
func Example() {
	ctx, inv := context.Background(), inventory.New()
	d, err := driver.New(driver.Config{Inventory: inv, Agents: noHosts{}, Transport: tinyStorPool{}})
	if err != nil {
		fmt.Println(err)
		return
	}
	var volume inventory.Volume
	_ = inv.Update(func(tx *inventory.Tx) error { // never fails
		zone := tx.Zones.Put(inventory.Zone{Name: "zone"})
		volume = tx.Volumes.Put(inventory.Volume{UUID: "my-disk", Kind: inventory.Data, Zone: zone.ID, Size: 10 << 30})
		return nil
	})
	pool, err := d.Initialize(ctx, driver.PoolRequest{
		Name: "fast", Zone: 1, Capacity: 1 << 40, URL: "SP_API_HTTP=10.0.0.1:81;SP_AUTH_TOKEN=secret;SP_TEMPLATE=hdd",
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	made, err := d.CreateAsync(ctx, driver.Object{
		Kind: driver.VolumeObject, ID: volume.ID, Role: inventory.Primary, Store: pool,
	})
	fmt.Println(made.Path, made.Size, err)
	// Output:
	// VolumeCreate 10737418240 volume my-disk
	// /dev/storpool-byid/a.b.1 10737418240 <nil>
}

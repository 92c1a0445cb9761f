package hosttools

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/spsim/spsim/agentsim"
	"github.com/spsim/spsim/driver/spapi"
)

// API is StorPool through its command line. It makes one attempt a call.
type API struct{ programs *Programs }

var _ agentsim.API = (*API)(nil)

// API gives StorPool through the command line.
func (p *Programs) API() *API { return &API{p} }

// Conf are the lines of the StorPool configuration of the host.
func (p *Programs) Conf(ctx context.Context) ([]string, error) {
	out, err := p.Run(ctx, "storpool_confget")
	if err != nil {
		return nil, err
	}
	return strings.Split(strings.TrimSpace(out), "\n"), nil
}

// VolumesReassignWait attaches or detaches one object here: `storpool -M attach volume ~g here onRemoteAttached export`,
// `storpool -M detach volume ~g here`. A caller that wants the name of StorPool's error gets -j (agent 9.1).
func (a *API) VolumesReassignWait(ctx context.Context, r spapi.ReassignWait) error {
	if len(r.Reassign) != 1 {
		return fmt.Errorf("storpool: %d objects in one attach", len(r.Reassign))
	}
	item := r.Reassign[0]
	kind, name := "volume", item.Volume
	if item.Snapshot != "" {
		kind, name = "snapshot", item.Snapshot
	}
	args := []string{"-M"}
	if agentsim.WantsErrorName(ctx) {
		args = append(args, "-j")
	}
	if len(item.Detach.IDs) > 0 {
		args = append(args, "detach", kind, name, "here")
	} else {
		args = append(args, "attach", kind, name, "here", "onRemoteAttached", item.OnRemoteAttached)
	}
	_, err := a.programs.Run(ctx, "storpool", args...)
	return named(err)
}

// VolumeUpdate resizes: `storpool -M volume ~g update size N shrinkOk`.
func (a *API) VolumeUpdate(ctx context.Context, volume string, r spapi.VolumeUpdate) error {
	args := []string{"-M", "volume", volume, "update", "size", strconv.FormatInt(r.Size, 10)}
	if r.ShrinkOK != nil && *r.ShrinkOK {
		args = append(args, "shrinkOk")
	}
	_, err := a.programs.Run(ctx, "storpool", args...)
	return named(err)
}

// SnapshotDelete repeats the name, as the program demands.
func (a *API) SnapshotDelete(ctx context.Context, snapshot string) error {
	_, err := a.programs.Run(ctx, "storpool", "-M", "snapshot", snapshot, "delete", snapshot)
	return named(err)
}

// ServicesList is `storpool -j service list`.
func (a *API) ServicesList(ctx context.Context) (spapi.Services, error) {
	return list[spapi.Services](ctx, a, "service")
}

// LocationsList is `storpool -j location list`.
func (a *API) LocationsList(ctx context.Context) ([]spapi.Location, error) {
	out, err := list[struct {
		Locations []spapi.Location `json:"locations"`
	}](ctx, a, "location")
	return out.Locations, err
}

func list[T any](ctx context.Context, a *API, what string) (out T, err error) {
	text, err := a.programs.Run(ctx, "storpool", "-j", what, "list")
	if err != nil {
		return out, named(err)
	}
	var whole struct {
		Data *T `json:"data"`
	}
	if err := json.Unmarshal([]byte(text), &whole); err != nil || whole.Data == nil {
		return out, fmt.Errorf("storpool %s list: answer without data: %w", what, errors.Join(err, errOdd))
	}
	return *whole.Data, nil
}

var errOdd = errors.New("unexpected answer")

// VolumeCreate is `storpool_req -P -M --json {...} VolumeCreate`; sizes are strings there (agent 10).
func (a *API) VolumeCreate(ctx context.Context, r spapi.VolumeCreate, _ *spapi.Again[spapi.VolumeCreated]) (out spapi.VolumeCreated, err error) {
	err = a.request(ctx, &out, struct {
		Template string     `json:"template"`
		Size     string     `json:"size"`
		Tags     spapi.Tags `json:"tags,omitzero"`
	}{r.Template, strconv.FormatInt(r.Size, 10), r.Tags}, "VolumeCreate")
	return out, err
}

// VolumeSnapshot is `storpool_req -P -M --json {...} VolumeSnapshot ~g`.
func (a *API) VolumeSnapshot(
	ctx context.Context, volume string, r spapi.VolumeSnapshot, _ *spapi.Again[spapi.SnapshotCreated],
) (out spapi.SnapshotCreated, err error) {
	return out, a.request(ctx, &out, r, "VolumeSnapshot", volume)
}

// VolumeDelete is `storpool_req -P -M VolumeDelete ~g`, without a body.
func (a *API) VolumeDelete(ctx context.Context, volume string, _ spapi.VolumeDelete) error {
	_, err := a.programs.Run(ctx, "storpool_req", "-P", "-M", "VolumeDelete", volume)
	return named(err)
}

func (a *API) request(ctx context.Context, out, body any, query ...string) error {
	text, err := json.Marshal(body)
	if err != nil {
		return err
	}
	answer, err := a.programs.Run(ctx, "storpool_req", append([]string{"-P", "-M", "--json", string(text)}, query...)...)
	if err != nil {
		return named(err)
	}
	if err := json.Unmarshal([]byte(answer), out); err != nil {
		return fmt.Errorf("storpool_req %s: %w", query[0], errors.Join(err, errOdd))
	}
	return nil
}

// named makes StorPool's own error of the text of a program that failed, if it is one.
func named(err error) error {
	var failed *ExitError
	if !errors.As(err, &failed) {
		return err
	}
	var envelope struct {
		Error *struct {
			Name  string `json:"name"`
			Descr string `json:"descr"`
		} `json:"error"`
	}
	if json.Unmarshal([]byte(failed.Text), &envelope) == nil && envelope.Error != nil && envelope.Error.Name != "" {
		return &spapi.Error{Name: envelope.Error.Name, Descr: envelope.Error.Descr}
	}
	return err
}

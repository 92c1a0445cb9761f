package emulator

import (
	"time"

	"github.com/tidwall/gjson"

	"github.com/spsim/spsim/emulator/cluster"
)

// tagMap are tags as clients send them: "" stands for none, and values that are no strings become their text
// (storpool-api 2.4).
type tagMap map[string]string

func (t *tagMap) fromJSON(src gjson.Result, at string) error {
	if src.Type == gjson.String && src.String() == "" {
		*t = tagMap{}
		return nil
	}
	if !src.IsObject() {
		return invalid("Invalid value of '%s': not an object", at)
	}
	out := tagMap{}
	var err error
	src.ForEach(func(key, value gjson.Result) bool {
		switch value.Type {
		case gjson.Null:
		case gjson.JSON:
			err = invalid("Invalid value of '%s': not a string", under(at, key.String()))
		case gjson.String:
			out[key.String()] = value.String()
		default:
			out[key.String()] = value.Raw
		}
		return err == nil
	})
	*t = out
	return err
}

// limitArgument is a limit as clients send it: a number, or "-" for none. 0 is none as well (storpool-api 4.5).
type limitArgument cluster.Limit

func (l *limitArgument) fromJSON(src gjson.Result, at string) error {
	if src.Type == gjson.String && src.String() == "-" {
		*l = 0
		return nil
	}
	n, err := integer(src, at)
	if err != nil {
		return err
	}
	if n < 0 {
		return invalid("Invalid value of '%s': below 0", at)
	}
	*l = limitArgument(n)
	return nil
}

func (l *limitArgument) limit() *cluster.Limit { return (*cluster.Limit)(l) }

// onAttachedArgument is what to do when an object is attached.
type onAttachedArgument cluster.OnAttached

func (o *onAttachedArgument) fromJSON(src gjson.Result, at string) error {
	on := cluster.OnAttached(src.String())
	switch on {
	case cluster.OnAttachedFail, cluster.OnAttachedDetach, cluster.OnAttachedDetachForce, cluster.OnAttachedExport:
		*o = onAttachedArgument(on)
		return nil
	default:
		return invalid("Invalid value of '%s': not fail, detach, detachForce or export", at)
	}
}

// mcModeArgument is how a reassign treats a volume of another cluster.
type mcModeArgument string

// Values of mcModeArgument; the empty one is mcMove.
const (
	mcMove   mcModeArgument = "move"
	mcExport mcModeArgument = "export"
)

func (m *mcModeArgument) fromJSON(src gjson.Result, at string) error {
	if s := mcModeArgument(src.String()); s == mcMove || s == mcExport {
		*m = s
		return nil
	}
	return invalid("Invalid value of '%s': not move or export", at)
}

// detachArgument is "all" or a list of client ids.
type detachArgument struct {
	all     bool
	clients []int
}

func (d *detachArgument) fromJSON(src gjson.Result, at string) error {
	if src.Type == gjson.String && src.String() == "all" {
		d.all = true
		return nil
	}
	if !src.IsArray() {
		return invalid("Invalid value of '%s': neither \"all\" nor an array", at)
	}
	for _, item := range src.Array() {
		n, err := integer(item, at)
		if err != nil {
			return err
		}
		d.clients = append(d.clients, int(n))
	}
	return nil
}

// secondsArgument is a time span in whole seconds.
type secondsArgument int64

func (s *secondsArgument) fromJSON(src gjson.Result, at string) error {
	n, err := integer(src, at)
	if err != nil {
		return err
	}
	if n < 0 {
		return invalid("Invalid value of '%s': below 0", at)
	}
	*s = secondsArgument(n)
	return nil
}

// span returns the time span, or nil for one that is absent or longer than anybody waits.
func (s *secondsArgument) span() *time.Duration {
	const longest = secondsArgument(100 * 365 * 24 * 3600)
	if s == nil || *s > longest {
		return nil
	}
	d := time.Duration(*s) * time.Second
	return &d
}

// policyArguments are the policy members of create and update bodies.
type policyArguments struct {
	Replication *int           `sp:"replication"`
	PlaceAll    string         `sp:"placeAll"`
	PlaceTail   string         `sp:"placeTail"`
	PlaceHead   string         `sp:"placeHead"`
	BW          *limitArgument `sp:"bw"`
	IOPS        *limitArgument `sp:"iops"`
	ReuseServer *bool          `sp:"reuseServer"`
}

func (p policyArguments) policy() cluster.Policy {
	return cluster.Policy{
		Replication: p.Replication, PlaceAll: p.PlaceAll, PlaceTail: p.PlaceTail, PlaceHead: p.PlaceHead,
		BW: p.BW.limit(), IOPS: p.IOPS.limit(), ReuseServer: p.ReuseServer,
	}
}

// scheduleArguments plan a deletion.
type scheduleArguments struct {
	DeleteAfter      *int64 `sp:"deleteAfter"`
	TargetDeleteDate *int64 `sp:"targetDeleteDate"`
}

func (s scheduleArguments) schedule() cluster.Schedule {
	return cluster.Schedule{DeleteAfter: s.DeleteAfter, TargetDeleteDate: s.TargetDeleteDate}
}

// noArguments is the request of a call without any.
type noArguments struct{}

// listArguments is the request of a list that names the cluster under MultiCluster/.
type listArguments struct{ In scope }

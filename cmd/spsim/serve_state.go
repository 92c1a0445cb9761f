package main

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"

	"github.com/spf13/pflag"

	"github.com/spsim/spsim/emulator"
	"github.com/spsim/spsim/emulator/cluster"
)

// agrees refuses flags that describe another cluster than the one that the state file has brought: the file wins, so
// they would change nothing.
func (f *serveFlags) agrees(c *cluster.Cluster) error {
	if f.state == "" {
		return nil
	}
	const granularity = 512
	b, other := f.behaviour, &serveFlags{}
	b.SizeGranularity = cmp.Or(b.SizeGranularity, granularity)
	for _, part := range []struct {
		what, flag string
		same       bool
	}{
		{"name", f.given(func(s *pflag.FlagSet) { s.String("cluster-name", "", "") }), f.clusterName == c.Name()},
		{"model", f.given(other.addModel), sameJSON(f.model, c.Model())},
		{"behaviour", f.given(other.addBehaviour), sameJSON(b, c.Behaviour())},
	} {
		if part.flag != "" && !part.same {
			return fmt.Errorf("%s was saved with another %s: leave --%s out, or give --state another file",
				f.state, part.what, part.flag)
		}
	}
	return nil
}

// given returns the first flag of a group that was set; "" when none was.
func (f *serveFlags) given(group func(*pflag.FlagSet)) (name string) {
	flags := pflag.NewFlagSet("", pflag.ContinueOnError)
	group(flags)
	flags.VisitAll(func(fl *pflag.Flag) {
		if name == "" && f.set.Changed(fl.Name) {
			name = fl.Name
		}
	})
	return name
}

func sameJSON(a, b any) bool {
	textA, errA := json.Marshal(a)
	textB, errB := json.Marshal(b)
	return errA == nil && errB == nil && bytes.Equal(textA, textB)
}

// end shuts the server down and brings its state file up to date. Calls that do not end in time are cut off.
func end(ctx context.Context, s *emulator.Server, log *slog.Logger) error {
	ending, cancel := context.WithTimeout(context.WithoutCancel(ctx), grace)
	defer cancel()
	err := s.Shutdown(ending)
	if errors.Is(err, context.DeadlineExceeded) {
		log.Warn("calls in progress were cut off", slog.String("error", err.Error()))
		return nil
	}
	return err
}

package main

import (
	"fmt"
	"slices"
)

// gate is what a benchmark's ratio has to be. Exactly one of min and max is set.
type gate struct {
	bench string // BenchmarkB5FlatGrowth/create, without the prefix Benchmark
	min   float64
	max   float64
	about string
}

func (g gate) String() string {
	if g.max > 0 {
		return fmt.Sprintf("<= %g", g.max)
	}
	return fmt.Sprintf(">= %g", g.min)
}

func (g gate) met(ratio float64) bool {
	if g.max > 0 {
		return ratio <= g.max
	}
	return ratio >= g.min
}

// better tells whether a is further on the good side than b.
func (g gate) better(a, b float64) bool {
	if g.max > 0 {
		return a < b
	}
	return a > b
}

// gates are the figures that have to hold. They sit at about half of what is expected, so that noise breaks nothing.
func gates() []gate {
	return slices.Concat(apiGates(), stateGates(), actionGates())
}

func apiGates() []gate {
	return []gate{
		{bench: "B1Read", min: 0.7, about: "reading a volume among 100k over loopback, rate over a bare route's"},
		{bench: "B2Mixed/InProcess", min: 0.5, about: "mixed load in process, rate over a map behind a mutex"},
		{bench: "B2Mixed/Loopback", min: 0.5, about: "mixed load over loopback, rate over a map behind a mutex"},
		{bench: "B2Rules/Ten", min: 0.8, about: "mixed load with ten fault rules that do not match, rate over none"},
		{bench: "B2Rules/Empty", min: 0.9, about: "mixed load with an empty rule set, rate over none"},
		{bench: "B4List/Throughput", min: 3, about: "list of 100k volumes, rate over encoding/json"},
		{bench: "B4List/FirstByte", max: 0.1, about: "list of 100k volumes, time to the first byte over the whole"},
		{bench: "B4List/WriterWait", max: 1, about: "longest wait of a writer during a list, over 5 ms"},
		{bench: "B4List/EightWriters", max: 1, about: "longest wait of eight writers during a list, over 5 ms"},
		{bench: "B4List/Allocation", max: 1.5, about: "bytes allocated by a list of 100k over those of 10k"},
		{bench: "B8Start/InProcess", max: 5, about: "start to first answer in process, time over a bare test server's"},
		{bench: "B8Start/Binary", max: 2.4, about: "exec to first answer, time over a trivial server's; a quarter is the start of rapid and gherkin"},
		{bench: "B10Suite", min: 0.06, about: "scenarios per second over those with empty steps"},
	}
}

func stateGates() []gate {
	var out []gate
	for _, op := range []string{"create", "snapshot", "attach", "update", "detach", "deleteSnapshot", "deleteVolume"} {
		out = append(out, gate{bench: "B5FlatGrowth/" + op, min: 0.8, about: "rate of the last 10k of 100k over the first"})
	}
	for _, op := range []string{"findName", "findID", "findTag", "findChildren"} {
		out = append(out, gate{bench: "B5FlatGrowth/" + op, min: 0.3, about: "rate among 100k over the rate among 10k; a linear search has 0.1"})
	}
	for _, op := range []string{"read", "snapshot", "deleteMiddle", "revert"} {
		out = append(out, gate{bench: "B6ChainDepth/" + op, max: 2, about: "time with 10,000 snapshots over the time with 10"})
	}
	for _, op := range []string{"read", "write"} {
		for _, after := range []string{"", "AfterClone", "After100Snapshots"} {
			out = append(out, gate{bench: "B9Direct/" + op + "1MiB" + after, min: 0.5, about: "rate over a flat slice's"})
		}
	}
	return append(out,
		gate{bench: "B8StateLoad", max: 2.5, about: "load of the saved state of 100k volumes, time over json.Unmarshal of the same bytes"},
		gate{bench: "B7Memory/volume", max: 1.2, about: "KB a volume with three tags and its encoding"},
		gate{bench: "B7Memory/snapshot", max: 1, about: "KB a snapshot of an unchanged volume"},
		gate{bench: "B9Clone", max: 1, about: "milliseconds for the clone of a sparse 1 TiB volume"},
	)
}

func actionGates() []gate {
	out := []gate{
		{bench: "B11Emulator", min: 0.02, about: "steps a second of made-up calls in process, over those of their model alone"},
		{bench: "B11Stories", min: 0.002, about: "actions a second of made-up scenarios, over those of their model alone"},
		{bench: "B12TimeCompression", min: 1000, about: "simulated seconds of a slow backup with three transient errors over real ones"},
		{bench: "B14SparseBackup", max: 1.05, about: "bytes read to back up 100 GiB with 1 GiB written, over that 1 GiB"},
	}
	for _, action := range []string{"deploy", "attach", "snapshot", "restore", "migrate", "detach", "delete"} {
		out = append(out, gate{bench: "B13Overhead/" + action, max: 12, about: "time over that of its StorPool calls and bytes"})
	}
	return append(out,
		gate{bench: "B13Overhead/resize", max: 25, about: "time over that of its StorPool calls and bytes; two short calls"},
		gate{bench: "B13Overhead/backup", max: 40, about: "time over that of its StorPool calls and bytes; it makes files"},
	)
}

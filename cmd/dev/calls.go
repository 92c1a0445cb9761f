package main

import (
	"fmt"
	"reflect"
	"slices"
	"strings"

	"github.com/spsim/spsim/emulator"
)

// callsPage is the emulator's table of calls.
func callsPage() (string, error) {
	var b strings.Builder
	b.WriteString("# The calls of the API\n\n" + madeNote + "\nThe table that routing, validation, fault rules and the contract check read. Every GET is also taken under `MultiCluster/AllClusters/`,\n" +
		"every call under `MultiCluster/`; the second column says under which of them clients are known to send it. Members in italics\nare checked and have " +
		"no effect ([why](DIFFERENCES.md#members-of-requests-that-have-no-effect)).\n\n" +
		"| call | prefixes | changes something | members of the request | answer |\n|---|---|---|---|---|\n")
	emulated := 0
	ops := emulator.Operations()
	for i := range ops {
		o := &ops[i]
		if !o.Emulated() {
			fmt.Fprintf(&b, "| `%s %s` | | | | not emulated: %s |\n", o.Method, o.Query, plain(o.Why))
			continue
		}
		emulated++
		fmt.Fprintf(&b, "| `%s %s` | %s | %s | %s | `%s` |\n", o.Method, o.Query, prefixes(o.Form), word(o.Form&emulator.Changes != 0), members(o), answer(o.Ans))
	}
	fmt.Fprintf(&b, "\n%d of %d calls are emulated.\n", emulated, len(ops))
	return b.String(), nil
}

func word(yes bool) string {
	if yes {
		return "yes"
	}
	return ""
}

func prefixes(f emulator.Form) string {
	var out []string
	if f&emulator.Multi != 0 {
		out = append(out, "MultiCluster")
	}
	if f&emulator.AllClusters != 0 {
		out = append(out, "AllClusters")
	}
	return strings.Join(out, ", ")
}

// members lists what the body of a request may have; what the path has is in the query already.
func members(o *emulator.Op) string {
	if o.Req.Kind() != reflect.Struct {
		return ""
	}
	var out []string
	for _, f := range reflect.VisibleFields(o.Req) {
		name, options, _ := strings.Cut(f.Tag.Get("sp"), ",")
		switch option := strings.Split(options, ","); {
		case name == "" || slices.Contains(option, "path"):
		case slices.Contains(option, "ignored"):
			out = append(out, "*"+name+"*")
		default:
			out = append(out, name)
		}
	}
	return strings.Join(out, ", ")
}

// answer names the type of an answer's data.
func answer(t reflect.Type) string {
	return strings.NewReplacer(t.PkgPath()+".", "", "github.com/spsim/spsim/emulator.", "", "emulator.", "").Replace(t.String())
}

package main

import (
	"fmt"
	"slices"
	"strings"

	"github.com/spsim/spsim/scenarios/sweep"
)

// operationsPage tells what each operation of the sweep consists of, as it is recorded, and what may go wrong otherwise
// than promised.
func operationsPage() (string, error) {
	all, err := sweep.RecordAll(1)
	if err != nil {
		return "", err
	}
	var b strings.Builder
	b.WriteString("# Operations and their steps\n\n" + madeNote + "\nEach operation is played once and its steps are noted; nothing is listed by hand. `make sweep` then makes each StorPool call and\n" +
		"each step of an agent go wrong in five ways, and kills the management server at each step of the driver; each call of the reconciliation that follows fails in turn\n" +
		"as well. The operation has to\n" +
		"succeed, or leave everything as it was and succeed the next time.\n\n")
	driverTable(&b, all)
	b.WriteString("\n## Operations of CloudStack\n\nIn the order in which things happen; a command to an agent stands where its answer comes, after the calls that its host makes.\n")
	cases := 0
	for _, r := range all {
		cases += r.Cases
		operationSection(&b, r)
	}
	fmt.Fprintf(&b, "\n%d operations, %d cases.\n\n", len(all), cases)
	exceptionTable(&b)
	return b.String(), nil
}

// driverTable lists the driver's own operations with their steps. What comes after a pivot is finished, never undone.
func driverTable(b *strings.Builder, all []sweep.Recorded) {
	var order []string
	steps, within := map[string][]string{}, map[string][]string{}
	for _, r := range all {
		before := "" // the step that a further one comes after
		for _, s := range r.Steps {
			action, step, ok := strings.Cut(s.Name, "/")
			if !ok {
				continue
			}
			if !slices.Contains(order, action) {
				order = append(order, action)
			}
			if !slices.Contains(steps[action], step) {
				steps[action] = slices.Insert(steps[action], slices.Index(steps[action], before)+1, step)
			}
			before = step
			if !slices.Contains(within[action], r.Operation) {
				within[action] = append(within[action], r.Operation)
			}
		}
	}
	slices.Sort(order)
	b.WriteString("## Operations of the driver\n\nBefore its pivot a failure undoes what was done; what comes after it is finished, by the next management server if need be.\n\n" +
		"| operation | steps | in |\n|---|---|---|\n")
	for _, action := range order {
		fmt.Fprintf(b, "| `%s` | %s | %s |\n", action, strings.Join(steps[action], ", "), strings.Join(within[action], ", "))
	}
}

func operationSection(b *strings.Builder, r sweep.Recorded) {
	fmt.Fprintf(b, "\n### %s\n\n", r.Operation)
	for _, s := range r.Steps {
		name := "before the first step of the driver"
		if s.Name != "" {
			name = "`" + s.Name + "`"
		}
		b.WriteString("- " + name)
		if len(s.Asked) > 0 {
			b.WriteString(": " + strings.Join(repeated(s.Asked), ", "))
		}
		b.WriteString("\n")
	}
	for _, c := range r.Commands {
		fmt.Fprintf(b, "- the agent's %s: %s\n", c.Command, strings.Join(c.Steps, ", "))
	}
	fmt.Fprintf(b, "\n%d cases.\n", r.Cases)
}

// repeated joins neighbours that are the same.
func repeated(words []string) []string {
	var out []string
	for i := 0; i < len(words); {
		n := 1
		for i+n < len(words) && words[i+n] == words[i] {
			n++
		}
		text := words[i]
		if n > 1 {
			text = fmt.Sprintf("%d times %s", n, text)
		}
		out = append(out, text)
		i += n
	}
	return out
}

func exceptionTable(b *strings.Builder) {
	b.WriteString("## What is otherwise on purpose\n\nAn exception that nothing uses fails the sweep.\n\n| operation | step | goes wrong | what is otherwise | why |\n|---|---|---|---|---|\n")
	for _, e := range sweep.Exceptions() {
		why := e.Reason
		if e.Sometimes {
			why += " (sometimes)"
		}
		var of [3]string
		for i, pattern := range []string{e.Operation, e.Step, e.Way} {
			of[i] = "any"
			if pattern != "" {
				of[i] = "`" + pattern + "`"
			}
		}
		fmt.Fprintf(b, "| %s | %s | %s | %s | %s |\n", of[0], of[1], of[2], e.Problem, plain(why))
	}
}

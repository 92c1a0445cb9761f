package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"
)

// mutation is a change of a source file that takes one of our own guards away.
type mutation struct {
	name     string
	file     string // from the top of the repository
	old, new string // old occurs in the file exactly once
	guard    string // what is lost with it
	tags     string // where to look first, as conform --tags takes it; what they do not see the whole suite may
	by       string // a go test that sees it, where no scenario can; it leaves nothing in the tree
}

// mutations are all that are declared, room by room.
func mutations() []mutation {
	var all []mutation
	for _, room := range [][]mutation{clusterMutations(), blocksMutations(), driverMutations(), agentMutations(), checkMutations()} {
		all = append(all, room...)
	}
	return all
}

func newMutateCommand() *cobra.Command {
	var sample string
	var only []string
	r := runner{tree: ".", log: os.Stderr, jobs: runtime.NumCPU()}
	cmd := &cobra.Command{
		Use:   "mutate",
		Short: "take our own guards away, one at a time, and see a scenario fail",
		Long: `Takes our own guards away, one declared mutation at a time, and runs the scenarios until one fails. The tree is left
alone: a mutated file is in a temporary folder, and go build puts it in the place of the real one. Where no scenario can
see it, a test has to. The last line counts the mutations that were seen. It fails when one was not, does not build or no
longer fits the source, and when anything fails without a mutation.`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			chosen, err := choose(mutations(), only, sample)
			if err != nil {
				return err
			}
			dir, err := os.MkdirTemp("", "mutate-")
			if err != nil {
				return fmt.Errorf("make a temporary folder: %w", err)
			}
			defer func() { _ = os.RemoveAll(dir) }() // the system's own temporary folder
			r.tools = &tools{tree: r.tree, dir: dir}
			found, err := r.run(cmd.Context(), dir, chosen)
			if err != nil {
				return err
			}
			return mutationTable(cmd.OutOrStdout(), found)
		},
	}
	cmd.Flags().StringSliceVar(&only, "only", nil, "these, by name")
	cmd.Flags().StringVar(&sample, "sample", "", "run part I of N only, as I/N")
	cmd.Flags().IntVar(&r.jobs, "jobs", r.jobs, "mutations at a time")
	return cmd
}

// choose picks mutations by name, all for none, and of them every N-th.
func choose(all []mutation, only []string, sample string) ([]mutation, error) {
	by := map[string]mutation{}
	for _, m := range all {
		by[m.name] = m
	}
	if len(only) > 0 {
		all = nil
	}
	for _, name := range only {
		m, ok := by[name]
		if !ok {
			return nil, fmt.Errorf("no mutation %q: see cmd/dev/mutations_*.go", name)
		}
		all = append(all, m)
	}
	if sample == "" {
		return all, nil
	}
	first, last, _ := strings.Cut(sample, "/")
	part, err := strconv.Atoi(first)
	parts, bad := strconv.Atoi(last)
	if err != nil || bad != nil || part < 1 || part > parts {
		return nil, fmt.Errorf("sample %q: give part I of N as I/N", sample)
	}
	var out []mutation
	for i := part - 1; i < len(all); i += parts {
		out = append(out, all[i])
	}
	return out, nil
}

// verdict is what became of a mutation.
type verdict struct {
	mutation
	seen  string // the first scenario, or test, that failed
	wrong string // why it counts as unseen
	took  time.Duration
}

// toolchain builds and runs. Its errors say that it could not.
type toolchain interface {
	// build builds spsim with the files of an overlay in the place of others, and gives the program.
	build(ctx context.Context, overlay string) (program string, err error)
	// scenarios runs those with the tags, all for none, and gives the first that failed, "" when all passed.
	scenarios(ctx context.Context, program, tags string) (string, error)
	// test runs a go test with an overlay, and gives the first test that failed, "" when all passed.
	test(ctx context.Context, overlay, command string) (string, error)
}

// runner tries mutations, some at a time.
type runner struct {
	tree  string // top of the repository
	log   io.Writer
	jobs  int
	tools toolchain
}

// run tries all mutations in a temporary folder. An error says why it could not go on to the end.
func (r *runner) run(ctx context.Context, dir string, all []mutation) ([]verdict, error) {
	out := make([]verdict, len(all))
	next := make(chan int)
	var mu sync.Mutex
	var wait sync.WaitGroup
	var bad error
	wait.Go(func() { bad = r.control(ctx, dir, all) })
	for range max(1, min(r.jobs, len(all))) {
		wait.Go(func() {
			for i := range next {
				start := time.Now()
				out[i] = r.try(ctx, filepath.Join(dir, strconv.Itoa(i)), all[i])
				out[i].took = time.Since(start)
				mu.Lock()
				fmt.Fprintf(r.log, "%s: %s, %s\n", out[i].name, out[i].outcome(), out[i].took.Round(100*time.Millisecond))
				mu.Unlock()
			}
		})
	}
	for i := range all {
		if ctx.Err() != nil {
			break
		}
		next <- i
	}
	close(next)
	wait.Wait()
	if ctx.Err() != nil {
		return nil, fmt.Errorf("stopped: %w", context.Cause(ctx))
	}
	return out, bad
}

// control is what would make every mutation look seen: something that fails without any.
func (r *runner) control(ctx context.Context, dir string, all []mutation) error {
	overlay := filepath.Join(dir, "none.json")
	if err := os.WriteFile(overlay, []byte(`{"Replace": {}}`), 0o600); err != nil {
		return fmt.Errorf("write the overlay: %w", err)
	}
	done := map[string]bool{}
	for _, m := range all {
		if done[m.by] {
			continue
		}
		done[m.by] = true
		failed, err := r.look(ctx, overlay, mutation{by: m.by})
		if failed != "" {
			err = fmt.Errorf("fails without any mutation, so that nothing is proved: %s", failed)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// try applies one mutation and looks for what sees it.
func (r *runner) try(ctx context.Context, dir string, m mutation) verdict {
	overlay, err := m.apply(r.tree, dir)
	v := verdict{mutation: m}
	if err == nil {
		v.seen, err = r.look(ctx, overlay, m)
	}
	switch {
	case err != nil:
		v.wrong = err.Error()
	case v.seen == "":
		v.wrong = "NOT SEEN"
	}
	_ = os.RemoveAll(dir) // a program is 20 MB; the rest goes with the folder above
	return v
}

// errStale is wrapped by the error about a mutation that does not fit the source any more.
var errStale = errors.New("STALE")

// apply writes the mutated file and the overlay that puts it in its place.
func (m mutation) apply(tree, dir string) (overlay string, err error) {
	path, err := filepath.Abs(filepath.Join(tree, m.file))
	if err != nil {
		return "", fmt.Errorf("find %s: %w", m.file, err)
	}
	text, err := os.ReadFile(path) //nolint:gosec // a source file of this repository
	if err != nil {
		return "", fmt.Errorf("%w: %w", errStale, err)
	}
	if n := strings.Count(string(text), m.old); n != 1 {
		return "", fmt.Errorf("%w: its text is %d times in %s, it has to be there once", errStale, n, m.file)
	}
	if err := os.MkdirAll(dir, 0o750); err != nil {
		return "", fmt.Errorf("make a folder: %w", err)
	}
	mutated, with := filepath.Join(dir, filepath.Base(m.file)), strings.Replace(string(text), m.old, m.new, 1)
	if err := os.WriteFile(mutated, []byte(with), 0o600); err != nil { //nolint:gosec // in our own temporary folder
		return "", fmt.Errorf("write the mutated file: %w", err)
	}
	overlay = filepath.Join(dir, "overlay.json")
	replace := fmt.Sprintf(`{"Replace": {%q: %q}}`, path, mutated)
	if err := os.WriteFile(overlay, []byte(replace), 0o600); err != nil {
		return "", fmt.Errorf("write the overlay: %w", err)
	}
	return overlay, nil
}

// look finds the first scenario or test that sees a mutation.
func (r *runner) look(ctx context.Context, overlay string, m mutation) (string, error) {
	if m.by != "" {
		return r.tools.test(ctx, overlay, m.by)
	}
	program, err := r.tools.build(ctx, overlay)
	if err != nil {
		return "", err
	}
	if m.tags != "" {
		if seen, err := r.tools.scenarios(ctx, program, m.tags); seen != "" || err != nil {
			return seen, err
		}
	}
	return r.tools.scenarios(ctx, program, "")
}

func (v verdict) outcome() string {
	if v.wrong != "" {
		return v.wrong
	}
	return "seen"
}

// mutationTable prints mutation, guard and who saw it, and the count as the last line; an error tells that some were not seen.
func mutationTable(w io.Writer, found []verdict) error {
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(t, "Mutation\tGuard\tFirst scenario that failed")
	seen := 0
	for _, v := range found {
		first, _, _ := strings.Cut(v.wrong, "\n")
		if v.wrong == "" {
			first = v.seen
			seen++
		}
		fmt.Fprintf(t, "%s\t%s\t%s\n", v.name, v.guard, first)
	}
	if err := t.Flush(); err != nil {
		return fmt.Errorf("write the table: %w", err)
	}
	if _, err := fmt.Fprintf(w, "%d of %d mutations seen\n", seen, len(found)); err != nil {
		return fmt.Errorf("write the table: %w", err)
	}
	if seen < len(found) {
		return fmt.Errorf("%d mutations were not seen", len(found)-seen)
	}
	return nil
}

package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"time"
)

const (
	mutantTime = 2 * time.Minute  // a mutant that runs longer hangs
	buildTime  = 10 * time.Minute // with a cold cache
	lastWords  = 10 * time.Second // for what is stopped to tidy up
)

// tools are the real ones.
type tools struct {
	tree string // top of the repository
	dir  string // for what they leave behind
}

// output runs a program and gives what it printed and its exit code. An error says that it did not end by itself.
func (t *tools) output(ctx context.Context, limit time.Duration, name string, args ...string) (string, int, error) {
	timed, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	cmd := exec.CommandContext(timed, name, args...) //nolint:gosec // go, or what it has built
	cmd.Cancel = func() error { return cmd.Process.Signal(os.Interrupt) }
	cmd.WaitDelay, cmd.Dir = lastWords, t.tree
	cmd.Env = append(os.Environ(), "TMPDIR="+t.dir, "GOTMPDIR="+t.dir)
	out, err := cmd.CombinedOutput()
	var exit *exec.ExitError
	switch {
	case ctx.Err() != nil:
		return "", 0, fmt.Errorf("STOPPED: %w", context.Cause(ctx))
	case timed.Err() != nil:
		return "", 0, fmt.Errorf("HANGS: %s did not end within %s", filepath.Base(name), limit)
	case errors.As(err, &exit) && exit.Exited():
		return string(out), exit.ExitCode(), nil
	case err != nil:
		return "", 0, fmt.Errorf("%s: %w\n%s", filepath.Base(name), err, out)
	}
	return string(out), 0, nil
}

func (t *tools) build(ctx context.Context, overlay string) (string, error) {
	program := filepath.Join(filepath.Dir(overlay), "spsim")
	out, code, err := t.output(ctx, buildTime, "go", "build", "-trimpath", "-ldflags=-s -w", "-overlay", overlay, "-o", program, "./cmd/spsim")
	if err == nil && code != 0 {
		err = fmt.Errorf("DOES NOT BUILD: %s", line(out))
	}
	return program, err
}

func (t *tools) scenarios(ctx context.Context, program, tags string) (string, error) {
	args := []string{"conform", "--fail-fast", "--seed", "1", "--jobs", "1"}
	if tags != "" {
		args = append(args, "--tags", tags)
	}
	out, code, err := t.output(ctx, mutantTime, program, args...)
	if err != nil {
		return "", err
	}
	return judgeRun(out, code, `(?m)^FAILED (.*)$`)
}

func (t *tools) test(ctx context.Context, overlay, command string) (string, error) {
	words := strings.Fields(command)
	if len(words) < 3 || words[0] != "go" || words[1] != "test" {
		return "", fmt.Errorf("%q is no go test", command)
	}
	out, code, err := t.output(ctx, buildTime, "go", slices.Concat([]string{"test", "-trimpath", "-vet=off", "-overlay", overlay}, words[2:])...)
	if err != nil {
		return "", err
	}
	return judgeRun(out, code, `(?m)^\s*--- FAIL: (\S+)`)
}

// judgeRun finds the first that failed in what a run printed. Exit code 1 alone does not count: the run may have broken.
func judgeRun(out string, code int, failed string) (string, error) {
	m := regexp.MustCompile(failed).FindStringSubmatch(out)
	switch {
	case code == 0:
		return "", nil
	case code == 1 && m != nil:
		return m[1], nil
	default:
		return "", fmt.Errorf("BROKEN: exit code %d and nothing that failed: %s", code, line(out))
	}
}

// line is the last line of an output that is not empty.
func line(out string) string {
	all := strings.Split(strings.TrimSpace(out), "\n")
	return all[len(all)-1]
}

// Package imagetest runs the tools of others in tests of images and containers.
package imagetest

import (
	"os/exec"
	"strings"
	"testing"
)

// attempts is how often a measurement of qemu-img may fail before the test does.
const attempts = 10

// Qemu runs qemu-img and returns what it prints, or skips the test where it is missing.
func Qemu(tb testing.TB, args ...string) string {
	tb.Helper()
	if _, err := exec.LookPath("qemu-img"); err != nil {
		tb.Skip("qemu-img is missing (package qemu-utils)")
	}
	for n := 1; ; n++ {
		out, err := exec.CommandContext(tb.Context(), "qemu-img", args...).CombinedOutput() //nolint:gosec // a test chooses them
		if err == nil {
			return string(out)
		}
		if n == attempts || !Unmeasured(string(out)) {
			tb.Fatalf("qemu-img %v: %v\n%s", args, err, out)
		}
	}
}

// Unmeasured is true of what qemu-img says when it could not count iterations: it times some of them to format a LUKS
// container, and gives up where the kernel accounts no time for them, which happens on a busy machine.
func Unmeasured(text string) bool { return strings.Contains(text, "Unable to get accurate CPU usage") }

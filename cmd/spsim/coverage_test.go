package main

import (
	"testing"

	"github.com/stretchr/testify/assert"
)

func TestTheCoverageIsChecked(t *testing.T) {
	t.Parallel()
	out, _, code := call(t.Context(), "matrix", "--coverage", "--check")
	assert.Equal(t, 0, code)
	assert.NotContains(t, out, "WRONG")
	assert.Regexp(t, `(?m)^07 Delete ROOT volume\n  disk +bypass off, one cluster +bypass on, one cluster`, out)
	assert.Regexp(t, `(?m)^  ROOT attached plain +\d+ +a +\d+ +a$`, out)
	assert.Regexp(t, `(?m)^  a: the bypass is about volume snapshots only`, out)
	assert.Regexp(t, `(?m)^  offerings with: tier \d+, template \d+, IOPS \d+$`, out)
	assert.Regexp(t, `\d+ cells: \d+ with scenarios, \d+ with a reason, \d+ missing\n$`, out)
}

func TestTheCoverageIsAlsoMarkdown(t *testing.T) {
	t.Parallel()
	out, _, code := call(t.Context(), "matrix", "--coverage", "--format", "markdown")
	assert.Equal(t, 0, code)
	assert.Contains(t, out, "### 09 Create ROOT/DATA volume snapshot\n\n| disk | bypass off, one cluster |")
	assert.Regexp(t, `\| DATA attached plain \| \d+ \|`, out)
}

func TestTheMatrixRefusesWhatMakesNoSense(t *testing.T) {
	t.Parallel()
	for _, args := range [][]string{{"matrix", "--check"}, {"matrix", "--format", "html"}} {
		_, stderr, code := call(t.Context(), args...)
		assert.Equal(t, exitUsage, code)
		assert.NotEmpty(t, stderr)
	}
}

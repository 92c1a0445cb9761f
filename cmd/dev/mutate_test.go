package main

import (
	"context"
	"errors"
	"go/format"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// fakeTools see what they are told to, by the text of the mutated file.
type fakeTools struct {
	breaks map[string]error  // builds that fail
	sees   map[string]string // by text, or text and tags: the scenario that fails

	mu    sync.Mutex
	asked []string
}

// text is what an overlay puts into the place of the source.
func (f *fakeTools) text(overlay string) string {
	text, err := os.ReadFile(filepath.Join(filepath.Dir(overlay), "guard.go"))
	if err != nil || strings.HasSuffix(overlay, "none.json") {
		return "nothing"
	}
	return string(text)
}

func (f *fakeTools) build(_ context.Context, overlay string) (string, error) {
	return f.text(overlay), f.breaks[f.text(overlay)]
}

func (f *fakeTools) scenarios(_ context.Context, program, tags string) (string, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	what := strings.TrimSpace(program + " " + tags)
	f.asked = append(f.asked, what)
	return f.sees[what], nil
}

func (f *fakeTools) test(_ context.Context, overlay, command string) (string, error) {
	return f.sees[f.text(overlay)+" "+command], nil
}

// tried runs mutations of a file that holds "one two two".
func tried(t *testing.T, f *fakeTools, all ...mutation) ([]verdict, error) {
	t.Helper()
	tree := t.TempDir()
	require.NoError(t, os.WriteFile(filepath.Join(tree, "guard.go"), []byte("one two two"), 0o600))
	for i := range all {
		all[i].file = "guard.go"
	}
	r := runner{tree: tree, log: &strings.Builder{}, jobs: 2, tools: f}
	dir := t.TempDir()
	found, err := r.run(t.Context(), dir, all)
	left, bad := filepath.Glob(filepath.Join(dir, "*", "*"))
	require.NoError(t, bad)
	assert.Empty(t, left, "mutated files go")
	return found, err
}

func TestAMutationIsSeenByAScenarioThatFails(t *testing.T) {
	t.Parallel()
	f := &fakeTools{sees: map[string]string{"1 two two": "It matters", "2 two two @row-09": "It shows", "3 two two go test x": "TestIt"}}
	found, err := tried(t, f,
		mutation{name: "whole", old: "one", new: "1"}, mutation{name: "hint", old: "one", new: "2", tags: "@row-09"},
		mutation{name: "test", old: "one", new: "3", by: "go test x"}, mutation{name: "elsewhere", old: "one", new: "1", tags: "@row-01"})
	require.NoError(t, err)
	var seen []string
	for _, v := range found {
		seen = append(seen, v.seen)
	}
	assert.Equal(t, []string{"It matters", "It shows", "TestIt", "It matters"}, seen)
	assert.NotContains(t, f.asked, "2 two two", "what the first tags see need not run as a whole")
	assert.Contains(t, f.asked, "1 two two @row-01")
	var out strings.Builder
	assert.NoError(t, mutationTable(&out, found))
	assert.True(t, strings.HasSuffix(out.String(), "\n4 of 4 mutations seen\n"), out.String())
}

func TestAMutationThatIsStaleBrokenOrUnseenFails(t *testing.T) {
	t.Parallel()
	f := &fakeTools{breaks: map[string]error{"1 two two": errors.New("DOES NOT BUILD: line 1\nline 2")}}
	found, err := tried(t, f,
		mutation{name: "gone", old: "three", new: "3"}, mutation{name: "twice", old: "two", new: "2"},
		mutation{name: "broken", old: "one", new: "1"}, mutation{name: "unseen", old: "one", new: "2"})
	require.NoError(t, err)
	require.Len(t, found, 4)
	assert.Contains(t, found[0].wrong, "STALE: its text is 0 times in guard.go")
	assert.Contains(t, found[1].wrong, "STALE: its text is 2 times in guard.go")
	assert.Contains(t, found[2].wrong, "DOES NOT BUILD")
	assert.Equal(t, "NOT SEEN", found[3].wrong)
	var out strings.Builder
	assert.ErrorContains(t, mutationTable(&out, found), "4 mutations were not seen")
	assert.Contains(t, out.String(), "DOES NOT BUILD: line 1\n", "one line each")
	assert.True(t, strings.HasSuffix(out.String(), "\n0 of 4 mutations seen\n"), out.String())
}

func TestNothingIsProvedWhenItFailsWithoutAMutation(t *testing.T) {
	t.Parallel()
	all := []mutation{{name: "a", old: "one", new: "1"}, {name: "b", old: "one", new: "1", by: "go test x"}}
	for what, failed := range map[string]string{"nothing": "It", "nothing go test x": "TestIt"} {
		_, err := tried(t, &fakeTools{sees: map[string]string{what: failed, "1 two two": "Other", "1 two two go test x": "TestOther"}}, all...)
		assert.ErrorContains(t, err, "fails without any mutation, so that nothing is proved: "+failed)
	}
}

func TestAStoppedRunProvesNothing(t *testing.T) {
	t.Parallel()
	ctx, stop := context.WithCancel(t.Context())
	stop()
	r := runner{tree: t.TempDir(), log: &strings.Builder{}, jobs: 1, tools: &fakeTools{}}
	_, err := r.run(ctx, t.TempDir(), []mutation{{name: "a", file: "guard.go", old: "one"}})
	assert.ErrorIs(t, err, context.Canceled)
}

func TestMutationsAreChosenByNameAndInParts(t *testing.T) {
	t.Parallel()
	all := []mutation{{name: "a"}, {name: "b"}, {name: "c"}, {name: "d"}, {name: "e"}}
	names := func(only []string, sample string) (out []string) {
		chosen, err := choose(all, only, sample)
		require.NoError(t, err)
		for _, m := range chosen {
			out = append(out, m.name)
		}
		return out
	}
	assert.Equal(t, []string{"a", "b", "c", "d", "e"}, names(nil, ""))
	assert.Equal(t, []string{"c", "a"}, names([]string{"c", "a"}, ""))
	assert.Equal(t, []string{"b", "d"}, names(nil, "2/2"))
	for _, bad := range []string{"0/2", "3/2", "1", "x/y"} {
		_, err := choose(all, nil, bad)
		assert.ErrorContains(t, err, "give part I of N", bad)
	}
	_, err := choose(all, []string{"z"}, "")
	assert.ErrorContains(t, err, `no mutation "z"`)
}

func TestEveryDeclaredMutationFitsTheSource(t *testing.T) {
	t.Parallel()
	names := map[string]bool{}
	for _, m := range mutations() {
		assert.False(t, names[m.name], "%s is listed twice", m.name)
		names[m.name] = true
		assert.NotEmpty(t, m.guard, m.name)
		assert.NotEqual(t, m.old, m.new, m.name)
		assert.False(t, m.tags != "" && m.by != "", "%s is for scenarios or for a test", m.name)
		assert.Equal(t, madeUp(t, m.by), strings.Contains(m.by, "-rapid.nofailfile"), "%s: cases that fail must not get into the tree", m.name)
		dir := t.TempDir()
		_, err := m.apply(filepath.Join("..", ".."), dir)
		if !assert.NoError(t, err, m.name) {
			continue
		}
		text, err := os.ReadFile(filepath.Join(dir, filepath.Base(m.file)))
		require.NoError(t, err)
		_, err = format.Source(text)
		assert.NoError(t, err, m.name)
	}
}

// madeUp tells whether a go test makes its cases up, and keeps those that fail in its folder unless it is told otherwise.
func madeUp(t *testing.T, command string) bool {
	t.Helper()
	if command == "" {
		return false
	}
	files, err := filepath.Glob(filepath.Join("..", "..", strings.Fields(command)[2], "*_test.go"))
	require.NoError(t, err)
	require.NotEmpty(t, files, command)
	for _, file := range files {
		text, err := os.ReadFile(file)
		require.NoError(t, err)
		if strings.Contains(string(text), `"pgregory.net/rapid"`) {
			return true
		}
	}
	return false
}

// little is a module whose program is a suite of one scenario.
func little(t *testing.T) (string, *tools) {
	t.Helper()
	tree := t.TempDir()
	for name, text := range map[string]string{
		"go.mod": "module little\n\ngo 1.26\n",
		"cmd/spsim/main.go": `package main

import (
	"fmt"
	"os"
)

func main() {
	if guarded() {
		return
	}
	fmt.Println("\nFAILED It is guarded\n  by " + fmt.Sprint(os.Args[1:]))
	os.Exit(1)
}
`,
		"cmd/spsim/guard.go":      "package main\n\nfunc guarded() bool { return true }\n",
		"cmd/spsim/guard_test.go": "package main\n\nimport \"testing\"\n\nfunc TestGuard(t *testing.T) {\n\tif !guarded() {\n\t\tt.Fail()\n\t}\n}\n",
	} {
		file := filepath.Join(tree, name)
		require.NoError(t, os.MkdirAll(filepath.Dir(file), 0o750))
		require.NoError(t, os.WriteFile(file, []byte(text), 0o600))
	}
	return tree, &tools{tree: tree, dir: t.TempDir()}
}

func TestTheToolchainTakesTheMutatedFileAndLeavesTheTreeAlone(t *testing.T) {
	t.Parallel()
	tree, tools := little(t)
	r := runner{tree: tree, log: &strings.Builder{}, jobs: 2, tools: tools}
	m := mutation{file: "cmd/spsim/guard.go", old: "return true", new: "return false"}
	seen, tested, same, broken, dies := m, m, m, m, m
	tested.by, same.new, broken.new, dies.new = "go test ./cmd/spsim", "return !false", "return 1", `panic("no")`
	found, err := r.run(t.Context(), t.TempDir(), []mutation{seen, tested, same, broken, dies})
	require.NoError(t, err)
	assert.Equal(t, "It is guarded", found[0].seen)
	assert.Equal(t, "TestGuard", found[1].seen)
	assert.Equal(t, "NOT SEEN", found[2].wrong)
	assert.Contains(t, found[3].wrong, "DOES NOT BUILD")
	assert.Contains(t, found[4].wrong, "BROKEN: exit code 2")
	text, err := os.ReadFile(filepath.Join(tree, m.file))
	require.NoError(t, err)
	assert.Contains(t, string(text), "return true")
}

package main

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/spsim/spsim/scenarios/sweep"
)

func TestAPageThatDoesNotAgreeIsWrittenAgainOrRefused(t *testing.T) {
	t.Parallel()
	root := t.TempDir()
	p := page{"room/PAGE.md", whole(func() (string, error) { return "fresh\n", nil })}
	file := filepath.Join(root, "room", "PAGE.md")
	require.NoError(t, os.Mkdir(filepath.Dir(file), 0o750))
	var out bytes.Buffer
	require.ErrorContains(t, p.renew(&out, root, true), "room/PAGE.md does not agree", "it is not there")
	assert.NoFileExists(t, file)
	require.NoError(t, p.renew(&out, root, false))
	require.NoError(t, p.renew(&out, root, true))
	require.NoError(t, os.WriteFile(file, []byte("fresh \n"), 0o600))
	require.ErrorContains(t, p.renew(&out, root, true), "run make docs")
	require.NoError(t, p.renew(&out, root, false))
	text, err := os.ReadFile(file)
	require.NoError(t, err)
	assert.Equal(t, "fresh\n", string(text))
}

func TestEachPageIsTheSameWhenItIsMadeTwice(t *testing.T) {
	t.Parallel()
	old, err := os.ReadFile(filepath.Join("..", "..", "README.md"))
	require.NoError(t, err)
	for _, p := range pages() {
		t.Run(p.file, func(t *testing.T) {
			t.Parallel()
			once, err := p.text(old)
			require.NoError(t, err)
			again, err := p.text(once)
			require.NoError(t, err)
			assert.Equal(t, string(once), string(again))
			wide := 0
			for line := range strings.Lines(string(once)) { // a table whose lines differ in columns is not shown as one
				n := strings.Count(strings.ReplaceAll(line, `\|`, ""), "|")
				if n == 0 {
					wide = 0
					continue
				}
				if wide == 0 {
					wide = n
				}
				assert.Equal(t, wide, n, line)
			}
		})
	}
}

func TestTitlesAreSafeInTables(t *testing.T) {
	t.Parallel()
	assert.Equal(t, `A *kind* of "a =&gt; b", *state* \| used\_bytes`, plain(`A <kind> of "a => b", <state> | used_bytes`))
	assert.Equal(t, "resize-a-root-or-data-volume-live-or-offline", anchor("Resize a ROOT or DATA volume, live or offline"))
}

func TestStepsOfTheDriverAreInTheOrderOfEachOperation(t *testing.T) {
	t.Parallel()
	var b strings.Builder
	driverTable(&b, []sweep.Recorded{
		{Operation: "plain", Steps: []sweep.Step{{Asked: []string{"GET Volume"}}, {Name: "copy/clone"}, {Name: "copy/record"}}},
		{Operation: "encrypted", Steps: []sweep.Step{{Name: "copy/clone"}, {Name: "copy/encrypt"}, {Name: "copy/record"}, {Name: "copy/tell"}}},
	})
	assert.Contains(t, b.String(), "| `copy` | clone, encrypt, record, tell | plain, encrypted |\n")
	assert.Equal(t, []string{"2 times a", "b", "a"}, repeated([]string{"a", "a", "b", "a"}))
}

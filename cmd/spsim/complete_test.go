package main

import (
	"bytes"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestShellsAreOfferedTheValuesOfFlagsAndArguments(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		typed      []string
		want, none []string // values offered, and not
	}{
		"a defect":                {[]string{"conform", "--driver", "D-1"}, []string{"D-11a\t"}, []string{"A-1\t", "correct"}},
		"a second defect":         {[]string{"conform", "--driver", "D-11,A-"}, []string{"D-11,A-7\t"}, []string{"A-7\t", "D-11,D-1\t"}},
		"a row":                   {[]string{"conform", "--rows", "9,1"}, []string{"9,10\tCreate volume from snapshot", "9,1\t"}, []string{"9\t"}},
		"a swept operation":       {[]string{"sweep", "--operations", "att"}, []string{"attach"}, []string{"detach"}},
		"what to explain":         {[]string{"explain", "SUS"}, []string{"SUS-3\t"}, []string{"D-1\t"}},
		"one thing to explain":    {[]string{"explain", "D-1", "D"}, nil, []string{"D-11a\t"}},
		"a regression":            {[]string{"explain", "CS-5"}, []string{"CS-5433\t", "CS-5775\t"}, []string{"CS-6007\t"}},
		"a regression and defect": {[]string{"explain", "SP-2"}, []string{"SP-2\ta cached template that StorPool has lost", "SP-20\t"}, []string{"SP-2\ta cached template that StorPool had lost"}},
		"the call of a rule":      {[]string{"fault", "arm", "POST VolumeC"}, []string{"POST VolumeCreate"}, []string{"GET VolumesList"}},
		"defects of a proof":      {[]string{"prove", "--defects", "KV"}, []string{"KV-S5\t"}, []string{"upstream"}},
		"defects put in a sweep":  {[]string{"sweep", "--driver", "upst"}, []string{"upstream\t"}, []string{"correct"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var out bytes.Buffer
			root := newRootCommand()
			root.SetOut(&out)
			root.SetErr(&out)
			root.SetArgs(append([]string{"__complete"}, c.typed...))
			require.NoError(t, root.Execute())
			offered := "\n" + out.String()
			for _, v := range c.want {
				assert.Contains(t, offered, "\n"+v)
			}
			for _, v := range c.none {
				assert.NotContains(t, offered, "\n"+v)
			}
		})
	}
}

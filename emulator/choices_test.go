package emulator

import (
	"reflect"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/spsim/spsim/emulator/cluster"
)

func TestEveryDecisionIsAChoiceWithItsKnob(t *testing.T) {
	t.Parallel()
	knobs := map[string]Knob{}
	for _, c := range Choices() {
		assert.NotEmpty(t, c.Open)
		assert.NotEmpty(t, c.Here, c.Open)
		assert.Regexp(t, `^storpool-api [0-9A]`, c.Source)
		if c.Knob != (Knob{}) {
			assert.NotContains(t, knobs, c.Knob.JSON)
			knobs[c.Knob.JSON] = c.Knob
		}
	}
	members := reflect.VisibleFields(reflect.TypeFor[Behaviour]())
	assert.Len(t, knobs, len(members))
	for _, f := range members {
		k, ok := knobs["behaviour."+f.Tag.Get("json")]
		if !assert.True(t, ok, "%s is not listed", f.Name) {
			continue
		}
		if member, ok := strings.CutPrefix(k.Option, "WithBehaviour: "); ok {
			_, there := reflect.TypeFor[cluster.Behaviour]().FieldByName(member)
			assert.True(t, there, "option %s", member)
			assert.Equal(t, f.Name, member)
		} else {
			assert.Equal(t, "With"+f.Name, k.Option)
		}
	}
}

func TestDifferencesListWhatIsMissing(t *testing.T) {
	t.Parallel()
	page := Differences()
	for _, o := range Operations() {
		row := "| `" + o.Method + " " + o.Query + "` | " + cell(o.Why) + " |"
		assert.Equal(t, !o.Emulated(), strings.Contains(page, row), o.Call())
		for _, i := range o.Ignored {
			assert.Contains(t, page, "| `"+o.Call()+"` | `"+i.Member+"` | "+i.Why)
		}
	}
	for _, c := range Choices() {
		assert.Contains(t, page, c.Open)
		assert.Contains(t, page, c.Here)
		assert.Contains(t, page, c.Knob.Flag)
	}
	for line := range strings.SplitSeq(page, "\n") {
		assert.Equal(t, strings.TrimRight(line, " "), line)
	}
}

func TestUnemulatedCallGivesAReason(t *testing.T) {
	t.Parallel()
	for _, o := range Operations() {
		if !o.Emulated() {
			assert.Greater(t, len(o.Why), 20, o.Call())
			assert.NotContains(t, o.Why, "TODO")
		}
	}
}

package quirk_test

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/spsim/spsim/driver/quirk"
)

type rules struct{ greet func() string }

func all() []quirk.Quirk[rules] {
	return []quirk.Quirk[rules]{
		{
			Info: quirk.Info{ID: "D-1a", Also: []string{"SUS-9"}},
			Apply: func(r *rules) {
				next := r.greet
				r.greet = func() string { return next() + " a" }
			},
		},
		{
			Info: quirk.Info{ID: "D-1b"},
			Apply: func(r *rules) {
				next := r.greet
				r.greet = func() string { return next() + " b" }
			},
		},
		{Info: quirk.Info{ID: "D-2", Inexpressible: "a function returns once"}},
	}
}

func TestASelectionReplacesDecisionsInOrder(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"": "hello", "correct": "hello", "upstream": "hello a b", "D-1": "hello a b",
		"D-1b": "hello b", "SUS-9": "hello a", "D-1b , D-1a": "hello a b",
	} {
		set, err := quirk.Parse(text, quirk.Infos(all()))
		require.NoError(t, err, text)
		r := quirk.Apply(rules{greet: func() string { return "hello" }}, all(), set.Has)
		assert.Equal(t, want, r.greet(), text)
		assert.Equal(t, want == "hello", set.Empty(), text)
	}
}

func TestAWordThatSelectsNothingIsRefusedWithTheChoices(t *testing.T) {
	t.Parallel()
	for _, word := range []string{"D-2", "D-11", "d-1a", "D-"} {
		_, err := quirk.Parse(word, quirk.Infos(all()))
		assert.ErrorContains(t, err, "D-1a, D-1b", word)
	}
}

func TestAnIDThatAQuirkHasSelectsThatOneAlone(t *testing.T) {
	t.Parallel()
	known := []quirk.Info{{ID: "D-21"}, {ID: "D-21b"}, {ID: "S-10"}, {ID: "D-9c", Also: []string{"S-10"}}}
	for _, word := range []string{"D-21", "S-10"} {
		set, err := quirk.Parse(word, known)
		require.NoError(t, err)
		for _, k := range known {
			assert.Equal(t, k.ID == word, set.Has(k.ID), "%s selects %s", word, k.ID)
		}
	}
}

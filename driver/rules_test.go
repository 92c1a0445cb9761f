package driver

import (
	"reflect"
	"testing"

	"github.com/stretchr/testify/assert"
)

// decisions returns the functions of a rules struct by name, those of embedded structs included.
func decisions(v reflect.Value) map[string]uintptr {
	out := map[string]uintptr{}
	for i := range v.NumField() {
		field := v.Type().Field(i)
		if field.Anonymous {
			for name, at := range decisions(v.Field(i)) {
				out[name] = at
			}
			continue
		}
		out[field.Name] = v.Field(i).Pointer()
	}
	return out
}

func TestEveryDecisionIsTakenAndReplacedBySomeDefect(t *testing.T) {
	t.Parallel()
	right := decisions(reflect.ValueOf(correct()))
	replaced := map[string]bool{}
	ids := map[string]bool{}
	for _, q := range quirks() {
		assert.False(t, ids[q.ID], "%s is listed twice", q.ID)
		ids[q.ID] = true
		assert.NotEmpty(t, q.Reason, q.ID)
		assert.NotEmpty(t, q.Source, q.ID)
		assert.Contains(t, "ABC", q.Severity, q.ID)
		assert.Equal(t, q.Apply == nil, q.Inexpressible != "", "%s is expressed or says why not", q.ID)
		if q.Apply == nil {
			continue
		}
		r := correct()
		q.Apply(&r)
		some := false
		for name, at := range decisions(reflect.ValueOf(r)) {
			if at != right[name] {
				replaced[name], some = true, true
			}
		}
		assert.True(t, some, "%s replaces nothing", q.ID)
	}
	for name, at := range right {
		assert.NotZero(t, at, "nobody takes the decision %s", name)
		assert.True(t, replaced[name], "no defect replaces the decision %s", name)
	}
}

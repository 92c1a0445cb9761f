package mgmt

import (
	"reflect"
	"testing"

	"github.com/stretchr/testify/assert"
)

func TestEveryRuleIsSetAndReplacedByAQuirk(t *testing.T) {
	t.Parallel()
	right := reflect.ValueOf(correct())
	replaced := map[string]bool{}
	for _, q := range quirks() {
		assert.NotEmpty(t, q.ID)
		assert.NotEmpty(t, q.Source, q.ID)
		assert.NotEmpty(t, q.Reason, q.ID)
		r := correct()
		q.Apply(&r)
		wrong := reflect.ValueOf(r)
		for i := range right.NumField() {
			if right.Field(i).Pointer() != wrong.Field(i).Pointer() {
				replaced[right.Type().Field(i).Name] = true
			}
		}
	}
	for i := range right.NumField() {
		name := right.Type().Field(i).Name
		assert.False(t, right.Field(i).IsNil(), name)
		assert.True(t, replaced[name], "no quirk replaces %s", name)
	}
}

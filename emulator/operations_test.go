package emulator

import (
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestTableHasEveryCallOfTheCatalogueAndNoOther(t *testing.T) {
	t.Parallel()
	c := loadCatalogue(t)
	want := []string{}
	for _, call := range c.Calls {
		query := call.Query
		if query == "" {
			query = call.Name
		}
		want = append(want, call.Method+" "+query)
	}
	got := []string{}
	for _, o := range Operations() {
		got = append(got, o.Method+" "+o.Query)
	}
	assert.Len(t, want, 131)
	slices.Sort(want)
	slices.Sort(got)
	assert.Equal(t, want, got)
}

func TestTableEntryIsEitherEmulatedOrTellsWhyNot(t *testing.T) {
	t.Parallel()
	for _, o := range Operations() {
		assert.Equal(t, o.Emulated(), o.serve != nil, o.Call())
		assert.Equal(t, o.Emulated(), o.Req != nil, o.Call())
		assert.Equal(t, o.Method == "POST", o.Form&Changes != 0, o.Call())
	}
}

func TestTableMarksTheMultiClusterFormsOfTheCatalogue(t *testing.T) {
	t.Parallel()
	c := loadCatalogue(t)
	forms := map[string]Form{}
	for _, call := range c.Calls {
		f := forms[call.Method+" "+call.Query]
		if call.Multi {
			f |= Multi
		}
		if call.All || call.Query == allClustersQuery {
			f |= AllClusters
		}
		forms[call.Method+" "+call.Query] = f
	}
	for _, o := range Operations() {
		key := o.Method + " " + o.Query
		assert.Equal(t, forms[key], o.Form&^Changes, key)
	}
}

func TestEveryArgumentOfAQueryHasAMemberInItsRequest(t *testing.T) {
	t.Parallel()
	for _, o := range Operations() {
		if o.Emulated() {
			assert.NotPanics(t, func() { planOf(o.Req, pathArguments(o.Query)) }, o.Call())
		}
	}
}

func operation(t *testing.T, call catalogueCall) *Op {
	t.Helper()
	query := call.Query
	if query == "" {
		query = call.Name
	}
	for _, o := range Operations() {
		if o.Method == call.Method && o.Query == query {
			return &o
		}
	}
	require.Failf(t, "not in the table", "%s %s", call.Method, query)
	return nil
}

// Where an answer type differs from the catalogue, and why.
func answerExceptions() map[string]string {
	return map[string]string{
		"GET AllPeersActiveRequests: data.requests[]":            "nothing is ever in flight: only what is down shows, two of the four entry types in one",
		"GET MultiCluster/AllClusters: data.clusters[].response": "holds a whole envelope of any type",
	}
}

// extraMembers are members that the catalogue has in a base type only, and that real answers of the derived
// types have as well.
func extraMembers() map[string]string {
	return map[string]string{
		"snapshot":               "emitted in every listing (storpool-api 5)",
		"agFreeNotTrimmed":       "sample of an up disk (storpool-api 14)",
		"pendingErrorRecoveries": "sample of an up disk",
		"scrubbing":              "sample of an up disk",
		"totalErrorsDetected":    "sample of an up disk",
	}
}

func TestAnswerTypesAreThoseOfTheCatalogue(t *testing.T) {
	t.Parallel()
	c := loadCatalogue(t)
	used := map[string]bool{}
	for _, call := range c.Calls {
		o := operation(t, call)
		if !o.Emulated() {
			continue
		}
		cmp := comparison{cat: c, call: o.Call(), except: answerExceptions(), used: used}
		cmp.compare(c.shapeOf(call.Answer), o.Ans, "data")
		for _, d := range cmp.differences {
			assert.Fail(t, "answer differs from the catalogue", "%s: %s", o.Call(), d)
		}
	}
	for e := range answerExceptions() {
		assert.True(t, used[e], "exception %q is not needed", e)
	}
}

// comparison holds a Go type against a type of the catalogue.
type comparison struct {
	cat         *catalogue
	call        string
	except      map[string]string
	used        map[string]bool
	differences []string
}

func (c *comparison) differ(at, format string, args ...any) {
	c.differences = append(c.differences, at+": "+fmt.Sprintf(format, args...))
}

func (c *comparison) compare(s shape, t reflect.Type, at string) {
	if _, ok := c.except[c.call+": "+at]; ok {
		c.used[c.call+": "+at] = true
		return
	}
	if t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	if c.compareOwn(s, t, at) {
		return
	}
	switch {
	case s.Items != nil:
		if t.Kind() != reflect.Slice {
			c.differ(at, "%s is no array", t)
			return
		}
		c.compare(*s.Items, t.Elem(), at+"[]")
	case s.Map != nil:
		if t.Kind() != reflect.Map {
			c.differ(at, "%s is no map", t)
			return
		}
		c.compare(s.Map[1], t.Elem(), at+"{}")
	case s.Members != nil:
		c.compareMembers(s, t, at)
	default:
		c.compareKind(s, t, at)
	}
}

// compareOwn handles the types that write themselves.
func (c *comparison) compareOwn(s shape, t reflect.Type, at string) bool {
	switch {
	case t == reflect.TypeFor[diskSummary]():
		if len(s.Any) != 2 {
			c.differ(at, "a disk has two shapes")
			return true
		}
		c.compare(s.Any[0], reflect.TypeFor[upDisk](), at)
		c.compare(s.Any[1], reflect.TypeFor[diskBase](), at)
	case t == reflect.TypeFor[diskTarget]():
		if len(s.Any) != 2 {
			c.differ(at, "a disk has two shapes")
			return true
		}
		c.compare(s.Any[0], reflect.TypeFor[upDiskTarget](), at)
		c.compare(s.Any[1], reflect.TypeFor[downDiskTarget](), at)
	case isGeneric(t, "entries"):
		elem := elementOf(t)
		switch {
		case s.Items != nil:
			c.compare(*s.Items, elem, at+"[]")
		case s.Map != nil:
			c.compare(s.Map[1], elem, at+"{}")
		default:
			c.differ(at, "%s is neither array nor map there", t)
		}
	case isGeneric(t, "entry"):
		c.compare(s, elementOf(t), at)
	case isGeneric(t, "either"):
		if len(s.Any) != t.NumField() {
			c.differ(at, "not one of %d types", t.NumField())
			return true
		}
		for i := range t.NumField() {
			one := t.Field(i).Type.Elem()
			ok := slices.ContainsFunc(s.Any, func(want shape) bool {
				try := comparison{cat: c.cat, call: c.call, except: c.except, used: c.used}
				try.compare(want, one, at)
				return len(try.differences) == 0
			})
			if !ok {
				c.differ(at, "%s is none of the types", one)
			}
		}
	default:
		return false
	}
	return true
}

func isGeneric(t reflect.Type, name string) bool { return strings.HasPrefix(t.Name(), name+"[") }

// elementOf returns the T of entries[T] and entry[T].
func elementOf(t reflect.Type) reflect.Type { return t.Field(0).Type.Elem() }

func (c *comparison) compareMembers(s shape, t reflect.Type, at string) {
	if t.Kind() != reflect.Struct {
		c.differ(at, "%s is no object", t)
		return
	}
	have := jsonMembers(t)
	for name, m := range s.Members {
		f, ok := have[name]
		switch {
		case !ok && !m.optional:
			c.differ(at, "member %s is missing", name)
		case ok && f.omit && !m.optional:
			c.differ(at, "member %s may be absent", name)
		case ok:
			c.compare(m.shape, f.of, at+"."+name)
		}
	}
	for name := range have {
		_, known := s.Members[name]
		if _, extra := extraMembers()[name]; !known && !extra {
			c.differ(at, "member %s is not in the catalogue", name)
		}
	}
}

type jsonMember struct {
	of   reflect.Type
	omit bool
}

func jsonMembers(t reflect.Type) map[string]jsonMember {
	out := map[string]jsonMember{}
	for _, f := range reflect.VisibleFields(t) {
		tag, ok := f.Tag.Lookup("json")
		if !ok {
			continue
		}
		name, options, _ := strings.Cut(tag, ",")
		out[name] = jsonMember{of: f.Type, omit: strings.Contains(options, "omitempty")}
	}
	return out
}

// compareKind holds a scalar, a constant or a union against a Go type.
func (c *comparison) compareKind(s shape, t reflect.Type, at string) {
	if t.Kind() == reflect.Struct && s.Any != nil {
		for _, one := range s.Any {
			try := comparison{cat: c.cat, call: c.call, except: c.except, used: c.used}
			if try.compare(one, t, at); one.Members != nil && len(try.differences) == 0 {
				return
			}
		}
		c.differ(at, "%s is none of the types", t)
		return
	}
	want, have := c.cat.kindsOf(s), kindOf(t)
	if have == "integer or -" {
		if !slices.Contains(want, "integer") || !slices.Contains(want, "string") {
			c.differ(at, "is %s, want %s", have, strings.Join(want, " or "))
		}
		return
	}
	if !slices.Contains(want, have) {
		c.differ(at, "is %s, want %s", have, strings.Join(want, " or "))
	}
}

// kindsOf returns the JSON kinds that a type without members has.
func (c *catalogue) kindsOf(s shape) []string {
	switch {
	case s.Any != nil:
		var all []string
		for _, one := range s.Any {
			all = append(all, c.kindsOf(one)...)
		}
		return all
	case s.IsConst:
		switch s.Is.(type) {
		case string:
			return []string{"string"}
		case float64:
			return []string{"integer"}
		case bool:
			return []string{"boolean"}
		default:
			return []string{"null"}
		}
	}
	sc, ok := c.Scalars[s.Name]
	switch {
	case !ok:
		return []string{s.Name}
	case sc.Kind == "integerOrLiteral":
		return []string{"integer", "string"}
	case sc.Kind == "integer", sc.Kind == "numberedEnum":
		return []string{"integer"}
	default:
		return []string{"string"}
	}
}

func kindOf(t reflect.Type) string {
	switch t.Kind() {
	case reflect.Bool:
		return "boolean"
	case reflect.String:
		return "string"
	case reflect.Int, reflect.Int64, reflect.Uint64:
		if t == reflect.TypeFor[orDash]() {
			return "integer or -"
		}
		return "integer"
	default:
		return t.String()
	}
}

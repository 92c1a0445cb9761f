package emulator

import (
	"encoding/json"
	"fmt"
	"math"
	"os"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// catalogue is testdata/catalogue.json: every call of the API and every type, in a compact form.
// A type is a name, "integer", "string", "boolean" or "any"; an array of one type; or an object with one of the
// keys map ([key, value]), any (one of), all (all of), is (this constant), members.
// A member whose name ends in "?" may be absent.
type catalogue struct {
	Calls   []catalogueCall
	Scalars map[string]*scalar
	Unions  map[string]json.RawMessage
	Types   map[string]map[string]json.RawMessage
}

type catalogueCall struct {
	Name, Method, Query string
	Multi, All          bool
	Args                map[string]string
	Request             json.RawMessage
	BodyOptional        bool
	In                  string
	AlsoAccepts         json.RawMessage
	Answer              json.RawMessage
}

type scalar struct {
	Kind       string
	Min        *json.Number
	Max        *json.Number
	MultipleOf int64
	Literal    string
	Pattern    string
	MaxLength  int
	Forbidden  []string
	Values     []any

	matches func(string) bool
}

// shape is a type of the catalogue, decoded.
type shape struct {
	Name    string // of a scalar or a plain kind
	Items   *shape
	Map     []shape // key, value
	Any     []shape
	Is      any
	IsConst bool
	Members map[string]member
}

type member struct {
	shape    shape
	optional bool
}

func loadCatalogue(tb testing.TB) *catalogue {
	tb.Helper()
	text, err := os.ReadFile("testdata/catalogue.json")
	require.NoError(tb, err)
	var c catalogue
	require.NoError(tb, json.Unmarshal(text, &c))
	for _, s := range c.Scalars {
		s.matches = regexp.MustCompile(s.Pattern).MatchString
	}
	return &c
}

// shapeOf decodes a type expression and follows type names.
func (c *catalogue) shapeOf(raw json.RawMessage) shape {
	var v any
	if err := json.Unmarshal(raw, &v); err != nil {
		panic(err)
	}
	return c.shape(v)
}

func (c *catalogue) shape(v any) shape {
	switch v := v.(type) {
	case string:
		return c.named(v)
	case []any:
		items := c.shape(v[0])
		return shape{Items: &items}
	case map[string]any:
		return c.compound(v)
	default:
		panic(fmt.Sprintf("no type expression: %v", v))
	}
}

func (c *catalogue) named(name string) shape {
	if raw, ok := c.Unions[name]; ok {
		return c.shapeOf(raw)
	}
	fields, ok := c.Types[name]
	if !ok {
		return shape{Name: name}
	}
	s := shape{Name: name, Members: map[string]member{}}
	for n, raw := range fields {
		plain := strings.TrimSuffix(n, "?")
		s.Members[plain] = member{shape: c.shapeOf(raw), optional: plain != n}
	}
	return s
}

func (c *catalogue) compound(v map[string]any) shape {
	for key, inner := range v {
		switch key {
		case "is":
			return shape{Is: inner, IsConst: true}
		case "map":
			return shape{Map: c.list(inner)}
		case "any":
			return shape{Any: c.list(inner)}
		case "all":
			s := shape{Members: map[string]member{}}
			for _, part := range c.list(inner) {
				for n, m := range part.Members {
					s.Members[n] = m
				}
			}
			return s
		case "members":
			s := shape{Members: map[string]member{}}
			fields, _ := inner.(map[string]any)
			for n, m := range fields {
				plain := strings.TrimSuffix(n, "?")
				s.Members[plain] = member{shape: c.shape(m), optional: plain != n}
			}
			return s
		}
	}
	panic(fmt.Sprintf("no type expression: %v", v))
}

func (c *catalogue) list(v any) []shape {
	var out []shape
	items, _ := v.([]any)
	for _, i := range items {
		out = append(out, c.shape(i))
	}
	return out
}

// validate lists what is wrong with a value, decoded with UseNumber, by the type s.
func (c *catalogue) validate(s shape, v any, at string) []string {
	switch {
	case s.IsConst:
		if text, want := fmt.Sprint(v), constText(s.Is); text != want {
			return []string{fmt.Sprintf("%s: %s is not %s", at, text, want)}
		}
		return nil
	case s.Any != nil:
		var all []string
		for _, one := range s.Any {
			faults := c.validate(one, v, at)
			if len(faults) == 0 {
				return nil
			}
			all = append(all, faults...)
		}
		return all
	case s.Items != nil:
		items, ok := v.([]any)
		if !ok {
			return []string{at + ": no array"}
		}
		var all []string
		for i, item := range items {
			all = append(all, c.validate(*s.Items, item, at+"."+strconv.Itoa(i))...)
		}
		return all
	case s.Map != nil:
		return c.validateMap(s, v, at)
	case s.Members != nil:
		return c.validateMembers(s, v, at)
	default:
		return c.validateScalar(s.Name, v, at)
	}
}

func constText(v any) string {
	if f, ok := v.(float64); ok {
		return strconv.FormatFloat(f, 'f', -1, 64)
	}
	return fmt.Sprint(v)
}

func (c *catalogue) validateMap(s shape, v any, at string) []string {
	fields, ok := v.(map[string]any)
	if !ok {
		return []string{at + ": no object"}
	}
	var all []string
	for k, inner := range fields {
		all = append(all, c.validateKey(s.Map[0], k, at)...)
		all = append(all, c.validate(s.Map[1], inner, at+"."+k)...)
	}
	return all
}

// validateKey checks a key of a map: numeric ids are strings there.
func (c *catalogue) validateKey(s shape, key, at string) []string {
	if len(c.validate(s, key, at)) == 0 || len(c.validate(s, json.Number(key), at)) == 0 {
		return nil
	}
	return []string{fmt.Sprintf("%s: bad key %q", at, key)}
}

func (c *catalogue) validateMembers(s shape, v any, at string) []string {
	fields, ok := v.(map[string]any)
	if !ok {
		return []string{at + ": no object"}
	}
	var all []string
	for name, m := range s.Members {
		inner, there := fields[name]
		switch {
		case there:
			all = append(all, c.validate(m.shape, inner, at+"."+name)...)
		case !m.optional:
			all = append(all, at+": member "+name+" is missing")
		}
	}
	for name := range fields {
		_, known := s.Members[name]
		if _, extra := extraMembers()[name]; !known && !extra {
			all = append(all, at+": member "+name+" is not in the catalogue")
		}
	}
	return all
}

func (c *catalogue) validateScalar(name string, v any, at string) []string {
	wrong := []string{fmt.Sprintf("%s: %v is no %s", at, v, name)}
	switch name {
	case "any":
		return nil
	case "boolean":
		if _, ok := v.(bool); ok {
			return nil
		}
		return wrong
	case "string":
		if _, ok := v.(string); ok {
			return nil
		}
		return wrong
	case "integer":
		if isInteger(v) {
			return nil
		}
		return wrong
	}
	sc, ok := c.Scalars[name]
	if !ok {
		return []string{at + ": unknown type " + name}
	}
	if sc.allows(v) {
		return nil
	}
	return wrong
}

func isInteger(v any) bool {
	n, ok := v.(json.Number)
	if !ok {
		return false
	}
	_, err := n.Int64()
	return err == nil
}

func (s *scalar) allows(v any) bool {
	switch s.Kind {
	case "integer":
		return s.allowsNumber(v)
	case "integerOrLiteral":
		return v == s.Literal || s.allowsNumber(v)
	case "numberedEnum":
		return isInteger(v)
	case "enum":
		text, ok := v.(string)
		return ok && slices.Contains(s.Values, any(text))
	default:
		text, ok := v.(string)
		if !ok || slices.Contains(s.Forbidden, text) || s.MaxLength > 0 && len(text) > s.MaxLength {
			return false
		}
		return s.matches(text)
	}
}

func (s *scalar) allowsNumber(v any) bool {
	if !isInteger(v) {
		return false
	}
	number, _ := v.(json.Number)
	n, _ := number.Int64()
	low, high := int64(math.MinInt64), int64(math.MaxInt64)
	if s.Min != nil {
		low, _ = s.Min.Int64()
	}
	if s.Max != nil {
		if m, err := s.Max.Int64(); err == nil {
			high = m
		}
	}
	return n >= low && n <= high && (s.MultipleOf == 0 || n%s.MultipleOf == 0)
}

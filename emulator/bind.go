package emulator

import (
	"math"
	"reflect"
	"strconv"
	"strings"

	"github.com/tidwall/gjson"
)

// binding is the state of one decoding.
type binding struct {
	unknown []string // members without a place, as paths such as "reassign.0.colour"
	ignored []string // members of the API that no handler reads, as paths
}

// setter writes a JSON value that is not null into dst; at names the value in errors.
type setter func(dst reflect.Value, src gjson.Result, at string, b *binding) error

// fromJSON is implemented by request members that have a form of their own.
type fromJSON interface {
	fromJSON(src gjson.Result, at string) error
}

// planField is a member of a request type, described by its tag: `sp:"name,required"`.
// The options are path (comes from the path), required, bare (takes a body that is an array), and ignored (checked, but
// read by no handler).
type planField struct {
	name     string
	index    []int
	required bool
	ignored  bool
	set      setter
}

func (f *planField) label() string {
	if f.name == "" {
		return "body"
	}
	return f.name
}

// structPlan says how an object becomes a struct.
type structPlan struct {
	fields   map[string]*planField
	required []string
	args     []*planField
	bare     *planField
	scope    []int
}

// planOf makes the plan of a struct type; args are the path arguments that it must have members for.
func planOf(t reflect.Type, args []string) *structPlan {
	p := &structPlan{fields: map[string]*planField{}}
	inPath := map[string]*planField{}
	for _, f := range reflect.VisibleFields(t) {
		if f.Type == reflect.TypeFor[scope]() {
			p.scope = f.Index
			continue
		}
		tag, ok := f.Tag.Lookup("sp")
		if !ok || f.Anonymous {
			continue
		}
		name, options, _ := strings.Cut(tag, ",")
		field := &planField{name: name, index: f.Index, ignored: strings.Contains(options, "ignored"), set: setterOf(f.Type)}
		switch {
		case strings.Contains(options, "path"):
			inPath[name] = field
			continue
		case strings.Contains(options, "bare"):
			p.bare = field
		case strings.Contains(options, "required"):
			field.required = true
			p.required = append(p.required, name)
		}
		if name != "" {
			p.fields[name] = field
		}
	}
	for _, a := range args {
		f, ok := inPath[a]
		if !ok {
			panic("emulator: " + t.String() + " has no member for path argument " + a)
		}
		p.args = append(p.args, f)
	}
	return p
}

// bind fills v from an object. Members that are null count as absent (storpool-api 2.4).
func (p *structPlan) bind(v reflect.Value, src gjson.Result, at string, b *binding) error {
	if !src.IsObject() {
		return invalid("Invalid value of '%s': not an object", orBody(at))
	}
	var err error
	var seen map[string]bool
	if len(p.required) > 0 {
		seen = make(map[string]bool, len(p.required))
	}
	src.ForEach(func(key, value gjson.Result) bool {
		name := key.String()
		f, ok := p.fields[name]
		switch {
		case !ok && value.Type != gjson.Null:
			b.unknown = append(b.unknown, under(at, name))
		case ok && value.Type != gjson.Null:
			if f.required {
				seen[name] = true
			}
			if f.ignored {
				b.ignored = append(b.ignored, under(at, name))
			}
			err = f.set(v.FieldByIndex(f.index), value, under(at, name), b)
		}
		return err == nil
	})
	if err != nil {
		return err
	}
	return p.complete(seen, at)
}

// complete refuses an object that lacks a required member.
func (p *structPlan) complete(seen map[string]bool, at string) error {
	for _, name := range p.required {
		if !seen[name] {
			return invalid("Missing parameter '%s'", under(at, name))
		}
	}
	return nil
}

func under(at, name string) string {
	if at == "" {
		return name
	}
	return at + "." + name
}

func orBody(at string) string {
	if at == "" {
		return "body"
	}
	return at
}

// setterOf returns the setter of a member's type.
func setterOf(t reflect.Type) setter {
	if reflect.PointerTo(t).Implements(reflect.TypeFor[fromJSON]()) {
		return setOwn
	}
	switch t.Kind() {
	case reflect.Pointer:
		return pointerSetter(t)
	case reflect.Slice:
		return sliceSetter(t)
	case reflect.Struct:
		return planOf(t, nil).bind
	case reflect.String:
		return setString
	case reflect.Bool:
		return setBool
	case reflect.Int, reflect.Int32, reflect.Int64:
		return setInt
	default:
		panic("emulator: no JSON form for a request member of type " + t.String())
	}
}

func setOwn(dst reflect.Value, src gjson.Result, at string, _ *binding) error {
	own, ok := dst.Addr().Interface().(fromJSON)
	if !ok {
		return invalid("Invalid value of '%s'", at)
	}
	return own.fromJSON(src, at)
}

func pointerSetter(t reflect.Type) setter {
	set := setterOf(t.Elem())
	return func(dst reflect.Value, src gjson.Result, at string, b *binding) error {
		v := reflect.New(t.Elem())
		dst.Set(v)
		return set(v.Elem(), src, at, b)
	}
}

func sliceSetter(t reflect.Type) setter {
	set := setterOf(t.Elem())
	return func(dst reflect.Value, src gjson.Result, at string, b *binding) error {
		if !src.IsArray() {
			return invalid("Invalid value of '%s': not an array", at)
		}
		items := src.Array()
		out := reflect.MakeSlice(t, len(items), len(items))
		for i, item := range items {
			place := under(at, strconv.Itoa(i))
			if err := set(out.Index(i), item, place, b); err != nil {
				return err
			}
		}
		dst.Set(out)
		return nil
	}
}

func setString(dst reflect.Value, src gjson.Result, at string, _ *binding) error {
	if src.Type != gjson.String {
		return invalid("Invalid value of '%s': not a string", at)
	}
	dst.SetString(src.String())
	return nil
}

func setBool(dst reflect.Value, src gjson.Result, at string, _ *binding) error {
	if !src.IsBool() {
		return invalid("Invalid value of '%s': not true or false", at)
	}
	dst.SetBool(src.Bool())
	return nil
}

func setInt(dst reflect.Value, src gjson.Result, at string, _ *binding) error {
	n, err := integer(src, at)
	if err != nil {
		return err
	}
	if dst.OverflowInt(n) {
		return invalid("Invalid value of '%s': out of range", at)
	}
	dst.SetInt(n)
	return nil
}

// integer reads a number, or a string that holds one: several clients send client ids, disk ids and sizes as
// strings (storpool-api 2.4).
func integer(src gjson.Result, at string) (int64, error) {
	text := src.Raw
	switch src.Type {
	case gjson.Number:
	case gjson.String:
		text = src.String()
	default:
		return 0, invalid("Invalid value of '%s': not an integer", at)
	}
	if n, err := strconv.ParseInt(text, 10, 64); err == nil {
		return n, nil
	}
	f, err := strconv.ParseFloat(text, 64)
	const exact = 1 << 53
	if err != nil || src.Type == gjson.String || f != math.Trunc(f) || math.Abs(f) > exact {
		return 0, invalid("Invalid value of '%s': not an integer", at)
	}
	return int64(f), nil
}

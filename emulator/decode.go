package emulator

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/url"
	"reflect"
	"strings"
	"sync"

	"github.com/tidwall/gjson"

	"github.com/spsim/spsim/emulator/cluster"
)

// request is a call before its arguments are bound to a typed request.
type request struct {
	args    []string // path arguments in the order of the query
	body    []byte   // JSON body, or the value of ?json= for a GET
	in      scope
	unknown []string // members that the operation does not have, filled by binding
	ignored []string // members that it has and no handler reads, filled by binding
}

// scope tells when and under which prefix a call came. A request type that has a member of this type answers
// differently under MultiCluster/ (storpool-api 9).
type scope struct {
	Multi    bool
	ID, Name string // of the cluster that serves the call
	At       int64  // UNIX seconds
}

// decoder binds a call to a typed request.
type decoder func(*request) (reflect.Value, error)

// newDecoder returns the decoder of request type q for a query such as "Volume/{volumeName}".
// The plan is made at first use; a {argument} of the query without a member of q is a panic, found by the
// test of the operation table.
func newDecoder(q reflect.Type, query string) decoder {
	plan := sync.OnceValue(func() *structPlan { return planOf(q, pathArguments(query)) })
	return func(r *request) (reflect.Value, error) {
		v := reflect.New(q).Elem()
		b := &binding{}
		err := plan().bindCall(v, r, b)
		r.unknown, r.ignored = b.unknown, b.ignored
		return v, err
	}
}

// pathArguments returns the names between braces of a query, in order.
func pathArguments(query string) []string {
	var names []string
	for s := range strings.SplitSeq(query, "/") {
		if name, ok := strings.CutPrefix(s, "{"); ok {
			names = append(names, strings.TrimSuffix(name, "}"))
		}
	}
	return names
}

// bindCall fills v from the path arguments, the scope and the body.
func (p *structPlan) bindCall(v reflect.Value, r *request, b *binding) error {
	if p.scope != nil {
		v.FieldByIndex(p.scope).Set(reflect.ValueOf(r.in))
	}
	for i, f := range p.args {
		argument := gjson.Result{Type: gjson.String, Str: r.args[i]}
		if err := f.set(v.FieldByIndex(f.index), argument, f.name, b); err != nil {
			return err
		}
	}
	body, err := parseBody(r.body)
	if err != nil {
		return err
	}
	return p.bindBody(v, body, b)
}

// parseBody reads a body as leniently as the clients need (storpool-api 2.1, 2.4): nothing, blanks and null are
// an empty body, and a string that holds JSON is a body encoded twice.
func parseBody(body []byte) (gjson.Result, error) {
	body = bytes.TrimSpace(body)
	if len(body) == 0 {
		return gjson.Result{}, nil
	}
	if !json.Valid(body) {
		return gjson.Result{}, invalid("Invalid JSON")
	}
	r := gjson.ParseBytes(body)
	if r.Type != gjson.String {
		return r, nil
	}
	inner := strings.TrimSpace(r.String())
	if inner == "" {
		return gjson.Result{}, nil
	}
	if !json.Valid([]byte(inner)) {
		return gjson.Result{}, invalid("Invalid JSON")
	}
	return gjson.Parse(inner), nil
}

// bindBody fills v from an object, or from a bare array where the request type takes one.
func (p *structPlan) bindBody(v reflect.Value, body gjson.Result, b *binding) error {
	switch {
	case body.Type == gjson.Null && p.bare != nil && p.bare.name == "":
		return invalid("The body has to be an array")
	case body.Type == gjson.Null:
		return p.complete(nil, "")
	case body.IsArray() && p.bare != nil:
		return p.bare.set(v.FieldByIndex(p.bare.index), body, p.bare.label(), b)
	case p.bare != nil && p.bare.name == "":
		return invalid("The body has to be an array")
	default:
		return p.bind(v, body, "", b)
	}
}

// queryBody returns the arguments of a GET, which travel in ?json= (storpool-api 2.1).
func queryBody(rawQuery string) ([]byte, error) {
	if rawQuery == "" {
		return nil, nil
	}
	values, err := url.ParseQuery(rawQuery)
	if err != nil {
		return nil, invalid("Invalid query string")
	}
	return []byte(values.Get("json")), nil
}

// invalid is the error for a malformed or inapplicable value (storpool-api 3).
func invalid(format string, args ...any) error {
	return &cluster.Error{Name: cluster.InvalidParam, Descr: fmt.Sprintf(format, args...)}
}

package emulator

import (
	"context"
	"reflect"
	"slices"
	"strings"
	"sync"

	"github.com/spsim/spsim/emulator/cluster"
)

// Form tells how clients send an operation.
type Form uint8

const (
	// Multi operations are documented, or seen, with the MultiCluster/ prefix. The emulator takes the prefix
	// before every query (storpool-api 9).
	Multi Form = 1 << iota
	// AllClusters operations are seen under MultiCluster/AllClusters/. The emulator takes every GET there.
	AllClusters
	// Changes operations change the configuration when they succeed.
	Changes
)

// Op is one call of the API. The table of them is the only description of the API in this package: routing,
// validation, documentation, fault rules and the contract check read it.
type Op struct {
	// Method and Query are the key: "POST", "VolumeUpdate/{volumeName}". Query is in parentheses when no public
	// source gives it.
	Method, Query string
	Form          Form
	// Req and Ans are the types of the bound request and of the answer's data; both nil when Why is set.
	Req, Ans reflect.Type
	// Ignored are members of the request that are accepted and have no effect.
	Ignored []IgnoredMember
	// Why says what is missing for this call to be emulated. It is empty for an emulated call.
	Why string

	decode decoder
	serve  func(ctx context.Context, c *cluster.Cluster, q any) (any, error)
}

// Handler serves one operation on the state of one cluster. It never sees HTTP.
type Handler[Q, A any] func(context.Context, *cluster.Cluster, Q) (A, error)

// Name is the query without its arguments: "VolumeUpdate", "KV/Get".
func (o *Op) Name() string {
	name, _, _ := strings.Cut(o.Query, "/{")
	return name
}

// Call is the operation as fault rules name it: "POST VolumeUpdate".
func (o *Op) Call() string { return o.Method + " " + o.Name() }

// Emulated tells whether the call does what the real one does.
func (o *Op) Emulated() bool { return o.Why == "" }

// op makes the table's entry of an emulated call.
func op[Q, A any](method, query string, f Form, h Handler[Q, A]) Op {
	req := reflect.TypeFor[Q]()
	return Op{
		Method: method, Query: query, Form: f, Req: req, Ans: reflect.TypeFor[A](),
		decode: newDecoder(req, query),
		serve: func(ctx context.Context, c *cluster.Cluster, q any) (any, error) {
			typed, ok := q.(Q)
			if !ok {
				return nil, invalid("Invalid arguments")
			}
			if f&Changes != 0 {
				if err := c.Available(); err != nil {
					return nil, err
				}
			}
			return h(ctx, c, typed)
		},
	}
}

// IgnoredMember is a member of a request that has no effect, with the reason.
type IgnoredMember struct {
	// Member is the path, as in "reassign[].rw".
	Member, Why string
}

// but lists a member of the request that has no effect; its type marks it as ignored.
func (o Op) but(member, why string) Op {
	o.Ignored = append(slices.Clip(o.Ignored), IgnoredMember{Member: member, Why: why})
	return o
}

// absent makes the entry of a call that is not emulated; why completes the sentence "not emulated: ...".
func absent(method, query string, f Form, why string) Op {
	return Op{Method: method, Query: query, Form: f, Why: why}
}

// route is what a path says of the operation.
type route struct {
	method, name string
	arguments    int
}

// table finds operations by path.
type table struct {
	ops   []Op
	index map[route]*Op
	names map[string]bool
}

// allCalls is the table of [Operations], which no server changes.
var allCalls = sync.OnceValue(func() *table { return newTable(Operations()) }) //nolint:gochecknoglobals // never changed

func newTable(ops []Op) *table {
	t := &table{ops: ops, index: make(map[route]*Op, len(ops)), names: make(map[string]bool, len(ops))}
	for i := range ops {
		o := &ops[i]
		t.names[o.Name()] = true
		key := route{o.Method, o.Name(), strings.Count(o.Query, "/{")}
		if _, taken := t.index[key]; !taken { // VolumeAbandonDisk is there for volumes and for snapshots
			t.index[key] = o
		}
	}
	return t
}

// find returns the operation of a method and the segments of a query, with the path arguments.
func (t *table) find(method string, segments []string) (*Op, []string, error) {
	if o, ok := t.index[route{method, segments[0], len(segments) - 1}]; ok {
		return o, segments[1:], nil
	}
	if len(segments) > 1 { // KV/Get has two words
		name := segments[0] + "/" + segments[1]
		if o, ok := t.index[route{method, name, len(segments) - 2}]; ok {
			return o, segments[2:], nil
		}
	}
	return nil, nil, t.miss(method, segments)
}

// miss tells a wrong method from an unknown query.
func (t *table) miss(method string, segments []string) error {
	query := strings.Join(segments, "/")
	for words := 1; words <= min(2, len(segments)); words++ {
		if t.names[strings.Join(segments[:words], "/")] {
			return &cluster.Error{Name: cluster.UnknownQuery, Descr: "Query '" + query + "' does not take " + method +
				" with these arguments"}
		}
	}
	return unknownQuery(query)
}

package emulator

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"go/types"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// source is the code of this package with the members that it reads. Imported packages are left empty: what the
// handlers do with members of requests shows without them.
type source struct {
	info *types.Info
	read map[types.Object]bool
	pkg  *types.Package
}

// empty imports every package as one without members.
type empty struct{}

func (empty) Import(path string) (*types.Package, error) {
	p := types.NewPackage(path, path[strings.LastIndexByte(path, '/')+1:])
	p.MarkComplete()
	return p, nil
}

func readSource(t *testing.T) *source {
	t.Helper()
	files := token.NewFileSet()
	names, err := filepath.Glob("*.go")
	require.NoError(t, err)
	var all []*ast.File
	for _, name := range names {
		if strings.HasSuffix(name, "_test.go") {
			continue
		}
		f, err := parser.ParseFile(files, name, nil, 0)
		require.NoError(t, err)
		all = append(all, f)
	}
	s := &source{
		info: &types.Info{Types: map[ast.Expr]types.TypeAndValue{}, Selections: map[*ast.SelectorExpr]*types.Selection{}},
		read: map[types.Object]bool{},
	}
	conf := types.Config{Importer: empty{}, Error: func(error) {}}
	s.pkg, _ = conf.Check("emulator", files, all, s.info) // the errors are about what the empty packages lack
	require.NotNil(t, s.pkg)
	for _, f := range all {
		ast.Inspect(f, s.visit)
	}
	return s
}

// visit notes the members that a node reads: x.member, and all members of x in pkg.Type(x) and pkg.Func(x).
func (s *source) visit(n ast.Node) bool {
	switch n := n.(type) {
	case *ast.SelectorExpr:
		if selection := s.info.Selections[n]; selection != nil && selection.Kind() == types.FieldVal {
			s.read[selection.Obj()] = true
		}
	case *ast.CallExpr:
		if fun, ok := n.Fun.(*ast.SelectorExpr); ok && s.info.Selections[fun] == nil {
			for _, argument := range n.Args {
				s.readAll(s.info.Types[argument].Type)
			}
		}
	}
	return true
}

func (s *source) readAll(t types.Type) {
	named, ok := t.(*types.Named)
	if !ok {
		return
	}
	if str, ok := named.Underlying().(*types.Struct); ok && named.Obj().Pkg() == s.pkg {
		for f := range str.Fields() {
			s.read[f] = true
		}
	}
}

// reads tells whether some code reads a member of a type of this package.
func (s *source) reads(t *testing.T, of reflect.Type, member string) bool {
	t.Helper()
	object := s.pkg.Scope().Lookup(of.Name())
	require.NotNilf(t, object, "%s is not in the source", of)
	str, ok := object.Type().Underlying().(*types.Struct)
	require.Truef(t, ok, "%s is no struct", of)
	for f := range str.Fields() {
		if f.Name() == member {
			return s.read[f]
		}
	}
	require.Failf(t, "no such member", "%s.%s", of, member)
	return false
}

// requestMember is a member of a request type.
type requestMember struct {
	path    string // as in "reassign[].rw"
	in      reflect.Type
	field   string
	ignored bool
}

// requestMembers returns the members of a request type at every depth, but for path arguments.
func requestMembers(t reflect.Type, at string) []requestMember {
	var all []requestMember
	for _, f := range reflect.VisibleFields(t) {
		name, options, _ := strings.Cut(f.Tag.Get("sp"), ",")
		if f.Anonymous || f.Tag.Get("sp") == "" || strings.Contains(options, "path") {
			continue
		}
		path := under(at, name)
		if name == "" {
			path = at
		} else {
			all = append(all, requestMember{path: path, in: owner(t, f), field: f.Name, ignored: strings.Contains(options, "ignored")})
		}
		inner := f.Type
		if inner.Kind() == reflect.Pointer {
			inner = inner.Elem()
		}
		if inner.Kind() == reflect.Slice {
			inner, path = inner.Elem(), path+"[]"
		}
		if inner.Kind() == reflect.Struct && !reflect.PointerTo(inner).Implements(reflect.TypeFor[fromJSON]()) {
			all = append(all, requestMembers(inner, path)...)
		}
	}
	return all
}

// owner returns the struct that declares a field, which may be embedded in t.
func owner(t reflect.Type, f reflect.StructField) reflect.Type {
	for _, i := range f.Index[:len(f.Index)-1] {
		t = t.Field(i).Type
	}
	return t
}

func TestEveryMemberOfARequestIsHonouredOrIgnoredWithAReason(t *testing.T) {
	t.Parallel()
	code := readSource(t)
	for _, o := range Operations() {
		if !o.Emulated() || o.Query == allClustersQuery {
			continue
		}
		reasons := map[string]string{}
		for _, i := range o.Ignored {
			reasons[i.Member] = i.Why
		}
		for _, m := range requestMembers(o.Req, "") {
			name := fmt.Sprintf("%s: %s", o.Call(), m.path)
			assert.Equal(t, !m.ignored, code.reads(t, m.in, m.field), "%s is read unless it is marked as ignored", name)
			assert.Equal(t, m.ignored, reasons[m.path] != "", "%s has a reason if it is ignored", name)
			delete(reasons, m.path)
		}
		assert.Empty(t, reasons, "%s: reasons for members that it does not have", o.Call())
	}
}

func TestRequestMembersAreThoseOfTheCatalogue(t *testing.T) {
	t.Parallel()
	c := loadCatalogue(t)
	for _, call := range c.Calls {
		o := operation(t, call)
		if !o.Emulated() || call.Query == allClustersQuery {
			continue
		}
		want, have := []string{}, []string{}
		if call.Request != nil {
			want = memberPaths(c.shapeOf(call.Request), "")
		}
		want = slices.DeleteFunc(want, func(m string) bool { // the bare array beside the object
			return strings.HasPrefix(m, "[].") && slices.Contains(want, "reassign"+m)
		})
		for _, m := range requestMembers(o.Req, "") {
			have = append(have, m.path)
		}
		slices.Sort(want)
		slices.Sort(have)
		assert.Equal(t, slices.Compact(want), slices.Compact(have), o.Call())
	}
}

// memberPaths returns the members of a type at every depth.
func memberPaths(s shape, at string) []string {
	var all []string
	for name, m := range s.Members {
		all = append(all, under(at, name))
		all = append(all, memberPaths(m.shape, under(at, name))...)
	}
	if s.Items != nil {
		all = append(all, memberPaths(*s.Items, at+"[]")...)
	}
	for _, one := range s.Any {
		all = append(all, memberPaths(one, at)...)
	}
	return all
}

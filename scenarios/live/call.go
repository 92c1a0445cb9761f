package live

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
)

const apiPrefix = "/ctrl/1.0/"

// call is an API call on its way out.
type call struct {
	method string
	prefix string // MultiCluster/, RemoteCommand/.../ and so on
	name   string // VolumeCreate
	arg    string // unescaped; empty for none
	body   any    // decoded JSON with json.Number; nil for none
}

// parse takes a request apart. A body that is no JSON is an error: it cannot be guarded.
func parse(r *http.Request, body []byte) (call, error) {
	c := call{method: r.Method}
	path, ok := strings.CutPrefix(r.URL.EscapedPath(), apiPrefix)
	if !ok {
		return c, fmt.Errorf("%s is no call of the StorPool API", r.URL.Path)
	}
	parts := strings.Split(path, "/")
	for len(parts) > 1 {
		switch parts[0] {
		case "MultiCluster", "AllClusters":
			c.prefix += parts[0] + "/"
			parts = parts[1:]
			continue
		case "RemoteCommand":
			c.prefix += parts[0] + "/" + parts[1] + "/"
			parts = parts[2:]
			continue
		}
		break
	}
	if len(parts) == 0 || parts[0] == "" {
		return c, fmt.Errorf("%s names no call", r.URL.Path)
	}
	c.name = parts[0]
	arg, err := url.PathUnescape(strings.Join(parts[1:], "/"))
	if err != nil {
		return c, fmt.Errorf("%s: %w", r.URL.Path, err)
	}
	c.arg = arg
	if len(bytes.TrimSpace(body)) == 0 {
		return c, nil
	}
	if c.body, err = decode(body); err != nil {
		return c, fmt.Errorf("%s %s: the body is no JSON: %w", c.name, c.arg, err)
	}
	return c, nil
}

// request is the call as a request again.
func (c call) request(r *http.Request) (*http.Request, error) {
	out := r.Clone(r.Context())
	path := apiPrefix + c.prefix + c.name
	out.URL.Path, out.URL.RawPath = path, path
	if c.arg != "" {
		out.URL.Path, out.URL.RawPath = path+"/"+c.arg, path+"/"+strings.ReplaceAll(url.PathEscape(c.arg), "~", "%7E")
	}
	if c.body == nil {
		out.Body, out.ContentLength = http.NoBody, 0
		return out, nil
	}
	raw, err := json.Marshal(c.body)
	if err != nil {
		return nil, fmt.Errorf("encode %s: %w", c.name, err)
	}
	out.Body, out.ContentLength = readCloser(raw), int64(len(raw))
	out.GetBody = nil
	return out, nil
}

// member is a member of the body as text, empty when it is none.
func (c call) member(name string) string {
	m, _ := c.body.(map[string]any)
	s, _ := m[name].(string)
	return s
}

// items are those of a list of the body, or of a body that is a list.
func (c call) items(name string) (out []map[string]any) {
	list, ok := c.body.([]any)
	if m, object := c.body.(map[string]any); object {
		list, ok = m[name].([]any)
	}
	if !ok {
		return nil
	}
	for _, x := range list {
		m, _ := x.(map[string]any)
		out = append(out, m)
	}
	return out
}

// tags are those of the body; with make, they are put there if there are none.
func (c *call) tags(create bool) map[string]any {
	m, ok := c.body.(map[string]any)
	if !ok {
		if !create {
			return nil
		}
		m = map[string]any{}
		c.body = m
	}
	t, ok := m["tags"].(map[string]any)
	if !ok && create {
		t = map[string]any{}
		m["tags"] = t
	}
	return t
}

// refs are the names and ~globalIds of the objects that a call addresses.
func (c call) refs() []string {
	out := []string{c.arg, c.member("name"), c.member("toSnapshot")}
	if c.name == "VolumeCreate" {
		out = append(out, c.member("parent"), c.member("baseOn"))
	}
	for _, item := range c.items("reassign") {
		out = append(out, textOf(item["volume"]), textOf(item["snapshot"]))
	}
	for _, item := range c.items("volumes") {
		out = append(out, textOf(item["volume"]))
	}
	return slices.DeleteFunc(out, func(ref string) bool { return ref == "" })
}

// ids are client ids of an item: numbers, or numbers as text. All is true for the word "all".
func ids(v any) (out []int, all bool) {
	if v == "all" {
		return nil, true
	}
	list, _ := v.([]any)
	for _, x := range list {
		n, err := strconv.Atoi(fmt.Sprint(x))
		if err == nil {
			out = append(out, n)
		}
	}
	return out, false
}

func decode(raw []byte) (v any, err error) {
	d := json.NewDecoder(bytes.NewReader(raw))
	d.UseNumber()
	err = d.Decode(&v)
	return v, err
}

// ForeignError is the refusal of a call that would change what is not the run's.
type ForeignError struct{ Call, Object, Reason string }

func (e *ForeignError) Error() string {
	return fmt.Sprintf("%s %s is not sent: %s", e.Call, e.Object, e.Reason)
}

package admin

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/spsim/spsim/emulator"
	"github.com/spsim/spsim/emulator/cluster"
	"github.com/spsim/spsim/emulator/fault"
)

// Client speaks to one server. Its methods fail with an [*Error] where the server refuses.
type Client struct {
	// HTTP makes the requests; [http.DefaultClient] when nil.
	HTTP *http.Client
	// Cluster is the name or id of a member of the server's federation, empty for the server's own cluster.
	Cluster string

	base  string
	token string
}

// New returns a client of the server whose admin API is at base ("http://127.0.0.1:8082"), with the token of its API.
func New(base, token string) (*Client, error) {
	u, err := url.Parse(base)
	if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" {
		return nil, fmt.Errorf("address of the admin API %q: write it like http://127.0.0.1:8082", base)
	}
	return &Client{base: strings.TrimSuffix(base, "/"), token: token}, nil
}

// Error is a refusal of the server.
type Error struct {
	Status int // HTTP
	Name   cluster.ErrorName
	Descr  string
}

func (e *Error) Error() string { return string(e.Name) + ": " + e.Descr }

// Unwrap is the name, for errors.Is.
func (e *Error) Unwrap() error { return e.Name }

// request makes a request and returns its answer, whose body the caller closes.
func (c *Client) request(ctx context.Context, method, path string, q url.Values, body io.Reader) (*http.Response, error) {
	if c.Cluster != "" {
		if q == nil {
			q = url.Values{}
		}
		q.Set("cluster", c.Cluster)
	}
	where := c.base + emulator.AdminPrefix + path
	if len(q) > 0 {
		where += "?" + q.Encode()
	}
	req, err := http.NewRequestWithContext(ctx, method, where, body)
	if err != nil {
		return nil, fmt.Errorf("%s %s: %w", method, path, err)
	}
	req.Header.Set("Authorization", "Storpool v1:"+c.token)
	client := c.HTTP
	if client == nil {
		client = http.DefaultClient
	}
	resp, err := client.Do(req)
	if err != nil {
		return nil, fmt.Errorf("%s %s: %w", method, path, err)
	}
	if resp.StatusCode == http.StatusOK {
		return resp, nil
	}
	return nil, errors.Join(refusal(resp), resp.Body.Close())
}

// refusal reads the error of an answer.
func refusal(resp *http.Response) error {
	const most = 64 << 10
	text, err := io.ReadAll(io.LimitReader(resp.Body, most))
	var out struct {
		Error struct{ Name, Descr string }
	}
	if err != nil || json.Unmarshal(text, &out) != nil || out.Error.Name == "" {
		return fmt.Errorf("the answer is %s and nothing of an admin API: is the address right?", resp.Status)
	}
	return &Error{Status: resp.StatusCode, Name: cluster.ErrorName(out.Error.Name), Descr: out.Error.Descr}
}

// ask makes a request with a JSON body, unless in is nil, and reads the JSON answer into out.
func (c *Client) ask(ctx context.Context, method, path string, q url.Values, in, out any) (err error) {
	var body io.Reader = http.NoBody
	if in != nil {
		text, err := json.Marshal(in)
		if err != nil {
			return fmt.Errorf("%s %s: %w", method, path, err)
		}
		body = bytes.NewReader(text)
	}
	resp, err := c.request(ctx, method, path, q, body)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, resp.Body.Close()) }()
	if err := json.NewDecoder(resp.Body).Decode(out); err != nil {
		return fmt.Errorf("%s %s: read the answer: %w", method, path, err)
	}
	return nil
}

// done is the answer of a change that has nothing to tell.
type done struct{ OK bool }

// Health asks whether the server is there, which one it is, and whether it knows the token.
func (c *Client) Health(ctx context.Context) (out emulator.AdminHealth, err error) {
	return out, c.ask(ctx, http.MethodGet, "health", nil, nil, &out)
}

// Model returns what the server was made of.
func (c *Client) Model(ctx context.Context) (out emulator.AdminModel, err error) {
	return out, c.ask(ctx, http.MethodGet, "model", nil, nil, &out)
}

// Arm arms a fault rule and returns it with its number. One that can never fire is refused.
func (c *Client) Arm(ctx context.Context, r fault.Rule) (out fault.State, err error) {
	return out, c.ask(ctx, http.MethodPost, "faults", nil, r, &out)
}

// Faults lists the armed rules with how often they matched and fired.
func (c *Client) Faults(ctx context.Context) (out []fault.State, err error) {
	return out, c.ask(ctx, http.MethodGet, "faults", nil, nil, &out)
}

// Disarm removes a rule and returns what it had done.
func (c *Client) Disarm(ctx context.Context, id int) (out fault.State, err error) {
	return out, c.ask(ctx, http.MethodDelete, "faults/"+strconv.Itoa(id), nil, nil, &out)
}

// DisarmAll removes every rule.
func (c *Client) DisarmAll(ctx context.Context) error {
	return c.ask(ctx, http.MethodDelete, "faults", nil, nil, &done{})
}

// SetCondition makes the cluster unhealthy and returns all that is wrong with it.
func (c *Client) SetCondition(ctx context.Context, cond cluster.Condition) (out []cluster.Condition, err error) {
	return out, c.ask(ctx, http.MethodPost, "conditions", nil, cond, &out)
}

// Conditions lists what is wrong with the cluster.
func (c *Client) Conditions(ctx context.Context) (out []cluster.Condition, err error) {
	return out, c.ask(ctx, http.MethodGet, "conditions", nil, nil, &out)
}

// ClearCondition ends a condition and returns what is still wrong.
func (c *Client) ClearCondition(ctx context.Context, cond cluster.Condition) (out []cluster.Condition, err error) {
	q := url.Values{"kind": {string(cond.Kind)}, "id": {strconv.Itoa(cond.ID)}, "group": {cond.Group}}
	return out, c.ask(ctx, http.MethodDelete, "conditions", q, nil, &out)
}

// ClearConditions ends all conditions.
func (c *Client) ClearConditions(ctx context.Context) error {
	return c.ask(ctx, http.MethodDelete, "conditions", nil, nil, &[]cluster.Condition{})
}

// Clock reads the server's clock.
func (c *Client) Clock(ctx context.Context) (out emulator.AdminClock, err error) {
	return out, c.ask(ctx, http.MethodGet, "clock", nil, nil, &out)
}

// Advance moves a virtual clock; what becomes due on the way happens. The machine's clock cannot be moved.
func (c *Client) Advance(ctx context.Context, by time.Duration) (out emulator.AdminClock, err error) {
	return out, c.ask(ctx, http.MethodPost, "clock/advance", nil, emulator.AdminAdvance{By: fault.Duration(by)}, &out)
}

// SaveState writes the server's whole state to w.
func (c *Client) SaveState(ctx context.Context, w io.Writer) (err error) {
	resp, err := c.request(ctx, http.MethodGet, "state", nil, http.NoBody)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, resp.Body.Close()) }()
	if _, err := io.Copy(w, resp.Body); err != nil {
		return fmt.Errorf("save the state: %w", err)
	}
	return nil
}

// LoadState replaces the server's whole state by one that [Client.SaveState] has written.
func (c *Client) LoadState(ctx context.Context, r io.Reader) error {
	resp, err := c.request(ctx, http.MethodPut, "state", nil, r)
	if err != nil {
		return err
	}
	return resp.Body.Close()
}

// Reset gives the server the state that it began with.
func (c *Client) Reset(ctx context.Context) error {
	return c.ask(ctx, http.MethodPost, "state/reset", nil, nil, &done{})
}

// Selection says which calls of the log are wanted. The zero value is all that it holds.
type Selection struct {
	After   uint64 // how many of the first calls to leave out: Next of the page before
	Limit   int    // at most so many; 0 is no limit
	Request string // those with this X-Request-Id only
}

func (s Selection) values() url.Values {
	q := url.Values{}
	if s.After > 0 {
		q.Set("after", strconv.FormatUint(s.After, 10))
	}
	if s.Limit > 0 {
		q.Set("limit", strconv.Itoa(s.Limit))
	}
	if s.Request != "" {
		q.Set("request", s.Request)
	}
	return q
}

// Calls returns a part of the call log.
func (c *Client) Calls(ctx context.Context, s Selection) (out emulator.AdminCalls, err error) {
	return out, c.ask(ctx, http.MethodGet, "calls", s.values(), nil, &out)
}

// Unread counts the members of all requests so far that no handler reads.
func (c *Client) Unread(ctx context.Context) (out []emulator.UnreadCount, err error) {
	return out, c.ask(ctx, http.MethodGet, "unread", nil, nil, &out)
}

// Follow hands over the calls of a selection and each one to come, until ctx ends or f fails. It needs a socket.
func (c *Client) Follow(ctx context.Context, s Selection, f func(emulator.Call) error) (err error) {
	q := s.values()
	q.Set("follow", "true")
	resp, err := c.request(ctx, http.MethodGet, "calls", q, http.NoBody)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, resp.Body.Close()) }()
	const longest = 1 << 20
	lines := bufio.NewScanner(resp.Body)
	lines.Buffer(nil, longest)
	for lines.Scan() {
		var call emulator.Call
		if err := json.Unmarshal(lines.Bytes(), &call); err != nil {
			return fmt.Errorf("follow the log: %w", err)
		}
		if err := f(call); err != nil {
			return err
		}
	}
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	return lines.Err()
}

// ReadContents returns n bytes at off of a volume or snapshot, by name or ~globalId: as its owner sees them when client
// is 0, else through that client's attachment.
func (c *Client) ReadContents(ctx context.Context, ref string, client int, off int64, n int) (data []byte, err error) {
	q := position(client, off)
	q.Set("length", strconv.Itoa(n))
	resp, err := c.request(ctx, http.MethodGet, "contents/"+url.PathEscape(ref), q, http.NoBody)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, resp.Body.Close()) }()
	if data, err = io.ReadAll(resp.Body); err != nil {
		return nil, fmt.Errorf("read contents of %s: %w", ref, err)
	}
	return data, nil
}

// Extents returns the size of a volume or snapshot and where its data is from off on, in at most 1024 ranges: all else is
// zeros.
func (c *Client) Extents(ctx context.Context, ref string, off int64) (out emulator.AdminExtents, err error) {
	return out, c.ask(ctx, http.MethodGet, "contents/"+url.PathEscape(ref)+"/extents", position(0, off), nil, &out)
}

// WriteContents writes data at off into a volume, with the rights of the client unless that is 0.
func (c *Client) WriteContents(ctx context.Context, ref string, client int, off int64, data []byte) error {
	resp, err := c.request(ctx, http.MethodPut, "contents/"+url.PathEscape(ref), position(client, off), bytes.NewReader(data))
	if err != nil {
		return err
	}
	return resp.Body.Close()
}

func position(client int, off int64) url.Values {
	q := url.Values{"offset": {strconv.FormatInt(off, 10)}}
	if client != 0 {
		q.Set("client", strconv.Itoa(client))
	}
	return q
}

package driver

import (
	"context"
	"fmt"
	"net"
	"net/url"
	"strconv"
	"strings"
	"sync"

	"github.com/spsim/spsim/driver/inventory"
	"github.com/spsim/spsim/driver/spapi"
)

// Names of a connection's parts, in key and value URLs and as details of a pool (driver-management 2).
const (
	keyHTTP     = "SP_API_HTTP"
	keyHost     = "SP_API_HTTP_HOST" // detail; its value is host:port
	keyToken    = "SP_AUTH_TOKEN"    //nolint:gosec // the name of a token is none
	keyTemplate = "SP_TEMPLATE"
)

const (
	uriPrefix = "storpool://"
	uriForm   = "storpool://{SP_AUTH_TOKEN}@{SP_API_HTTP}:{SP_API_HTTP_PORT}/{SP_TEMPLATE}"
	pairsForm = "SP_API_HTTP={host}:{port};SP_AUTH_TOKEN={token};SP_TEMPLATE={template}"
)

// descriptor is the connection of a pool.
type descriptor struct{ hostPort, token, template string }

// URLError says which part of a pool's URL is wrong. It never holds the URL or its token.
type URLError struct {
	Field  string // SP_API_HTTP, SP_AUTH_TOKEN, SP_TEMPLATE or URL
	Reason string
}

func (e *URLError) Error() string { return e.Field + ": " + e.Reason }

// parseURL reads a pool's URL in either form, told apart by their beginnings (D-18). What is missing stays empty.
func parseURL(text string) (descriptor, error) {
	if len(text) >= len(uriPrefix) && strings.EqualFold(text[:len(uriPrefix)], uriPrefix) {
		return parseURI(text[len(uriPrefix):])
	}
	if strings.HasPrefix(text, keyHTTP+"=") || strings.Contains(text, ";"+keyHTTP+"=") {
		return parsePairs(text), nil
	}
	return descriptor{}, &URLError{Field: "URL", Reason: "use " + uriForm + " or " + pairsForm}
}

func parseURI(rest string) (desc descriptor, err error) {
	authority, path, _ := strings.Cut(rest, "/")
	if at := strings.LastIndexByte(authority, '@'); at >= 0 {
		if desc.token, err = url.PathUnescape(authority[:at]); err != nil {
			return desc, &URLError{Field: keyToken, Reason: "its percent-encoding is broken"}
		}
		authority = authority[at+1:]
	}
	desc.hostPort = authority
	if desc.template, err = url.PathUnescape(strings.TrimSuffix(path, "/")); err != nil {
		return desc, &URLError{Field: keyTemplate, Reason: "its percent-encoding is broken"}
	}
	return desc, nil
}

func parsePairs(text string) (desc descriptor) {
	for part := range strings.SplitSeq(text, ";") {
		name, value, _ := strings.Cut(part, "=")
		switch strings.TrimSpace(name) {
		case keyHTTP:
			desc.hostPort = strings.TrimSpace(value)
		case keyToken:
			desc.token = strings.TrimSpace(value)
		case keyTemplate:
			desc.template = strings.TrimSpace(value)
		}
	}
	return desc
}

// checkDescriptor names the first part that is missing or wrong.
func checkDescriptor(desc descriptor) error {
	switch {
	case desc.hostPort == "":
		return &URLError{Field: keyHTTP, Reason: "No SP_API_HTTP"}
	case desc.token == "":
		return &URLError{Field: keyToken, Reason: "No SP_AUTH_TOKEN"}
	case desc.template == "":
		return &URLError{Field: keyTemplate, Reason: "No SP_TEMPLATE"}
	}
	host, port, err := net.SplitHostPort(strings.TrimPrefix(strings.TrimPrefix(desc.hostPort, "https://"), "http://"))
	if err != nil || host == "" {
		return &URLError{Field: keyHTTP, Reason: "not of the form host:port"}
	}
	if n, err := strconv.Atoi(port); err != nil || n < 1 || n > 65535 {
		return &URLError{Field: keyHTTP, Reason: "the port is not a number from 1 to 65535"}
	}
	if strings.ContainsFunc(desc.token, func(r rune) bool { return r <= ' ' || r == 0x7f }) {
		return &URLError{Field: keyToken, Reason: "it holds blanks or control characters"}
	}
	if strings.ContainsFunc(desc.template, func(r rune) bool { return !templateRune(r) }) {
		return &URLError{Field: keyTemplate, Reason: "a template's name holds letters, digits, _ and - only"}
	}
	return nil
}

func templateRune(r rune) bool {
	return r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || r == '_' || r == '-'
}

// conn is the connection of a pool during one operation.
type conn struct {
	*spapi.Client
	pool     inventory.Pool
	template string // the StorPool template of the pool
}

// clients keeps one client for each endpoint, so that connections stay open.
type clients struct {
	mu  sync.Mutex
	all map[descriptor]*spapi.Client
}

// connect resolves the connection of a pool; it does so afresh for each operation.
func (d *Driver) connect(ctx context.Context, pool inventory.ID) (*conn, error) {
	desc, row, err := d.resolve(ctx, pool)
	if err != nil {
		return nil, fmt.Errorf("connect pool %d: %w", pool, err)
	}
	client, err := d.client(desc)
	if err != nil {
		return nil, fmt.Errorf("connect pool %d: %w", pool, err)
	}
	return &conn{Client: client, pool: row, template: desc.template}, nil
}

// client returns the client of an endpoint.
func (d *Driver) client(desc descriptor) (*spapi.Client, error) {
	desc.template = ""
	d.clients.mu.Lock()
	defer d.clients.mu.Unlock()
	if c, ok := d.clients.all[desc]; ok {
		return c, nil
	}
	cfg := spapi.Config{HostPort: desc.hostPort, Token: desc.token, Transport: d.http, Clock: d.clock, Log: d.log}
	d.rules.calls(&cfg)
	c, err := spapi.New(cfg)
	if err != nil {
		return nil, err
	}
	if d.clients.all == nil {
		d.clients.all = map[descriptor]*spapi.Client{}
	}
	d.clients.all[desc] = c
	return c, nil
}

// patient repeats what may be repeated and gives up on what hangs (D-20).
func patient(cfg *spapi.Config) { cfg.Retry = spapi.Backoff() }

// resolve finds the connection of a pool in the order of driver-management 2.
func (d *Driver) resolve(ctx context.Context, pool inventory.ID) (descriptor, inventory.Pool, error) {
	var row inventory.Pool
	var own, other descriptor
	alternative := ""
	on := false
	err := d.inv.View(func(tx *inventory.Tx) (err error) {
		if row, err = tx.Pools.Must(pool); err != nil {
			return err
		}
		own = ownDescriptor(tx, pool)
		owner := inventory.Owner{Kind: inventory.OfPool, ID: pool}
		on = d.flag(tx, SettingAlternativeOn, owner)
		alternative = d.text(tx, SettingAlternativeEndpoint, owner)
		return nil
	})
	switch {
	case err != nil:
		return own, row, err
	case row.Provider != inventory.StorPool:
		return own, row, fmt.Errorf("its provider is %q: %w", row.Provider, ErrNotOnStorPool)
	case on && alternative == "":
		return own, row, fmt.Errorf("%s is on but %s is empty", SettingAlternativeOn, SettingAlternativeEndpoint)
	case on:
		if other, err = d.rules.parseURL(alternative); err != nil {
			return own, row, fmt.Errorf("%s: %w", SettingAlternativeEndpoint, err)
		}
		other.template = d.rules.alternativeTemplate(own.template, other.template)
		return other, row, d.rules.checkDescriptor(other)
	case own.hostPort != "" && own.token != "" && own.template != "":
		return own, row, nil
	}
	return d.migrate(ctx, pool)
}

// ownTemplate keeps the pool's template unless the alternative endpoint names one (D-34).
func ownTemplate(own, alternative string) string {
	if alternative != "" && alternative != noTemplate {
		return alternative
	}
	return own
}

// ownDescriptor reads the connection details of a pool; what is missing stays empty.
func ownDescriptor(tx *inventory.Tx, pool inventory.ID) descriptor {
	details := tx.Details.Of(inventory.Owner{Kind: inventory.OfPool, ID: pool})
	return descriptor{hostPort: details[keyHost], token: details[keyToken], template: details[keyTemplate]}
}

// migrate takes a legacy pool, whose UUID is its URL, over to details (driver-management 2, D-34).
func (d *Driver) migrate(ctx context.Context, pool inventory.ID) (desc descriptor, row inventory.Pool, err error) {
	unlock, err := d.lockKey(ctx, fmt.Sprintf("pool %d", pool))
	if err != nil {
		return desc, row, err
	}
	defer unlock()
	err = d.inv.Update(func(tx *inventory.Tx) error {
		if row, err = tx.Pools.Must(pool); err != nil {
			return err
		}
		if desc = ownDescriptor(tx, pool); desc.hostPort != "" && desc.token != "" && desc.template != "" {
			return nil // another operation was faster
		}
		if desc, err = d.rules.parseURL(row.UUID); err != nil {
			return fmt.Errorf("no connection details, and its UUID is no URL: %w", err)
		}
		if err = d.rules.checkDescriptor(desc); err != nil {
			return err
		}
		putDescriptor(tx, pool, desc)
		if d.rules.mayRenamePool(tx, pool) {
			row.UUID = desc.template + ";" + d.newID()
			tx.Pools.Put(row)
		}
		return nil
	})
	return desc, row, err
}

// nobodyConnected lets a legacy pool change its UUID only while no host knows the old one.
func nobodyConnected(tx *inventory.Tx, pool inventory.ID) bool {
	_, connected := tx.PoolHosts.Find(func(h inventory.PoolHost) bool { return h.Pool == pool })
	return !connected
}

func putDescriptor(tx *inventory.Tx, pool inventory.ID, desc descriptor) {
	owner := inventory.Owner{Kind: inventory.OfPool, ID: pool}
	tx.Details.Set(owner, keyHost, desc.hostPort)
	tx.Details.Set(owner, keyToken, desc.token)
	tx.Details.Set(owner, keyTemplate, desc.template)
}

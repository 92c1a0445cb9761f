package container

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"time"

	"github.com/testcontainers/testcontainers-go"
	"github.com/testcontainers/testcontainers-go/wait"

	"github.com/spsim/spsim/emulator"
	"github.com/spsim/spsim/emulator/fault"
)

const (
	apiPort   = "8081/tcp"
	adminPort = "8082/tcp"
	// startTimeout is how long the API may take to answer.
	startTimeout = time.Minute
)

// Container is a running emulator.
type Container struct {
	testcontainers.Container
	token string
}

// Run starts the image img and returns when the API answers. Options apply in order, so the last one wins. The container
// is returned even with an error once it exists, so that it can be removed: register testcontainers.CleanupContainer
// before looking at the error.
func Run(ctx context.Context, img string, opts ...testcontainers.ContainerCustomizer) (*Container, error) {
	s, err := collect(opts...)
	if err != nil {
		return nil, err
	}
	defaults := []testcontainers.ContainerCustomizer{
		testcontainers.WithExposedPorts(apiPort, adminPort),
		testcontainers.WithEnv(s.env()),
		testcontainers.WithFiles(s.files...),
		testcontainers.WithWaitStrategyAndDeadline(startTimeout, s.ready()),
	}
	c, err := testcontainers.Run(ctx, img, append(defaults, opts...)...)
	if c == nil {
		return nil, fmt.Errorf("run %s: %w", img, err)
	}
	out := &Container{Container: c, token: s.token}
	if err != nil {
		return out, fmt.Errorf("run %s: %w", img, err)
	}
	for _, r := range s.faults {
		if _, err := out.Arm(ctx, r); err != nil {
			return out, err
		}
	}
	return out, nil
}

// collect applies the options that are ours.
func collect(opts ...testcontainers.ContainerCustomizer) (*settings, error) {
	s := &settings{token: emulator.DefaultToken}
	for _, o := range opts {
		own, ok := o.(Option)
		if !ok {
			continue
		}
		if err := own(s); err != nil {
			return nil, fmt.Errorf("container option: %w", err)
		}
	}
	return s, nil
}

// ready waits for the health of the API, which leaves no trace in the log of calls.
func (s *settings) ready() wait.Strategy {
	return wait.ForHTTP(emulator.AdminPrefix + "health").WithPort(apiPort).
		WithHeaders(map[string]string{"Authorization": authorization(s.token)})
}

// Address is "host:port" of the StorPool API, as the test reaches it.
func (c *Container) Address(ctx context.Context) (string, error) {
	addr, err := c.PortEndpoint(ctx, apiPort, "")
	if err != nil {
		return "", fmt.Errorf("address of the API: %w", err)
	}
	return addr, nil
}

// AdminAddress is "host:port" of the admin API, as the test reaches it.
func (c *Container) AdminAddress(ctx context.Context) (string, error) {
	addr, err := c.PortEndpoint(ctx, adminPort, "")
	if err != nil {
		return "", fmt.Errorf("address of the admin API: %w", err)
	}
	return addr, nil
}

// Token is the token that is let in.
func (c *Container) Token() string { return c.token }

// Env returns the variables that StorPool clients read: SP_API_HTTP_HOST, SP_API_HTTP_PORT and SP_AUTH_TOKEN; and
// SPSIM_ADMIN_URL, by which the commands of spsim find the server.
func (c *Container) Env(ctx context.Context) (map[string]string, error) {
	addr, err := c.Address(ctx)
	if err != nil {
		return nil, err
	}
	host, port, err := net.SplitHostPort(addr)
	if err != nil {
		return nil, fmt.Errorf("address of the API: %w", err)
	}
	adminAddr, err := c.AdminAddress(ctx)
	if err != nil {
		return nil, err
	}
	return map[string]string{
		"SP_API_HTTP_HOST": host, "SP_API_HTTP_PORT": port, "SP_AUTH_TOKEN": c.token,
		"SPSIM_ADMIN_URL": "http://" + adminAddr,
	}, nil
}

// Client returns an HTTP client for the API and the admin API: whatever host a request names, it goes to the container,
// with the token unless it carries one.
func (c *Container) Client(ctx context.Context) (*http.Client, error) {
	addr, err := c.Address(ctx)
	if err != nil {
		return nil, err
	}
	adminAddr, err := c.AdminAddress(ctx)
	if err != nil {
		return nil, err
	}
	return &http.Client{Transport: &transport{addr: addr, adminAddr: adminAddr, token: c.token}}, nil
}

// Arm arms a fault rule and returns its number. A rule that can never fire is refused.
func (c *Container) Arm(ctx context.Context, r fault.Rule) (int, error) {
	body, err := json.Marshal(r)
	if err != nil {
		return 0, fmt.Errorf("arm fault rule: %w", err)
	}
	answer, err := c.admin(ctx, http.MethodPost, faultsPath, body)
	if err != nil {
		return 0, fmt.Errorf("arm fault rule: %w", err)
	}
	var armed struct {
		ID int `json:"id"`
	}
	if err := json.Unmarshal(answer, &armed); err != nil {
		return 0, fmt.Errorf("arm fault rule: read the answer: %w", err)
	}
	return armed.ID, nil
}

const faultsPath = emulator.AdminPrefix + "faults"

// admin makes a request of the admin API and returns the body of its answer.
func (c *Container) admin(ctx context.Context, method, path string, body []byte) ([]byte, error) {
	client, err := c.Client(ctx)
	if err != nil {
		return nil, err
	}
	req, err := http.NewRequestWithContext(ctx, method, "http://spsim"+path, bytes.NewReader(body))
	if err != nil {
		return nil, fmt.Errorf("%s %s: %w", method, path, err)
	}
	resp, err := client.Do(req)
	if err != nil {
		return nil, fmt.Errorf("%s %s: %w", method, path, err)
	}
	text, err := io.ReadAll(resp.Body)
	if err = errors.Join(err, resp.Body.Close()); err != nil {
		return nil, fmt.Errorf("%s %s: %w", method, path, err)
	}
	if resp.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("%s %s answers %s: %s", method, path, resp.Status, text)
	}
	return text, nil
}

// transport sends every request to the container.
type transport struct{ addr, adminAddr, token string }

func (t *transport) RoundTrip(r *http.Request) (*http.Response, error) {
	r = r.Clone(r.Context())
	r.URL.Scheme, r.URL.Host, r.Host = "http", t.addr, ""
	if strings.HasPrefix(r.URL.Path, emulator.AdminPrefix) {
		r.URL.Host = t.adminAddr
	}
	if r.Header.Get("Authorization") == "" {
		r.Header.Set("Authorization", authorization(t.token))
	}
	return http.DefaultTransport.RoundTrip(r) //nolint:wrapcheck // a transport hands errors on
}

func authorization(token string) string { return "Storpool v1:" + token }

package remote

import (
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

	"github.com/spsim/spsim/agentsim"
)

// prefix is the version of the admin API that this package speaks.
const prefix = "/_spsim/v1/"

// chunk is the most that one request moves, in bytes.
const chunk = 1 << 20

// Errors of a device besides those of the connection.
var (
	// ErrDetached: the client does not have the object attached, or no longer.
	ErrDetached = errors.New("device is detached")
	// ErrReadOnly: the attachment does not permit writing.
	ErrReadOnly = errors.New("device is read-only")
)

// Config says where the emulator is and whose devices are meant.
type Config struct {
	URL    string // of the admin API, as spsim serve prints it in SPSIM_ADMIN_URL
	Token  string // of the StorPool API
	Client int    // StorPool client id of the host
	// Cluster is the name or id of the cluster where the emulator serves several; empty for the one behind URL.
	Cluster string
	// HTTP makes the requests; [http.DefaultClient] when nil.
	HTTP *http.Client
}

// Devices are the devices of one client. It implements [agentsim.Devices].
type Devices struct{ cfg Config }

// New returns the devices of a client. It asks nothing yet.
func New(cfg Config) (*Devices, error) {
	u, err := url.Parse(cfg.URL)
	if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" {
		return nil, fmt.Errorf("address of the admin API %q: write it like http://127.0.0.1:8082", cfg.URL)
	}
	if cfg.Client < 1 {
		return nil, fmt.Errorf("client id %d: it is above 0", cfg.Client)
	}
	if cfg.HTTP == nil {
		cfg.HTTP = http.DefaultClient
	}
	cfg.URL = strings.TrimSuffix(cfg.URL, "/")
	return &Devices{cfg: cfg}, nil
}

// opened is the emulator's view of an open device.
type opened struct {
	ID       int    `json:"id"`
	GlobalID string `json:"globalId"`
	Size     int64  `json:"size"`
}

// Open opens /dev/storpool-byid/<globalId> or /dev/storpool/<name>. The device works on ctx's values but outlives its
// end, as an open file does.
func (d *Devices) Open(ctx context.Context, path string) (agentsim.Device, error) {
	body, err := json.Marshal(struct {
		Client int    `json:"client"`
		Path   string `json:"path"`
	}{d.cfg.Client, path})
	if err != nil {
		return nil, fmt.Errorf("open %s: %w", path, err)
	}
	var o opened
	if err := d.ask(ctx, http.MethodPost, "devices", nil, body, &o); err != nil {
		return nil, fmt.Errorf("open %s: %w", path, err)
	}
	return &device{all: d, ctx: context.WithoutCancel(ctx), at: "devices/" + strconv.Itoa(o.ID), path: path}, nil
}

// ClusterID is the id of the cluster, "<location>.<sub-cluster>": what a host has as SP_CLUSTER_ID.
func (d *Devices) ClusterID(ctx context.Context) (string, error) {
	var health struct {
		Cluster string `json:"cluster"`
	}
	if err := d.ask(ctx, http.MethodGet, "health", nil, nil, &health); err != nil {
		return "", err
	}
	return health.Cluster, nil
}

// CloseAll closes whatever the client has open, as a reboot of its host does.
func (d *Devices) CloseAll(ctx context.Context) error {
	q := url.Values{"client": {strconv.Itoa(d.cfg.Client)}}
	if err := d.ask(ctx, http.MethodDelete, "devices", q, nil, nil); err != nil {
		return fmt.Errorf("close the devices of client %d: %w", d.cfg.Client, err)
	}
	return nil
}

// send makes a request and returns the body of its answer.
func (d *Devices) send(ctx context.Context, method, path string, q url.Values, body []byte) ([]byte, error) {
	if d.cfg.Cluster != "" {
		if q == nil {
			q = url.Values{}
		}
		q.Set("cluster", d.cfg.Cluster)
	}
	where := d.cfg.URL + prefix + path
	if len(q) > 0 {
		where += "?" + q.Encode()
	}
	req, err := http.NewRequestWithContext(ctx, method, where, bytes.NewReader(body))
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	req.Header.Set("Authorization", "Storpool v1:"+d.cfg.Token)
	resp, err := d.cfg.HTTP.Do(req)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	text, err := io.ReadAll(resp.Body)
	if err = errors.Join(err, resp.Body.Close()); err != nil {
		return nil, fmt.Errorf("%s: read the answer: %w", path, err)
	}
	if resp.StatusCode != http.StatusOK {
		return nil, refusal(resp, text)
	}
	return text, nil
}

// refusal is the error of an answer.
func refusal(resp *http.Response, text []byte) error {
	var out struct {
		Error struct{ Name, Descr string }
	}
	if json.Unmarshal(text, &out) != nil || out.Error.Name == "" {
		return fmt.Errorf("the answer is %s and nothing of an admin API", resp.Status)
	}
	switch out.Error.Name {
	case "detached":
		return fmt.Errorf("%w: %s", ErrDetached, out.Error.Descr)
	case "readOnly":
		return fmt.Errorf("%w: %s", ErrReadOnly, out.Error.Descr)
	}
	return errors.New(out.Error.Name + ": " + out.Error.Descr)
}

// ask makes a request and reads its JSON answer into out, unless that is nil.
func (d *Devices) ask(ctx context.Context, method, path string, q url.Values, body []byte, out any) error {
	text, err := d.send(ctx, method, path, q, body)
	if err != nil || out == nil {
		return err
	}
	if err := json.Unmarshal(text, out); err != nil {
		return fmt.Errorf("%s: read the answer: %w", path, err)
	}
	return nil
}

// device is an open device. It also tells where its data is, so that copies pass over holes.
type device struct {
	all  *Devices
	ctx  context.Context //nolint:containedctx // readers and writers have none of their own
	at   string
	path string
}

func (d *device) fail(what string, err error) error {
	return fmt.Errorf("%s %s: %w", what, d.path, err)
}

func offset(off int64) url.Values { return url.Values{"offset": {strconv.FormatInt(off, 10)}} }

// ReadAt reads as [io.ReaderAt] says.
func (d *device) ReadAt(p []byte, off int64) (n int, err error) {
	for n < len(p) {
		part := p[n:min(len(p), n+chunk)]
		q := offset(off + int64(n))
		q.Set("length", strconv.Itoa(len(part)))
		data, err := d.all.send(d.ctx, http.MethodGet, d.at+"/contents", q, nil)
		if err != nil {
			return n, d.fail("read", err)
		}
		got := copy(part, data)
		if n += got; got < len(part) {
			return n, io.EOF
		}
	}
	return n, nil
}

// WriteAt writes p in parts; with an error, those before it are written.
func (d *device) WriteAt(p []byte, off int64) (n int, err error) {
	for n < len(p) {
		part := p[n:min(len(p), n+chunk)]
		if _, err := d.all.send(d.ctx, http.MethodPut, d.at+"/contents", offset(off+int64(n)), part); err != nil {
			return n, d.fail("write", err)
		}
		n += len(part)
	}
	return n, nil
}

// extent is a range of bytes.
type extent struct {
	Offset int64 `json:"offset"`
	Length int64 `json:"length"`
}

// Discard makes a range read as zeros.
func (d *device) Discard(off, n int64) error {
	body, err := json.Marshal(extent{off, n})
	if err != nil {
		return d.fail("discard", err)
	}
	if _, err := d.all.send(d.ctx, http.MethodPost, d.at+"/discard", nil, body); err != nil {
		return d.fail("discard", err)
	}
	return nil
}

// Size is the present size in bytes.
func (d *device) Size() (int64, error) {
	var o opened
	if err := d.all.ask(d.ctx, http.MethodGet, d.at, nil, nil, &o); err != nil {
		return 0, d.fail("size of", err)
	}
	return o.Size, nil
}

// NextData is the first range of data from off on; at the end both bounds are the size.
func (d *device) NextData(off int64) (from, to int64, err error) {
	var found struct {
		Size    int64    `json:"size"`
		Extents []extent `json:"extents"`
	}
	if err := d.all.ask(d.ctx, http.MethodGet, d.at+"/extents", offset(off), nil, &found); err != nil {
		return 0, 0, d.fail("map", err)
	}
	if len(found.Extents) == 0 {
		return found.Size, found.Size, nil
	}
	x := found.Extents[0]
	return x.Offset, x.Offset + x.Length, nil
}

// Close gives the device back. Closing again is an error.
func (d *device) Close() error {
	if _, err := d.all.send(d.ctx, http.MethodDelete, d.at, nil, nil); err != nil {
		return d.fail("close", err)
	}
	return nil
}

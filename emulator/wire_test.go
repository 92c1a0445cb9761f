package emulator

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// How the clients put their requests on the wire (storpool-api 2.1).

// asCloudStack calls itself JSON and keeps its connections.
func asCloudStack(tb testing.TB, s *Server) *api {
	tb.Helper()
	a := overLoopback(tb, s)
	a.dress = func(r *http.Request) { r.Header.Set("Content-Type", "application/json") }
	return a
}

// asCurl posts a form that is none, as curl -d does; OpenNebula's scripts call curl.
func asCurl(tb testing.TB, s *Server) *api {
	tb.Helper()
	a := overLoopback(tb, s)
	a.dress = func(r *http.Request) {
		r.Header.Set("User-Agent", "curl/7.88.1")
		r.Header.Set("Accept", "*/*")
		if r.Method == http.MethodPost {
			r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		}
	}
	return a
}

// asPython says nothing of its body and opens a connection for each call, as the bindings and os-brick do.
func asPython(tb testing.TB, s *Server) *api {
	tb.Helper()
	a := overLoopback(tb, s)
	a.client = &http.Client{Transport: &http.Transport{DisableKeepAlives: true, DisableCompression: true}}
	a.dress = func(r *http.Request) { r.Header.Set("Accept-Encoding", "identity") }
	return a
}

// asPerl says nothing of its body and keeps its connections, as Proxmox does.
func asPerl(tb testing.TB, s *Server) *api {
	tb.Helper()
	a := overLoopback(tb, s)
	a.dress = func(r *http.Request) { r.Header.Set("User-Agent", "libwww-perl/6.68") }
	return a
}

// escaping escapes whatever a path may escape.
func escaping(tb testing.TB, s *Server) *api {
	tb.Helper()
	a := overLoopback(tb, s)
	a.dress = func(r *http.Request) {
		r.URL.RawPath = strings.NewReplacer("~", "%7E", ".", "%2e", ":", "%3A", "@", "%40", "-", "%2D").Replace(r.URL.Path)
		r.URL.RawPath = strings.Replace(r.URL.RawPath, "/ctrl/1%2e0/", "/ctrl/1.0/", 1)
	}
	return a
}

// asHTTP10 speaks HTTP/1.0, without a host and with the end of the connection as the end of the answer.
func asHTTP10(tb testing.TB, s *Server) *api {
	tb.Helper()
	a := overLoopback(tb, s)
	a.client = &http.Client{Transport: http10{tb}}
	return a
}

type http10 struct{ tb testing.TB }

func (h http10) RoundTrip(r *http.Request) (*http.Response, error) {
	var body []byte
	if r.Body != nil {
		var err error
		if body, err = io.ReadAll(r.Body); err != nil {
			return nil, err
		}
	}
	conn, err := new(net.Dialer).DialContext(r.Context(), "tcp", r.URL.Host)
	if err != nil {
		return nil, err
	}
	h.tb.Cleanup(func() { _ = conn.Close() })
	head := fmt.Sprintf("%s %s HTTP/1.0\r\nAuthorization: %s\r\n", r.Method, r.URL.RequestURI(), r.Header.Get("Authorization"))
	if len(body) > 0 {
		head += fmt.Sprintf("Content-Length: %d\r\n", len(body))
	}
	if _, err := conn.Write(append([]byte(head+"\r\n"), body...)); err != nil {
		return nil, err
	}
	resp, err := http.ReadResponse(bufio.NewReader(conn), r)
	if err == nil {
		assert.True(h.tb, resp.Close, "the connection ends with the answer")
		assert.Empty(h.tb, resp.TransferEncoding, "HTTP/1.0 knows no chunks")
	}
	return resp, err
}

// wires are all of them by name.
func wires() map[string]func(testing.TB, *Server) *api {
	return map[string]func(testing.TB, *Server) *api{
		"CloudStack": asCloudStack, "curl": asCurl, "Python": asPython, "Perl": asPerl,
		"escaped paths": escaping, "HTTP/1.0": asHTTP10,
	}
}

func TestEveryWireCarriesTheSameCalls(t *testing.T) {
	t.Parallel()
	for name, wire := range wires() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			a := wire(t, Start(t))
			v := a.post(t, "MultiCluster/VolumeCreate", `{"name":"os--volume-1:a.b","size":"1073741824","template":"ssd"}`)
			gid := v.text(t, "globalId")
			snap := a.post(t, "VolumeSnapshot/~"+gid, "")
			auto := snap.text(t, "autoName")
			assert.Contains(t, auto, "@")
			for _, path := range []string{"Snapshot/" + auto, "Snapshot/~" + snap.text(t, "snapshotGlobalId")} {
				assert.Equal(t, auto, a.get(t, path).list(t)[0]["name"])
			}
			assert.Equal(t, "os--volume-1:a.b", a.get(t, "RemoteCommand/~"+DefaultClusterID+"/MultiCluster/Volume/~"+gid).list(t)[0]["name"])
			a.post(t, "VolumeDelete/os--volume-1:a.b", "{}")
			a.refused(t, "GET", "Volume/~"+gid, "", "objectDoesNotExist")
			a.refused(t, "POST", "VolumeCreate", `{"name":`, "invalidParam")
			escaped := func(c Call) bool { return strings.Contains(c.Path, "%7E") }
			assert.Equal(t, name == "escaped paths", slices.ContainsFunc(a.server.Calls(), escaped))
		})
	}
}

func TestLongListIsWholeOverEveryWire(t *testing.T) {
	t.Parallel()
	const many = 400
	for name, wire := range wires() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := Start(t)
			direct := inProcess(t, s)
			for i := range many {
				direct.post(t, "VolumeCreate", fmt.Sprintf(`{"name":"v%d","size":512,"template":"ssd"}`, i))
			}
			list := wire(t, s).get(t, "VolumesList").list(t)
			require.Len(t, list, many)
			assert.Equal(t, "v399", list[many-1]["name"])
		})
	}
}

package container

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"net/http"
	"os"
	"os/exec"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"github.com/testcontainers/testcontainers-go"
	"github.com/testcontainers/testcontainers-go/wait"

	"github.com/spsim/spsim/emulator"
	"github.com/spsim/spsim/emulator/cluster"
	"github.com/spsim/spsim/emulator/fault"
)

// image is the image under test; without one, or without an engine, the test is skipped.
func image(t *testing.T) string {
	t.Helper()
	img := os.Getenv("SPSIM_IMAGE")
	if img == "" {
		t.Skip("SPSIM_IMAGE names no image: make test-container builds one and sets it")
	}
	testcontainers.SkipIfProviderIsNotHealthy(t)
	return img
}

// run starts a container that ends with the test.
func run(t *testing.T, opts ...testcontainers.ContainerCustomizer) *session {
	t.Helper()
	c, err := Run(t.Context(), image(t), opts...)
	if c != nil {
		testcontainers.CleanupContainer(t, c)
	}
	require.NoError(t, err)
	client, err := c.Client(t.Context())
	require.NoError(t, err)
	return &session{Container: c, http: client}
}

// session speaks to one container.
type session struct {
	*Container
	http *http.Client
}

// reply is an answer of the API.
type reply struct {
	Data  json.RawMessage
	Error *struct{ Name, Descr string }
}

// send makes one request, and returns the body of the answer.
func (s *session) send(ctx context.Context, t *testing.T, method, path string, body []byte) []byte {
	t.Helper()
	req, err := http.NewRequestWithContext(ctx, method, "http://spsim"+path, bytes.NewReader(body))
	require.NoError(t, err)
	resp, err := s.http.Do(req)
	require.NoError(t, err)
	defer func() { assert.NoError(t, resp.Body.Close()) }()
	text, err := io.ReadAll(resp.Body)
	require.NoError(t, err)
	return text
}

// ask makes one call of the API.
func (s *session) ask(t *testing.T, method, query, body string) reply {
	t.Helper()
	var r reply
	text := s.send(t.Context(), t, method, "/ctrl/1.0/"+query, []byte(body))
	require.NoError(t, json.Unmarshal(text, &r), "%s", text)
	return r
}

// get makes a call that has to succeed, and reads its data into a T.
func get[T any](t *testing.T, s *session, method, query, body string) T {
	t.Helper()
	r := s.ask(t, method, query, body)
	require.Nil(t, r.Error, "%s", query)
	var out T
	require.NoError(t, json.Unmarshal(r.Data, &out), "%s", r.Data)
	return out
}

type object struct {
	Name, GlobalID, SnapshotGlobalID, ParentName string
	Size                                         int64
}

func TestVolumesSnapshotsAttachmentsAndContentsInAContainer(t *testing.T) {
	t.Parallel()
	s := run(t)
	v := get[object](t, s, "POST", "VolumeCreate", `{"name":"v","size":1048576,"template":"ssd"}`)
	before := bytes.Repeat([]byte("before--"), 64)
	s.send(t.Context(), t, "PUT", "/_spsim/v1/contents/v?offset=512", before)
	snap := get[object](t, s, "POST", "VolumeSnapshot/v", `{"name":"s"}`)
	after := bytes.Repeat([]byte("after---"), 64)
	s.send(t.Context(), t, "PUT", "/_spsim/v1/contents/v?offset=512", after)
	get[object](t, s, "POST", "VolumesReassignWait", `{"reassign":[{"volume":"v","rw":[1]}]}`)
	attached := get[[]struct {
		Volume, GlobalID, Rights string
		Client                   int
	}](t, s, "GET", "AttachmentsList", "")
	require.Len(t, attached, 1)
	assert.Equal(t, "v", attached[0].Volume)
	assert.Equal(t, 1, attached[0].Client)
	assert.Equal(t, "busy", s.ask(t, "POST", "VolumeDelete/v", "").Error.Name)

	assert.Equal(t, before, s.send(t.Context(), t, "GET", "/_spsim/v1/contents/s?offset=512&length=512", nil))
	assert.Equal(t, after, s.send(t.Context(), t, "GET", "/_spsim/v1/contents/v?offset=512&length=512", nil))
	list := get[[]object](t, s, "GET", "VolumesList", "")
	require.Len(t, list, 1)
	assert.Equal(t, object{Name: "v", GlobalID: v.GlobalID, ParentName: "s", Size: 1048576}, list[0])
	clone := get[object](t, s, "POST", "VolumeCreate", `{"parent":"~`+snap.SnapshotGlobalID+`"}`)
	assert.Equal(t, before, s.send(t.Context(), t, "GET", "/_spsim/v1/contents/"+clone.Name+"?offset=512&length=512", nil))
}

func TestTokenModelAndSettingsReachTheContainer(t *testing.T) {
	t.Parallel()
	m := cluster.DefaultModel()
	m.Clients = 2
	m.Templates = []cluster.ModelTemplate{{Name: "only", PlaceAll: "ssd"}}
	s := run(t, WithToken("0451"), WithModel(m), WithSetting("cluster-id", "abcd.e"))
	assert.Equal(t, "0451", s.Token())
	templates := get[[]struct{ Name string }](t, s, "GET", "VolumeTemplatesList", "")
	require.Len(t, templates, 1)
	assert.Equal(t, "only", templates[0].Name)
	v := get[object](t, s, "POST", "VolumeCreate", `{"size":512,"template":"only"}`)
	assert.True(t, strings.HasPrefix(v.GlobalID, "abcd.e."), v.GlobalID)

	env, err := s.Env(t.Context())
	require.NoError(t, err)
	addr, err := s.Address(t.Context())
	require.NoError(t, err)
	assert.Equal(t, addr, env["SP_API_HTTP_HOST"]+":"+env["SP_API_HTTP_PORT"])
	assert.Equal(t, "0451", env["SP_AUTH_TOKEN"])
	adminAddr, err := s.AdminAddress(t.Context())
	require.NoError(t, err)
	assert.Equal(t, "http://"+adminAddr, env["SPSIM_ADMIN_URL"])
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://"+addr+"/ctrl/1.0/VolumesList", http.NoBody)
	require.NoError(t, err)
	req.Header.Set("Authorization", "Storpool v1:"+emulator.DefaultToken)
	resp, err := http.DefaultClient.Do(req)
	require.NoError(t, err)
	require.NoError(t, resp.Body.Close())
	assert.Equal(t, http.StatusUnauthorized, resp.StatusCode, "the default token is not let in")
}

func TestSavedStateLivesOnInAContainerAndOutlivesIt(t *testing.T) {
	t.Parallel()
	before := emulator.Start(t)
	size := int64(1 << 20)
	v, err := before.Cluster().VolumeCreate(cluster.VolumeSpec{Name: "v", Size: &size})
	require.NoError(t, err)
	before.WriteContent(t, "v", 512, []byte("from before"))
	var state bytes.Buffer
	require.NoError(t, before.SaveState(&state))

	s := run(t, WithState(&state))
	assert.Equal(t, "from before", string(s.send(t.Context(), t, "GET", "/_spsim/v1/contents/~"+v.GlobalID+"?offset=512&length=11", nil)))
	get[object](t, s, "POST", "VolumeCreate", `{"name":"later","size":512}`)
	require.NoError(t, s.Stop(t.Context(), nil))
	require.NoError(t, s.Start(t.Context()))
	s.http, err = s.Client(t.Context()) // the ports are others now
	require.NoError(t, err)
	assert.Len(t, get[[]object](t, s, "GET", "VolumesList", ""), 2)
}

func TestFaultsAreArmedBeforeTheFirstCall(t *testing.T) {
	t.Parallel()
	refuse := fault.Rule{Call: "POST VolumeCreate", Effect: fault.Effect{Kind: fault.Refuse, Error: "insufficientResources"}}
	s := run(t, WithFaults(refuse))
	const body = `{"name":"v","size":512,"template":"ssd"}`
	assert.Equal(t, "insufficientResources", s.ask(t, "POST", "VolumeCreate", body).Error.Name)
	get[object](t, s, "POST", "VolumeCreate", body)
	_, err := s.Arm(t.Context(), fault.Rule{Call: "POST NoSuchCall", Effect: fault.Effect{Kind: fault.Cut}})
	assert.ErrorContains(t, err, "NoSuchCall")
}

func TestImageIsStaticUnprivilegedAndTellsItsHealth(t *testing.T) {
	t.Parallel()
	s := run(t, testcontainers.WithAdditionalWaitStrategy(wait.ForHealthCheck()))
	code, out, err := s.Exec(t.Context(), []string{"/spsim", "health"})
	require.NoError(t, err)
	text, err := io.ReadAll(out)
	require.NoError(t, err)
	assert.Zero(t, code, "%s", text)
	assert.Contains(t, string(text), "127.0.0.1:8081 answers")
	in, err := s.Inspect(t.Context())
	require.NoError(t, err)
	assert.Equal(t, "65532:65532", in.Config.User)
	assert.Equal(t, []string{"CMD", "/spsim", "health"}, in.Config.Healthcheck.Test)
	code, _, err = s.Exec(t.Context(), []string{"/bin/sh", "-c", "true"})
	require.NoError(t, err)
	assert.NotZero(t, code, "there is no shell")
}

func TestProductKnowsNoContainerLibrary(t *testing.T) {
	t.Parallel()
	list := exec.CommandContext(t.Context(), "go", "list", "-deps", "github.com/spsim/spsim/cmd/spsim")
	list.Stderr = os.Stderr
	out, err := list.Output()
	require.NoError(t, err)
	deps := strings.Fields(string(out))
	assert.Contains(t, deps, "github.com/spsim/spsim/emulator")
	for _, d := range deps {
		assert.NotContains(t, d, "testcontainers")
		assert.NotEqual(t, "github.com/spsim/spsim/emulator/container", d)
	}
}

package spapi_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"log/slog"
	"net"
	"os"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/spsim/spsim/driver/spapi"
	"github.com/spsim/spsim/internal/clock"
)

func socket(op string, errno syscall.Errno) error {
	return &net.OpError{Op: op, Net: "tcp", Err: os.NewSyscallError(op, errno)}
}

func start() *clock.Virtual { return clock.NewVirtual(time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)) }

func transient() reply {
	return reply{status: 503, body: `{"error":{"name":"busy","descr":"later","transient":true}}`}
}

func busy() reply {
	return reply{status: 409, body: `{"error":{"name":"busy","descr":"'v' is open at client 1"}}`}
}

func refused() reply { return reply{err: socket("dial", syscall.ECONNREFUSED)} }

func reset() reply { return reply{err: socket("read", syscall.ECONNRESET)} }

func garbage() reply { return reply{body: "<html>502</html>"} }

func fine() reply { return reply{body: okReply} }

func created() reply {
	return reply{body: `{"data":{"ok":true,"name":"~a.b.new","globalId":"a.b.new"}}`}
}

func TestWhatIsSafeToRepeatIsRepeated(t *testing.T) {
	t.Parallel()
	update := func(ctx context.Context, c *spapi.Client) error {
		return c.VolumeUpdate(ctx, "v", spapi.VolumeUpdate{Template: "hdd"})
	}
	list := func(ctx context.Context, c *spapi.Client) error {
		_, err := c.VolumesList(ctx)
		return err
	}
	create := func(ctx context.Context, c *spapi.Client) error {
		_, err := c.VolumeCreate(ctx, spapi.VolumeCreate{Size: 512}, nil)
		return err
	}
	empty := reply{body: `{"data":[]}`}
	for name, x := range map[string]struct {
		call    func(context.Context, *spapi.Client) error
		replies []reply
		sent    int
		waited  time.Duration
		fails   bool
	}{
		"a transient error":                          {update, []reply{transient(), transient(), fine()}, 3, 3 * time.Second, false},
		"a refused connection":                       {update, []reply{refused(), fine()}, 2, time.Second, false},
		"a lost connection of an update":             {update, []reply{reset(), fine()}, 2, time.Second, false},
		"a lost connection of a list":                {list, []reply{reset(), empty}, 2, time.Second, false},
		"an answer that is no JSON":                  {update, []reply{garbage(), fine()}, 2, time.Second, false},
		"a refusal is final":                         {update, []reply{busy(), fine()}, 1, 0, true},
		"it gives up after five repetitions":         {update, []reply{transient()}, 6, 31 * time.Second, true},
		"a create after a transient error":           {create, []reply{transient(), created()}, 2, time.Second, false},
		"a create after a refused connection":        {create, []reply{refused(), created()}, 2, time.Second, false},
		"no create after a lost one without look-up": {create, []reply{reset(), created()}, 1, 0, true},
		"no create after a garbled one":              {create, []reply{garbage(), created()}, 1, 0, true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			v := start()
			c, w := client(t, spapi.Config{Clock: v, Retry: spapi.Backoff()}, x.replies...)
			begun := v.Now()
			err := x.call(t.Context(), c)
			assert.Equal(t, x.fails, err != nil, "%v", err)
			assert.Len(t, w.seen, x.sent)
			assert.Equal(t, x.waited, v.Now().Sub(begun))
		})
	}
}

func TestARefusalAfterALostAnswerLeavesInDoubtWhetherItWasDone(t *testing.T) {
	t.Parallel()
	for name, x := range map[string]struct {
		replies []reply
		doubt   bool
	}{
		"refused at once":                {[]reply{busy()}, false},
		"refused after a refused socket": {[]reply{refused(), busy()}, false},
		"refused after a passing error":  {[]reply{transient(), busy()}, false},
		"refused after a lost answer":    {[]reply{reset(), busy()}, true},
		"refused after a garbled answer": {[]reply{garbage(), transient(), busy()}, true},
		"given up after a lost answer":   {[]reply{reset(), transient()}, true},
	} {
		c, _ := client(t, spapi.Config{Clock: start(), Retry: spapi.Backoff()}, x.replies...)
		err := c.VolumeDelete(t.Context(), "v", spapi.VolumeDelete{})
		if assert.ErrorIs(t, err, spapi.ErrBusy, name) {
			assert.Equal(t, x.doubt, spapi.MayHaveRun(err), name)
		}
	}
}

func TestWithoutAPolicyThereIsOneAttempt(t *testing.T) {
	t.Parallel()
	for _, r := range []reply{transient(), refused(), reset(), garbage()} {
		c, w := client(t, spapi.Config{Clock: start()}, r, fine())
		require.Error(t, c.VolumeDelete(t.Context(), "v", spapi.VolumeDelete{}))
		assert.Len(t, w.seen, 1)
	}
}

func TestALostCreateIsRepeatedOnlyAfterALookUp(t *testing.T) {
	t.Parallel()
	for name, x := range map[string]struct {
		replies []reply
		found   []bool // what the look-ups find
		sent    int
		doubts  int
		id      string
	}{
		"found: nothing is sent again":        {[]reply{reset(), created()}, []bool{true}, 1, 1, "a.b.old"},
		"not found: sent again":               {[]reply{reset(), created()}, []bool{false}, 2, 1, "a.b.new"},
		"lost twice, then found":              {[]reply{reset(), reset(), created()}, []bool{false, true}, 2, 1, "a.b.old"},
		"looked for also after a later error": {[]reply{reset(), transient(), created()}, []bool{false, true}, 2, 1, "a.b.old"},
		"not sent: no look-up":                {[]reply{refused(), created()}, nil, 2, 0, "a.b.new"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c, w := client(t, spapi.Config{Clock: start(), Retry: spapi.Backoff()}, x.replies...)
			lookups, doubts := 0, 0
			again := &spapi.Again[spapi.VolumeCreated]{
				Doubt: func() { doubts++ },
				Lookup: func(context.Context) (spapi.VolumeCreated, bool, error) {
					lookups++
					return spapi.VolumeCreated{GlobalID: "a.b.old"}, x.found[lookups-1], nil
				},
			}
			got, err := c.VolumeCreate(t.Context(), spapi.VolumeCreate{Size: 512}, again)
			require.NoError(t, err)
			assert.Len(t, w.seen, x.sent)
			assert.Equal(t, len(x.found), lookups)
			assert.Equal(t, x.doubts, doubts)
			id, err := got.ID()
			require.NoError(t, err)
			assert.Equal(t, x.id, id)
		})
	}
}

func TestALookUpThatFailsEndsTheCreate(t *testing.T) {
	t.Parallel()
	c, w := client(t, spapi.Config{Clock: start(), Retry: spapi.Backoff()}, reset())
	oops := errors.New("no list")
	_, err := c.VolumeSnapshot(t.Context(), "v", spapi.VolumeSnapshot{}, &spapi.Again[spapi.SnapshotCreated]{
		Lookup: func(context.Context) (spapi.SnapshotCreated, bool, error) {
			return spapi.SnapshotCreated{}, false, oops
		},
	})
	require.ErrorIs(t, err, oops)
	require.ErrorIs(t, err, syscall.ECONNRESET)
	assert.Len(t, w.seen, 1)
}

func TestACallThatHangsEndsAfterItsTimeAndIsNotRepeated(t *testing.T) {
	t.Parallel()
	v := start()
	c, w := client(t, spapi.Config{Clock: v, Retry: spapi.Backoff()}, reply{before: func() { v.Advance(10 * time.Minute) }})
	begun := v.Now()
	_, err := c.VolumesList(t.Context())
	var lost *spapi.TransportError
	require.ErrorAs(t, err, &lost)
	assert.True(t, lost.Timeout)
	assert.True(t, lost.MayHaveRun)
	require.ErrorIs(t, err, context.DeadlineExceeded)
	assert.Len(t, w.seen, 1)
	assert.Equal(t, 10*time.Minute, v.Now().Sub(begun))
}

func TestATimeoutMayBeSwitchedOff(t *testing.T) {
	t.Parallel()
	v := start()
	c, _ := client(t, spapi.Config{Clock: v, Timeout: -1}, reply{before: func() { v.Advance(time.Hour) }, body: `{"data":[]}`})
	_, err := c.VolumesList(t.Context())
	require.NoError(t, err)
}

func TestErrorsTellWhatHappenedAndToWhat(t *testing.T) {
	t.Parallel()
	for name, x := range map[string]struct {
		reply      reply
		is         error
		mayHaveRun bool
		text       string
	}{
		"not found":         {reply{status: 404, body: `{"error":{"name":"objectDoesNotExist","descr":"no v"}}`}, spapi.ErrNotFound, false, "VolumeDelete v: objectDoesNotExist: no v"},
		"busy":              {busy(), spapi.ErrBusy, false, "VolumeDelete v: busy: 'v' is open at client 1"},
		"error with 200":    {reply{body: `{"error":{"name":"invalidParam","descr":"x"}}`}, spapi.ErrInvalid, false, "invalidParam"},
		"refused":           {refused(), syscall.ECONNREFUSED, false, "VolumeDelete v: no answer (not executed)"},
		"reset":             {reset(), syscall.ECONNRESET, true, "VolumeDelete v: no answer (perhaps executed)"},
		"cut short":         {reply{err: io.ErrUnexpectedEOF}, io.ErrUnexpectedEOF, true, "perhaps executed"},
		"no JSON":           {garbage(), nil, true, "VolumeDelete v: unusable answer with status 200"},
		"empty":             {reply{}, nil, true, "no JSON envelope"},
		"not an object":     {reply{body: `[]`}, nil, true, "no JSON envelope"},
		"neither":           {reply{body: `{"generation":1}`}, nil, true, "neither data nor error"},
		"status alone":      {reply{status: 500, body: `{"data":{}}`}, nil, true, "a failure without an error"},
		"data of any shape": {reply{body: `{"data":7}`}, nil, true, "data of another shape"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c, _ := client(t, spapi.Config{}, x.reply)
			err := c.VolumeDelete(t.Context(), "v", spapi.VolumeDelete{})
			require.ErrorContains(t, err, x.text)
			if x.is != nil {
				require.ErrorIs(t, err, x.is)
			}
			assert.Equal(t, x.mayHaveRun, spapi.MayHaveRun(err))
		})
	}
}

func TestErrorNamesAreToldApart(t *testing.T) {
	t.Parallel()
	err := error(&spapi.Error{Name: spapi.NameBusy, Descr: "snapshot is still exported", Call: "SnapshotDelete"})
	require.ErrorIs(t, err, spapi.ErrBusy)
	require.ErrorIs(t, err, spapi.ErrExported)
	require.NotErrorIs(t, err, spapi.ErrNotFound)
	require.NotErrorIs(t, &spapi.Error{Name: spapi.NameBusy}, spapi.ErrExported)
}

func TestAnAnswerWithoutAnIDIsAnError(t *testing.T) {
	t.Parallel()
	for _, v := range []spapi.VolumeCreated{{}, {Name: "~"}, {Name: "named"}} {
		_, err := v.ID()
		require.ErrorContains(t, err, "no name nor globalId")
	}
	id, err := spapi.VolumeCreated{Name: "~a.b.c"}.ID()
	require.NoError(t, err)
	assert.Equal(t, "a.b.c", id)
	_, err = spapi.SnapshotCreated{}.ID()
	require.ErrorContains(t, err, "no snapshotGlobalId")
}

func TestTheTokenIsNeitherInErrorsNorInTheLog(t *testing.T) {
	t.Parallel()
	var log bytes.Buffer
	cfg := spapi.Config{Log: slog.New(slog.NewTextHandler(&log, &slog.HandlerOptions{Level: slog.LevelDebug}))}
	var texts strings.Builder
	for _, r := range []reply{busy(), refused(), reset(), garbage(), fine()} {
		c, _ := client(t, cfg, r)
		if err := c.VolumeUpdate(t.Context(), "v", spapi.VolumeUpdate{Template: "hdd"}); err != nil {
			texts.WriteString(err.Error())
		}
	}
	assert.Contains(t, log.String(), "VolumeUpdate/v")
	assert.NotContains(t, log.String()+texts.String(), token)
}

func TestAClientNamesWhatIsMissing(t *testing.T) {
	t.Parallel()
	for want, cfg := range map[string]spapi.Config{
		"address":      {Token: token},
		"token":        {HostPort: "h:1"},
		"not http":     {HostPort: "ftp://h:1", Token: token},
		"API address ": {HostPort: "https://", Token: token},
	} {
		_, err := spapi.New(cfg)
		require.ErrorContains(t, err, want)
		assert.NotContains(t, err.Error(), token)
	}
}

package emulator

import (
	"context"
	"crypto/subtle"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"strings"

	"github.com/spsim/spsim/emulator/cluster"
	"github.com/spsim/spsim/emulator/fault"
)

// ServeHTTP answers one call: authorise, find the operation, bind its arguments, ask the fault rules, serve,
// encode, keep it in the journal. Every answer is a JSON envelope, whatever went wrong (storpool-api 2.3).
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.URL.Path == healthPath {
		s.adminHealth(w, r)
		return
	}
	rec := &Call{
		Seq: s.journal.enter(), At: s.cfg.clock.Now(),
		Method: r.Method, Path: r.URL.EscapedPath(), Caller: callerOf(r),
		Request: requestID(r),
	}
	v := visit{in: scope{ID: s.cfg.id, Name: s.cluster.Name(), At: rec.At.Unix()}, by: s.cluster}
	data, err := s.serve(r, rec, &v)
	rec.Generation = v.by.Generation()
	rec.Took = s.cfg.clock.Now().Sub(rec.At)
	s.answer(w, r, rec, envelope{generation: rec.Generation, in: v.in}, data, err)
}

// answer sends what came of a call and keeps it in the journal.
func (s *Server) answer(w http.ResponseWriter, r *http.Request, rec *Call, e envelope, data any, err error) {
	var (
		truncated *fault.Truncation
		bare      *fault.StatusError
	)
	if errors.As(err, &truncated) {
		err = truncated.Err
	}
	if rec.Request != "" {
		w.Header().Set(requestHeader, rec.Request)
	}
	var vendor *cluster.Error
	switch {
	case brokeOff(r.Context(), err):
		rec.Answer = answerLost
	case errors.Is(err, fault.ErrMalformed):
		rec.Answer, rec.Status = "malformed", http.StatusOK
	case errors.As(err, &bare):
		rec.Answer, rec.Status = "status", bare.Code
	case err != nil:
		vendor = vendorError(err)
		rec.Answer, rec.Status = string(vendor.Name), s.statusOf(err, vendor)
	default:
		rec.Answer, rec.Status = answerOK, http.StatusOK
	}
	if truncated != nil && rec.Answer != answerLost {
		rec.Answer = "truncated"
		w = truncate(w, truncated.Keep)
	}
	s.record(r.Context(), rec)
	switch {
	case rec.Answer == answerLost:
		loseConnection(w)
	case vendor != nil:
		s.fail(w, e, vendor, rec.Status)
	case errors.Is(err, fault.ErrMalformed):
		s.headers.set(w.Header())
		send(w, http.StatusOK, []byte(dataHead+`{"ok":tru`))
	case bare != nil:
		sendPage(w, bare.Code)
	default:
		s.succeed(w, e, data)
	}
	if t, ok := w.(*truncating); ok {
		t.breakOff()
	}
}

// visit is a call on its way to the cluster that serves it.
type visit struct {
	in  scope
	by  *cluster.Cluster // that serves it, as far as is known
	all bool             // under MultiCluster/AllClusters/
}

// to has another cluster serve the call.
func (v *visit) to(c *cluster.Cluster) {
	v.by, v.in.ID, v.in.Name = c, c.ID(), c.Name()
}

// serve does what a call asks and notes in rec what it found out about it.
func (s *Server) serve(r *http.Request, rec *Call, v *visit) (any, error) {
	if !s.authorised(r) {
		return nil, errWrongToken()
	}
	t, err := parsePath(rec.Path)
	if err != nil {
		return nil, err
	}
	on, err := s.addressed(t.remote)
	if err != nil {
		return nil, err
	}
	if on != s {
		v.to(on.cluster)
	}
	v.in.Multi, v.all = t.multi, t.all
	o, args, err := s.table.find(r.Method, t.segments)
	if err != nil {
		return nil, err
	}
	rec.Query = o.Query
	if len(args) > 0 {
		rec.Args = args
	}
	body, err := s.readArguments(r)
	if err != nil {
		return nil, err
	}
	rec.Body = bodyText(body)
	req := &request{args: args, body: body, in: v.in}
	if t.all {
		return on.serveAll(r.Context(), o, req, rec, v)
	}
	return on.serveOp(r.Context(), o, req, rec, v)
}

// serveOp serves one operation on the cluster, or under MultiCluster/ where it belongs.
func (s *Server) serveOp(ctx context.Context, o *Op, req *request, rec *Call, v *visit) (any, error) {
	if !o.Emulated() {
		return nil, &cluster.Error{Name: NameNotSupported, Descr: "'" + o.Call() + "' is not emulated: " + o.Why}
	}
	q, err := o.decode(req)
	rec.Unknown, rec.Ignored = req.unknown, req.ignored
	if err != nil {
		return nil, err
	}
	if s.cfg.strict && len(req.unknown) > 0 {
		return nil, invalid("Unknown parameter '%s'", strings.Join(req.unknown, "', '"))
	}
	bound := q.Interface()
	call := fault.Call{
		Name: o.Call(), Caller: rec.Caller,
		Objects: func() []string { return s.objects(bound) },
		Clients: func() ([]int, bool) { return clientsOf(bound) },
		Cluster: func() [2]string { return s.serving(bound, v) },
	}
	return s.struck(ctx, call, rec, func(ctx context.Context) (any, error) {
		if s.fed == nil || !v.in.Multi || v.all {
			return o.serve(ctx, s.cluster, bound)
		}
		return s.serveMulti(ctx, o, req, bound, v)
	})
}

// struck makes a call as the fault rules have it and notes the rule.
func (s *Server) struck(
	ctx context.Context, c fault.Call, rec *Call, do func(context.Context) (any, error),
) (any, error) {
	m := s.faults.Match(c)
	if m != nil {
		rec.Fault = m.Rule
	}
	return s.faults.Do(ctx, m, do)
}

func errWrongToken() error {
	return &cluster.Error{Name: cluster.AccessDenied, Descr: "Invalid authorization token"}
}

// authorised compares the token of a request with the server's.
func (s *Server) authorised(r *http.Request) bool {
	const scheme = "Storpool v1:"
	token, ok := strings.CutPrefix(r.Header.Get("Authorization"), scheme)
	return ok && subtle.ConstantTimeCompare([]byte(token), []byte(s.cfg.token)) == 1
}

// readArguments returns the JSON text of a call's arguments: the body, or ?json= of a GET.
func (s *Server) readArguments(r *http.Request) ([]byte, error) {
	if r.Method == http.MethodGet {
		return queryBody(r.URL.RawQuery)
	}
	return s.readBody(r)
}

// readBody returns the request body, which has a limit.
func (s *Server) readBody(r *http.Request) ([]byte, error) {
	if r.Body == nil || r.ContentLength == 0 {
		return nil, nil
	}
	body, err := io.ReadAll(io.LimitReader(r.Body, s.cfg.maxBody+1))
	if err != nil {
		return nil, fmt.Errorf("read request body: %w", err)
	}
	if int64(len(body)) > s.cfg.maxBody {
		return nil, invalid("The request body is larger than %d bytes", s.cfg.maxBody)
	}
	return body, nil
}

// record keeps a call in the journal and writes its line to the log.
func (s *Server) record(ctx context.Context, rec *Call) {
	s.journal.add(rec)
	if !s.cfg.log.Enabled(ctx, slog.LevelInfo) {
		return
	}
	s.cfg.log.LogAttrs(ctx, slog.LevelInfo, "call",
		slog.Uint64("seq", rec.Seq), slog.String("method", rec.Method), slog.String("path", rec.Path),
		slog.String("caller", rec.Caller), slog.String("request", rec.Request),
		slog.String("answer", rec.Answer), slog.Int("status", rec.Status),
		slog.Int64("generation", rec.Generation), slog.Duration("took", rec.Took), slog.Int("fault", rec.Fault),
		slog.String("unknown", strings.Join(rec.Unknown, ",")), slog.String("ignored", strings.Join(rec.Ignored, ",")))
}

package emulator

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"

	"github.com/spsim/spsim/emulator/cluster"
	"github.com/spsim/spsim/emulator/fault"
)

// allClustersQuery is the catalogue's name for a listing on every cluster of a multi-cluster.
const allClustersQuery = wordMulti + "/" + wordAll + "/{query}"

// allClustersRequest carries what the listing gave on each sub-cluster.
type allClustersRequest struct {
	In    scope
	Query string `sp:"query,path"`
	parts []allClustersPart
}

// allClustersPart is what one cluster answered.
type allClustersPart struct {
	cluster *cluster.Cluster
	data    any
	err     error
}

// allClustersAnswer is the data of MultiCluster/AllClusters/ (storpool-api 9).
type allClustersAnswer struct {
	Clusters []allClustersEntry `json:"clusters"`
}

// allClustersEntry is the answer of one cluster: its envelope, or its error.
type allClustersEntry struct {
	ClusterID   string          `json:"clusterId"`
	ClusterName string          `json:"clusterName"`
	Response    *nestedEnvelope `json:"response,omitempty"`
	Error       *errorBody      `json:"error,omitempty"`
}

// nestedEnvelope is a whole answer within an answer.
type nestedEnvelope struct {
	Data       any   `json:"data"`
	Generation int64 `json:"generation"`
}

// allClusters wraps the answer of each cluster.
func allClusters(_ context.Context, _ *cluster.Cluster, q allClustersRequest) (allClustersAnswer, error) {
	out := allClustersAnswer{Clusters: make([]allClustersEntry, 0, len(q.parts))}
	for _, p := range q.parts {
		e := allClustersEntry{ClusterID: p.cluster.ID(), ClusterName: p.cluster.Name()}
		if p.err != nil {
			body := errorBodyOf(vendorError(p.err))
			e.Error = &body
		} else {
			e.Response = &nestedEnvelope{Data: p.data, Generation: p.cluster.Generation()}
		}
		out.Clusters = append(out.Clusters, e)
	}
	return out, nil
}

func (a allClustersAnswer) long() bool {
	for _, e := range a.Clusters {
		if e.Response == nil {
			continue
		}
		if s, ok := e.Response.Data.(streamer); ok && s.long() {
			return true
		}
	}
	return false
}

// WriteJSON writes the answers of the clusters one after the other, each as it writes itself.
func (a allClustersAnswer) WriteJSON(w io.Writer) error {
	head := `{"clusters":[`
	for _, e := range a.Clusters {
		if err := e.write(w, head); err != nil {
			return err
		}
		head = ","
	}
	if _, err := io.WriteString(w, "]}"); err != nil {
		return fmt.Errorf("write answer: %w", err)
	}
	return nil
}

func (e allClustersEntry) write(w io.Writer, head string) error {
	if e.Response == nil {
		text, err := json.Marshal(e)
		if err != nil {
			return fmt.Errorf("encode answer: %w", err)
		}
		if _, err := fmt.Fprintf(w, "%s%s", head, text); err != nil {
			return fmt.Errorf("write answer: %w", err)
		}
		return nil
	}
	b := append([]byte(head), `{"clusterId":`...)
	b = appendText(b, e.ClusterID)
	b = append(b, `,"clusterName":`...)
	b = appendText(b, e.ClusterName)
	b = append(b, `,"response":`...)
	if _, err := w.Write(b); err != nil {
		return fmt.Errorf("write answer: %w", err)
	}
	if err := (envelope{generation: e.Response.Generation}).writeEnvelope(w, e.Response.Data); err != nil {
		return err
	}
	if _, err := io.WriteString(w, "}"); err != nil {
		return fmt.Errorf("write answer: %w", err)
	}
	return nil
}

// serveAll serves a listing on every cluster of the multi-cluster; an error of one is part of the answer.
func (s *Server) serveAll(ctx context.Context, o *Op, req *request, rec *Call, v *visit) (any, error) {
	if o.Method != http.MethodGet {
		return nil, unknownQuery(wordMulti + "/" + wordAll + "/" + o.Query)
	}
	all, _, err := s.table.find(http.MethodGet, strings.Split(allClustersQuery, "/"))
	if err != nil {
		return nil, err
	}
	call := fault.Call{Name: all.Call(), Caller: rec.Caller, Cluster: func() [2]string { return [2]string{s.cfg.id, s.cluster.Name()} }}
	return s.struck(ctx, call, rec, func(ctx context.Context) (any, error) {
		data, err := s.serveOp(ctx, o, req, rec, v)
		var truncated *fault.Truncation
		if errors.As(err, &truncated) {
			err = truncated.Err
		}
		if noAnswer(ctx, err) {
			return nil, err
		}
		parts := []allClustersPart{{cluster: s.cluster, data: data, err: err}}
		for _, c := range s.cluster.SubClusters()[1:] {
			data, err := s.askPeer(ctx, c, o, req, rec, v)
			if ctx.Err() != nil {
				return nil, err
			}
			parts = append(parts, allClustersPart{cluster: c, data: data, err: err})
		}
		out, err := all.serve(ctx, s.cluster, allClustersRequest{In: req.in, parts: parts})
		if truncated != nil {
			err = &fault.Truncation{Keep: truncated.Keep, Err: err}
		}
		return out, err
	})
}

// askPeer has another sub-cluster serve a listing, with the fault rules that it has. An answer that does not arrive is
// that of a cluster that cannot be reached.
func (s *Server) askPeer(ctx context.Context, c *cluster.Cluster, o *Op, req *request, rec *Call, v *visit) (any, error) {
	peer := s.serverOf(c)
	if err := s.reach(peer); err != nil {
		return nil, err
	}
	asked, seen := *v, *rec
	asked.to(c)
	data, err := peer.serveOp(ctx, o, &request{args: req.args, body: req.body, in: asked.in}, &seen, &asked)
	var truncated *fault.Truncation
	if errors.As(err, &truncated) || ctx.Err() == nil && noAnswer(ctx, err) {
		return nil, peer.unreachable()
	}
	return data, err
}

// serveMulti serves a call under MultiCluster/: a list on every sub-cluster, all else where it belongs.
func (s *Server) serveMulti(ctx context.Context, o *Op, req *request, bound any, v *visit) (any, error) {
	on := func(c *cluster.Cluster) (any, error) {
		again := &request{args: req.args, body: req.body, in: v.in}
		again.in.ID, again.in.Name = c.ID(), c.Name()
		q, err := o.decode(again)
		if err != nil {
			return nil, err
		}
		return o.serve(ctx, c, q.Interface())
	}
	if _, ok := bound.(listArguments); ok {
		data, err := o.serve(ctx, s.cluster, bound)
		if err != nil {
			return nil, err
		}
		return s.together(data, on)
	}
	c := s.place(bound)
	if c == s.cluster {
		return o.serve(ctx, s.cluster, bound)
	}
	v.to(c)
	return on(c)
}

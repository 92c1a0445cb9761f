package emulator

import (
	"context"
	"encoding/json"
	"fmt"
	"io"

	"github.com/spsim/spsim/emulator/cluster"
)

// allClustersQuery is the catalogue's name for a listing on every cluster of a multi-cluster.
const allClustersQuery = wordMulti + "/" + wordAll + "/{query}"

// allClustersRequest carries what the listing gave on this, the only cluster.
type allClustersRequest struct {
	In    scope
	Query string `sp:"query,path"`
	data  any
	err   error
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
func allClusters(_ context.Context, c *cluster.Cluster, q allClustersRequest) (allClustersAnswer, error) {
	e := allClustersEntry{ClusterID: q.In.ID, ClusterName: q.In.Name}
	if q.err != nil {
		body := errorBodyOf(vendorError(q.err))
		e.Error = &body
	} else {
		e.Response = &nestedEnvelope{Data: q.data, Generation: c.Generation()}
	}
	return allClustersAnswer{Clusters: []allClustersEntry{e}}, nil
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

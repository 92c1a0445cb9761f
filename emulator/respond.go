package emulator

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"sync"

	"github.com/spsim/spsim/emulator/cluster"
)

// streamer is an answer that writes itself: long lists, straight from the encodings that the objects keep.
type streamer interface {
	WriteJSON(w io.Writer) error
	// long tells whether the answer is worth streaming; a short one is sent with its length.
	long() bool
}

// buffers lends buffers for answers.
type buffers struct{ pool sync.Pool }

func (b *buffers) get() *bytes.Buffer {
	if buf, ok := b.pool.Get().(*bytes.Buffer); ok {
		buf.Reset()
		return buf
	}
	return new(bytes.Buffer)
}

// put takes a buffer back, unless it has grown so much that keeping it would pin memory.
func (b *buffers) put(buf *bytes.Buffer) {
	const keep = 1 << 20
	if buf.Cap() <= keep {
		b.pool.Put(buf)
	}
}

// envelope is what stands around the data of an answer (storpool-api 2.2).
type envelope struct {
	generation int64
	in         scope
}

// appendTail writes what follows the data.
func (e envelope) appendTail(b []byte) []byte {
	b = append(b, `,"generation":`...)
	b = strconv.AppendInt(b, e.generation, 10)
	if e.in.Multi {
		b = append(b, `,"clusterId":`...)
		b = appendText(b, e.in.ID)
		b = append(b, `,"clusterName":`...)
		b = appendText(b, e.in.Name)
	}
	return append(b, '}')
}

const dataHead = `{"data":`

// writeData writes the data of an answer.
func writeData(w io.Writer, data any) error {
	if s, ok := data.(streamer); ok {
		return s.WriteJSON(w)
	}
	text, err := json.Marshal(data)
	if err != nil {
		return fmt.Errorf("encode answer: %w", err)
	}
	if _, err := w.Write(text); err != nil {
		return fmt.Errorf("write answer: %w", err)
	}
	return nil
}

// writeEnvelope writes a whole successful answer.
func (e envelope) writeEnvelope(w io.Writer, data any) error {
	if _, err := io.WriteString(w, dataHead); err != nil {
		return fmt.Errorf("write answer: %w", err)
	}
	if err := writeData(w, data); err != nil {
		return err
	}
	if buf, ok := w.(*bytes.Buffer); ok {
		const tail = 256
		buf.Grow(tail)
		buf.Write(e.appendTail(buf.AvailableBuffer()))
		return nil
	}
	if _, err := w.Write(e.appendTail(nil)); err != nil {
		return fmt.Errorf("write answer: %w", err)
	}
	return nil
}

// succeed sends a successful answer. A failure while it is on its way breaks the connection.
func (s *Server) succeed(w http.ResponseWriter, e envelope, data any) {
	s.headers.set(w.Header())
	if list, ok := data.(streamer); ok && list.long() {
		const chunk = 64 << 10
		out := bufio.NewWriterSize(w, chunk)
		if e.writeEnvelope(out, data) != nil || out.Flush() != nil {
			loseConnection(w)
		}
		return
	}
	buf := s.buffers.get()
	defer s.buffers.put(buf)
	if err := e.writeEnvelope(buf, data); err != nil {
		vendor := vendorError(err)
		s.fail(w, e, vendor, s.cfg.status.Of(vendor.Name, vendor.Transient))
		return
	}
	send(w, http.StatusOK, buf.Bytes())
}

// errorBody is the value of "error" (storpool-api 2.3).
type errorBody struct {
	Name      string `json:"name"`
	Descr     string `json:"descr"`
	Transient bool   `json:"transient"`
}

func errorBodyOf(e *cluster.Error) errorBody {
	return errorBody{Name: string(e.Name), Descr: e.Descr, Transient: e.Transient}
}

// fail sends an error.
func (s *Server) fail(w http.ResponseWriter, e envelope, err *cluster.Error, status int) {
	s.headers.set(w.Header())
	text, _ := json.Marshal(errorBodyOf(err)) // three plain members always encode
	body := append([]byte(`{"error":`), text...)
	send(w, status, e.appendTail(body))
}

// headers are the values that every answer carries (storpool-api 2.1), made once.
type headers struct{ contentType, cacheControl []string }

func newHeaders() headers {
	return headers{contentType: []string{"application/json"}, cacheControl: []string{"private"}}
}

func (h headers) set(to http.Header) {
	to["Content-Type"] = h.contentType
	to["Cache-Control"] = h.cacheControl
}

// send writes a body of known length. Nobody is left to tell when the caller has gone.
func send(w http.ResponseWriter, status int, body []byte) {
	w.Header().Set("Content-Length", strconv.Itoa(len(body)))
	w.WriteHeader(status)
	_, _ = w.Write(body)
}

// appendText appends a JSON string.
func appendText(b []byte, s string) []byte {
	for i := range len(s) {
		if c := s[i]; c < ' ' || c > '~' || c == '"' || c == '\\' {
			text, _ := json.Marshal(s) // a string always encodes
			return append(b, text...)
		}
	}
	b = append(b, '"')
	b = append(b, s...)
	return append(b, '"')
}

package emulator

import (
	"fmt"
	"net/http"
	"strconv"
)

// truncating lets a part of an answer through and breaks the connection where the rest should come.
type truncating struct {
	http.ResponseWriter
	keep int // bytes; 0 until the header tells the length
	sent int
}

// truncate returns a writer that keeps so many bytes of an answer, or half of it when keep is 0. At least one is left out.
func truncate(w http.ResponseWriter, keep int) *truncating {
	return &truncating{ResponseWriter: w, keep: keep}
}

// WriteHeader announces the whole answer.
func (t *truncating) WriteHeader(status int) {
	const start = 1024 // of a stream, which is longer than that
	whole, err := strconv.Atoi(t.Header().Get("Content-Length"))
	switch {
	case err != nil && t.keep == 0:
		t.keep = start
	case err == nil && t.keep == 0:
		t.keep = whole / 2
	case err == nil:
		t.keep = min(t.keep, whole-1)
	}
	t.ResponseWriter.WriteHeader(status)
}

// Write passes on what may pass and swallows the rest.
func (t *truncating) Write(p []byte) (int, error) {
	if t.keep == 0 && t.sent == 0 {
		t.WriteHeader(http.StatusOK) // a stream has no header of its own
	}
	part := p[:min(len(p), max(0, t.keep-t.sent))]
	if len(part) > 0 {
		n, err := t.ResponseWriter.Write(part)
		t.sent += n
		if err != nil {
			return n, fmt.Errorf("write answer: %w", err)
		}
	}
	return len(p), nil
}

// breakOff ends the connection behind what was sent.
func (t *truncating) breakOff() {
	if r, ok := t.ResponseWriter.(*recorder); ok {
		r.truncated = true
		return
	}
	_ = http.NewResponseController(t.ResponseWriter).Flush() // the caller is meant to miss something either way
	panic(http.ErrAbortHandler)                              // net/http's own way to drop a connection
}

// sendPage answers as a proxy that finds nobody behind it.
func sendPage(w http.ResponseWriter, status int) {
	w.Header().Set("Content-Type", "text/html")
	text := strconv.Itoa(status) + " " + http.StatusText(status)
	send(w, status, []byte("<html><head><title>"+text+"</title></head><body><h1>"+text+"</h1></body></html>\n"))
}

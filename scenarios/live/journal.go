package live

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"time"
)

// line is a line of the journal. Which members it has says what it is.
type line struct {
	// Run begins a journal: the run's name, where its cluster is and when it began. The token is not kept.
	Run   string     `json:"run,omitempty"`
	API   string     `json:"api,omitempty"`
	Began *time.Time `json:"began,omitempty"`

	// Will is a creating call that is about to be made, Scope the tag that its objects will carry.
	Will  string `json:"will,omitempty"`
	Scope string `json:"scope,omitempty"`

	// Made is the global id of what a call has made.
	Made     string `json:"made,omitempty"`
	Snapshot bool   `json:"snapshot,omitempty"`

	// Ended tells that everything was removed.
	Ended bool `json:"ended,omitempty"`
}

// journal is a file of lines. A line is on disk when write returns.
type journal struct {
	mu   sync.Mutex
	file *os.File
}

// newJournal begins a journal. A file that is there is not overwritten: it may be what a killed run has left.
func newJournal(path string, first line) (*journal, error) {
	if err := os.MkdirAll(filepath.Dir(path), 0o750); err != nil {
		return nil, fmt.Errorf("begin the journal: %w", err)
	}
	f, err := os.OpenFile(path, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600) //nolint:gosec // the caller names the file
	if errors.Is(err, os.ErrExist) {
		return nil, fmt.Errorf("%w: the journal %s is there: a run is under way, or was killed. Remove what it left with --cleanup %s, then the file",
			ErrUsage, path, path)
	}
	if err != nil {
		return nil, fmt.Errorf("begin the journal: %w", err)
	}
	j := &journal{file: f}
	return j, j.write(first)
}

// write appends a line and returns when it is on disk.
func (j *journal) write(l line) error {
	raw, err := json.Marshal(l)
	if err != nil {
		return fmt.Errorf("write the journal: %w", err)
	}
	j.mu.Lock()
	defer j.mu.Unlock()
	if _, err := j.file.Write(append(raw, '\n')); err != nil {
		return fmt.Errorf("write the journal: %w", err)
	}
	if err := j.file.Sync(); err != nil {
		return fmt.Errorf("write the journal: %w", err)
	}
	return nil
}

func (j *journal) close() error {
	j.mu.Lock()
	defer j.mu.Unlock()
	if err := j.file.Close(); err != nil {
		return fmt.Errorf("close the journal: %w", err)
	}
	return nil
}

// remove takes the file away.
func (j *journal) remove() error {
	if err := os.Remove(j.file.Name()); err != nil {
		return fmt.Errorf("remove the journal: %w", err)
	}
	return nil
}

// left is what a journal says of its run.
type left struct {
	run   string
	api   string
	ids   map[string]bool // global ids; true for snapshots
	ended bool
}

// readJournal reads a journal, also one whose last line was cut off by a kill.
func readJournal(path string) (left, error) {
	out := left{ids: map[string]bool{}}
	f, err := os.Open(path) //nolint:gosec // the caller names the file
	if err != nil {
		return out, fmt.Errorf("read the journal: %w", err)
	}
	defer func() { _ = f.Close() }() // it was only read
	lines := bufio.NewScanner(f)
	for n := 1; lines.Scan(); n++ {
		var l line
		if err := json.Unmarshal(lines.Bytes(), &l); err != nil {
			if lines.Scan() {
				return out, fmt.Errorf("%w: line %d of the journal %s is no JSON: %w", ErrUsage, n, path, err)
			}
			break // cut off
		}
		switch {
		case l.Run != "":
			out.run, out.api = l.Run, l.API
		case l.Made != "":
			out.ids[l.Made] = l.Snapshot
		case l.Ended:
			out.ended = true
		}
	}
	if err := lines.Err(); err != nil {
		return out, fmt.Errorf("read the journal: %w", err)
	}
	if out.run == "" {
		return out, fmt.Errorf("%w: %s is no journal of a run", ErrUsage, path)
	}
	return out, nil
}

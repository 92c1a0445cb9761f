package emulator

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"time"

	"github.com/spsim/spsim/internal/clock"
)

// keeper keeps a state file up to date.
type keeper struct {
	path  string
	delay time.Duration
	save  func(io.Writer) error
	log   *slog.Logger

	changes atomic.Uint64
	changed chan struct{} // has an element after a change

	cancel context.CancelFunc
	ended  chan struct{}

	mu      sync.Mutex // held while the file is written
	written uint64     // changes that are in the file
}

// keep loads the state file of the options, or writes the first one, and from then on keeps it up to date. It returns
// nil when there is none.
func (s *Server) keep() (*keeper, error) {
	if s.cfg.state == "" {
		return nil, nil
	}
	k := &keeper{
		path: s.cfg.state, delay: s.cfg.stateDelay, save: s.SaveState, log: s.cfg.log,
		changed: make(chan struct{}, 1), ended: make(chan struct{}),
	}
	err := loadFile(k.path, s.LoadState)
	if errors.Is(err, fs.ErrNotExist) {
		err = k.write()
	}
	if err != nil {
		return nil, fmt.Errorf("state file %s: %w", k.path, err)
	}
	s.cluster.Federation().Watch(k.note)
	ctx, cancel := context.WithCancel(context.Background())
	k.cancel = cancel
	go k.run(ctx)
	return k, nil
}

func loadFile(path string, load func(io.Reader) error) error {
	f, err := os.Open(path) //nolint:gosec // the path is the operator's
	if err != nil {
		return err
	}
	defer func() { _ = f.Close() }() // it was only read
	return load(f)
}

// note counts a change. It never waits.
func (k *keeper) note() {
	k.changes.Add(1)
	select {
	case k.changed <- struct{}{}:
	default:
	}
}

// run writes the file after changes. The delay is real time, since it is about the end of this process.
func (k *keeper) run(ctx context.Context) {
	defer close(k.ended)
	for {
		select {
		case <-k.changed:
		case <-ctx.Done():
			return
		}
		if (clock.Real{}).Sleep(ctx, k.delay) != nil {
			return
		}
		if err := k.write(); err != nil {
			k.log.Error("the state file could not be written", slog.String("path", k.path), slog.String("error", err.Error()))
		}
	}
}

// write brings the file up to date.
func (k *keeper) write() error {
	k.mu.Lock()
	defer k.mu.Unlock()
	changes := k.changes.Load()
	if err := replaceFile(k.path, k.save); err != nil {
		return err
	}
	k.written = changes
	return nil
}

// close writes what is not in the file yet and ends the keeping. Closing again changes nothing; nil has nothing to do.
func (k *keeper) close() error {
	if k == nil {
		return nil
	}
	k.cancel()
	<-k.ended
	k.mu.Lock()
	upToDate := k.written == k.changes.Load()
	k.mu.Unlock()
	if upToDate {
		return nil
	}
	if err := k.write(); err != nil {
		return fmt.Errorf("state file %s: %w", k.path, err)
	}
	return nil
}

// replaceFile replaces a file in one step: after a crash at any moment the old or the new one is there, whole.
func replaceFile(path string, write func(io.Writer) error) error {
	fresh := path + ".new" // always the same, so that a crash leaves one at most
	if err := os.Remove(fresh); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	const private = 0o600                                                    // contents and CHAP secrets are in it
	f, err := os.OpenFile(fresh, os.O_WRONLY|os.O_CREATE|os.O_EXCL, private) //nolint:gosec // the path is the operator's
	if err != nil {
		return err
	}
	if err = write(f); err == nil {
		err = f.Sync()
	}
	if err = errors.Join(err, f.Close()); err == nil {
		err = os.Rename(fresh, path)
	}
	if err != nil {
		_ = os.Remove(fresh) // what matters is the first error
		return err
	}
	return syncFolder(filepath.Dir(path))
}

// syncFolder makes a renaming last.
func syncFolder(path string) error {
	d, err := os.Open(path) //nolint:gosec // the path is the operator's
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}

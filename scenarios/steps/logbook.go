package steps

import (
	"context"
	"log/slog"
	"strings"
	"sync"
)

// logbook keeps what driver, hosts and management server log, to look for what must not be there.
type logbook struct {
	mu    sync.Mutex
	lines []string
}

// Enabled accepts everything.
func (*logbook) Enabled(context.Context, slog.Level) bool { return true }

// Handle keeps a line with its attributes as text.
func (l *logbook) Handle(_ context.Context, r slog.Record) error {
	var b strings.Builder
	b.WriteString(r.Message)
	r.Attrs(func(a slog.Attr) bool {
		b.WriteString(" " + a.String())
		return true
	})
	l.mu.Lock()
	defer l.mu.Unlock()
	l.lines = append(l.lines, b.String())
	return nil
}

// WithAttrs keeps the attributes as a line of their own; there is one book for all.
func (l *logbook) WithAttrs(attrs []slog.Attr) slog.Handler {
	r := slog.Record{}
	r.AddAttrs(attrs...)
	_ = l.Handle(context.Background(), r) // never fails
	return l
}

// WithGroup does not part the lines.
func (l *logbook) WithGroup(string) slog.Handler { return l }

// find returns the first line that holds a text.
func (l *logbook) find(text string) (string, bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, line := range l.lines {
		if strings.Contains(line, text) {
			return line, true
		}
	}
	return "", false
}

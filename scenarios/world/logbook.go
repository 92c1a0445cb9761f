package world

import (
	"context"
	"log/slog"
	"strings"
	"sync"
)

// logbook keeps what driver, hosts and management server log, to look for what must not be there.
type logbook struct {
	next *slog.Logger // hears everything too; may be nil

	mu    sync.Mutex
	lines []string
}

// Enabled accepts everything.
func (*logbook) Enabled(context.Context, slog.Level) bool { return true }

// Handle keeps a line with its attributes as text.
func (l *logbook) Handle(ctx context.Context, r slog.Record) error {
	if l.next != nil && l.next.Enabled(ctx, r.Level) {
		if err := l.next.Handler().Handle(ctx, r); err != nil {
			return err
		}
	}
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

// since returns the lines from the n-th on.
func (l *logbook) since(n int) []string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return append([]string(nil), l.lines[n:]...)
}

// find returns the first line that holds a text.
func (l *logbook) find(text string) (string, bool) {
	for _, line := range l.since(0) {
		if strings.Contains(line, text) {
			return line, true
		}
	}
	return "", false
}

// Logged returns the first line that driver, hosts or management server have logged and that holds a text.
func (w *World) Logged(text string) (line string, found bool) { return w.book.find(text) }

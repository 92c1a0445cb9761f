package emulator

import (
	"fmt"
	"slices"
	"strings"

	"github.com/spsim/spsim/emulator/cluster"
	"github.com/spsim/spsim/internal/clock"
)

// TB is what a test lends to [Start]: [testing.T], [testing.B], [testing.F] and rapid's T all have it.
type TB interface {
	Helper()
	Cleanup(f func())
	Errorf(format string, args ...any)
	Fatalf(format string, args ...any)
}

// Start returns a server for one test, on a virtual clock unless the options say otherwise, and closes it when the
// test ends. A fault rule that has changed no call by then fails the test. Start opens no socket: use
// [Server.Client], or [Server.URL] for a client that needs one.
func Start(tb TB, opts ...Option) *Server {
	tb.Helper()
	var s *Server
	tb.Cleanup(func() {
		if s == nil {
			return
		}
		s.reportUnfired(tb)
		s.Close()
	})
	opts = append([]Option{WithClock(clock.NewVirtual(testStart()))}, opts...)
	s, err := New(opts...)
	if err != nil {
		tb.Fatalf("start emulator: %v", err)
		return nil
	}
	return s
}

// reportUnfired fails the test for every fault rule that has changed no call.
func (s *Server) reportUnfired(tb TB) {
	tb.Helper()
	for _, r := range s.faults.Unfired() {
		tb.Errorf("fault rule %+v has changed no call", r)
	}
}

// WriteContent writes data at off into a volume or snapshot, attached or not. It fails the test when that is impossible.
func (s *Server) WriteContent(tb TB, ref cluster.Ref, off int64, data []byte) {
	tb.Helper()
	if err := s.cluster.WriteContent(ref, off, data); err != nil {
		tb.Fatalf("write %d bytes at %d of %s: %v", len(data), off, ref, err)
	}
}

// ReadContent returns n bytes at off of a volume or snapshot, attached or not. It fails the test when that is impossible.
func (s *Server) ReadContent(tb TB, ref cluster.Ref, off int64, n int) []byte {
	tb.Helper()
	data := make([]byte, n)
	if err := s.cluster.ReadContent(ref, off, data); err != nil {
		tb.Fatalf("read %d bytes at %d of %s: %v", n, off, ref, err)
	}
	return data
}

// AssertNoLeaks fails the test when there is a volume or snapshot that is not named in keep (by name or ~globalId),
// or any attachment of one. Snapshots under deletion count as gone.
func (s *Server) AssertNoLeaks(tb TB, keep ...cluster.Ref) {
	tb.Helper()
	for _, l := range s.leaks(keep) {
		tb.Errorf("left on StorPool: %s", l)
	}
}

// leaks describes what is there beyond keep, in order of creation, volumes first.
func (s *Server) leaks(keep []cluster.Ref) []string {
	var out []string
	kept := map[string]bool{}
	objects, _ := everything(s.cluster)
	for o := range objects {
		if s := o.Snap; s != nil && s.Deleted {
			continue
		}
		if slices.Contains(keep, cluster.Ref(o.Name)) || slices.Contains(keep, cluster.Ref("~"+o.GlobalID)) {
			kept[o.GlobalID] = true
			continue
		}
		kind := "volume"
		if o.IsSnapshot() {
			kind = "snapshot"
		}
		var tags []string
		for k, v := range o.Tags.All() {
			tags = append(tags, k+"="+v)
		}
		out = append(out, fmt.Sprintf("%s %s (%d bytes, tags %s)", kind, o.Name, o.Size, strings.Join(tags, " ")))
	}
	for a := range s.cluster.Attachments().All() {
		if !kept[a.GlobalID] {
			out = append(out, fmt.Sprintf("attachment of %s to client %d (%s)", a.ObjectName(), a.Client, a.Rights))
		}
	}
	return out
}

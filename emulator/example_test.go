package emulator_test

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/spsim/spsim/emulator"
	"github.com/spsim/spsim/emulator/fault"
	"github.com/spsim/spsim/internal/clock"
)

// ask makes a call and returns the answer as text.
func ask(s *emulator.Server, method, query, body string) string {
	url := "http://emulator/ctrl/1.0/" + query
	req, err := http.NewRequestWithContext(context.Background(), method, url, strings.NewReader(body))
	if err != nil {
		return err.Error()
	}
	req.Header.Set("Authorization", "Storpool v1:"+s.Token())
	r, err := s.Client().Do(req)
	if err != nil {
		return err.Error()
	}
	defer func() { _ = r.Body.Close() }()
	text, err := io.ReadAll(r.Body)
	if err != nil {
		return err.Error()
	}
	return string(text)
}

// A server without a socket: the default cluster, asked in process.
func ExampleNew() {
	s, err := emulator.New()
	if err != nil {
		fmt.Println(err)
		return
	}
	defer s.Close()
	fmt.Println(ask(s, "GET", "ClustersList", ""))
	// Output: {"data":{"clusters":[{"id":"b","name":"spsim1","location":"home"}]},"generation":1}
}

// In a test one line lends a cluster; it is closed when the test ends.
func ExampleStart() {
	_ = func(t *testing.T) {
		t.Helper()
		s := emulator.Start(t, emulator.WithCluster("sofi.a", "sofia"))
		client := s.Client() // no socket
		_ = client
		_ = s.URL() // opens a socket, for clients that need one
		s.AssertNoLeaks(t)
	}
}

// A rule makes the second VolumeCreate fail in passing, as during a restart of the management.
func ExampleServer_Arm() {
	s, err := emulator.New()
	if err != nil {
		fmt.Println(err)
		return
	}
	defer s.Close()
	rule := fault.Rule{Call: "POST VolumeCreate", Nth: 2, Effect: fault.Effect{Kind: fault.Transient, Error: "starting"}}
	if _, err := s.Arm(rule); err != nil {
		fmt.Println(err)
		return
	}
	for _, name := range []string{"a", "b", "b"} {
		ask(s, "POST", "VolumeCreate", `{"name":"`+name+`","size":512}`)
	}
	for _, c := range s.Calls() {
		fmt.Println(c.Method, c.Query, c.Body, c.Answer, c.Status)
	}
	// Output:
	// POST VolumeCreate {"name":"a","size":512} ok 200
	// POST VolumeCreate {"name":"b","size":512} starting 503
	// POST VolumeCreate {"name":"b","size":512} ok 200
}

// Contents are real: what a host writes to an attached volume is what a snapshot keeps.
func ExampleServer_Host() {
	s, err := emulator.New()
	if err != nil {
		fmt.Println(err)
		return
	}
	defer s.Close()
	ask(s, "POST", "VolumeCreate", `{"name":"disk","size":1048576}`)
	ask(s, "POST", "VolumesReassign", `[{"volume":"disk","rw":[1]}]`)
	d, err := s.Host(1).Open("/dev/storpool/disk")
	if err != nil {
		fmt.Println(err)
		return
	}
	_, _ = d.WriteAt([]byte("first "), 0)
	ask(s, "POST", "VolumeSnapshot/disk", `{"name":"kept"}`)
	_, _ = d.WriteAt([]byte("second"), 0)

	now, then := make([]byte, 6), make([]byte, 6)
	_ = s.Cluster().ReadContent("disk", 0, now)
	_ = s.Cluster().ReadContent("kept", 0, then)
	fmt.Printf("%s|%s\n", now, then)
	// Output: second|first
}

// Time is virtual where a test wants it: ten minutes pass in no time, and what is due happens.
func ExampleWithClock() {
	now := clock.NewVirtual(time.Unix(1_700_000_000, 0))
	s, err := emulator.New(emulator.WithClock(now))
	if err != nil {
		fmt.Println(err)
		return
	}
	defer s.Close()
	ask(s, "POST", "VolumeCreate", `{"name":"disk","size":1048576}`)
	ask(s, "POST", "VolumeSnapshot/disk", `{"name":"kept","deleteAfter":600}`)
	fmt.Println(s.Cluster().Snapshots().Len())
	now.Advance(10 * time.Minute)
	ask(s, "GET", "SnapshotsList", "")
	fmt.Println(s.Cluster().Snapshots().Len())
	// Output:
	// 1
	// 0
}

// Every call of the API is in one table, with the reason where it is not emulated.
func ExampleOperations() {
	for _, o := range emulator.Operations() {
		if o.Query == "VolumeBalancerGroups" {
			fmt.Println(o.Call(), "-", o.Why)
		}
	}
	// Output:
	// GET VolumeBalancerGroups - the public balancer script calls it, and no public source gives the shape of its answer
}

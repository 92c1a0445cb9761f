package agentsim

import (
	"maps"
	"slices"
)

// State is what of a host outlives a command. Between commands Uses holds only what guests use, and Mounts, Stray
// and Unfinished are empty, unless something leaks.
type State struct {
	Up         bool
	Pools      []string         // UUIDs, in order
	Uses       map[string]int   // by StorPool name: how many commands and guests use the device
	Mounts     map[string]int   // by URI: references that are not given back
	Stray      map[string]int64 // regular files in /dev by path, with their length in bytes
	Unfinished int              // files and mounts of commands under way, or of a dead agent
	Guests     []GuestState     // in the order of their names
	Reboots    int
	Prepared   []string // StorPool names of devices that wait for a guest, in order
	Secrets    []string // paths of the encrypted disks whose passphrase libvirt holds, in order: those of guests, here or to come
	Held       int      // passphrases in the agent's memory; between commands 0, unless one was not wiped
}

// GuestState is a running VM with the paths of its disks, in order.
type GuestState struct {
	Name  string
	Disks []string
}

// State observes the host.
func (h *Host) State() State {
	s := State{Uses: map[string]int{}, Mounts: h.mounts.Counts()}
	h.mu.Lock()
	defer h.mu.Unlock()
	s.Up, s.Unfinished, s.Reboots = h.life != nil, len(h.unfinished), h.reboots
	s.Pools = slices.Sorted(maps.Keys(h.pools))
	s.Stray = maps.Clone(h.stray)
	s.Prepared, s.Secrets, s.Held = slices.Sorted(maps.Keys(h.prepared)), slices.Sorted(maps.Keys(h.secrets)), h.held
	for name, e := range h.devices {
		if n := e.runs + e.guests; n > 0 {
			s.Uses[name] = n
		}
	}
	for _, name := range slices.Sorted(maps.Keys(h.guests)) {
		s.Guests = append(s.Guests, GuestState{Name: name, Disks: h.guests[name].Paths()})
	}
	return s
}

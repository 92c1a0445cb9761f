package agentsim

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/spsim/spsim/agentsim/secondary"
	"github.com/spsim/spsim/driver/agentapi"
	"github.com/spsim/spsim/internal/clock"
)

// HostConfig is what a host is made of. UUID, API and Devices are required.
type HostConfig struct {
	UUID string // as in the inventory
	Name string // by which fault rules know it as a caller; the UUID when empty
	// OurID is SP_OURID, the id of the StorPool client on the host; 0 leaves it out of the configuration.
	OurID int
	// ClusterID is SP_CLUSTER_ID, <location>.<cluster>; empty means that there is no StorPool on the host.
	ClusterID string
	// Conf are more lines KEY=VALUE of the StorPool configuration, read before OurID and ClusterID.
	Conf []string
	// API speaks to StorPool in one attempt a call.
	API API
	// Devices are the attached block devices.
	Devices Devices
	// DeviceDelay is the time between an attach and the appearance of the device.
	DeviceDelay time.Duration
	// NoEncryption leaves out the tools for encrypted volumes.
	NoEncryption bool
	// Files are files of the host by path, which only a quirk shows to guests.
	Files map[string][]byte
	// Folder stands for the host's own file system; direct downloads lie in it. Without one there are none.
	Folder string
	// Tools are the host's own tools; without them the host moves bytes itself.
	Tools Tools
	// Mounts are the real mounts of this machine; without them the folder of [Config].Secondary stands for all exports.
	Mounts *secondary.System
	// RecordReboots lets a host that would reboot itself only note the wish; see [Host.RebootWishes].
	RecordReboots bool
	// Throughput is the speed of copies in bytes a second; 0 lets them take no time.
	Throughput int64
}

// Host is a KVM host.
type Host struct {
	fleet   *Fleet
	cfg     HostConfig
	rules   rules
	mounts  *secondary.Mounts
	primary *secondary.Mounts // of guests' disks on pools of files
	locks   *clock.Locks      // by StorPool name

	mu         sync.Mutex
	life       *life // nil while the host is off
	pools      map[string]*Pool
	devices    map[string]*entry // by StorPool name
	guests     map[string]*Guest
	unfinished []*leftover // in the order of their making
	stray      map[string]int64
	delay      time.Duration
	throughput int64
	logBroken  bool
	monitor    error // why the heartbeat thread is dead, nil while it lives
	wishes     int   // reboots that were only recorded
	reboots    int
	boots      int             // how often it has been started
	leaving    map[string]int  // migrations under way, by instance name
	prepared   map[string]bool // StorPool names of devices that wait for a guest
	secrets    secrets         // what libvirt holds
	held       int             // passphrases in the agent's memory
}

// life is the time between two starts of the agent.
type life struct {
	ctx context.Context //nolint:containedctx // it is the life of what the agent runs
	end func()
}

// newLife begins a life. Its end wakes all who sleep in it at once: a clock notices the end of a context of its own,
// and looks at the others then.
func newLife(c clock.Clock) *life {
	ctx, cancel := context.WithCancel(context.Background())
	return &life{ctx: ctx, end: func() {
		cancel()
		_, look := c.WithTimeout(ctx, time.Second)
		look()
	}}
}

func newHost(f *Fleet, cfg HostConfig) *Host {
	if cfg.Name == "" {
		cfg.Name = cfg.UUID
	}
	h := &Host{
		fleet: f, cfg: cfg, rules: f.rules, locks: clock.NewLocks(f.clock),
		devices: map[string]*entry{}, guests: map[string]*Guest{},
		stray: map[string]int64{}, delay: cfg.DeviceDelay, throughput: cfg.Throughput,
	}
	h.life, h.pools = newLife(h.fleet.clock), map[string]*Pool{}
	h.prepared, h.secrets, h.leaving = map[string]bool{}, secrets{}, map[string]int{}
	h.mounts, h.primary = f.mounts(cfg), f.mounts(cfg)
	return h
}

// mounts are counted apart for what commands and what guests use.
func (f *Fleet) mounts(cfg HostConfig) *secondary.Mounts {
	if cfg.Mounts != nil {
		return secondary.NewSystemMounts(cfg.Mounts)
	}
	return secondary.NewMounts(f.secondary)
}

// UUID is the host's UUID in the inventory.
func (h *Host) UUID() string { return h.cfg.UUID }

// Name is the host's name as a caller in fault rules.
func (h *Host) Name() string { return h.cfg.Name }

// Up tells whether the host is switched on.
func (h *Host) Up() bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.life != nil
}

// Reboots counts how often the host has rebooted itself after a heartbeat that failed, or was told to.
func (h *Host) Reboots() int {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.reboots
}

// SetDeviceDelay changes the time between an attach and the appearance of the device.
func (h *Host) SetDeviceDelay(d time.Duration) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.delay = d
}

// SetThroughput changes the speed of copies in bytes a second; 0 lets them take no time.
func (h *Host) SetThroughput(bytesPerSecond int64) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.throughput = bytesPerSecond
}

// BreakLog makes the agent's private log unwritable, or writable again.
func (h *Host) BreakLog(broken bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.logBroken = broken
}

// PowerOff stops the host at once: guests, mounts and commands end, and what was not flushed is lost.
// StorPool's attachments stay, as a cluster keeps them for a client that is down.
func (h *Host) PowerOff() {
	h.end()
	if err := errors.Join(h.mounts.Reboot(), h.primary.Reboot()); err != nil {
		h.fleet.log.Warn("power off", "host", h.cfg.Name, "error", err)
	}
}

// end ends everything that runs on the host.
func (h *Host) end() {
	h.mu.Lock()
	life, guests := h.life, h.guests
	h.life, h.pools, h.guests = nil, map[string]*Pool{}, map[string]*Guest{}
	h.devices, h.stray = map[string]*entry{}, map[string]int64{}
	for _, s := range h.secrets {
		s.Wipe()
	}
	h.prepared, h.secrets, h.held = map[string]bool{}, secrets{}, 0
	h.boots++
	h.mu.Unlock()
	if life != nil {
		life.end()
	}
	for _, g := range guests {
		g.close()
	}
}

// PowerOn starts a host that is off; its agent knows no pools and removes what an earlier life left unfinished.
func (h *Host) PowerOn() {
	h.mu.Lock()
	if h.life != nil {
		h.mu.Unlock()
		return
	}
	h.life, h.monitor = newLife(h.fleet.clock), nil
	left := h.takeUnfinished()
	h.mu.Unlock()
	h.tidyUp(left)
}

// Reboot switches the host off and on.
func (h *Host) Reboot() {
	h.PowerOff()
	h.mu.Lock()
	h.reboots++
	h.mu.Unlock()
	h.PowerOn()
}

// RestartAgent ends the agent and starts it anew: commands end without an answer and pools are forgotten; guests and
// attachments stay (agent 15). The new agent removes files and mounts that the old one left unfinished.
func (h *Host) RestartAgent() {
	h.mu.Lock()
	old := h.life
	if old == nil {
		h.mu.Unlock()
		return
	}
	h.life, h.pools, h.monitor = newLife(h.fleet.clock), map[string]*Pool{}, nil
	h.prepared, h.held = map[string]bool{}, 0
	for name, e := range h.devices {
		if e.runs = 0; e.guests == 0 {
			delete(h.devices, name)
		}
	}
	left := h.takeUnfinished()
	h.mu.Unlock()
	old.end()
	h.tidyUp(left)
}

// takeUnfinished empties the list of leftovers. The lock is held.
func (h *Host) takeUnfinished() []*leftover {
	left := h.unfinished
	h.unfinished = nil
	return left
}

func (h *Host) tidyUp(left []*leftover) {
	for _, l := range slices.Backward(left) { // a file before the mount that it is on
		if err := l.undo(); err != nil {
			h.fleet.log.Warn("tidy up after a restart", "host", h.cfg.Name, "error", err)
		}
	}
}

// leftover is something that must not survive the command that made it.
type leftover struct{ undo func() error }

// keep notes a leftover; the returned function forgets it.
func (h *Host) keep(undo func() error) (forget func()) {
	l := &leftover{undo: undo}
	h.mu.Lock()
	defer h.mu.Unlock()
	h.unfinished = append(h.unfinished, l)
	return func() {
		h.mu.Lock()
		defer h.mu.Unlock()
		h.unfinished = slices.DeleteFunc(h.unfinished, func(o *leftover) bool { return o == l })
	}
}

// conf looks a key up in the StorPool configuration as storpool_confget prints it (agent 3.7).
func (h *Host) conf(key string) string {
	lines := append([]string(nil), h.cfg.Conf...)
	if h.cfg.OurID != 0 {
		lines = append(lines, "SP_OURID="+strconv.Itoa(h.cfg.OurID))
	}
	if h.cfg.ClusterID != "" {
		lines = append(lines, "SP_CLUSTER_ID="+h.cfg.ClusterID)
	}
	for _, line := range lines {
		if k, v, ok := h.rules.confLine(line); ok && k == key {
			return v
		}
	}
	return ""
}

// confLine splits at the first equals sign.
func confLine(line string) (key, value string, ok bool) { return strings.Cut(line, "=") }

// client is the id of the StorPool client here.
func (h *Host) client() (int, error) {
	id, err := strconv.Atoi(h.conf("SP_OURID"))
	if err != nil {
		return 0, errors.New("SP_OURID is missing from the StorPool configuration of host " + h.cfg.Name)
	}
	return id, nil
}

// Guest gives the running VM of an instance name.
func (h *Host) Guest(vm string) (*Guest, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if g := h.guests[vm]; g != nil {
		return g, nil
	}
	return nil, fmt.Errorf("%w: %s on %s", ErrNoGuest, vm, h.cfg.Name)
}

// writeLog writes to the agent's private log, as every adaptor call does.
func (h *Host) writeLog(ctx context.Context, what, path string) error {
	h.fleet.log.DebugContext(ctx, what, "host", h.cfg.Name, "path", path)
	h.mu.Lock()
	broken := h.logBroken
	h.mu.Unlock()
	if broken {
		return h.rules.logFailed(errors.New("storpool-agent.log: read-only file system"))
	}
	return nil
}

// needPool sees to it that the agent knows the pool of a command.
func (h *Host) needPool(p agentapi.Pool) error {
	if _, ok := h.Adaptor().GetStoragePool(p.UUID); ok {
		return nil
	}
	return h.rules.unknownPool(h, p)
}

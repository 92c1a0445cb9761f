package agentsim

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/spsim/spsim/driver/agentapi"
)

// migrating is the state of a VM in whose specification disks are not connected.
const migrating = "Migrating"

// migrate moves a running VM to another host, which has been prepared for it; with its disks when the command names
// new devices for them (agent 9.10). The guest goes on writing all the time. A failure leaves it here as it was.
type migrate struct{ agentapi.Migrate }

// journey is a migration under way.
type journey struct {
	guest *Guest
	to    *Host
	boot  int // of the destination when it began
	stops []passage
}

// passage is a disk on its way.
type passage struct {
	disk   *GuestDisk
	from   string
	path   string // on the destination
	pool   agentapi.Pool
	device Device // on the destination
	copied bool   // it is another device
}

func (c migrate) run(r *run) *agentapi.Answer {
	r.within(c.Wait)
	defer r.host.depart(c.VM.Name)()
	if c.moved(r) {
		return c.finish(r)
	}
	j, err := c.connect(r)
	if err != nil {
		return failed(err)
	}
	if err := j.travel(r); err != nil {
		return failed(errors.Join(err, j.abandon()))
	}
	var trouble []error
	for _, s := range j.stops {
		r.host.drop(s.from)
		r.host.removeSecret(s.from)
	}
	for _, s := range j.stops {
		if err := r.disconnect(s.from); err != nil {
			trouble = append(trouble, err)
		}
	}
	return withWarning(&agentapi.Answer{OK: true}, trouble)
}

// depart counts a migration of a VM as under way until it is ended.
func (h *Host) depart(vm string) (end func()) {
	count := func(n int) {
		h.mu.Lock()
		defer h.mu.Unlock()
		h.leaving[vm] += n
	}
	count(1)
	return func() { count(-1) }
}

// moved tells that an earlier command has moved the guest already.
func (c migrate) moved(r *run) bool {
	if _, err := r.host.Guest(c.VM.Name); err == nil {
		return false
	}
	to, err := r.host.fleet.Host(c.To)
	if err == nil {
		_, err = to.Guest(c.VM.Name)
	}
	return err == nil
}

// finish disconnects what an earlier command has left here.
func (c migrate) finish(r *run) *agentapi.Answer {
	var trouble []error
	for _, d := range c.VM.Disks {
		r.host.removeSecret(d.Path)
		if err := r.disconnect(d.Path); err != nil {
			trouble = append(trouble, err)
		}
	}
	return withWarning(&agentapi.Answer{OK: true, Details: "the VM runs there already"}, trouble)
}

// connect opens the devices on the destination.
func (c migrate) connect(r *run) (j *journey, err error) {
	j = &journey{}
	err = r.step("connect", func(ctx context.Context) (err error) {
		if j.guest, err = r.host.Guest(c.VM.Name); err != nil {
			return err
		}
		if j.to, err = r.host.fleet.Host(c.To); err != nil {
			return err
		}
		if j.to == r.host {
			return alreadyRuns(r.host, c.VM.Name)
		}
		up := false
		if j.boot, up = j.to.bootCount(); !up {
			return fmt.Errorf("%w: %s is off", ErrUnreachable, j.to.Name())
		}
		if _, err := j.to.Guest(c.VM.Name); err == nil {
			return alreadyRuns(j.to, c.VM.Name)
		}
		return j.open(ctx, c.Storage)
	})
	if err != nil {
		return nil, errors.Join(err, j.abandon())
	}
	return j, nil
}

// bootCount counts the starts of the host, and tells whether it is up.
func (h *Host) bootCount() (int, bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.boots, h.life != nil
}

// open opens what the guest will have on the destination. A disk whose path contains a key of the storage map gets
// the new path.
func (j *journey) open(ctx context.Context, storage map[string]string) error {
	for _, d := range j.guest.all() {
		s := passage{disk: d, from: d.Path()}
		s.pool = d.pool
		s.path, s.copied = newPath(s.from, storage)
		if s.copied {
			s.pool = agentapi.Pool{Type: agentapi.StorPool}
		}
		switch {
		case s.copied && d.encrypted():
			return fmt.Errorf("%w: live copy of the encrypted disk %s", ErrUnsupported, s.from)
		case s.pool.Type == agentapi.NetworkFilesystem:
			return fmt.Errorf("%w: live migration with the file %s on both hosts", ErrUnsupported, s.from)
		}
		var err error
		if s.device, err = j.to.openArriving(ctx, s); err != nil {
			return fmt.Errorf("on host %s: %w", j.to.Name(), err)
		}
		j.stops = append(j.stops, s)
		if s.copied {
			if err := mustHold(d, s.device); err != nil {
				return err
			}
		}
	}
	return nil
}

func newPath(path string, storage map[string]string) (string, bool) {
	var keys []string
	for key := range storage {
		if key != "" && strings.Contains(path, key) {
			keys = append(keys, key)
		}
	}
	if len(keys) == 0 {
		return path, false
	}
	return storage[slices.Max(keys)], true
}

// mustHold refuses a device that is smaller than the one that is copied to it.
func mustHold(d *GuestDisk, to Device) error {
	have, err := to.Size()
	if err != nil {
		return err
	}
	need, err := d.room()
	if err == nil && have < need {
		err = fmt.Errorf("%w: a disk of %d bytes goes to a device of %d", ErrUnsupported, need, have)
	}
	return err
}

// openArriving opens the device of a disk that is about to arrive; an encrypted one with the passphrase that was sent
// ahead.
func (h *Host) openArriving(ctx context.Context, p passage) (Device, error) {
	var key agentapi.Secret
	if p.disk.encrypted() {
		if key = h.secret(p.from); key.Empty() {
			return nil, fmt.Errorf("the passphrase of %s has not been sent ahead", p.path)
		}
		defer key.Wipe()
	}
	return h.openFor(ctx, agentapi.Disk{Path: p.path, Pool: p.pool, Passphrase: key})
}

// travel copies the disks and then moves the guest, which must still run where it was.
func (j *journey) travel(r *run) error {
	for i := range j.stops {
		s := &j.stops[i]
		if !s.copied {
			continue
		}
		err := r.step("copy", func(ctx context.Context) error { return s.copy(ctx, r) }, s.from, s.path)
		if err != nil {
			return err
		}
	}
	return r.step("switch", func(context.Context) error { return j.move(r) })
}

// copy mirrors a disk: from now on the guest writes to both devices, and what it has written before is copied chunk by
// chunk, each as it is at that moment.
func (s *passage) copy(ctx context.Context, r *run) error {
	if err := s.disk.mirrorTo(s.device); err != nil {
		return err
	}
	hook := r.host.hook(r)
	for off := int64(0); ; {
		next, moved, err := s.disk.copyChunk(off)
		if err != nil {
			return fmt.Errorf("live copy of %s: %w", s.from, err)
		}
		if next == off {
			return nil
		}
		if err := ctx.Err(); err != nil {
			return err
		}
		if err := hook(ctx, moved); err != nil {
			return err
		}
		off = next
	}
}

// abandon gives up what is open on the destination; disks do not mirror any more.
func (j *journey) abandon() error {
	var trouble []error
	for _, s := range j.stops {
		if s.copied {
			_ = s.disk.mirrorTo(nil) // a disk that is gone has no mirror either
		}
		trouble = append(trouble, s.device.Close())
	}
	j.stops = nil
	return errors.Join(trouble...)
}

// move makes the guest run on the destination, with the devices there.
func (j *journey) move(r *run) error {
	if err := r.alive(); err != nil {
		return err
	}
	if err := j.to.admit(j.guest, j.boot); err != nil {
		return err
	}
	if err := j.guest.moveTo(j.to, j.stops); err != nil {
		j.to.leave(j.guest)
		return err
	}
	r.host.leave(j.guest)
	for _, s := range j.stops {
		j.to.arrive(s.path)
		if s.copied {
			j.to.renameSecret(s.from, s.path)
		}
	}
	return nil
}

// renameSecret keeps a passphrase under the new path of its disk.
func (h *Host) renameSecret(from, to string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if s, ok := h.secrets[from]; ok {
		h.secrets[to] = s
		delete(h.secrets, from)
	}
}

// admit makes a guest known that comes from elsewhere, if the host has been up all the time.
func (h *Host) admit(g *Guest, boot int) error {
	h.mu.Lock()
	defer h.mu.Unlock()
	switch {
	case h.life == nil || h.boots != boot:
		return fmt.Errorf("%w: %s went down during the migration", ErrUnreachable, h.cfg.Name)
	case h.guests[g.name] != nil:
		return alreadyRuns(h, g.name)
	}
	h.guests[g.name] = g
	return nil
}

// leave forgets a guest that runs elsewhere.
func (h *Host) leave(g *Guest) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.guests[g.name] == g {
		delete(h.guests, g.name)
	}
}

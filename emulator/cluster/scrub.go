package cluster

// scrubRate is how fast a disk is checked, in bytes per second.
const scrubRate = 64 << 20

// Scrub is the scrubbing state of a disk.
type Scrub struct {
	Completed int64 // UNIX seconds of the last completed pass
	Started   int64 // UNIX seconds at which the present pass began, 0 when there is none
	Paused    bool
	PausedAt  int64 // UNIX seconds
	Total     int64 // bytes that the present pass checks
	Done      int64 // bytes that it has checked
	Since     int64 // UNIX seconds of Done while the pass goes on
}

// Rate returns the bytes per second that are being checked.
func (s Scrub) Rate() int64 {
	if s.Started == 0 || s.Paused {
		return 0
	}
	return scrubRate
}

// Left returns how many seconds the present pass still takes.
func (s Scrub) Left() int64 { return (s.Total - s.Done + scrubRate - 1) / scrubRate }

// at returns the state at a time in UNIX seconds.
func (s Scrub) at(now int64) Scrub {
	if s.Rate() == 0 {
		return s
	}
	if end := s.Since + s.Left(); end <= now {
		return Scrub{Completed: end}
	}
	s.Done += (now - s.Since) * scrubRate
	s.Since = now
	return s
}

// DiskScrubStart begins a scrubbing pass over what is on a disk; while scrubbing is paused the pass waits. Error:
// [ObjectDoesNotExist].
func (c *Cluster) DiskScrubStart(id int) error {
	seen, err := c.Disk(id)
	if err != nil {
		return err
	}
	return c.changeDisk(id, func(d *disk) error {
		now := c.now().Unix()
		d.Scrub = Scrub{
			Completed: d.Scrub.at(now).Completed, Started: now, Since: now, Total: seen.OnDiskSize, Paused: d.Scrub.Paused,
		}
		if d.Scrub.Paused {
			d.Scrub.PausedAt = now
		}
		return nil
	})
}

// DiskScrubPause pauses or continues scrubbing. Error: [ObjectDoesNotExist].
func (c *Cluster) DiskScrubPause(id int, paused bool) error {
	return c.changeDisk(id, func(d *disk) error {
		now := c.now().Unix()
		s := d.Scrub.at(now)
		switch {
		case paused && !s.Paused:
			s.PausedAt = now
		case !paused && s.Paused:
			s.PausedAt = 0
			s.Since = 0
			if s.Started != 0 {
				s.Since = now
			}
		}
		s.Paused = paused
		d.Scrub = s
		return nil
	})
}

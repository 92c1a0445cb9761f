package cluster

import "time"

// BalancerStatus is what the balancer is doing (storpool-api C).
type BalancerStatus string

// Values of [BalancerStatus], with StorPool's spelling.
const (
	BalancerIdle       BalancerStatus = "nothing to do"
	BalancerBlocked    BalancerStatus = "blocked"
	BalancerWorking    BalancerStatus = "working"
	BalancerReady      BalancerStatus = "ready"
	BalancerCommitting BalancerStatus = "commiting" //nolint:misspell // StorPool spells it so
)

// balancerTime is how long the balancer works, and how long it commits.
const balancerTime = time.Second

// balancer is what the balancer was last told; a zero one was told nothing.
type balancer struct {
	told BalancerStatus // working or committing, "" for nothing
	at   int64          // UNIX nanoseconds
}

// status is what has come of it. A balancer cannot work while disks of placement groups are away.
func (b balancer) status(now time.Time, blocked bool) BalancerStatus {
	done := now.UnixNano()-b.at >= int64(balancerTime)
	switch {
	case b.told == BalancerWorking && blocked:
		return BalancerBlocked
	case b.told == BalancerWorking && done:
		return BalancerReady
	case b.told == BalancerWorking, b.told == BalancerCommitting && !done:
		return b.told
	}
	return BalancerIdle
}

// Balancer returns what the balancer is doing.
func (c *Cluster) Balancer() BalancerStatus {
	c.rlock()
	defer c.mu.RUnlock()
	return c.balancing()
}

func (c *Cluster) balancing() BalancerStatus {
	blocked := false
	for _, d := range c.disks {
		blocked = blocked || !d.Up()
	}
	return c.balancer.status(c.now(), blocked)
}

// BalancerCommand has the balancer start, stop or commit what it has computed. Error: [InvalidParam] for another
// command, and for a commit of a balancer that is not ready.
func (c *Cluster) BalancerCommand(cmd string) error {
	c.lock()
	defer c.mu.Unlock()
	now := c.balancing()
	told := balancer{at: c.now().UnixNano()}
	switch cmd {
	case "start":
		told.told = BalancerWorking
		if now == BalancerWorking || now == BalancerBlocked {
			told = c.balancer
		}
	case "stop":
	case "commit":
		if now != BalancerReady {
			return refuse(InvalidParam, "The balancer is not ready: %s", now)
		}
		told.told = BalancerCommitting
	default:
		return refuse(InvalidParam, "Invalid balancer command '%s'", cmd)
	}
	c.balancer = told
	c.changed()
	return nil
}

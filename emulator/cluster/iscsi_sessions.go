package cluster

import (
	"net/netip"
	"slices"
)

// ISCSISession is the login of an initiator to a target. No iSCSI is spoken here: a session is state that shows in
// the API and ends with its export.
type ISCSISession struct {
	Controller int
	Connection int // counts the sessions of a cluster from 1
	Initiator  string
	Target     string
	Portal     netip.AddrPort
	From       netip.AddrPort // where the initiator is
	Created    int64          // UNIX seconds
}

// ISCSIController is an iSCSI controller with its sessions.
type ISCSIController struct {
	ID       int
	Answers  bool // false for one that is unknown or down
	Sessions []ISCSISession
}

// ISCSIControllers returns the controllers with these ids in their order, or all when there are no ids.
func (c *Cluster) ISCSIControllers(ids ...int) []ISCSIController {
	c.rlock()
	defer c.mu.RUnlock()
	known := c.controllers()
	if len(ids) == 0 {
		ids = known
	}
	all := make([]ISCSIController, len(ids))
	for i, id := range ids {
		all[i] = ISCSIController{ID: id, Answers: slices.Contains(known, id)}
		for _, s := range c.iscsi.sessions {
			if s.Controller == id && all[i].Answers {
				all[i].Sessions = append(all[i].Sessions, s)
			}
		}
	}
	return all
}

// ISCSILogin opens a session as an initiator at from would, on the portal with this address. Errors:
// [ObjectDoesNotExist] for an unknown initiator, portal or target, [AccessDenied] when the target is not exported to
// the initiator in the portal's group or the initiator may not come from there.
func (c *Cluster) ISCSILogin(initiator, target string, from, portal netip.AddrPort) (ISCSISession, error) {
	c.lock()
	defer c.mu.Unlock()
	s := &c.iscsi
	i, err := s.initiator(initiator)
	if err != nil {
		return ISCSISession{}, err
	}
	g, p, err := s.portal(portal)
	if err != nil {
		return ISCSISession{}, err
	}
	if !slices.Contains(i.Exports, ISCSIExportEntry{PortalGroup: g.Name, Target: target}) {
		return ISCSISession{}, refuse(AccessDenied, "Target '%s' is not exported to '%s' in '%s'", target, initiator, g.Name)
	}
	if !slices.ContainsFunc(i.Networks, func(n netip.Prefix) bool { return n.Masked().Contains(from.Addr()) }) {
		return ISCSISession{}, refuse(AccessDenied, "Initiator '%s' may not come from %s", initiator, from.Addr())
	}
	session := ISCSISession{
		Controller: p.Controller, Connection: 1, Initiator: initiator, Target: target,
		Portal: portal, From: from, Created: c.now().Unix(),
	}
	for _, other := range s.sessions {
		session.Connection = max(session.Connection, other.Connection+1)
	}
	s.sessions = append(slices.Clip(s.sessions), session)
	c.fed.touch()
	return session, nil
}

// ISCSILogout ends a session. Error: [ObjectDoesNotExist].
func (c *Cluster) ISCSILogout(connection int) error {
	c.lock()
	defer c.mu.Unlock()
	s := &c.iscsi
	i := slices.IndexFunc(s.sessions, func(x ISCSISession) bool { return x.Connection == connection })
	if i < 0 {
		return refuse(ObjectDoesNotExist, "iSCSI session %d does not exist", connection)
	}
	s.sessions = slices.Delete(slices.Clone(s.sessions), i, i+1)
	c.fed.touch()
	return nil
}

func (s *iscsi) portal(at netip.AddrPort) (ISCSIPortalGroup, ISCSIPortal, error) {
	for _, g := range s.groups {
		for _, p := range g.Portals {
			if p.Addr == at {
				return g, p, nil
			}
		}
	}
	return ISCSIPortalGroup{}, ISCSIPortal{}, missing("Portal", at.String())
}

// dropSessions ends the sessions that nothing permits any more.
func (s *iscsi) dropSessions() {
	permitted := func(x ISCSISession) bool {
		g, _, err := s.portal(x.Portal)
		return err == nil &&
			slices.Contains(s.initiators[x.Initiator].Exports, ISCSIExportEntry{PortalGroup: g.Name, Target: x.Target})
	}
	kept := make([]ISCSISession, 0, len(s.sessions))
	for _, x := range s.sessions {
		if permitted(x) {
			kept = append(kept, x)
		}
	}
	s.sessions = kept
}

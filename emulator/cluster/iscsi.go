package cluster

import (
	"cmp"
	"maps"
	"net/netip"
	"slices"
)

// Bounds of the iSCSI configuration, storpool-api Appendix C.
const (
	maxISCSIID  = 4095
	maxISCSI    = 223 // bytes of an iSCSI name
	iscsiPort   = 3260
	iscsiPrefix = "iqn.2019-08.com.storpool:" // head of the base name until somebody sets one
)

// ISCSI is the iSCSI configuration as it was at one moment, each list by id (storpool-api 13).
type ISCSI struct {
	BaseName     string
	PortalGroups []ISCSIPortalGroup
	Targets      []ISCSITarget
	Initiators   []ISCSIInitiator
}

// ISCSIPortalGroup is a group of portals with the networks that they are reached in.
type ISCSIPortalGroup struct {
	ID       int
	Name     string
	Networks []netip.Prefix // the address is that of the request, not the first of the network
	Portals  []ISCSIPortal
}

// ISCSIPortal is an address at which a controller serves targets.
type ISCSIPortal struct {
	Controller int
	Addr       netip.AddrPort
}

// ISCSITarget offers a volume to initiators. Its name stays when the volume is renamed.
type ISCSITarget struct {
	ID         int
	Name       string
	Volume     string // present name
	VolumeID   int64  // VisibleID of the volume
	Controller int    // that serves the target; 0 when the cluster has no controller
}

// ISCSIInitiator is a host that may log in to the targets that are exported to it.
type ISCSIInitiator struct {
	ID       int
	Name     string
	Username string
	Secret   string         // CHAP
	Networks []netip.Prefix // that it may come from
	Exports  []ISCSIExportEntry
}

// ISCSIExportEntry is a target that an initiator may use in a portal group.
type ISCSIExportEntry struct{ PortalGroup, Target string }

// iscsi is the state behind [ISCSI]. What it holds never changes: a command puts new values in the places of old
// ones, so that a shallow copy is a copy.
type iscsi struct {
	baseName   string
	groups     map[string]ISCSIPortalGroup // by name
	targets    map[int64]ISCSITarget       // by VisibleID of the volume
	initiators map[string]ISCSIInitiator   // by name
	sessions   []ISCSISession              // oldest first
}

func newISCSI(baseName string) iscsi {
	return iscsi{
		baseName: baseName, groups: map[string]ISCSIPortalGroup{},
		targets: map[int64]ISCSITarget{}, initiators: map[string]ISCSIInitiator{},
	}
}

func (s iscsi) clone() iscsi {
	s.groups, s.targets, s.initiators = maps.Clone(s.groups), maps.Clone(s.targets), maps.Clone(s.initiators)
	return s
}

// ISCSIConfig returns the iSCSI configuration.
func (c *Cluster) ISCSIConfig() ISCSI {
	c.rlock()
	defer c.mu.RUnlock()
	out := ISCSI{BaseName: c.iscsi.baseName}
	for _, g := range c.iscsi.groups {
		out.PortalGroups = append(out.PortalGroups, g)
	}
	for id, t := range c.iscsi.targets {
		t.Volume, t.Controller = c.byID(id).Name, c.controllerOf(t)
		out.Targets = append(out.Targets, t)
	}
	for _, i := range c.iscsi.initiators {
		out.Initiators = append(out.Initiators, i)
	}
	slices.SortFunc(out.PortalGroups, func(a, b ISCSIPortalGroup) int { return cmp.Compare(a.ID, b.ID) })
	slices.SortFunc(out.Targets, func(a, b ISCSITarget) int { return cmp.Compare(a.ID, b.ID) })
	slices.SortFunc(out.Initiators, func(a, b ISCSIInitiator) int { return cmp.Compare(a.ID, b.ID) })
	return out
}

// ISCSIConfigChange applies commands in order, all of them or none (storpool-api 13). Errors:
// [ObjectDoesNotExist], [ObjectExists], [InvalidParam], [Busy], [InsufficientResources].
func (c *Cluster) ISCSIConfigChange(commands ...ISCSICommand) error {
	c.lock()
	defer c.mu.Unlock()
	s := c.iscsi.clone()
	for _, command := range commands {
		if err := command.apply(c, &s); err != nil {
			return err
		}
	}
	s.dropSessions()
	c.iscsi = s
	if len(commands) > 0 {
		c.changed()
	}
	return nil
}

// controllerOf spreads the targets over the controllers that have a portal, or over all as long as none has.
func (c *Cluster) controllerOf(t ISCSITarget) int {
	var ids []int
	for _, g := range c.iscsi.groups {
		for _, p := range g.Portals {
			ids = append(ids, p.Controller)
		}
	}
	slices.Sort(ids)
	if ids = slices.Compact(ids); len(ids) == 0 {
		ids = c.controllers()
	}
	if len(ids) == 0 {
		return 0
	}
	return ids[(t.ID-1)%len(ids)]
}

// controllers returns the ids of the iSCSI controllers.
func (c *Cluster) controllers() []int {
	ids := make([]int, c.model.ISCSITargets)
	for i := range ids {
		ids[i] = i + 1
	}
	return ids
}

// unexported refuses to take away a volume that is an iSCSI target.
func (c *Cluster) unexported(n *node) error {
	if t, ok := c.iscsi.targets[n.id()]; ok {
		return refuse(Busy, "Volume '%s' is the iSCSI target '%s'", n.shown(), t.Name)
	}
	return nil
}

// forget drops the target of a volume that has left the cluster, with its exports.
func (s *iscsi) forget(volume int64) {
	t, ok := s.targets[volume]
	if !ok {
		return
	}
	delete(s.targets, volume)
	for name, i := range s.initiators {
		i.Exports = slices.DeleteFunc(slices.Clone(i.Exports), func(e ISCSIExportEntry) bool { return e.Target == t.Name })
		s.initiators[name] = i
	}
	s.dropSessions()
}

// freeID returns the lowest id from 1 that nothing has.
func freeID[K comparable, V any](all map[K]V, id func(V) int) int {
	used := make(map[int]bool, len(all))
	for _, v := range all {
		used[id(v)] = true
	}
	for n := 1; ; n++ {
		if !used[n] {
			return n
		}
	}
}

func validISCSIName(s string) bool {
	for i := range len(s) {
		if c := s[i]; 'A' <= c && c <= 'Z' {
			return false
		}
	}
	return made(s, "-.:", maxISCSI)
}

func validPortalGroup(s string) bool { return made(s, "_-.:", maxName) }

func (s *iscsi) group(name string) (ISCSIPortalGroup, error) {
	if g, ok := s.groups[name]; ok {
		return g, nil
	}
	return ISCSIPortalGroup{}, missing("Portal group", name)
}

func (s *iscsi) initiator(name string) (ISCSIInitiator, error) {
	if i, ok := s.initiators[name]; ok {
		return i, nil
	}
	return ISCSIInitiator{}, missing("Initiator", name)
}

// target finds the target of a volume.
func (s *iscsi) target(c *Cluster, volume Ref) (ISCSITarget, error) {
	n, err := c.volume(volume)
	if err != nil {
		return ISCSITarget{}, err
	}
	if t, ok := s.targets[n.id()]; ok {
		return t, nil
	}
	return ISCSITarget{}, missing("iSCSI target of volume", string(volume))
}

// exported tells whether some initiator has an export that is as asked.
func (s *iscsi) exported(as func(ISCSIExportEntry) bool) bool {
	for _, i := range s.initiators {
		if slices.ContainsFunc(i.Exports, as) {
			return true
		}
	}
	return false
}

func network(text string) (netip.Prefix, error) {
	p, err := netip.ParsePrefix(text)
	if err != nil {
		return p, refuse(InvalidParam, "Invalid network '%s'", text)
	}
	return p, nil
}

func address(ip string, port int) (netip.AddrPort, error) {
	const last = 1<<16 - 1
	a, err := netip.ParseAddr(ip)
	if err != nil || a.Zone() != "" {
		return netip.AddrPort{}, refuse(InvalidParam, "Invalid address '%s'", ip)
	}
	if port = cmp.Or(port, iscsiPort); port < 1 || port > last {
		return netip.AddrPort{}, refuse(InvalidParam, "Invalid port %d", port)
	}
	return netip.AddrPortFrom(a, uint16(port)), nil
}

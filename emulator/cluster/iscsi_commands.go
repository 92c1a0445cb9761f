package cluster

import "slices"

// ISCSICommand is one change of the iSCSI configuration, for [Cluster.ISCSIConfigChange].
type ISCSICommand interface {
	// apply changes s, which is a copy of its own.
	apply(c *Cluster, s *iscsi) error
}

// The commands, with the members of the API (storpool-api 13). A port of 0 is 3260.
type (
	// ISCSISetBaseName names what new targets begin with; existing targets keep their names.
	ISCSISetBaseName struct{ Name string }
	// ISCSICreatePortalGroup makes a portal group.
	ISCSICreatePortalGroup struct{ Name string }
	// ISCSIDeletePortalGroup removes a portal group; [Busy] while it has portals or exports.
	ISCSIDeletePortalGroup struct{ Name string }
	// ISCSIPortalGroupAddNetwork adds a network in CIDR form to a portal group.
	ISCSIPortalGroupAddNetwork struct{ PortalGroup, Net string }
	// ISCSICreatePortal adds a portal of a controller to a portal group.
	ISCSICreatePortal struct {
		PortalGroup string
		Controller  int
		IP          string
		Port        int
	}
	// ISCSIDeletePortal removes the portal with this address.
	ISCSIDeletePortal struct {
		IP   string
		Port int
	}
	// ISCSICreateTarget makes the target of a volume.
	ISCSICreateTarget struct{ Volume Ref }
	// ISCSIDeleteTarget removes the target of a volume; [InvalidParam] while it is exported.
	ISCSIDeleteTarget struct{ Volume Ref }
	// ISCSICreateInitiator makes an initiator; user name and CHAP secret may be empty.
	ISCSICreateInitiator struct{ Name, Username, Secret string }
	// ISCSIDeleteInitiator removes an initiator; [Busy] while something is exported to it.
	ISCSIDeleteInitiator struct{ Name string }
	// ISCSIInitiatorAddNetwork lets an initiator come from a network in CIDR form.
	ISCSIInitiatorAddNetwork struct{ Initiator, Net string }
	// ISCSIExport exports the target of a volume to an initiator in a portal group.
	ISCSIExport struct {
		Initiator, PortalGroup string
		Volume                 Ref
	}
	// ISCSIExportDelete takes such an export back and ends its sessions.
	ISCSIExportDelete struct {
		Initiator, PortalGroup string
		Volume                 Ref
	}
)

func (x ISCSISetBaseName) apply(_ *Cluster, s *iscsi) error {
	if !validISCSIName(x.Name) {
		return refuse(InvalidParam, "Invalid iSCSI base name '%s'", x.Name)
	}
	s.baseName = x.Name
	return nil
}

func (x ISCSICreatePortalGroup) apply(_ *Cluster, s *iscsi) error {
	if !validPortalGroup(x.Name) {
		return refuse(InvalidParam, "Invalid portal group name '%s'", x.Name)
	}
	if _, taken := s.groups[x.Name]; taken {
		return refuse(ObjectExists, "Portal group '%s' already exists", x.Name)
	}
	id := freeID(s.groups, func(g ISCSIPortalGroup) int { return g.ID })
	s.groups[x.Name] = ISCSIPortalGroup{ID: id, Name: x.Name}
	return nil
}

func (x ISCSIDeletePortalGroup) apply(_ *Cluster, s *iscsi) error {
	g, err := s.group(x.Name)
	if err != nil {
		return err
	}
	if len(g.Portals) > 0 || s.exported(func(e ISCSIExportEntry) bool { return e.PortalGroup == x.Name }) {
		return refuse(Busy, "Portal group '%s' is in use", x.Name)
	}
	delete(s.groups, x.Name)
	return nil
}

func (x ISCSIPortalGroupAddNetwork) apply(_ *Cluster, s *iscsi) error {
	g, err := s.group(x.PortalGroup)
	if err != nil {
		return err
	}
	net, err := network(x.Net)
	if err != nil {
		return err
	}
	if slices.Contains(g.Networks, net) {
		return refuse(ObjectExists, "Portal group '%s' already has network '%s'", x.PortalGroup, x.Net)
	}
	g.Networks = append(slices.Clip(g.Networks), net)
	s.groups[g.Name] = g
	return nil
}

func (x ISCSICreatePortal) apply(c *Cluster, s *iscsi) error {
	g, err := s.group(x.PortalGroup)
	if err != nil {
		return err
	}
	at, err := address(x.IP, x.Port)
	if err != nil {
		return err
	}
	if !slices.Contains(c.controllers(), x.Controller) {
		return refuse(ObjectDoesNotExist, "iSCSI controller %d does not exist", x.Controller)
	}
	for _, other := range s.groups {
		if slices.ContainsFunc(other.Portals, func(p ISCSIPortal) bool { return p.Addr == at }) {
			return refuse(ObjectExists, "Portal '%s' already exists", at)
		}
	}
	g.Portals = append(slices.Clip(g.Portals), ISCSIPortal{Controller: x.Controller, Addr: at})
	s.groups[g.Name] = g
	return nil
}

func (x ISCSIDeletePortal) apply(_ *Cluster, s *iscsi) error {
	at, err := address(x.IP, x.Port)
	if err != nil {
		return err
	}
	for _, g := range s.groups {
		if i := slices.IndexFunc(g.Portals, func(p ISCSIPortal) bool { return p.Addr == at }); i >= 0 {
			g.Portals = slices.Delete(slices.Clone(g.Portals), i, i+1)
			s.groups[g.Name] = g
			return nil
		}
	}
	return missing("Portal", at.String())
}

func (x ISCSICreateTarget) apply(c *Cluster, s *iscsi) error {
	n, err := c.volume(x.Volume)
	if err != nil {
		return err
	}
	name := s.baseName + ":" + n.shown()
	if !validISCSIName(name) {
		return refuse(InvalidParam, "Volume '%s' cannot be a target: '%s' is no iSCSI name", n.shown(), name)
	}
	for _, t := range s.targets {
		if t.VolumeID == n.id() || t.Name == name {
			return refuse(ObjectExists, "iSCSI target '%s' already exists", t.Name)
		}
	}
	id := freeID(s.targets, func(t ISCSITarget) int { return t.ID })
	s.targets[n.id()] = ISCSITarget{ID: id, Name: name, VolumeID: n.id()}
	return nil
}

func (x ISCSIDeleteTarget) apply(c *Cluster, s *iscsi) error {
	t, err := s.target(c, x.Volume)
	if err != nil {
		return err
	}
	if s.exported(func(e ISCSIExportEntry) bool { return e.Target == t.Name }) {
		return refuse(InvalidParam, "iSCSI target '%s' is exported", t.Name)
	}
	delete(s.targets, t.VolumeID)
	return nil
}

func (x ISCSICreateInitiator) apply(_ *Cluster, s *iscsi) error {
	if !validISCSIName(x.Name) {
		return refuse(InvalidParam, "Invalid initiator name '%s'", x.Name)
	}
	if _, taken := s.initiators[x.Name]; taken {
		return refuse(ObjectExists, "Initiator '%s' already exists", x.Name)
	}
	id := freeID(s.initiators, func(i ISCSIInitiator) int { return i.ID })
	if id > maxISCSIID {
		return refuse(InsufficientResources, "There are %d initiators already", maxISCSIID)
	}
	s.initiators[x.Name] = ISCSIInitiator{ID: id, Name: x.Name, Username: x.Username, Secret: x.Secret}
	return nil
}

func (x ISCSIDeleteInitiator) apply(_ *Cluster, s *iscsi) error {
	i, err := s.initiator(x.Name)
	if err != nil {
		return err
	}
	if len(i.Exports) > 0 {
		return refuse(Busy, "Initiator '%s' has exports", x.Name)
	}
	delete(s.initiators, x.Name)
	return nil
}

func (x ISCSIInitiatorAddNetwork) apply(_ *Cluster, s *iscsi) error {
	i, err := s.initiator(x.Initiator)
	if err != nil {
		return err
	}
	net, err := network(x.Net)
	if err != nil {
		return err
	}
	if slices.Contains(i.Networks, net) {
		return refuse(ObjectExists, "Initiator '%s' already has network '%s'", x.Initiator, x.Net)
	}
	i.Networks = append(slices.Clip(i.Networks), net)
	s.initiators[i.Name] = i
	return nil
}

// entry finds the parts of an export.
func (s *iscsi) entry(c *Cluster, initiator, group string, volume Ref) (ISCSIInitiator, ISCSIExportEntry, error) {
	i, err := s.initiator(initiator)
	if err != nil {
		return i, ISCSIExportEntry{}, err
	}
	if _, err = s.group(group); err != nil {
		return i, ISCSIExportEntry{}, err
	}
	t, err := s.target(c, volume)
	return i, ISCSIExportEntry{PortalGroup: group, Target: t.Name}, err
}

func (x ISCSIExport) apply(c *Cluster, s *iscsi) error {
	i, e, err := s.entry(c, x.Initiator, x.PortalGroup, x.Volume)
	if err != nil {
		return err
	}
	if slices.Contains(i.Exports, e) {
		return refuse(ObjectExists, "Target '%s' is exported to '%s' already", e.Target, x.Initiator)
	}
	i.Exports = append(slices.Clip(i.Exports), e)
	s.initiators[i.Name] = i
	return nil
}

func (x ISCSIExportDelete) apply(c *Cluster, s *iscsi) error {
	i, e, err := s.entry(c, x.Initiator, x.PortalGroup, x.Volume)
	if err != nil {
		return err
	}
	at := slices.Index(i.Exports, e)
	if at < 0 {
		return refuse(ObjectDoesNotExist, "Target '%s' is not exported to '%s' in '%s'", e.Target, x.Initiator, x.PortalGroup)
	}
	i.Exports = slices.Delete(slices.Clone(i.Exports), at, at+1)
	s.initiators[i.Name] = i
	return nil
}

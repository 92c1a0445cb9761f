package cluster

import "cmp"

// defaultGroup holds volumes for which neither request nor template nor source says anything else.
const defaultGroup = "default"

// maxShared bounds the table of shared settings.
const maxShared = 4096

// resolve finds the settings of an object: the request wins over the template of the request, that over the
// source, that over the defaults (storpool-api 6.1). src and t may be nil.
func (c *Cluster) resolve(p Policy, t *template, src *Settings) (*Settings, error) {
	if err := c.checkPolicy(p); err != nil {
		return nil, err
	}
	var s Settings
	if src != nil {
		s = *src
	}
	if t != nil {
		s.apply(t.policy)
		s.Template, s.TemplateID = t.name, t.id
	}
	s.apply(p)
	if s.Replication == 0 {
		s.Replication = c.model.Replication
	}
	s.PlaceAll = cmp.Or(s.PlaceAll, defaultGroup)
	s.PlaceTail = cmp.Or(s.PlaceTail, s.PlaceAll)
	s.PlaceHead = cmp.Or(s.PlaceHead, s.PlaceAll)
	for _, g := range []string{s.PlaceAll, s.PlaceTail, s.PlaceHead} {
		if c.groups[g] == nil {
			return nil, missing("Placement group", g)
		}
	}
	if src != nil && s == *src {
		return src, nil
	}
	return c.share(s), nil
}

// apply overwrites what the policy sets.
func (s *Settings) apply(p Policy) {
	if p.Replication != nil {
		s.Replication = *p.Replication
	}
	s.PlaceAll = cmp.Or(p.PlaceAll, s.PlaceAll)
	s.PlaceTail = cmp.Or(p.PlaceTail, s.PlaceTail)
	s.PlaceHead = cmp.Or(p.PlaceHead, s.PlaceHead)
	if p.BW != nil {
		s.BW = *p.BW
	}
	if p.IOPS != nil {
		s.IOPS = *p.IOPS
	}
	if p.ReuseServer != nil {
		s.ReuseServer = *p.ReuseServer
	}
}

// share returns the one value that all objects with these settings use.
func (c *Cluster) share(s Settings) *Settings {
	if shared := c.settings[s]; shared != nil {
		return shared
	}
	if len(c.settings) >= maxShared {
		clear(c.settings)
	}
	c.settings[s] = &s
	return &s
}

func (c *Cluster) checkPolicy(p Policy) error {
	if r := p.Replication; r != nil && (*r < 1 || *r > maxReplicas) {
		return refuse(InvalidParam, "Invalid replication %d: not in 1..%d", *r, maxReplicas)
	}
	if l := p.BW; l != nil && *l < 0 {
		return refuse(InvalidParam, "Invalid bw %d", *l)
	}
	if l := p.IOPS; l != nil && *l < 0 {
		return refuse(InvalidParam, "Invalid iops %d", *l)
	}
	for _, g := range []string{p.PlaceAll, p.PlaceTail, p.PlaceHead} {
		switch {
		case g == "":
		case !validGroupName(g):
			return refuse(InvalidParam, "Invalid placement group name '%s'", g)
		case c.groups[g] == nil:
			return missing("Placement group", g)
		}
	}
	return nil
}

// checkGrowth is checkSize that also refuses where the disks have no room.
func (c *Cluster) checkGrowth(size int64, s *Settings) error {
	for _, g := range []string{s.PlaceAll, s.PlaceTail, s.PlaceHead} {
		if c.full(g) {
			return refuse(InsufficientResources, "The disks of placement group '%s' have no room left", g)
		}
	}
	return c.checkSize(size, s)
}

// checkSize refuses sizes off the granularity and sizes that the disks of the settings cannot hold.
func (c *Cluster) checkSize(size int64, s *Settings) error {
	if size <= 0 || size%c.does.SizeGranularity != 0 {
		return refuse(InvalidParam, "Invalid size %d: not a positive multiple of %d", size, c.does.SizeGranularity)
	}
	limit := c.does.MaxVolumeSize
	if limit == 0 {
		limit = c.capacity(s)
	}
	if size > limit {
		return refuse(InsufficientResources, "Size %d is more than the %d bytes that the cluster can hold", size, limit)
	}
	return nil
}

// capacity returns how many bytes of client data the placement groups of the settings hold.
func (c *Cluster) capacity(s *Settings) int64 {
	least := min(c.groups[s.PlaceAll].usable, c.groups[s.PlaceTail].usable, c.groups[s.PlaceHead].usable)
	return least / int64(s.Replication)
}

package cluster

import "strings"

// Locations lists the locations that the cluster knows, its own first. Buffer sizes of 0 leave the choice to the
// system.
func (c *Cluster) Locations() []Location {
	own, _, _ := strings.Cut(c.id, ".")
	all := []Location{{ID: own, Name: c.model.Location}}
	for _, l := range c.model.Locations {
		all = append(all, Location{ID: l.ID, Name: l.Name})
	}
	return all
}

// Peers lists the clusters that this one knows, itself first.
func (c *Cluster) Peers() []Peer {
	_, sub, _ := strings.Cut(c.id, ".")
	all := []Peer{{ID: sub, Name: c.name, Location: c.model.Location}}
	for _, m := range c.model.Clusters {
		all = append(all, Peer(m))
	}
	return all
}

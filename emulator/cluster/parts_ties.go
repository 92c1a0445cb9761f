package cluster

import "fmt"

type savedExport struct {
	Object int64  `json:"object"` // VisibleID
	To     string `json:"to"`     // id of a location, for a volume of a cluster
	Backup bool   `json:"backup,omitempty"`
}

type savedTies struct {
	Exports []savedExport `json:"exports"`
}

func (c *Cluster) saveTies() savedTies {
	all := savedTies{Exports: []savedExport{}}
	for _, l := range []List[*Object]{{c.volumes}, {c.snapshots}} {
		for o := range l.All() {
			for _, e := range o.node.exports() {
				all.Exports = append(all.Exports, savedExport{o.VisibleID, e.to, e.backup})
			}
		}
	}
	return all
}

func (c *Cluster) loadTies(all savedTies) error {
	for _, e := range all.Exports {
		o := c.byID(e.Object)
		if o == nil || e.To == "" || o.node.exportedTo(e.To) {
			return fmt.Errorf("export of %d to %q: unknown or there twice", e.Object, e.To)
		}
		o.node.addExport(export{to: e.To, backup: e.Backup})
	}
	return nil
}

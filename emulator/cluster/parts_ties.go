package cluster

import "fmt"

type savedExport struct {
	Object int64  `json:"object"` // VisibleID
	To     string `json:"to"`     // id of a location, for a volume of a cluster
	Backup bool   `json:"backup,omitempty"`
}

type savedTransfer struct {
	Object int64  `json:"object"` // VisibleID of the copy
	In     string `json:"in"`     // cluster id of the source
	Source int64  `json:"source"` // VisibleID, 0 for a torn one
	From   int64  `json:"from"`   // UNIX nanoseconds
	Until  int64  `json:"until"`
	Backup bool   `json:"backup,omitempty"`
	Torn   bool   `json:"torn,omitempty"`
}

type savedTies struct {
	Exports   []savedExport   `json:"exports"`
	Transfers []savedTransfer `json:"transfers"`
}

func (c *Cluster) saveTies() savedTies {
	all := savedTies{Exports: []savedExport{}, Transfers: []savedTransfer{}}
	for _, l := range []List[*Object]{{c.volumes}, {c.snapshots}} {
		for o := range l.All() {
			for _, e := range o.node.exports() {
				all.Exports = append(all.Exports, savedExport{o.VisibleID, e.to, e.backup})
			}
			if o.node.ties == nil || o.node.ties.transfer == nil {
				continue
			}
			t := o.node.ties.transfer
			s := savedTransfer{Object: o.VisibleID, From: t.from, Until: t.until, Backup: t.backup, Torn: t.torn}
			if !t.torn {
				s.In, s.Source = t.source.home().id, t.source.id()
			}
			all.Transfers = append(all.Transfers, s)
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
	for _, s := range all.Transfers {
		o := c.byID(s.Object)
		if o == nil || !o.IsSnapshot() || o.node.ties != nil && o.node.ties.transfer != nil {
			return fmt.Errorf("transfer of %d: unknown or there twice", s.Object)
		}
		t := &transfer{copy: o.node, from: s.From, until: s.Until, backup: s.Backup, torn: s.Torn}
		if !t.torn {
			source := c.objectIn(s.In, s.Source)
			if source == nil || !source.IsSnapshot() {
				return fmt.Errorf("transfer of %d: unknown source", s.Object)
			}
			t.source = source.node
			t.source.tied().readers = append(t.source.tied().readers, t)
		}
		o.node.tied().transfer = t
	}
	return nil
}

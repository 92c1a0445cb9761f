package cover

import (
	"slices"
	"strings"
)

// Reason says why cells have no scenario.
type Reason struct {
	// Why is what makes no sense there, or who says that it is unsupported.
	Why string

	rows string   // the numbers of the rows, with blanks between them; empty for all
	dims []string // what the cell has, as [Cell.String] puts it; all of them
}

// covers tells whether the reason is about the cell.
func (r Reason) covers(c Cell) bool {
	if r.rows != "" && !slices.Contains(strings.Fields(r.rows), c.Row) {
		return false
	}
	has := c.dims()
	return !slices.ContainsFunc(r.dims, func(d string) bool { return !slices.Contains(has, d) })
}

// Reasons returns the reasons; of several for one cell the first counts.
func Reasons() []Reason {
	const (
		once   = "the row acts on a pool, a host or a template, not on a disk: it is counted once, as for a plain detached DATA disk"
		bypass = "the bypass is about volume snapshots only (the plugin's README), and the row handles none"
	)
	return []Reason{
		{once, "17 25 26 29", []string{"ROOT"}},
		{once, "17 25 26 29", []string{"attached"}},
		{once, "17 25 26 29", []string{"encrypted"}},
		{"the row is about ROOT volumes only (driver-management 16)", "01 02 07", []string{"DATA"}},
		{"the row is about DATA volumes only (driver-management 16)", "03 08", []string{"ROOT"}},
		{"CloudStack creates the ROOT volume on StorPool when its VM first starts; before that it is a record", "01 02", []string{"detached"}},
		{"a ROOT disk is attached when its VM starts, never to a VM that runs", "04", []string{"ROOT", "attached"}},
		{"only a VM that runs is migrated on the same storage", "06", []string{"detached"}},
		{"only a VM that was running is restarted elsewhere", "27", []string{"detached"}},
		{"a snapshot is copied to a zone on another StorPool; there is none", "28", []string{"one cluster"}},
		{"a VM snapshot stays on StorPool whatever the bypass says (driver-strategies)", "19 20 21", []string{"bypass on"}},
		{bypass, "01 02 03 04 05 06 07 08 11 13 15 17 18 22 23 24 25 26 27 29", []string{"bypass on"}},
	}
}

// dims returns the words for the cell's dimensions.
func (c Cell) dims() []string {
	return []string{
		string(c.Kind), word(c.Attached, "attached", "detached"), word(c.Encrypted, "encrypted", "plain"),
		word(c.Bypass, "bypass on", "bypass off"), word(c.Two, "two clusters", "one cluster"),
	}
}

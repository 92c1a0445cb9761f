package report

import "fmt"

// Action is a row of the action matrix.
type Action struct {
	// Row is the number in driver-management section 16, two digits.
	Row string
	// Name is the plugin's name for the action.
	Name string
	// Further tells that the plugin does it and its own table does not name it.
	Further bool
}

// own is the number of rows in the plugin's own table; those after it are further actions.
const own = 23

// Tag is the tag of scenarios that belong to the row.
func (a Action) Tag() string { return "@row-" + a.Row }

// Actions returns the rows of the action matrix in order: the 23 of the plugin's own table, then the six further actions
// (driver-management 16).
func Actions() []Action {
	names := [...]string{
		"Create ROOT volume from ISO",
		"Create ROOT volume from template",
		"Create DATA volume",
		"Attach ROOT/DATA volume",
		"Detach ROOT/DATA volume",
		"Migrate VM",
		"Delete ROOT volume",
		"Delete DATA volume",
		"Create ROOT/DATA volume snapshot",
		"Create volume from snapshot",
		"Create TEMPLATE from ROOT volume",
		"Create TEMPLATE from snapshot",
		"Download volume",
		"Revert ROOT/DATA volume to snapshot",
		"(Live) resize ROOT/DATA volume",
		"Delete SNAPSHOT (ROOT/DATA)",
		"Delete TEMPLATE",
		"Migrate VM/volume to another storage",
		"VM snapshot",
		"Revert VM snapshot",
		"Delete VM snapshot",
		"VM vc-policy tag",
		"Delete VM vc-policy tag",
		"Change disk offering",
		"Add/remove pool",
		"Host connect/disconnect",
		"HA restart",
		"Copy snapshot to another zone",
		"Statistics",
	}
	out := make([]Action, len(names))
	for i, name := range names {
		out[i] = Action{Row: fmt.Sprintf("%02d", i+1), Name: name, Further: i >= own}
	}
	return out
}

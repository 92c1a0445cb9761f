package report

import "fmt"

// Action is a row of the plugin's action matrix.
type Action struct {
	// Row is the number in driver-management section 16, two digits.
	Row string
	// Name is the plugin's name for the action.
	Name string
}

// Tag is the tag of scenarios that belong to the row.
func (a Action) Tag() string { return "@row-" + a.Row }

// Actions returns the 23 rows of the plugin's action matrix in order (driver-management 16, the plugin's own table).
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
	}
	out := make([]Action, len(names))
	for i, name := range names {
		out[i] = Action{Row: fmt.Sprintf("%02d", i+1), Name: name}
	}
	return out
}

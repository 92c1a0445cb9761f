// Package features holds the conformance suite's scenarios: one file per row family of the plugin's action matrix,
// named for the rows.
package features

import "embed"

// FS holds the feature files at its root.
//
//go:embed *.feature
var FS embed.FS

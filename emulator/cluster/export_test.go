package cluster

import "encoding/json"

// UnmarshalState decodes a saved state as encoding/json does, and builds nothing of it: for a benchmark.
func UnmarshalState(text []byte) error {
	var d savedDocument
	return json.Unmarshal(text, &d)
}

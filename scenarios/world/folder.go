package world

import (
	"fmt"
	"os"
)

// enough is the room that a file system in memory must have for secondary storage, in bytes.
const enough = 1 << 30

// makeFolder makes the folder of secondary storage: where TMPDIR says, else in memory where possible.
func makeFolder() (string, error) {
	base := ""
	if os.Getenv("TMPDIR") == "" {
		base = memory(enough)
	}
	folder, err := os.MkdirTemp(base, "spsim-world-")
	if err != nil && base != "" { // there, but not ours to write
		folder, err = os.MkdirTemp("", "spsim-world-")
	}
	if err != nil {
		return "", fmt.Errorf("folder of secondary storage: %w", err)
	}
	return folder, nil
}

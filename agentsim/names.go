package agentsim

import (
	"errors"
	"fmt"
	"strings"
)

const (
	byID   = "/dev/storpool-byid/"
	byName = "/dev/storpool/"
)

// ErrBadPath is a StorPool path without an object in it.
var ErrBadPath = errors.New("path names no StorPool object")

// ObjectName gives the API's name of the object behind a device path: ~globalId or a plain name (agent 1). A path
// that is not StorPool's gives "" and no error: it is somebody else's.
func ObjectName(path string) (string, error) {
	tilde := "~"
	rest, ok := strings.CutPrefix(path, byID)
	if !ok {
		if rest, ok = strings.CutPrefix(path, byName); !ok {
			return "", nil
		}
		tilde = ""
	}
	name, _, _ := strings.Cut(rest, "/")
	if name == "" {
		return "", fmt.Errorf("%w: %q", ErrBadPath, path)
	}
	return tilde + name, nil
}

// objectsOf are the spellings by which fault rules may name what a command is about.
func objectsOf(paths ...string) []string {
	var out []string
	for _, p := range paths {
		if p == "" {
			continue
		}
		out = append(out, p)
		if name, err := ObjectName(p); err == nil && name != "" {
			out = append(out, name)
		}
	}
	return out
}

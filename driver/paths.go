package driver

import (
	"errors"
	"fmt"
	"strings"
)

const (
	byIDPrefix   = "/dev/storpool-byid/"
	byNamePrefix = "/dev/storpool/" // objects made before global ids were used
)

// ErrNotOnStorPool is wrapped where an object has no StorPool path.
var ErrNotOnStorPool = errors.New("not on StorPool")

// apiName returns the name by which the API knows the object of a device path, with or without the tilde that marks a
// global id; empty when the path is not StorPool's (driver-management 1).
func apiName(path string, tilde bool) string {
	if rest, ok := strings.CutPrefix(path, byIDPrefix); ok {
		id, _, _ := strings.Cut(rest, "/")
		if tilde && id != "" {
			return "~" + id
		}
		return id
	}
	if rest, ok := strings.CutPrefix(path, byNamePrefix); ok {
		name, _, _ := strings.Cut(rest, "/")
		return name
	}
	return ""
}

// nameOf is apiName with the tilde, or an error that wraps [ErrNotOnStorPool] and names what is asked about.
func nameOf(path, what string) (string, error) {
	name := apiName(path, true)
	if name == "" {
		return "", fmt.Errorf("%s (path %q): %w", what, path, ErrNotOnStorPool)
	}
	return name, nil
}

// devPath returns the device path of a global id, given with or without its tilde; empty for no id.
func devPath(id string) string {
	if id = strings.TrimPrefix(id, "~"); id == "" {
		return ""
	}
	return byIDPrefix + id
}

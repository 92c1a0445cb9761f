package steps

import (
	"regexp"
	"sync"
)

// expression is an expression of a step or of a part of one, compiled once, when the first scenario asks for it: a
// program that runs no scenario, such as a server, does not wait for some hundred of them.
func expression(text string) func() *regexp.Regexp {
	return sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(text) })
}

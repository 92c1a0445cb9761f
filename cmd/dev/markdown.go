package main

import (
	"regexp"
	"strings"
)

// madeNote is the line below the title of a page that is generated as a whole.
const madeNote = "Generated from the code; `make docs` writes it again, and CI refuses a page that does not agree.\n"

// plain makes text safe for a cell of a table: parameters of outlines, <kind>, become italics.
func plain(text string) string {
	text = strings.NewReplacer("|", `\|`, "\n", " ", "*", `\*`, "_", `\_`).Replace(text)
	text = regexp.MustCompile(`<([^<>]+)>`).ReplaceAllString(text, "*$1*")
	return strings.NewReplacer("<", "&lt;", ">", "&gt;").Replace(text)
}

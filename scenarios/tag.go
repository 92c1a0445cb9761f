package scenarios

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// tagLine is as long as a line of tags gets.
const tagLine = 112

// Tag writes the tags that a proof misses into the feature files in dir: above each scenario or outline that failed with
// a defect put in and does not carry its tag. It takes no tag away. It returns the number of tags written.
func (p Proof) Tag(dir string) (int, error) {
	missing := map[string]map[int][]string{} // by file and line
	n := 0
	for _, f := range p.Findings {
		for _, s := range f.Stray {
			if missing[s.File] == nil {
				missing[s.File] = map[int][]string{}
			}
			if tag := "@" + f.Defect.ID; !slices.Contains(missing[s.File][s.Line], tag) {
				missing[s.File][s.Line] = append(missing[s.File][s.Line], tag)
				n++
			}
		}
	}
	for file, at := range missing {
		path := filepath.Join(dir, filepath.Base(file))
		raw, err := os.ReadFile(path) //nolint:gosec // the feature files are the developer's own
		if err != nil {
			return 0, fmt.Errorf("tag scenarios: %w", err)
		}
		text := strings.Join(tagged(strings.Split(string(raw), "\n"), at), "\n")
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil { //nolint:gosec // readable as it was
			return 0, fmt.Errorf("tag scenarios: %w", err)
		}
	}
	return n, nil
}

// tagged returns the lines of a feature file with tags above lines, counted from 1.
func tagged(lines []string, at map[int][]string) []string {
	known := map[string]bool{}
	for _, d := range Defects() {
		known["@"+d.ID] = true
	}
	var out []string
	for i, line := range lines {
		if tags := at[i+1]; len(tags) > 0 {
			indent := line[:len(line)-len(strings.TrimLeft(line, " "))]
			for len(out) > 0 && defectsOnly(out[len(out)-1], known) {
				tags = append(strings.Fields(out[len(out)-1]), tags...)
				out = out[:len(out)-1]
			}
			out = append(out, wrapped(indent, tags)...)
		}
		out = append(out, line)
	}
	return out
}

// defectsOnly tells whether a line holds tags of defects and nothing else.
func defectsOnly(line string, known map[string]bool) bool {
	tags := strings.Fields(line)
	return len(tags) > 0 && !slices.ContainsFunc(tags, func(tag string) bool { return !known[tag] })
}

func wrapped(indent string, tags []string) []string {
	var out []string
	line := indent
	for _, tag := range tags {
		if line != indent && len(line)+1+len(tag) > tagLine {
			out = append(out, line)
			line = indent
		}
		if line != indent {
			line += " "
		}
		line += tag
	}
	return append(out, line)
}

package main

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/spsim/spsim/scenarios"
	"github.com/spsim/spsim/scenarios/report"
)

// featuresPage lists the feature files, and one line for each of their rules.
func featuresPage() (string, error) {
	all, err := scenarios.Features()
	if err != nil {
		return "", err
	}
	var b strings.Builder
	b.WriteString("# Features\n\n" + madeNote + "\nThe promises of the plugin, in the words of CloudStack and StorPool. An outline is one line here; its examples fill in the\n" +
		"*words in italics*. Rows are those of the [action matrix](#the-rows). Tags such as D-11a are [defects](../driver/QUIRKS.md) that the scenario\n" +
		"sees when they are put in; CS-, SP-, KV- and ENC- number what broke for users of the plugin and its relatives. Needs are what a\n" +
		"target must have: elsewhere the scenario is skipped, and the reason says so.\n\n")
	examples, rules := 0, 0
	b.WriteString("| file | feature | scenarios |\n|---|---|---|\n")
	for _, f := range all {
		n := 0
		for _, r := range f.Rules {
			n += r.Examples
		}
		examples, rules = examples+n, rules+len(f.Rules)
		fmt.Fprintf(&b, "| [%s](%s) | [%s](#%s) | %d |\n", f.File, f.File, plain(f.Title), anchor(f.Title), n)
	}
	fmt.Fprintf(&b, "\n%d files, %d scenarios and outlines, %d scenarios when each example counts.\n", len(all), rules, examples)
	for _, f := range all {
		featureSection(&b, f)
	}
	b.WriteString("\n## The rows\n\n| row | action |\n|---|---|\n")
	for _, a := range report.Actions() {
		fmt.Fprintf(&b, "| %s | %s |\n", a.Row, a.Name)
	}
	return b.String(), nil
}

func featureSection(b *strings.Builder, f scenarios.Feature) {
	fmt.Fprintf(b, "\n## %s\n\n", f.Title)
	for line := range strings.Lines(f.Description) {
		b.WriteString(plain(strings.TrimSpace(line)) + "\n")
	}
	fmt.Fprintf(b, "\n[%s](%s)\n\n| scenario | examples | rows | tags | needs |\n|---|---|---|---|---|\n", f.File, f.File)
	for _, r := range f.Rules {
		var rows, needs, tags []string
		for _, tag := range r.Tags {
			tag = strings.TrimPrefix(tag, "@")
			if row, ok := strings.CutPrefix(tag, "row-"); ok {
				rows = append(rows, row)
			} else if need, ok := strings.CutPrefix(tag, "needs-"); ok {
				needs = append(needs, need)
			} else {
				tags = append(tags, tag)
			}
		}
		n := ""
		if r.Examples > 1 {
			n = strconv.Itoa(r.Examples)
		}
		fmt.Fprintf(b, "| %s | %s | %s | %s | %s |\n", plain(r.Title), n, strings.Join(rows, " "), strings.Join(tags, " "), strings.Join(needs, " "))
	}
}

// anchor is what a code host calls the section with a title.
func anchor(title string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case r == ' ':
			return '-'
		case r >= 'a' && r <= 'z', r >= '0' && r <= '9', r == '-', r == '_':
			return r
		}
		return -1
	}, strings.ToLower(title))
}

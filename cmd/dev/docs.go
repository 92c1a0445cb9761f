package main

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"github.com/spsim/spsim/emulator"
	"github.com/spsim/spsim/scenarios"
	"github.com/spsim/spsim/scenarios/report"
)

func newDocsCommand() *cobra.Command {
	var check bool
	var root string
	cmd := &cobra.Command{
		Use:   "docs",
		Short: "write the generated parts of the README, and the generated pages, again",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			var wrong []error
			for _, p := range pages() {
				wrong = append(wrong, p.renew(cmd.OutOrStdout(), root, check))
			}
			return errors.Join(wrong...)
		},
	}
	cmd.Flags().BoolVar(&check, "check", false, "change nothing, fail when something would change")
	cmd.Flags().StringVar(&root, "root", ".", "the repository")
	return cmd
}

// page is a page that is generated, beside what it describes.
type page struct {
	file string
	// text makes the page; only the README keeps something of what it was.
	text func(old []byte) ([]byte, error)
}

// pages lists the generated pages.
func pages() []page {
	return []page{
		{"README.md", generate},
		{"driver/QUIRKS.md", whole(quirksPage)},
		{"emulator/DIFFERENCES.md", whole(func() (string, error) { return emulator.Differences(), nil })},
		{"emulator/OPERATIONS.md", whole(callsPage)},
		{"features/README.md", whole(featuresPage)},
		{"scenarios/COVERAGE.md", whole(coveragePage)},
		{"scenarios/OPERATIONS.md", whole(operationsPage)},
		{"scenarios/REGRESSIONS.md", whole(regressionsPage)},
	}
}

// whole is a page that is generated from its first to its last line.
func whole(text func() (string, error)) func([]byte) ([]byte, error) {
	return func([]byte) ([]byte, error) {
		t, err := text()
		return []byte(t), err
	}
}

// renew writes the page when it has changed, or with check complains about it.
func (p page) renew(out io.Writer, root string, check bool) error {
	file := filepath.Join(root, filepath.FromSlash(p.file))
	old, err := os.ReadFile(file) //nolint:gosec // in the repository that the developer names
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		return fmt.Errorf("read the page: %w", err)
	}
	fresh, err := p.text(old)
	switch {
	case err != nil:
		return fmt.Errorf("make %s: %w", p.file, err)
	case bytes.Equal(old, fresh):
		fmt.Fprintln(out, p.file, "agrees with the code")
		return nil
	case check:
		return fmt.Errorf("%s does not agree with the code: run make docs", p.file)
	}
	fmt.Fprintln(out, p.file, "was written again")
	return os.WriteFile(file, fresh, 0o644) //nolint:gosec // a page that everybody reads
}

// generate replaces what stands between "<!-- generated: NAME -->" and "<!-- end -->".
func generate(page []byte) ([]byte, error) {
	parts := map[string]func() (string, error){
		"proof": proofTable, "operations": operationTable, "matrix": matrixTable,
	}
	var failed []error
	region := regexp.MustCompile(`(?s)(<!-- generated: (\w+) -->\n).*?(<!-- end -->)`)
	out := region.ReplaceAllFunc(page, func(hit []byte) []byte {
		m := region.FindSubmatch(hit)
		build, ok := parts[string(m[2])]
		if !ok {
			failed = append(failed, fmt.Errorf("no generated part %q", m[2]))
			return hit
		}
		text, err := build()
		if err != nil {
			failed = append(failed, err)
			return hit
		}
		return slices.Concat(m[1], []byte(text), m[3])
	})
	return out, errors.Join(failed...)
}

// proofTable lists the defects of severity A that scenarios see, with their number and that of our own mutations.
func proofTable() (string, error) {
	var b strings.Builder
	b.WriteString("| defect | what goes wrong | scenarios that see it |\n|---|---|---|\n")
	expressible, seen, worst := 0, 0, 0
	all, err := scenarios.ShowingAll()
	if err != nil {
		return "", err
	}
	for _, d := range scenarios.Defects() {
		if d.Inexpressible != "" {
			continue
		}
		expressible++
		shown := all[d.ID]
		if len(shown) == 0 {
			continue
		}
		seen++
		if strings.HasPrefix(d.Severity, "A") {
			worst++
			fmt.Fprintf(&b, "| %s | %s | %d |\n", strings.Join(append([]string{d.ID}, d.Also...), ", "), d.Reason, len(shown))
		}
	}
	fmt.Fprintf(&b, "\n`make prove` puts in %d defects and sees %d of them. The %d above mean data loss, wrong data or false success.\n",
		expressible, seen, worst)
	fmt.Fprintf(&b, "%d mutations of our own guards are declared; each makes a scenario fail, or a test where no scenario can see it (`make mutate`).\n",
		len(mutations()))
	return b.String(), nil
}

// operationTable groups the emulated calls by what they are about, and counts the others.
func operationTable() (string, error) {
	about := []struct{ title, words string }{
		{"volumes", `^Volume(s?|Create|Update|Delete|Freeze|Rebase|AbandonDisk|Revert|Describe|GetInfo|ListSnapshots|sList|sGetStatus|sGetStatusQuick|sSpace|sAndSnapshotsList)$`},
		{"snapshots", `^(Snapshot|VolumeSnapshot|VolumesGroupSnapshot)`},
		{"attachments", `^(AttachmentsList|VolumesReassign)`},
		{"templates", `^VolumeTemplate`},
		{"placement groups", `^(PlacementGroup|FaultSets|Vag)`},
		{"disks", `^(Disk|ServerDisk)`},
		{"services and clients", `Services|Servers|Client|Peers|^Tasks`},
		{"everything else", ``},
	}
	lines := make([][]string, len(about))
	absent, total := 0, 0
	for _, o := range emulator.Operations() {
		total++
		if !o.Emulated() {
			absent++
			continue
		}
		for i, a := range about {
			if regexp.MustCompile(a.words).MatchString(o.Name()) {
				if name := "`" + o.Name() + "`"; !slices.Contains(lines[i], name) {
					lines[i] = append(lines[i], name)
				}
				break
			}
		}
	}
	var b strings.Builder
	b.WriteString("| about | calls |\n|---|---|\n")
	for i, a := range about {
		if len(lines[i]) > 0 {
			fmt.Fprintf(&b, "| %s | %s |\n", a.title, strings.Join(lines[i], " "))
		}
	}
	fmt.Fprintf(&b, "\n%d of the %d calls that public sources name; each of the other %d answers with an error that says why.\n",
		total-absent, total, absent)
	return b.String(), nil
}

// matrixTable lists the rows of the action matrix with the number of their scenarios.
func matrixTable() (string, error) {
	coverage, err := scenarios.Coverage()
	if err != nil {
		return "", err
	}
	var b strings.Builder
	b.WriteString("| row | action | scenarios |\n|---|---|---|\n")
	for _, a := range report.Actions() {
		count := "pending"
		if n := len(coverage[a.Row]); n > 0 {
			count = strconv.Itoa(n)
		}
		fmt.Fprintf(&b, "| %s | %s | %s |\n", a.Row, a.Name, count)
	}
	return b.String(), nil
}

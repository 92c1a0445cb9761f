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
	var file string
	cmd := &cobra.Command{
		Use:   "docs",
		Short: "write the generated parts of the README, and the generated pages, again",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			old, err := os.ReadFile(file) //nolint:gosec // the developer names it
			if err != nil {
				return fmt.Errorf("read the page: %w", err)
			}
			fresh, err := generate(old)
			if err != nil {
				return err
			}
			page := filepath.Join(filepath.Dir(file), "emulator", "DIFFERENCES.md")
			differences, err := os.ReadFile(page) //nolint:gosec // beside the page that the developer names
			if err != nil && !errors.Is(err, os.ErrNotExist) {
				return fmt.Errorf("read the page: %w", err)
			}
			out := cmd.OutOrStdout()
			return errors.Join(renew(out, file, old, fresh, check), renew(out, page, differences, []byte(emulator.Differences()), check))
		},
	}
	cmd.Flags().BoolVar(&check, "check", false, "change nothing, fail when something would change")
	cmd.Flags().StringVar(&file, "file", "README.md", "the page")
	return cmd
}

// renew writes a page that has changed, or with check complains about it.
func renew(out io.Writer, file string, old, fresh []byte, check bool) error {
	switch {
	case bytes.Equal(old, fresh):
		fmt.Fprintln(out, file, "agrees with the code")
		return nil
	case check:
		return fmt.Errorf("%s does not agree with the code: run make docs", file)
	}
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

// proofTable lists the defects of severity A that scenarios see, with their number.
func proofTable() (string, error) {
	var b strings.Builder
	b.WriteString("| defect | what goes wrong | scenarios that see it |\n|---|---|---|\n")
	expressible, seen, worst := 0, 0, 0
	for _, d := range scenarios.Defects() {
		if d.Inexpressible != "" {
			continue
		}
		expressible++
		shown, err := scenarios.Showing(d)
		if err != nil {
			return "", err
		}
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

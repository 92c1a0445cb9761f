package cover

import (
	"fmt"
	"strings"
)

// headings are the sections of the page, by the source of their regressions.
func headings(source string) string {
	return map[string]string{
		"upstream-history 1.1": "CloudStack: what was mended",
		"upstream-history 1.2": "CloudStack: what was added",
		"upstream-history 2.1": "Other integrations: the plugin outside of CloudStack's tree",
		"upstream-history 2.2": "Other integrations: Proxmox",
		"upstream-history 2.3": "Other integrations: OpenNebula",
		"upstream-history 2.4": "Other integrations: OpenStack",
		"upstream-history 2.5": "Other integrations: CSI, disaster recovery, the Python binding",
		"upstream-history 3.1": "KVM storage: encryption",
		"upstream-history 3.2": "KVM storage: snapshots",
		"upstream-history 3.3": "KVM storage: crashes and time-outs",
		"upstream-history 3.4": "KVM storage: migration",
		"upstream-history 3.5": "KVM storage: attach and detach",
		"upstream-history 3.6": "KVM storage: sizes and limits",
		"upstream-history 3.7": "KVM storage: templates",
		"upstream-history 3.8": "KVM storage: heartbeats",
		"upstream-history 3.9": "KVM storage: statistics, maintenance, restore, import, isolation",
		"upstream-history 5.7": "Snapshots of encrypted volumes",
	}[source]
}

// RegressionPage is the table of regressions in Markdown: what went wrong, and what shows it or why nothing does.
func RegressionPage(h History) string {
	var b strings.Builder
	scenarios, tests, reasons := h.Sum()
	b.WriteString("# What users of StorPool and of KVM storage suffered from\n\n")
	b.WriteString("`spsim explain CS-5433` tells one of them, `spsim conform --tags @CS-5433` runs its scenarios.\n\n")
	fmt.Fprintf(&b, "%d regressions: %d with scenarios, %d with tests only, %d that the suite cannot show.\n",
		len(h.Regressions), scenarios, tests, reasons)
	source := ""
	for _, r := range h.Regressions {
		if r.Source != source {
			source = r.Source
			fmt.Fprintf(&b, "\n## %s\n\n| number | what went wrong, or has to hold | shown by |\n|---|---|---|\n", headings(source))
		}
		fmt.Fprintf(&b, "| %s | %s | %s |\n", r.ID, r.What, cell(strings.Join(h.Told(r), "; ")))
	}
	return b.String()
}

func cell(text string) string { return strings.ReplaceAll(text, "|", `\|`) }

// Told lists in words what shows a regression: its scenarios, its tests, and the part that they do not show; or why
// nothing does.
func (h History) Told(r Regression) (out []string) {
	if r.Reason != "" {
		out = append(out, "none: "+r.Reason)
	}
	for i, s := range h.Showing[r.ID] {
		const most = 3 // an outline has many examples
		if i == most {
			out = append(out, fmt.Sprintf("%d more scenarios", len(h.Showing[r.ID])-most))
			break
		}
		out = append(out, s.Title)
	}
	for _, t := range r.Shown {
		out = append(out, fmt.Sprintf("`%s` in %s", t.Func, t.File))
	}
	if r.Beyond != "" {
		out = append(out, "not shown: "+r.Beyond)
	}
	return out
}

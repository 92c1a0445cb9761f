package main

import (
	"fmt"
	"strings"

	"github.com/spsim/spsim/scenarios"
)

// quirksPage lists the known defects that can be put in, and those that cannot with the reason.
func quirksPage() (string, error) {
	shown, err := scenarios.ShowingAll()
	if err != nil {
		return "", err
	}
	var in, out strings.Builder
	can, cannot := 0, 0
	for _, d := range scenarios.Defects() {
		id := strings.Join(append([]string{d.ID}, d.Also...), ", ")
		if d.Inexpressible != "" {
			cannot++
			fmt.Fprintf(&out, "| %s | %s | %s | %s | %s | %s |\n", id, d.Severity, d.Room, plain(d.Reason), plain(d.Inexpressible), d.Source)
			continue
		}
		can++
		fmt.Fprintf(&in, "| %s | %s | %s | %s | %d | %s |\n", id, d.Severity, d.Room, plain(d.Reason), len(shown[d.ID]), d.Source)
	}
	var b strings.Builder
	b.WriteString("# Known defects\n\n" + madeNote + "\nWhat the plugin, its agent and CloudStack's core do wrong upstream. By default none of it is done here; each is a quirk that\n" +
		"replaces one decision: `spsim conform --driver D-11` puts one in, `--driver upstream` all. `spsim explain D-11` names the scenarios\n" +
		"that see it. Severity: A is lost or wrong data or false success, B a leak or a stuck state, C robustness or accuracy. The\n" +
		"source is the section of the specification that describes it.\n\n")
	fmt.Fprintf(&b, "## Those that can be put in\n\n| defect | severity | where | what goes wrong | scenarios | source |\n|---|---|---|---|---|---|\n%s\n"+
		"%d defects.\n\n", in.String(), can)
	fmt.Fprintf(&b, "## Those that cannot\n\n| defect | severity | where | what goes wrong | why it cannot be put in | source |\n|---|---|---|---|---|---|\n%s\n"+
		"%d defects.\n", out.String(), cannot)
	return b.String(), nil
}

package cover

import (
	"regexp"
	"slices"

	"github.com/spsim/spsim/scenarios/report"
)

// none says that a row acts on pools, hosts and templates.
const none Kind = "none"

// Row is a row of the action matrix with the words of its action.
type Row struct {
	report.Action
	// Number is the row's number, two digits.
	Number string
	// Offered tells that tier, template and limit of an offering are a dimension of the row.
	Offered bool

	action *regexp.Regexp
	only   Kind // the kind of disk that it is about; empty for both
	bypass bool // the bypass of secondary storage makes a difference
}

// Rows returns the rows in order.
func Rows() []Row {
	const name = `"([^"]*)"`
	actions := map[string]string{
		"01": `^the VM ` + name + `.* is deployed from the ISO`,
		"02": `^the VMs? ` + name + `(?: and ` + name + `)? (?:is|are) deployed from the template`,
		"03": `DATA disk ` + name + `, attached|^a detached DATA disk ` + name + `|^the disk ` + name + ` is attached to`,
		"04": `DATA disk ` + name + `, attached|^the disk ` + name + ` is attached to|^the VM ` + name + ` (?:is started|becomes Running)`,
		"05": `^the disk ` + name + ` is detached|^the VM ` + name + ` (?:is stopped|is force-stopped|becomes Stopped)`,
		"06": `^the VM ` + name + ` is migrated to`,
		"07": `^the VM ` + name + ` is expunged`,
		"08": `^the disk ` + name + ` is deleted`,
		"09": `snapshot "[^"]*" of ` + name + ` is taken|^snapshots of ` + name,
		"10": `^the volume "[^"]*" is created .*from the snapshot ` + name,
		"11": `^the template "[^"]*" is made from the disk ` + name,
		"12": `^the template "[^"]*" is made from the snapshot ` + name,
		"13": `^the disk ` + name + ` is downloaded`,
		"14": `^the disk ` + name + ` is reverted to the snapshot`,
		"15": `^the disk ` + name + ` is (?:resized|shrunk)|^the disk ` + name + ` is moved to the offering`,
		"16": `^the snapshot ` + name + `.* is deleted`,
		"18": `^the (?:disk|VM) ` + name + ` is migrated.* pool `,
		"19": `^the VM snapshot "[^"]*" of ` + name + ` is taken`,
		"20": `^the VM ` + name + ` is reverted to the VM snapshot`,
		"21": `^the VM snapshot ` + name + ` is deleted`,
		"22": `^the VM ` + name + ` gets the tag`,
		"23": `^the VM ` + name + ` loses the tag`,
		"24": `^the disk ` + name + ` is moved to the offering`,
		"27": `^the host of ` + name + ` is |^CloudStack restarts the VM ` + name,
		"28": `^the snapshot ` + name + ` is copied to`,
	}
	only := map[string]Kind{"01": Root, "02": Root, "03": Data, "07": Root, "08": Data, "17": none, "25": none, "26": none, "29": none}
	var out []Row
	for _, a := range report.Actions() {
		words, ok := actions[a.Row]
		if !ok {
			words = `.`
		}
		out = append(out, Row{
			Action: a, Number: a.Row, action: regexp.MustCompile(words), only: only[a.Row],
			bypass:  slices.Contains([]string{"09", "10", "12", "14", "16", "28"}, a.Row),
			Offered: slices.Contains([]string{"03", "10", "15", "24"}, a.Row),
		})
	}
	return out
}

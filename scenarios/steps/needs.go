package steps

import (
	"regexp"
	"slices"
	"strconv"
)

// The needs of scenarios besides those that their authors wrote down. They are tags: a target that lacks one of them
// skips the scenario or cannot tell.
const (
	// NeedsDevice: bytes of volumes are read or written.
	NeedsDevice = "@needs-device"
	// NeedsTwoHosts: there are two hosts or more.
	NeedsTwoHosts = "@needs-two-hosts"
	// NeedsClock: StorPool's own clock has to move along.
	NeedsClock = "@needs-clock"
	// NeedsSecondTemplate: there are two placement templates.
	NeedsSecondTemplate = "@needs-second-template"
	// NeedsThirdTemplate: there are three.
	NeedsThirdTemplate = "@needs-third-template"
	// NeedsEmulator: something is put into StorPool, or looked at, that only an emulator in this process shows.
	NeedsEmulator = "@needs-emulator"
	// NeedsTwoClusters: there are two StorPool clusters that reach each other.
	NeedsTwoClusters = "@needs-two-clusters"
	// NeedsFaults: calls are made to fail. Scenarios say so themselves.
	NeedsFaults = "@needs-fault-injection"
)

// Needs are what the steps of a scenario need.
type Needs struct {
	Tags []string
	// Hosts is the number of hosts.
	Hosts int
}

// need is one that some steps have.
type need struct {
	tag     string
	pattern func() *regexp.Regexp
}

var (
	reBytes        = expression(`\bpattern\b| is empty\b|\bholds\b|\bsees \d|\bLUKS\b|\blayers?\b|\bencrypted\b`)
	reSsd          = expression(`\bssd\b`)
	reHybrid       = expression(`\bhybrid\b`)
	reOwnZone      = expression(`^a zone with .*(where a revert resets limits|behind a meddling proxy)$`)
	reFederated    = expression(`^a zone with .*(another StorPool far away|a second StorPool cluster beside it|a cluster beside it)`)
	reSomeHosts    = expression(`^a (?:second )?zone with (\d+) hosts?\b`)
	reSyncAfter    = expression(`^\d+ \w+ pass and the driver looks for expired`)
	reSickOrHealed = expression(`^StorPool's (disk|server|client) \d+ is |^StorPool has no (quorum|room)|^StorPool is well again$`)
)

func needs() []need {
	out := []need{
		{NeedsDevice, reBytes},
		{NeedsClock, reWait},
		{NeedsClock, reSyncAfter},
		{NeedsSecondTemplate, reSsd},
		{NeedsThirdTemplate, reHybrid},
		{NeedsTwoClusters, reFederated},
	}
	for _, p := range []func() *regexp.Regexp{
		reOwnZone, reSickOrHealed, reOldDisk, reClient, reBase, reForeign, reRival, reLimited, reMeddle, reLocations, rePlantExp,
		reExports, reTempEnds, rePlanted,
	} {
		out = append(out, need{NeedsEmulator, p})
	}
	return out
}

// Known remembers what steps need by their texts, most of which come again. It begins as Known{}.
type Known map[string]Needs

// NeedsOf derives from the texts of a scenario's steps what they need.
func (k Known) NeedsOf(texts []string) (out Needs) {
	for _, text := range texts {
		one, ok := k[text]
		if !ok {
			one = needsOf(text)
			k[text] = one
		}
		for _, tag := range one.Tags {
			if !slices.Contains(out.Tags, tag) {
				out.Tags = append(out.Tags, tag)
			}
		}
		out.Hosts += one.Hosts
	}
	if out.Hosts > 1 {
		out.Tags = append(out.Tags, NeedsTwoHosts)
	}
	return out
}

// needsOf is what one step needs.
func needsOf(text string) (out Needs) {
	for _, n := range needs() {
		if n.pattern().MatchString(text) && !slices.Contains(out.Tags, n.tag) {
			out.Tags = append(out.Tags, n.tag)
		}
	}
	if m := reSomeHosts().FindStringSubmatch(text); m != nil {
		out.Hosts, _ = strconv.Atoi(m[1]) // the pattern has digits there
	}
	if reNewClust().MatchString(text) {
		out.Hosts++
	}
	return out
}

package agentsim

import (
	"fmt"
	"slices"
	"strings"

	"github.com/spsim/spsim/emulator/fault"
)

// CommandSteps are the steps of one command in the order in which they happen. A step may happen several times, as
// connect for each disk, or not at all.
type CommandSteps struct {
	Command string
	Steps   []string
}

// AnyStep stands for every step of a command in a fault rule: with Nth 3 the third step goes wrong, whichever it is.
const AnyStep = "*"

const (
	stepReceive = "receive" // before anything is done
	stepAnswer  = "answer"  // everything is done
)

func migrateSteps() []string { return []string{"connect", "copy", "switch", "disconnect"} }

// Steps lists the steps of every command. Their names in fault rules are "agent <Command>/<step>".
func Steps() []CommandSteps {
	all := []CommandSteps{
		{"ModifyStoragePool", []string{"confget", "location", "attach", "detach", "register"}},
		{"BackupSnapshot", []string{"check", "attach", "mount", "mkdir", "convert", "measure", "detach", "release"}},
		{"DownloadTemplate", []string{"check", "mount", "find", "resize", "attach", "convert", "detach", "release"}},
		{"ResizeVolume", []string{"attach", "script", "blockresize", "measure", "detach"}},
		{"Start", []string{"connect", "run", "disconnect"}},
		{"Stop", []string{"shutdown", "disconnect"}},
		{"Attach", []string{"connect", "plug", "disconnect"}},
		{"Detach", []string{"unplug", "disconnect"}},
		{"BackupTemplateFromSnapshot", []string{"check", "attach", "mount", "mkdir", "convert", "describe", "detach", "release"}},
		{"CopyVolumeToSecondary", []string{"check", "attach", "mount", "mkdir", "convert", "measure", "detach", "release"}},
		{"DownloadVolume", []string{"check", "mount", "find", "resize", "attach", "convert", "detach", "release"}},
		{"SetVolumeEncryption", []string{"check", "attach", "format", "convert", "detach"}},
		{"ModifyTargets", []string{"connect", "disconnect"}},
		{"PrepareForMigration", []string{"connect", "prepare", "disconnect"}},
		{"Migrate", migrateSteps()},
		{"MigrateWithVolumes", migrateSteps()},
		{"CheckVM", []string{"ask"}},
		{"DirectDownload", []string{
			"check", "extract", "info", "create", "attach", "convert", "snapshot", "detach", "delete", "remove",
		}},
		{"CreateVolume", []string{"mount", "create", "release"}},
		{"DeleteVolume", []string{"mount", "delete", "release"}},
		{"DestroyTemplate", []string{"delete"}},
		{"CheckHeartbeat", []string{"ask"}},
	}
	for i, c := range all {
		all[i].Steps = append(append([]string{stepReceive}, c.Steps...), stepAnswer)
	}
	return all
}

// stepTable is [Steps] by command.
func stepTable() map[string][]string {
	table := map[string][]string{}
	for _, c := range Steps() {
		table[c.Command] = c.Steps
	}
	return table
}

// Arm adds a fault rule on a step; what it may do there:
//
//	refuse, transient  the step fails and is not done
//	delay              the step is done later
//	lose               the step is done, and so is the rest of the command; its answer never arrives
//	late               as lose, but the caller sees the connection break first and the step is done after the delay
//	cut                the agent dies before the step and starts anew, without pools and without tidying up
//	hang               the step does not end until its time is up: an hour, or what the command says
//	malformed          everything is done; a generic negative answer arrives
//
// A rule that can never fire is refused with [fault.ErrRule].
func (f *Fleet) Arm(r fault.Rule) (int, error) { return f.faults.Arm(r) }

func (f *Fleet) allow(r fault.Rule) error {
	name, ok := strings.CutPrefix(r.Call, "agent ")
	command, step, cut := strings.Cut(name, "/")
	if !ok || !cut {
		return fmt.Errorf(`%w: %q is not of the form "agent <Command>/<step>"`, fault.ErrRule, r.Call)
	}
	known := f.steps[command]
	if known == nil {
		return fmt.Errorf("%w: hosts execute no command %q", fault.ErrRule, command)
	}
	if step != AnyStep && !slices.Contains(known, step) {
		return fmt.Errorf("%w: %s has the steps %s, not %q", fault.ErrRule, command, strings.Join(known, ", "), step)
	}
	switch {
	case r.Effect.Kind == fault.Status || r.Effect.Kind == fault.Truncated || r.Effect.Status != 0:
		return fmt.Errorf("%w: a step has no HTTP answer: use it on a call of the API", fault.ErrRule)
	case r.Tag != "" || r.Client != 0 || r.Cluster != "":
		return fmt.Errorf("%w: a step has an object and a caller; tag, client and cluster are for calls of the API", fault.ErrRule)
	}
	if r.Caller == "" || slices.ContainsFunc(f.Hosts(), func(h *Host) bool { return h.cfg.Name == r.Caller }) {
		return nil
	}
	return fmt.Errorf("%w: there is no host %q", fault.ErrRule, r.Caller)
}

package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"strconv"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"github.com/spsim/spsim/emulator/admin"
	"github.com/spsim/spsim/emulator/fault"
)

func newFaultCommand() *cobra.Command {
	return parent("fault", "Make calls of a running server go wrong",
		"Arm, list and clear the fault rules of a running server: which calls go wrong, and how.",
		newFaultArmCommand(), newFaultListCommand(), newFaultClearCommand())
}

// ruleFlags are a fault rule as flags.
type ruleFlags struct {
	rule          fault.Rule
	every         bool
	delay, jitter time.Duration
	file          string
}

func newFaultArmCommand() *cobra.Command {
	var f ruleFlags
	c := adminCommand(&cobra.Command{
		Use:   "arm CALL EFFECT | arm --file RULES",
		Short: "Arm a fault rule",
		Long: `Arm a fault rule: the next call CALL goes wrong in the way EFFECT. CALL is the method and the query without
arguments, as spsim ops lists them. A rule that can never fire is refused.

Effects:
  refuse     answer with --error; the call is not made
  transient  the same, marked as passing
  status     answer with the HTTP --status and a page of HTML; the call is not made
  delay      make the call after --delay, and up to --jitter
  hang       answer nothing; the call is not made
  cut        break the connection; the call is not made
  lose       make the call and break the connection
  late       break the connection and make the call after --delay
  truncated  make the call and break the connection within the answer, after --keep bytes
  malformed  make the call and answer with something that is not JSON`,
		Example: `  spsim fault arm "POST VolumeCreate" refuse --error insufficientResources
  spsim fault arm "POST VolumesReassignWait" lose --client 2 --nth 3
  spsim fault arm "GET VolumesList" delay --delay 2s --jitter 500ms --every
  spsim fault arm --file rules.json`,
		Args: func(_ *cobra.Command, args []string) error { return f.take(args) },
	}, func(cmd *cobra.Command, server *admin.Client, _ []string) error {
		rules, err := f.rules(cmd.InOrStdin())
		if err != nil {
			return &exitError{exitUsage, err}
		}
		for _, r := range rules {
			st, err := server.Arm(cmd.Context(), r)
			if err != nil {
				return err
			}
			fmt.Fprintf(cmd.OutOrStdout(), "rule %d is armed\n", st.ID)
		}
		return nil
	})
	s := c.Flags()
	s.SortFlags = false
	s.StringVar(&f.rule.Object, "object", "", "name, ~globalId or tag=value of an object of the call; * and ? stand for other text")
	s.StringVar(&f.rule.Tag, "tag", "", "tag=value, where both an object and a tag are asked for")
	s.IntVar(&f.rule.Client, "client", 0, "id of the StorPool client that the call is about")
	s.StringVar(&f.rule.Caller, "caller", "", "who calls: an address, or the X-Spsim-Caller header")
	s.StringVar(&f.rule.Cluster, "on-cluster", "", "name or id of the cluster that serves the call")
	s.IntVar(&f.rule.Nth, "nth", 0, "the first matching call that goes wrong (default 1)")
	s.IntVar(&f.rule.Times, "times", 0, "how many calls go wrong (default 1)")
	s.BoolVar(&f.every, "every", false, "every call goes wrong from there on")
	s.StringVar(&f.rule.Effect.Error, "error", "", "error name of refuse and transient (default busy)")
	s.StringVar(&f.rule.Effect.Descr, "descr", "", "text of the error")
	s.IntVar(&f.rule.Effect.Status, "status", 0, "HTTP status of status, and of refuse and transient where it is not the usual one")
	s.DurationVar(&f.delay, "delay", 0, "time of delay and late")
	s.DurationVar(&f.jitter, "jitter", 0, "the most that is added to the delay")
	s.IntVar(&f.rule.Effect.Keep, "keep", 0, "bytes of a truncated answer that arrive (default half)")
	s.StringVar(&f.file, "file", "", "JSON file with one rule or a list of rules, - for standard input")
	c.MarkFlagsMutuallyExclusive("every", "times")
	return c
}

// take reads the arguments.
func (f *ruleFlags) take(args []string) error {
	const both = 2
	switch {
	case f.file != "" && len(args) > 0:
		return errors.New("give a call with its effect, or --file, not both")
	case f.file != "":
		return nil
	case len(args) == both:
		f.rule.Call, f.rule.Effect.Kind = args[0], fault.Kind(args[1])
		return nil
	}
	return errors.New(`give a call and an effect, like: spsim fault arm "POST VolumeCreate" refuse`)
}

// rules are those of the flags, or of the file.
func (f *ruleFlags) rules(in io.Reader) ([]fault.Rule, error) {
	if f.file != "" {
		return readRules(f.file, in)
	}
	r := f.rule
	if f.every {
		r.Times = -1
	}
	r.Effect.Delay, r.Effect.Jitter = fault.Duration(f.delay), fault.Duration(f.jitter)
	return []fault.Rule{r}, r.Check()
}

// readRules reads one rule or a list of them.
func readRules(file string, in io.Reader) ([]fault.Rule, error) {
	text, err := readFile(file, in)
	if err != nil {
		return nil, err
	}
	if text = bytes.TrimSpace(text); !bytes.HasPrefix(text, []byte("[")) {
		text = append(append([]byte("["), text...), ']')
	}
	d := json.NewDecoder(bytes.NewReader(text))
	d.DisallowUnknownFields()
	var rules []fault.Rule
	if err := d.Decode(&rules); err != nil {
		return nil, fmt.Errorf("%s holds no fault rules: %w", file, err)
	}
	for i, r := range rules {
		if err := r.Check(); err != nil {
			return nil, fmt.Errorf("%s: rule %d: %w", file, i+1, err)
		}
	}
	return rules, nil
}

// readFile reads a file, or standard input for -.
func readFile(file string, in io.Reader) ([]byte, error) {
	if file == "-" {
		text, err := io.ReadAll(in)
		if err != nil {
			return nil, fmt.Errorf("read standard input: %w", err)
		}
		return text, nil
	}
	text, err := os.ReadFile(file) //nolint:gosec // the file that the caller names
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", file, err)
	}
	return text, nil
}

func newFaultListCommand() *cobra.Command {
	asJSON := false
	c := adminCommand(&cobra.Command{
		Use: "list", Short: "List the fault rules and what they have done",
		Long: "List the armed fault rules with how many calls each has matched and changed.",
		Args: cobra.NoArgs,
	}, func(cmd *cobra.Command, server *admin.Client, _ []string) error {
		rules, err := server.Faults(cmd.Context())
		if err != nil {
			return err
		}
		if asJSON {
			return printJSON(cmd.OutOrStdout(), rules)
		}
		return printRules(cmd.OutOrStdout(), rules)
	})
	c.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	return c
}

func printRules(out io.Writer, rules []fault.State) error {
	w := tabwriter.NewWriter(out, 0, 0, columnGap, ' ', 0)
	fmt.Fprintln(w, "RULE\tCALL\tWHERE\tEFFECT\tMATCHED\tCHANGED") // Flush returns the error
	for _, st := range rules {
		fmt.Fprintf(w, "%d\t%s\t%s\t%s\t%d\t%d\n", st.ID, st.Rule.Call, whereOf(st.Rule), effectOf(st.Rule.Effect), st.Seen, st.Fired)
	}
	if err := w.Flush(); err != nil {
		return fmt.Errorf("print rules: %w", err)
	}
	return nil
}

const columnGap = 2

// words puts those parts together that say something.
func words(parts ...string) string {
	var out []string
	for i := 0; i+1 < len(parts); i += 2 {
		if parts[i+1] != "" && parts[i+1] != "0" && parts[i+1] != "0s" {
			out = append(out, strings.TrimSpace(parts[i]+" "+parts[i+1]))
		}
	}
	if len(out) == 0 {
		return "-"
	}
	return strings.Join(out, ", ")
}

// whereOf says which calls a rule is about.
func whereOf(r fault.Rule) string {
	times := strconv.Itoa(r.Times)
	if r.Times < 0 {
		times = "every"
	}
	return words("object", r.Object, "tag", r.Tag, "client", strconv.Itoa(r.Client), "caller", r.Caller,
		"cluster", r.Cluster, "from", strconv.Itoa(r.Nth), "times", times)
}

func effectOf(e fault.Effect) string {
	return words("", string(e.Kind), "", e.Error, "", e.Descr, "status", strconv.Itoa(e.Status), "", time.Duration(e.Delay).String(),
		"jitter", time.Duration(e.Jitter).String(), "keep", strconv.Itoa(e.Keep))
}

func printJSON(out io.Writer, v any) error {
	e := json.NewEncoder(out)
	e.SetIndent("", "  ")
	if err := e.Encode(v); err != nil {
		return fmt.Errorf("print JSON: %w", err)
	}
	return nil
}

func newFaultClearCommand() *cobra.Command {
	return adminCommand(&cobra.Command{
		Use: "clear [RULE...]", Short: "Remove fault rules",
		Long:    "Remove the fault rules with these numbers, or all of them.",
		Example: "  spsim fault clear\n  spsim fault clear 3 4",
		Args: func(_ *cobra.Command, args []string) error {
			for _, a := range args {
				if _, err := strconv.Atoi(a); err != nil {
					return fmt.Errorf("%q is no number of a rule: spsim fault list shows them", a)
				}
			}
			return nil
		},
	}, func(cmd *cobra.Command, server *admin.Client, args []string) error {
		if len(args) == 0 {
			return server.DisarmAll(cmd.Context())
		}
		for _, a := range args {
			id, err := strconv.Atoi(a)
			if err != nil {
				return &exitError{exitUsage, err}
			}
			st, err := server.Disarm(cmd.Context(), id)
			if err != nil {
				return err
			}
			fmt.Fprintf(cmd.OutOrStdout(), "rule %d has changed %d of %d calls\n", id, st.Fired, st.Seen)
		}
		return nil
	})
}

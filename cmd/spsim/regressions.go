package main

import (
	"fmt"
	"io"
	"strconv"
	"strings"
	"text/tabwriter"

	"github.com/spsim/spsim/scenarios"
	"github.com/spsim/spsim/scenarios/cover"
)

// regressions prints what users suffered from, with what shows it or why nothing does.
func regressions(w io.Writer, markdown bool) error {
	h, err := scenarios.History()
	if err != nil {
		return err
	}
	if markdown {
		_, err = io.WriteString(w, cover.RegressionPage(h))
	} else {
		err = regressionsText(w, h)
	}
	if err != nil {
		return fmt.Errorf("write the list: %w", err)
	}
	return nil
}

func regressionsText(w io.Writer, h cover.History) error {
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(t, "Number\tScenarios\tTests\tWhat went wrong, or has to hold")
	for _, r := range h.Regressions {
		what := r.What
		switch {
		case r.Reason != "":
			what += " (no scenario shows it: " + r.Reason + ")"
		case r.Beyond != "":
			what += " (not shown: " + r.Beyond + ")"
		}
		fmt.Fprintf(t, "%s\t%s\t%s\t%s\n", r.ID, some(len(h.Showing[r.ID])), some(len(r.Shown)), what)
	}
	if err := t.Flush(); err != nil {
		return err
	}
	shown, tests, reasons := h.Sum()
	_, err := fmt.Fprintf(w, "%d regressions: %d with scenarios, %d with tests only, %d with a reason for neither\n",
		len(h.Regressions), shown, tests, reasons)
	return err
}

func some(n int) string {
	if n == 0 {
		return "-"
	}
	return strconv.Itoa(n)
}

// explainRegression says what went wrong, where that is written, and what shows it or why nothing does.
func explainRegression(w io.Writer, r cover.Regression) error {
	h, err := scenarios.History()
	if err != nil {
		return err
	}
	var b strings.Builder
	fmt.Fprintf(&b, "%s\n\n  %s\n\nSource: %s\n", r.ID, r.What, r.Source)
	if r.Reason != "" {
		fmt.Fprintf(&b, "No scenario shows it: %s\n", r.Reason)
	}
	if showing := h.Showing[r.ID]; len(showing) > 0 {
		fmt.Fprintf(&b, "Run what shows it with: spsim conform --tags %s\nScenarios that show it:\n", r.Tag())
		for _, s := range showing {
			fmt.Fprintf(&b, "  %s: %s\n", s.Feature, s.Title)
		}
	}
	if len(r.Shown) > 0 {
		b.WriteString("Tests that show it:\n")
		for _, t := range r.Shown {
			fmt.Fprintf(&b, "  %s\n", t)
		}
	}
	if r.Beyond != "" {
		fmt.Fprintf(&b, "Not shown: %s\n", r.Beyond)
	}
	if _, err := io.WriteString(w, b.String()); err != nil {
		return fmt.Errorf("write the explanation: %w", err)
	}
	return nil
}

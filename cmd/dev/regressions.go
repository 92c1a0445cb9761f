package main

import (
	"strings"

	"github.com/spsim/spsim/scenarios"
	"github.com/spsim/spsim/scenarios/cover"
)

// regressionsPage is what users suffered from, with what shows it.
func regressionsPage() (string, error) {
	h, err := scenarios.History()
	if err != nil {
		return "", err
	}
	title, rest, _ := strings.Cut(cover.RegressionPage(h), "\n")
	return title + "\n\n" + madeNote + rest, nil
}

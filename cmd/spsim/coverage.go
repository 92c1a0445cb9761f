package main

import (
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/spsim/spsim/scenarios"
)

// errUncovered is the end of a check that found something; what it found was printed.
var errUncovered = errors.New("the coverage of the matrix is not what it should be")

// matrixCoverage prints the table of all cells, and when it is to be checked, what is wrong with it.
func matrixCoverage(w io.Writer, markdown, check bool) error {
	t, err := scenarios.Cells()
	if err != nil {
		return err
	}
	var b strings.Builder
	b.WriteString(t.Text(markdown))
	wrong := t.Check()
	if check {
		for _, line := range wrong {
			fmt.Fprintf(&b, "WRONG %s\n", line)
		}
	}
	if _, err := io.WriteString(w, b.String()); err != nil {
		return fmt.Errorf("write the coverage: %w", err)
	}
	if check && len(wrong) > 0 {
		return errUncovered
	}
	return nil
}

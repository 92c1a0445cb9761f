package report

import (
	"encoding/xml"
	"fmt"
	"io"
	"strings"
)

type junitNote struct {
	Message string `xml:"message,attr"`
	Text    string `xml:",chardata"`
}

type junitCase struct {
	Class   string     `xml:"classname,attr"`
	Name    string     `xml:"name,attr"`
	Time    string     `xml:"time,attr"`
	Failure *junitNote `xml:"failure,omitempty"`
	Skipped *junitNote `xml:"skipped,omitempty"`
}

type junitSuite struct {
	Name     string      `xml:"name,attr"`
	Tests    int         `xml:"tests,attr"`
	Failures int         `xml:"failures,attr"`
	Skipped  int         `xml:"skipped,attr"`
	Cases    []junitCase `xml:"testcase"`
}

type junitSuites struct {
	XMLName xml.Name      `xml:"testsuites"`
	Name    string        `xml:"name,attr"`
	Suites  []*junitSuite `xml:"testsuite"`
}

// JUnit writes junit.xml: one test case per scenario, one test suite per feature, and one about how a target was left. What is neither passed nor failed
// is skipped there, with its result in the message.
func (r Report) JUnit(w io.Writer) error {
	doc := junitSuites{Name: "spsim conformance"}
	byFeature := map[string]*junitSuite{}
	for _, s := range r.Scenarios {
		suite, ok := byFeature[s.Feature]
		if !ok {
			suite = &junitSuite{Name: s.Feature}
			byFeature[s.Feature] = suite
			doc.Suites = append(doc.Suites, suite)
		}
		suite.add(s)
	}
	if len(r.Endings) > 0 {
		suite := &junitSuite{Name: "The target"}
		for _, e := range r.Endings {
			s := Scenario{Title: "What was there before the run " + e.Run + " is as it was", Feature: suite.Name, Result: Passed}
			if len(e.Wrong) > 0 {
				s.Result, s.Reason = Failed, strings.Join(e.Wrong, "\n")
			}
			suite.add(s)
		}
		doc.Suites = append(doc.Suites, suite)
	}
	if _, err := io.WriteString(w, xml.Header); err != nil {
		return fmt.Errorf("write the XML header: %w", err)
	}
	enc := xml.NewEncoder(w)
	enc.Indent("", "  ")
	if err := enc.Encode(doc); err != nil {
		return fmt.Errorf("encode JUnit: %w", err)
	}
	return nil
}

func (j *junitSuite) add(s Scenario) {
	c := junitCase{Class: s.Feature, Name: s.Title, Time: fmt.Sprintf("%.4f", s.Seconds)}
	switch s.Result {
	case Passed:
	case Skipped, CannotTell, Pending:
		c.Skipped = &junitNote{Message: string(s.Result) + ": " + firstLine(s.Reason)}
		j.Skipped++
	default:
		c.Failure = &junitNote{Message: firstLine(s.Reason), Text: s.Reason}
		j.Failures++
	}
	j.Tests++
	j.Cases = append(j.Cases, c)
}

package main

import (
	"bytes"
	"strings"
	"testing"
	"unicode/utf8"
)

// TestHelpFitsATerminal: 80 columns, and two examples to paste for every verb.
func TestHelpFitsATerminal(t *testing.T) {
	for _, c := range verbs() {
		root := newRoot()
		var help bytes.Buffer
		root.SetOut(&help)
		root.SetArgs([]string{c.Name(), "--help"})
		if err := root.Execute(); err != nil {
			t.Fatal(err)
		}
		for line := range strings.Lines(help.String()) {
			if n := utf8.RuneCountInString(strings.TrimSuffix(line, "\n")); n > 80 {
				t.Errorf("%s: %d columns: %s", c.Name(), n, line)
			}
		}
		if n := strings.Count(c.Example, "dialtone "); n < 2 && c.Name() != "version" {
			t.Errorf("%s has %d examples, want two", c.Name(), n)
		}
	}
}

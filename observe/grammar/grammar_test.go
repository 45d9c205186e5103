package grammar_test

import (
	"strings"
	"testing"

	"dialtone/observe/grammar"
)

// text joins terms as text, so that a test sees what binds to what.
var text = grammar.Logic[string]{
	And: func(a, b string) string { return "(" + a + " and " + b + ")" },
	Or:  func(a, b string) string { return "(" + a + " or " + b + ")" },
	Not: func(a string) string { return "not " + a },
}

// read reads an expression whose terms are single words.
func read(s string) (string, error) {
	r := grammar.NewReader(s, text)
	var unit func() (string, error)
	unit = func() (string, error) {
		if w, ok := r.Peek(); ok && (w.Operator() == "not" || w.Operator() == "(") {
			return r.Nested(w.Operator(), unit)
		}
		w, err := r.Value("a term")
		return w.Text, err
	}
	return r.All(unit)
}

func TestAndAndOrBindAlikeFromLeftToRight(t *testing.T) {
	for from, want := range map[string]string{
		"a":                  "a",
		"a and b or c":       "((a and b) or c)",
		"a||b&&c":            "((a or b) and c)",
		"a or (b and not c)": "(a or (b and not c))",
		"!!(a)":              "not not a",
		`a and \or`:          "(a and or)",
	} {
		if got, err := read(from); err != nil || got != want {
			t.Errorf("%q is %q, %v; want %q", from, got, err, want)
		}
	}
}

func TestAMistakeIsPointedAt(t *testing.T) {
	for from, want := range map[string]string{
		"":                            "filter, at its end: expected a term",
		"a and":                       "filter, at its end: expected a term",
		"a b":                         `filter, byte 2, "b": expected and, or, or the end`,
		"a)":                          `filter, byte 1, ")": no ( is open`,
		"(a":                          `filter, byte 0, "(": this ( is not closed`,
		"a or and b":                  `filter, byte 5, "and": expected a term`,
		strings.Repeat("(", 65):       `filter, byte 64, "(": nested too deep: at most 64 levels`,
		strings.Repeat("a or ", 1025): `filter, byte 5120, "a": an expression has at most 2048 words`,
	} {
		if got, err := read(from); err == nil || err.Error() != want {
			t.Errorf("%.20q is %q, %v; want %q", from, got, err, want)
		}
	}
}

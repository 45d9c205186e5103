// Package report writes what benchmarks find as Markdown: aligned tables, figures with
// the digits that count, and targets with how far they are reached.
package report

import (
	"fmt"
	"strconv"
	"strings"
	"unicode/utf8"
)

// Grid aligns a table; the first line is its head.
func Grid(lines [][]string) string {
	width := make([]int, len(lines[0]))
	for _, line := range lines {
		for i, text := range line {
			width[i] = max(width[i], utf8.RuneCountInString(text))
		}
	}
	var b strings.Builder
	write := func(line []string) {
		for i, text := range line {
			fmt.Fprintf(&b, "| %s%s ", text, strings.Repeat(" ", width[i]-utf8.RuneCountInString(text)))
		}
		b.WriteString("|\n")
	}
	write(lines[0])
	rule := make([]string, len(width))
	for i, n := range width {
		rule[i] = strings.Repeat("-", n)
	}
	write(rule)
	for _, line := range lines[1:] {
		write(line)
	}
	return b.String()
}

// NotMeasured is the verdict where a figure is missing.
const NotMeasured = "not measured"

// AtLeast holds a figure, 0 for not known, against the least that is asked for.
func AtLeast(got, least float64, unit string) string {
	if got <= 0 || least <= 0 {
		return NotMeasured
	}
	verdict := "met"
	if got < least {
		verdict = fmt.Sprintf("missed by %.0f %%", max(1, 100*(1-got/least)))
	}
	return fmt.Sprintf("%s: %s %s of %s", verdict, Digits(got), unit, Digits(least))
}

// AtMost holds a figure, 0 for not known, against the most that is allowed.
func AtMost(got, most float64, unit string) string {
	if got <= 0 {
		return NotMeasured
	}
	verdict := "met"
	if got > most {
		verdict = fmt.Sprintf("missed by %.0f %%", max(1, 100*(got/most-1)))
	}
	return fmt.Sprintf("%s: %s %s, %s allowed", verdict, Digits(got), unit, Digits(most))
}

// Digits writes a figure with two or three that count.
func Digits(v float64) string {
	switch {
	case v >= 100:
		return fmt.Sprintf("%.0f", v)
	case v >= 10:
		return fmt.Sprintf("%.1f", v)
	}
	return fmt.Sprintf("%.2f", v)
}

// Thousands writes 1000000 as 1,000,000.
func Thousands(n int) string {
	text := strconv.Itoa(n)
	for i := len(text) - 3; i > 0; i -= 3 {
		text = text[:i] + "," + text[i:]
	}
	return text
}

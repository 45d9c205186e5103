//go:build linux

package main

import (
	"fmt"
	"strconv"
	"strings"
	"unicode/utf8"
)

// grid aligns a Markdown table; the first line is its head.
func grid(lines [][]string) string {
	width := make([]int, len(lines[0]))
	for _, line := range lines {
		for i, text := range line {
			width[i] = max(width[i], utf8.RuneCountInString(text))
		}
	}
	var b strings.Builder
	for n, line := range lines {
		for i, text := range line {
			fmt.Fprintf(&b, "| %s%s ", text, strings.Repeat(" ", width[i]-utf8.RuneCountInString(text)))
		}
		b.WriteString("|\n")
		for i := 0; n == 0 && i < len(width); i++ {
			b.WriteString("|" + strings.Repeat("-", width[i]+2))
		}
		if n == 0 {
			b.WriteString("|\n")
		}
	}
	return b.String()
}

func verdict(met bool, text string) string {
	if met {
		return "met: " + text
	}
	return "missed: " + text
}

// atLeast holds a figure against the least that is asked for.
func atLeast(got, least float64, unit string) string {
	if got <= 0 {
		return "not measured"
	}
	return verdict(got >= least, fmt.Sprintf("%s %s of %s", digits(got), unit, digits(least)))
}

// atMost holds a figure against the most that is allowed.
func atMost(got, most float64, unit string) string {
	if got <= 0 {
		return "not measured"
	}
	return verdict(got <= most, fmt.Sprintf("%s %s, %s allowed", digits(got), unit, digits(most)))
}

// digits writes a figure with two or three that count.
func digits(v float64) string {
	switch {
	case v >= 100:
		return fmt.Sprintf("%.0f", v)
	case v >= 10:
		return fmt.Sprintf("%.1f", v)
	}
	return fmt.Sprintf("%.2f", v)
}

// thousands writes 1000000 as 1,000,000.
func thousands(n int) string {
	text := strconv.Itoa(n)
	for i := len(text) - 3; i > 0; i -= 3 {
		text = text[:i] + "," + text[i:]
	}
	return text
}

// Package quantity writes numbers for people: three digits and a unit, or all of them with
// commas.
package quantity

import (
	"strconv"
	"strings"
)

// Bytes writes n with three digits and a decimal unit: 999 B, 1.25 GB.
func Bytes(n int64) string { return Scaled(float64(n), "B") }

// Scaled writes f with three digits and the unit's decimal prefix: 41 bit/s, 1.25 Gbit/s.
// Below 1000 it is written as a whole number.
func Scaled(f float64, unit string) string {
	if f < 1000 {
		return strconv.FormatFloat(f, 'f', 0, 64) + " " + unit
	}
	for _, prefix := range []string{"k", "M", "G", "T", "P"} {
		if f /= 1000; f < 999.5 {
			return ThreeDigits(f) + " " + prefix + unit
		}
	}
	return ThreeDigits(f/1000) + " E" + unit
}

// ThreeDigits writes 1.25, 12.5, 125; from 1000 on all digits.
func ThreeDigits(f float64) string {
	switch {
	case f < 9.995:
		return strconv.FormatFloat(f, 'f', 2, 64)
	case f < 99.95:
		return strconv.FormatFloat(f, 'f', 1, 64)
	}
	return strconv.FormatFloat(f, 'f', 0, 64)
}

// Count writes n with a comma between thousands.
func Count(n int64) string {
	s := strconv.FormatInt(n, 10)
	for i := len(s) - 3; i > 0 && s[i-1] != '-'; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return s
}

// CountOf is Count with what is counted: 1 file, 1,204 files, 2 entries.
func CountOf(n int64, what string) string {
	if n == 1 {
		return "1 " + what
	}
	if root, ok := strings.CutSuffix(what, "y"); ok {
		return Count(n) + " " + root + "ies"
	}
	return Count(n) + " " + what + "s"
}

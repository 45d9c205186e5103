package flow

import (
	"fmt"
	"math"
	"strconv"
	"strings"
)

// Why returns the reason for the label in one plain sentence: what was seen, in which
// frames, with the figures, and the RFC's section.
func (f Finding) Why() string {
	if f.Rule >= rules {
		return ""
	}
	var b strings.Builder
	text := ruleText[f.Rule]
	for {
		before, rest, ok := strings.Cut(text, "{")
		b.WriteString(before)
		if !ok {
			return b.String()
		}
		verb, index := rest[0], rest[1]-'0'
		b.WriteString(f.figure(verb, index))
		text = rest[len("f0}"):]
	}
}

// figure returns what stands for verb and index in the sentence of a rule.
func (f Finding) figure(verb, index byte) string {
	if verb == 'f' {
		if f.Frames[index] == 0 {
			return "an earlier frame"
		}
		return "frame " + strconv.FormatInt(f.Frames[index], 10)
	}
	v := f.Values[index]
	switch verb {
	case 'b':
		if v == 1 {
			return "1 byte"
		}
		return strconv.FormatInt(v, 10) + " bytes"
	case 't':
		return shortTime(v)
	case 'x':
		return fmt.Sprintf("0x%04x", v)
	default:
		return strconv.FormatInt(v, 10)
	}
}

// shortTime returns nanoseconds with three digits and a unit: 412 µs, 12.3 ms, 1.25 s.
func shortTime(ns int64) string {
	f, unit := float64(ns), "ns"
	for _, larger := range []string{"µs", "ms", "s"} {
		if math.Abs(f) < 999.5 {
			break
		}
		f, unit = f/1000, larger
	}
	digits := 0
	if a := math.Abs(f); unit != "ns" && a < 99.95 {
		digits = 1
		if a < 9.995 {
			digits = 2
		}
	}
	return strconv.FormatFloat(f, 'f', digits, 64) + " " + unit
}

package flow

import (
	"strconv"
	"strings"
	"time"
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
	default:
		return strconv.FormatInt(v, 10)
	}
}

// shortTime returns nanoseconds with three digits and a unit: 412µs, 12.3ms, 1.25s.
func shortTime(ns int64) string {
	d := time.Duration(ns)
	for unit := time.Duration(1); unit <= time.Minute; unit *= 10 {
		if d.Abs() < 1000*unit {
			return d.Round(unit).String()
		}
	}
	return d.Round(time.Second).String()
}

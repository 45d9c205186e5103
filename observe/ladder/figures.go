package ladder

import (
	"strconv"
	"strings"
	"time"
)

// bytesText writes n with three digits and a decimal unit: 999 B, 1.25 GB.
func bytesText(n int64) string { return scaled(float64(n), "B") }

// rateText writes bits per second from bytes in nanoseconds; empty where the time
// is too short to tell.
func rateText(bytes, nanoseconds int64) string {
	if nanoseconds < int64(10*time.Microsecond) {
		return ""
	}
	return scaled(float64(bytes)*8e9/float64(nanoseconds), "bit/s")
}

func scaled(f float64, unit string) string {
	if f < 1000 {
		return strconv.FormatFloat(f, 'f', 0, 64) + " " + unit
	}
	for _, prefix := range []string{"k", "M", "G", "T"} {
		if f /= 1000; f < 999.5 {
			return threeDigits(f) + " " + prefix + unit
		}
	}
	return threeDigits(f/1000) + " P" + unit
}

func threeDigits(f float64) string {
	switch {
	case f < 9.995:
		return strconv.FormatFloat(f, 'f', 2, 64)
	case f < 99.95:
		return strconv.FormatFloat(f, 'f', 1, 64)
	}
	return strconv.FormatFloat(f, 'f', 0, 64)
}

// took writes a time in nanoseconds with three digits: 41 µs, 3.10 s, 2 h 5 min.
func (g *glyphs) took(n int64) string {
	switch f := float64(n); {
	case n < 0:
		return "-" + g.took(-n)
	case n < int64(time.Microsecond):
		return strconv.FormatInt(n, 10) + " ns"
	case f < 999.5e3:
		return threeDigits(f/1e3) + " " + g.micro
	case f < 999.5e6:
		return threeDigits(f/1e6) + " ms"
	case f < 99.95e9:
		return threeDigits(f/1e9) + " s"
	}
	s := n / int64(time.Second)
	if s < 3600 {
		return strconv.FormatInt(s/60, 10) + " min " + strconv.FormatInt(s%60, 10) + " s"
	}
	return strconv.FormatInt(s/3600, 10) + " h " + strconv.FormatInt(s%3600/60, 10) + " min"
}

// countText writes n with a comma between thousands.
func countText(n int64) string {
	s := strconv.FormatInt(n, 10)
	for i := len(s) - 3; i > 0 && s[i-1] != '-'; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return s
}

// countOf is countText with what is counted: 1 frame, 1,204 frames.
func countOf(n int64, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return countText(n) + " " + what + "s"
}

// percent writes a part of a whole: 0 %, 0.17 %, 12 %.
func percent(part, whole int64) string {
	if whole == 0 {
		return "0 %"
	}
	f := 100 * float64(part) / float64(whole)
	if f != 0 && f < 9.95 {
		return strings.TrimSuffix(strconv.FormatFloat(f, 'f', 2, 64), "0") + " %"
	}
	return strconv.FormatFloat(f, 'f', 0, 64) + " %"
}

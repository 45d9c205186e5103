package ladder

import (
	"strconv"
	"strings"
	"time"

	"dialtone/app/quantity"
)

// rateText writes bits per second from bytes in nanoseconds; empty where the time
// is too short to tell.
func rateText(bytes, nanoseconds int64) string {
	if nanoseconds < int64(10*time.Microsecond) {
		return ""
	}
	return quantity.Scaled(float64(bytes)*8e9/float64(nanoseconds), "bit/s")
}

// took writes a time in nanoseconds with three digits: 41 µs, 3.10 s, 2 h 5 min.
func (g *glyphs) took(n int64) string {
	switch f := float64(n); {
	case n < 0:
		return "-" + g.took(-n)
	case n < int64(time.Microsecond):
		return strconv.FormatInt(n, 10) + " ns"
	case f < 999.5e3:
		return quantity.ThreeDigits(f/1e3) + " " + g.micro
	case f < 999.5e6:
		return quantity.ThreeDigits(f/1e6) + " ms"
	case f < 99.95e9:
		return quantity.ThreeDigits(f/1e9) + " s"
	}
	s := n / int64(time.Second)
	if s < 3600 {
		return strconv.FormatInt(s/60, 10) + " min " + strconv.FormatInt(s%60, 10) + " s"
	}
	return strconv.FormatInt(s/3600, 10) + " h " + strconv.FormatInt(s%3600/60, 10) + " min"
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

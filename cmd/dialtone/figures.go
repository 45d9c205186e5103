package main

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"dialtone/app/escape"
	"dialtone/app/quantity"

	"github.com/rivo/uniseg"
)

// rateText is bytesText for bytes per second.
func rateText(perSecond float64) string { return quantity.Bytes(int64(perSecond)) + "/s" }

// clockText writes how long: 0.12 s, then 0:14, 12:03, 1:02:33, 3 d 4 h.
func clockText(d time.Duration) string {
	s := int64(d.Round(time.Second) / time.Second)
	switch {
	case d < 0:
		return "0:00"
	case s >= 100*3600:
		return fmt.Sprintf("%d d %d h", s/86400, s%86400/3600)
	case s >= 3600:
		return fmt.Sprintf("%d:%02d:%02d", s/3600, s%3600/60, s%60)
	}
	return fmt.Sprintf("%d:%02d", s/60, s%60)
}

// tookText is clockText, exact where it is short.
func tookText(d time.Duration) string {
	switch {
	case d < time.Millisecond:
		return "under 1 ms"
	case d < 995*time.Millisecond:
		return strconv.FormatInt(d.Round(time.Millisecond).Milliseconds(), 10) + " ms"
	case d < 10*time.Second:
		return strconv.FormatFloat(d.Seconds(), 'f', 2, 64) + " s"
	}
	return clockText(d)
}

// columns is how wide s is on a terminal.
func columns(s string) int { return uniseg.StringWidth(s) }

// nameText is somebody's name for a file, safe to show, in at most width columns:
// what is too long loses its middle, since both ends tell names apart.
func nameText(name string, width int) string {
	name = escape.String(name)
	if columns(name) <= width {
		return name
	}
	if width < 1 {
		return ""
	}
	left := (width - 1) / 2
	return headOf(name, left) + "…" + tailOf(name, width-1-left)
}

// headOf returns the first clusters of s that fit width columns.
func headOf(s string, width int) string {
	rest, state, n := s, -1, 0
	for rest != "" {
		var cluster string
		var w int
		cluster, rest, w, state = uniseg.FirstGraphemeClusterInString(rest, state)
		if width -= w; width < 0 {
			break
		}
		n += len(cluster)
	}
	return s[:n]
}

// tailOf returns the last clusters of s that fit width columns.
func tailOf(s string, width int) string {
	excess, rest, state := columns(s)-width, s, -1
	for rest != "" && excess > 0 {
		var w int
		_, rest, w, state = uniseg.FirstGraphemeClusterInString(rest, state)
		excess -= w
	}
	return rest
}

// padded fills s with spaces to width columns.
func padded(s string, width int) string {
	return s + strings.Repeat(" ", max(0, width-columns(s)))
}

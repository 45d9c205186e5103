package main

import (
	"fmt"
	"strings"
	"time"

	"dialtone/app/quantity"
	"dialtone/app/transfer"
)

// view draws a transfer that runs, as lines of a terminal. It holds no time and
// does no I/O: what it shows follows from the snapshots it was given.
type view struct {
	width int  // columns of the terminal
	ascii bool // the terminal knows nothing else
	pace  pace
}

// maxActive is how many files on their way are shown, each a line.
const maxActive = 3

// lines returns what to show of s: files on their way, the total, and the state
// of the way itself. No line reaches the last column, where some terminals wrap.
func (v *view) lines(s transfer.Snapshot) (lines []string) {
	v.pace.add(s)
	for i, f := range s.Active {
		if i == maxActive {
			lines = append(lines, v.fit(fmt.Sprintf("and %s more on their way", quantity.Count(int64(len(s.Active)-i)))))
			break
		}
		lines = append(lines, v.row(nameText(f.Path, v.room()), f.Done, f.Size))
	}
	if !onlyOne(s) {
		lines = append(lines, v.row(filesText(s), s.Bytes, s.TotalBytes))
	}
	return append(lines, v.state(s))
}

// onlyOne reports whether the file on its way is all there is: no total beside it.
func onlyOne(s transfer.Snapshot) bool {
	return len(s.Active) == 1 && (s.TotalFiles == 1 || s.TotalFiles < 0 && s.Files == 0)
}

// filesText counts files: 12 files, 12 of 300 files.
func filesText(s transfer.Snapshot) string {
	n := s.Files + s.Skipped + s.Failed
	if s.TotalFiles < 0 || s.TotalFiles < n {
		return quantity.CountOf(n, "file")
	}
	return quantity.Count(n) + " of " + quantity.CountOf(s.TotalFiles, "file")
}

// What stands behind a name: a bar, a percentage, a size.
const (
	figuresWidth = 4 + 2 + 18 // " 62%  1.25 GB of 2.00 GB", at most
	leastName    = 16
	mostBar      = 24
)

// narrow terminals show the percentage alone.
const narrow = 2 + leastName + figuresWidth

// bar returns how many columns are left for bars.
func (v *view) bar() int {
	return min(mostBar, v.width-1-figuresWidth-2-2*leastName)
}

// room returns how many columns names have.
func (v *view) room() int {
	room := v.width - 1 - figuresWidth - 2
	if v.width < narrow {
		room = v.width - 1 - 4 - 2
	}
	if n := v.bar(); n >= 6 {
		room -= n + 2
	}
	return max(room, 1)
}

// row is a line of a table: name, which is safe to show, bar, percentage, bytes.
func (v *view) row(name string, done, size int64) string {
	figures := "      " + quantity.Bytes(done)
	bar := strings.Repeat(" ", max(0, v.bar()))
	if size >= 0 {
		done = min(done, size)
		bar = v.barOf(done, size)
		figures = fmt.Sprintf("%3d%%  %s", percent(done, size), ofText(done, size))
	}
	if v.width < narrow {
		figures = strings.TrimSpace(figures)
		figures, _, _ = strings.Cut(figures, "  ")
	}
	line := padded(headOf(name, v.room()), v.room())
	if v.bar() >= 6 {
		line += "  " + bar
	}
	return v.fit(line + "  " + figures)
}

// ofText says a part of a size, with one unit where both have the same.
func ofText(done, size int64) string {
	part, whole := quantity.Bytes(done), quantity.Bytes(size)
	if unit := whole[strings.IndexByte(whole, ' '):]; strings.HasSuffix(part, unit) {
		part = strings.TrimSuffix(part, unit)
	}
	return part + " of " + whole
}

// percent is rounded down: 100 means all.
func percent(done, size int64) int {
	if size <= 0 || done >= size {
		return 100
	}
	return int(float64(done) / float64(size) * 100)
}

func (v *view) barOf(done, size int64) string {
	n := v.bar()
	if n <= 0 {
		return ""
	}
	filled := n * percent(done, size) / 100
	full, empty := "█", "░"
	if v.ascii {
		full, empty = "#", "."
	}
	return strings.Repeat(full, filled) + strings.Repeat(empty, n-filled)
}

// state is the last line: how fast, how long yet, who holds it back, the path.
// What does not fit is left out from the right.
func (v *view) state(s transfer.Snapshot) string {
	return joinFitting(stateParts(s, &v.pace), v.width-1)
}

func stateParts(s transfer.Snapshot, p *pace) []string {
	parts := []string{rateText(p.rate())}
	if left, ok := p.left(s); ok {
		parts = append(parts, clockText(left)+" left")
	}
	if words := limitText(s.Limit); words != "" {
		parts = append(parts, "limited by "+words)
	}
	if s.Path.RTT > 0 {
		parts = append(parts, "RTT "+rttText(s.Path.RTT))
		parts = append(parts, quantity.Count(s.Path.Retransmitted)+" retransmitted")
	}
	if s.Repaired > 0 {
		parts = append(parts, quantity.CountOf(s.Repaired, "chunk")+" repaired")
	}
	return parts
}

// joinFitting puts as many parts on a line as width has columns for.
func joinFitting(parts []string, width int) (line string) {
	for _, p := range parts {
		next := p
		if line != "" {
			next = line + "   " + p
		}
		if columns(next) > width {
			break
		}
		line = next
	}
	return line
}

func rttText(d time.Duration) string {
	ms := float64(d) / float64(time.Millisecond)
	if ms < 0.1 {
		return fmt.Sprintf("%d µs", d.Microseconds())
	}
	return quantity.ThreeDigits(ms) + " ms"
}

// limitText says who holds a transfer back.
func limitText(l transfer.Limit) string {
	switch l {
	case transfer.LimitReading:
		return "the sender's disk"
	case transfer.LimitSending:
		return "the sender's processor"
	case transfer.LimitNetwork:
		return "the network"
	case transfer.LimitReceiving:
		return "the receiver's processor"
	case transfer.LimitWriting:
		return "the receiver's disk"
	case transfer.LimitRate:
		return "--limit"
	}
	return ""
}

// fit cuts a line before the last column.
func (v *view) fit(line string) string {
	line = strings.TrimRight(line, " ")
	if columns(line) < v.width {
		return line
	}
	return headOf(line, v.width-1)
}

// pace is how fast a transfer went lately. The zero value is ready.
type pace struct{ seen []moment }

// moment is what had been moved at a time.
type moment struct {
	at    time.Duration
	moved int64
}

// lately is the time over which a rate is averaged.
const lately = 5 * time.Second

func (p *pace) add(s transfer.Snapshot) {
	p.seen = append(p.seen, moment{s.Elapsed, s.Bytes - s.SkippedBytes})
	for len(p.seen) > 2 && s.Elapsed-p.seen[1].at >= lately {
		p.seen = p.seen[1:]
	}
}

// rate returns bytes per second.
func (p *pace) rate() float64 {
	if len(p.seen) == 0 {
		return 0
	}
	first, last := moment{}, p.seen[len(p.seen)-1]
	if p.seen[0].at < last.at && len(p.seen) > 1 {
		first = p.seen[0]
	}
	if last.at <= first.at || last.moved < first.moved {
		return 0
	}
	return float64(last.moved-first.moved) / (last.at - first.at).Seconds()
}

// left returns how long the rest will take, where that can be told.
func (p *pace) left(s transfer.Snapshot) (time.Duration, bool) {
	rate := p.rate()
	if s.TotalBytes < 0 || rate < 1 || s.Bytes > s.TotalBytes {
		return 0, false
	}
	seconds := float64(s.TotalBytes-s.Bytes) / rate
	if seconds > 30*24*3600 {
		return 0, false
	}
	return time.Duration(seconds * float64(time.Second)), true
}

package main

import (
	"bytes"
	"fmt"
	"io"
	"os"
	"runtime"
	"strings"
	"sync"

	"dialtone/app/transfer"

	"golang.org/x/term"
)

// screenReport shows a transfer on a terminal: a few lines that are drawn again
// in place, with what is worth keeping above them. The cursor rests on the last
// of them and is never hidden, nothing of the terminal's state is changed: a
// process that is killed leaves no harm.
type screenReport struct {
	out     io.Writer
	size    func() (width, height int)
	done    string
	verbose bool
	ascii   bool

	mu    sync.Mutex
	view  view
	shown []string // the lines that stand now
	tally tally
}

// sizeOf returns how to ask f for its size. Asking each time is how the view
// follows a window: it costs a system call five times a second.
func sizeOf(f *os.File) func() (int, int) {
	return func() (int, int) {
		w, h, err := term.GetSize(int(f.Fd()))
		if err != nil || w < 1 || h < 1 {
			return 80, 24
		}
		return w, h
	}
}

// speaksUTF8 reports whether the locale has the characters of bars.
func speaksUTF8() bool {
	if runtime.GOOS == "windows" {
		return true
	}
	for _, name := range []string{"LC_ALL", "LC_CTYPE", "LANG"} {
		if v := os.Getenv(name); v != "" {
			v = strings.ToUpper(v)
			return strings.Contains(v, "UTF-8") || strings.Contains(v, "UTF8")
		}
	}
	return false
}

func (r *screenReport) started(p peerFields) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.above("connected to " + p.text())
}

func (r *screenReport) event(e transfer.Event) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.tally.add(e)
	switch e.Kind {
	case transfer.EventDone, transfer.EventSkipped, transfer.EventFailed:
		if r.verbose {
			r.above(eventLine(e, true))
		}
	case transfer.EventNotice:
		if r.verbose || r.tally.notices <= mostNotices {
			r.above(eventLine(e, false))
		}
	default:
		r.above(eventLine(e, false))
	}
}

func (r *screenReport) progress(s transfer.Snapshot) {
	r.mu.Lock()
	defer r.mu.Unlock()
	width, height := r.size()
	r.view.width, r.view.ascii = width, r.ascii
	lines := r.view.lines(s)
	if height > 1 && len(lines) > height-1 {
		lines = lines[len(lines)-(height-1):]
	}
	r.draw("", lines)
}

// above writes a line that stays, above the view.
func (r *screenReport) above(line string) {
	if line != "" {
		r.draw(line+"\n", r.shown)
	}
}

// draw replaces what stands by text that stays and then lines, in one write, so
// that nothing flickers.
func (r *screenReport) draw(text string, lines []string) {
	var b bytes.Buffer
	width, _ := r.size()
	if n := rowsOf(r.shown, width); n > 1 {
		fmt.Fprintf(&b, "\x1b[%dA", n-1)
	}
	b.WriteByte('\r')
	if text != "" && len(r.shown) > 0 {
		b.WriteString("\x1b[J")
	}
	b.WriteString(text)
	for i, line := range lines {
		if i > 0 {
			b.WriteString("\r\n")
		}
		b.WriteString(line + "\x1b[K")
	}
	if len(lines) == 0 || len(lines) < len(r.shown) {
		b.WriteString("\x1b[J")
	}
	b.WriteByte('\r')
	r.out.Write(b.Bytes())
	r.shown = lines
}

// rowsOf is how many rows lines take on a terminal that is now width columns
// wide: one that became narrower has wrapped them.
func rowsOf(lines []string, width int) (rows int) {
	for _, line := range lines {
		rows += max(1, (columns(line)+width-1)/width)
	}
	return rows
}

func (r *screenReport) ended(s transfer.Summary, err error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	var text strings.Builder
	for _, line := range closingLines(r.done, s, r.tally, err) {
		text.WriteString(line + "\n")
	}
	r.draw(text.String(), nil)
}

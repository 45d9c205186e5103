package main

import (
	"fmt"
	"io"
	"strings"
	"sync"
	"time"

	"dialtone/app/quantity"
	"dialtone/app/transfer"
)

// plainReport shows a transfer as plain lines, for logs and pipes: the first
// files by name, then how far it is every ten seconds, then the summary.
type plainReport struct {
	w     io.Writer
	done  string
	all   bool // every file by name, with its hash
	alone bool // no other transfer writes lines beside ours

	mu    sync.Mutex
	peer  string
	named int
	tally tally
	pace  pace
	next  time.Duration // when progress is due
}

const (
	mostNamed   = 20 // files by name, unless all are
	mostNotices = 10
	plainPause  = 10 * time.Second
)

func (r *plainReport) started(p peerFields) {
	if !r.alone {
		r.peer = p.Addr + "  "
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.line("connected to " + p.text())
	r.next = plainPause
}

// line writes one line, whole, in one write.
func (r *plainReport) line(text string) {
	if text != "" {
		io.WriteString(r.w, r.peer+text+"\n")
	}
}

func (r *plainReport) event(e transfer.Event) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.tally.add(e)
	switch e.Kind {
	case transfer.EventDone, transfer.EventSkipped:
		if r.named++; r.all || r.alone && r.named <= mostNamed {
			r.line(eventLine(e, r.all))
		} else if r.alone && r.named == mostNamed+1 {
			r.line("further files are counted; -v names all")
		}
	case transfer.EventNotice:
		if r.all || r.tally.notices <= mostNotices {
			r.line(eventLine(e, false))
		}
	case transfer.EventFailed:
		if r.all {
			r.line(eventLine(e, false))
		}
	default:
		r.line(eventLine(e, false))
	}
}

func (r *plainReport) progress(s transfer.Snapshot) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.pace.add(s)
	if s.Elapsed < r.next {
		return
	}
	r.next = s.Elapsed + plainPause
	r.line(progressLine(s, &r.pace))
}

// progressLine is a snapshot as one line.
func progressLine(s transfer.Snapshot, p *pace) string {
	moved := quantity.Bytes(s.Bytes)
	if s.TotalBytes >= s.Bytes {
		moved = fmt.Sprintf("%s, %d%%", ofText(s.Bytes, s.TotalBytes), percent(s.Bytes, s.TotalBytes))
	}
	return strings.Join(append([]string{clockText(s.Elapsed), filesText(s), moved}, stateParts(s, p)...), "  ")
}

func (r *plainReport) ended(s transfer.Summary, err error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, line := range closingLines(r.done, s, r.tally, err) {
		r.line(line)
	}
}

package board

import (
	"strconv"
	"sync"
	"time"

	"dialtone/observe/live"
)

// sheet is a snapshot in the page's words. It never changes.
type sheet struct {
	*live.Snapshot
	lines []*line
	byID  map[uint64]*line
}

// line is one row as a page gets it. Its text is the same string as long as nothing in it
// changes, which makes two sheets quick to compare.
type line struct {
	row   *live.Row
	since int64 // milliseconds since 1970
	text  string
}

// sheets makes one sheet of each snapshot, for all pages.
type sheets struct {
	view *live.View

	mu   sync.Mutex
	last *sheet
}

func (s *sheets) now() *sheet {
	s.mu.Lock()
	defer s.mu.Unlock()
	snapshot := s.view.Snapshot()
	if s.last == nil || s.last.Snapshot != snapshot {
		s.last = newSheet(snapshot, s.last)
	}
	return s.last
}

func newSheet(snapshot *live.Snapshot, before *sheet) *sheet {
	s := &sheet{Snapshot: snapshot, lines: make([]*line, len(snapshot.Rows)), byID: make(map[uint64]*line, len(snapshot.Rows))}
	var scratch []byte
	lines := make([]line, 0, len(snapshot.Rows)) // one allocation for all
	for i, row := range snapshot.Rows {
		var last *line
		if before != nil {
			last = before.byID[row.Watched.ID]
		}
		if last == nil || last.row != row {
			lines = append(lines, line{row: row, since: since(snapshot.At, row, last)})
			l := &lines[len(lines)-1]
			scratch = l.append(scratch[:0])
			if last != nil && last.text == string(scratch) {
				l.text = last.text
			} else {
				l.text = string(scratch)
			}
			last = l
		}
		s.lines[i], s.byID[row.Watched.ID] = last, last
	}
	return s
}

// since is when a row came into its state. What the kernel tells of it is not exact to
// the millisecond: an earlier word stands while it is about the same.
func since(at time.Time, row *live.Row, last *line) int64 {
	age, exact := row.Age()
	if age == 0 && !exact {
		at = row.First
	}
	ms := at.Add(-age).UnixMilli()
	near := int64(1500)
	if exact {
		near = 20
	}
	if last != nil && last.row.State == row.State && max(ms-last.since, last.since-ms) < near {
		return last.since
	}
	return ms
}

// append writes a line as an array of JSON; stream.js has the same order.
func (l *line) append(b []byte) []byte {
	r := l.row
	number := func(n int64) { b = strconv.AppendInt(append(b, ','), n, 10) }
	text := func(s string) { b = appendText(append(b, ','), s) }
	b = strconv.AppendUint(append(b, '['), r.Watched.ID, 10)
	number(int64(r.State))
	text(r.Network)
	text(localOf(&r.Socket))
	text(remoteOf(&r.Socket))
	number(l.since)
	_, exact := r.Age()
	number(flag(exact))
	number(int64(r.RecvQueue))
	number(int64(r.SendQueue))
	rtt, again := int64(-1), int64(-1)
	if i := r.Info; i != nil {
		rtt, again = i.RTT.Smooth.Microseconds(), int64(i.Counts.Retransmitted)
	}
	number(rtt)
	number(again)
	text(shortProcesses(&r.Socket))
	text(userOf(&r.Socket))
	finding := ""
	if len(r.Findings) > 0 {
		finding = r.Findings[0].Text
	}
	text(finding)
	number(int64(len(r.Findings)))
	gone := int64(0)
	if !r.Closed.IsZero() {
		gone = r.Closed.UnixMilli()
	}
	number(gone)
	return append(b, ']')
}

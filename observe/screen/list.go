package screen

import (
	"slices"

	"dialtone/observe/live"
	"dialtone/observe/sockets"
)

// list is the rows that are shown: chosen from a snapshot and in order, one of them under
// the cursor.
type list struct {
	filter  *sockets.Filter
	trouble bool    // only rows with findings
	by      *Column // nil is usual
	back    bool    // the other way round
	usual   func(a, b *sockets.Socket) int

	rows  []*live.Row
	tally tally
	at    int    // the row under the cursor
	id    uint64 // its name; 0 while nobody has moved the cursor
	top   int    // the first row on the screen
}

// fill chooses rows from a snapshot. The cursor stays on its row, and the row where it is
// on the screen; without one the cursor stays at the top.
func (l *list) fill(s *live.Snapshot) {
	l.rows = s.Select(l.filter)
	if l.trouble {
		l.rows = slices.DeleteFunc(l.rows, func(r *live.Row) bool { return len(r.Findings) == 0 })
	}
	slices.SortFunc(l.rows, l.compare)
	l.tally = tallyOf(l.rows)
	was := l.at
	if l.id != 0 {
		if i := slices.IndexFunc(l.rows, func(r *live.Row) bool { return r.Watched.ID == l.id }); i >= 0 {
			l.at = i
		}
	}
	l.top += l.at - was
	l.settle()
}

func (l *list) compare(a, b *live.Row) int {
	c := 0
	if l.by != nil {
		c = l.by.Compare(&a.Socket, &b.Socket)
	} else {
		c = l.usual(&a.Socket, &b.Socket)
	}
	if l.back {
		c = -c
	}
	if c == 0 {
		c = l.usual(&a.Socket, &b.Socket)
	}
	return c
}

// move moves the cursor by n rows.
func (l *list) move(n int) {
	l.at += n
	l.settle()
	l.id = 0
	if r := l.row(); r != nil && l.at > 0 {
		l.id = r.Watched.ID
	}
}

// settle keeps the cursor inside the list.
func (l *list) settle() { l.at = max(0, min(l.at, len(l.rows)-1)) }

// row is the one under the cursor, or nil.
func (l *list) row() *live.Row {
	if l.at >= len(l.rows) {
		return nil
	}
	return l.rows[l.at]
}

// visible returns the rows that a screen with room for n of them shows, and the place of
// the first: the cursor's is among them.
func (l *list) visible(n int) (rows []*live.Row, first int) {
	l.top = max(l.at-n+1, min(l.top, l.at, len(l.rows)-n), 0)
	return l.rows[l.top:min(l.top+n, len(l.rows))], l.top
}

// tally counts rows.
type tally struct {
	in      [sockets.Connected + 1]int // by state, of those that are there
	gone    int                        // closed of late
	unowned bool                       // of some it is not known whose they are
}

func tallyOf(rows []*live.Row) (t tally) {
	for _, r := range rows {
		if r.Closed.IsZero() {
			t.in[r.State]++
		} else {
			t.gone++
		}
		t.unowned = t.unowned || r.Hidden && len(r.Processes) == 0 && r.Inode != 0
	}
	return t
}

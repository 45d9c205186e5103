package screen

import (
	"cmp"
	"slices"
	"time"

	"dialtone/observe/live"
	"dialtone/observe/sockets"
)

// list is the rows that are shown: chosen from a snapshot and in order, one of them under
// the cursor.
type list struct {
	filter  *sockets.Filter
	trouble bool    // only rows with findings
	by      *Column // what to sort by
	back    bool    // the other way round
	usual   *Column

	filled time.Time // when the snapshot was that rows are from

	rows  []*live.Row
	keyed []keyed
	tally tally
	at    int    // the row under the cursor
	id    uint64 // its name; 0 while nobody has moved the cursor
	top   int    // the first row on the screen
}

// fill chooses rows from a snapshot. The cursor stays on its row, and the row where it is
// on the screen; without one the cursor stays at the top.
func (l *list) fill(s *live.Snapshot) {
	l.rows = append(slices.DeleteFunc(s.Select(l.filter), gone), l.lingering(s)...)
	l.filled = s.At
	if l.trouble {
		l.rows = slices.DeleteFunc(l.rows, func(r *live.Row) bool { return len(r.Findings) == 0 })
	}
	l.sort()
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

func gone(r *live.Row) bool { return !r.Closed.IsZero() }

// lingering returns the closed ones among the rows to show: those that were shown before,
// whatever the filter says of the state CLOSED, and those that came and went since.
func (l *list) lingering(s *live.Snapshot) (list []*live.Row) {
	var shown map[uint64]bool
	for _, r := range s.Rows {
		if !gone(r) {
			continue
		}
		if shown == nil {
			shown = make(map[uint64]bool, len(l.rows))
			for _, r := range l.rows {
				shown[r.Watched.ID] = true
			}
		}
		if shown[r.Watched.ID] || r.First.After(l.filled) && l.filter.Match(&r.Socket) {
			list = append(list, r)
		}
	}
	return list
}

// keyed is a row with the number by which it is sorted first.
type keyed struct {
	key uint64
	row *live.Row
}

// sort puts the rows in order.
func (l *list) sort() {
	l.keyed = l.keyed[:0]
	for _, r := range l.rows {
		k := keyed{row: r}
		if l.by.Key != nil {
			k.key = l.by.Key(&r.Socket)
		}
		l.keyed = append(l.keyed, k)
	}
	slices.SortFunc(l.keyed, l.compare)
	for i, k := range l.keyed {
		l.rows[i] = k.row
	}
	clear(l.keyed) // rows that are gone are not kept
}

func (l *list) compare(a, b keyed) int {
	c := cmp.Compare(a.key, b.key)
	if c == 0 {
		c = l.by.Compare(&a.row.Socket, &b.row.Socket)
	}
	if l.back {
		c = -c
	}
	if c == 0 && l.by != l.usual {
		c = l.usual.Compare(&a.row.Socket, &b.row.Socket)
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
		if gone(r) {
			t.gone++
		} else {
			t.in[r.State]++
		}
		t.unowned = t.unowned || r.Hidden && len(r.Processes) == 0 && r.Inode != 0
	}
	return t
}

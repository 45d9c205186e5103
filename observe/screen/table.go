package screen

import (
	"cmp"
	"strings"
	"time"

	"dialtone/observe/live"

	"github.com/charmbracelet/x/ansi"
)

// gap separates columns; margin is what stands before the first: the cursor, whether the
// state has changed of late, whether something is off.
const (
	gap    = 2
	margin = 3 + gap
)

// rowRoom is how many rows the table shows.
func (m *Model) rowRoom() int {
	room := m.room() - 1 // the titles
	if m.list.trouble {
		room /= 2
	}
	return max(room, 1)
}

// table draws the titles and the rows that there is room for: of those that something is
// off with, beneath each what it is.
func (m *Model) table(room int) []string {
	rows, first := m.list.visible(m.rowRoom())
	cells := make([][]string, len(rows))
	for i, r := range rows {
		cells[i] = m.cells(r)
	}
	shown := m.fit()
	lines := []string{paint(inkBold, m.titles(shown))}
	for i, r := range rows {
		lines = append(lines, m.row(r, cells[i], shown, first+i == m.list.at))
		if m.list.trouble {
			lines = append(lines, m.finding(r))
		}
	}
	if len(rows) == 0 {
		lines = append(lines, "", strings.Repeat(" ", margin)+m.nothing())
	}
	return lines[:min(len(lines), max(room, 1))]
}

// nothing says why there are no rows.
func (m *Model) nothing() string {
	switch {
	case m.snapshot.At.IsZero():
		return "looking ..."
	case m.list.trouble:
		return "nothing is off with any of them"
	case m.said != "":
		return "no socket matches the filter"
	}
	return "there are no sockets"
}

// cells are the texts of a row. Columns grow with what is in them, and do not shrink: the
// table would jump.
func (m *Model) cells(r *live.Row) []string {
	list := make([]string, len(m.config.Columns))
	var b []byte
	for i, c := range m.config.Columns {
		b = c.Append(b[:0], &r.Socket)
		list[i] = string(b)
		m.widths[i] = max(m.widths[i], ansi.StringWidth(list[i]))
	}
	return list
}

// fit chooses the columns that there is room for.
func (m *Model) fit() (shown []bool) {
	shown, m.absent = make([]bool, len(m.widths)), m.absent[:0]
	total := margin - gap
	for i := range m.config.Columns {
		shown[i] = true
		m.widths[i] = max(m.widths[i], ansi.StringWidth(m.titleOf(i)))
		total += m.widths[i] + gap
	}
	for total > m.width {
		next := -1
		for i, c := range m.config.Columns {
			if shown[i] && c.Spare > 0 && (next < 0 || c.Spare < m.config.Columns[next].Spare) {
				next = i
			}
		}
		if next < 0 {
			break // what is still too long is cut
		}
		shown[next] = false
		m.absent = append(m.absent, m.config.Columns[next].Name)
		total -= m.widths[next] + gap
	}
	return shown
}

// titles draws the columns' names, an arrow at the one that is sorted by: down where the
// order is the column's own.
func (m *Model) titles(shown []bool) string {
	names := make([]string, len(shown))
	for i := range names {
		names[i] = m.titleOf(i)
	}
	return m.lay("", names, shown)
}

func (m *Model) titleOf(i int) string {
	name := strings.ToUpper(m.config.Columns[i].Name)
	switch {
	case m.list.by.Name != m.config.Columns[i].Name:
		return name
	case m.list.back:
		return name + m.glyphs.up
	}
	return name + m.glyphs.down
}

// lay puts cells into their columns.
func (m *Model) lay(mark string, cells []string, shown []bool) string {
	var b strings.Builder
	b.WriteString(fill(mark, margin-gap))
	for i, text := range cells {
		if !shown[i] {
			continue
		}
		b.WriteString("  ") // gap
		pad := strings.Repeat(" ", max(0, m.widths[i]-ansi.StringWidth(text)))
		if m.config.Columns[i].Number {
			b.WriteString(pad + text)
		} else {
			b.WriteString(text + pad)
		}
	}
	return b.String()
}

// row draws one row. Its weight repeats what its marks say.
func (m *Model) row(r *live.Row, cells []string, shown []bool, under bool) string {
	mark, i := " ", inkNone
	switch at, changed := m.recent[r.Watched.ID]; {
	case !r.Closed.IsZero():
		mark, i = "x", inkDim
	case changed && m.snapshot.At.Sub(at) <= marked, m.fresh(r):
		mark, i = "*", inkBold
	}
	off := " "
	if len(r.Findings) > 0 {
		off = "!"
		i = cmp.Or(i, inkNote)
	}
	cursor := " "
	if under {
		cursor = m.glyphs.cursor
		i = ink(strings.Trim("7;"+string(i), ";"))
	}
	line := m.lay(cursor+mark+off, cells, shown)
	return paint(i, fill(m.glyphs.cut(line, m.width), m.width))
}

// fresh reports whether a socket was made while we watch, just now.
func (m *Model) fresh(r *live.Row) bool {
	return r.First.After(m.began) && m.snapshot.At.Sub(r.First) <= marked
}

// clock writes a time of day.
func (m *Model) clock(t time.Time, layout string) string {
	if m.config.Location == nil {
		return t.UTC().Format(layout)
	}
	return t.In(m.config.Location).Format(layout)
}

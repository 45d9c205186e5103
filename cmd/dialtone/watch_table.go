package main

import (
	"io"
	"slices"
	"strings"

	"dialtone/observe/sockets"
)

// watchTable is the table of sockets as text. The texts of all cells lie behind each other, row by row.
type watchTable struct {
	columns []*column
	text    []byte
	ends    []int // of each cell in text
	widths  []int // of each column; -1 is left out
}

func newWatchTable(list []*column, rows []*sockets.Socket) *watchTable {
	l := &watchTable{columns: list, widths: make([]int, len(list)), ends: make([]int, 0, (len(rows)+1)*len(list))}
	l.text = make([]byte, 0, 100*len(rows))
	for i, c := range list {
		l.add(i, func(b []byte) []byte { return append(b, strings.ToUpper(c.name)...) })
	}
	for _, s := range rows {
		for i, c := range list {
			l.add(i, func(b []byte) []byte { return c.append(b, s) })
		}
	}
	return l
}

// add appends a cell of a column.
func (l *watchTable) add(column int, text func([]byte) []byte) {
	start := len(l.text)
	l.text = text(l.text)
	l.ends = append(l.ends, len(l.text))
	l.widths[column] = max(l.widths[column], cellWidth(l.text[start:]))
}

// cellWidth is how wide a cell is on a terminal.
func cellWidth(b []byte) int {
	for _, c := range b {
		if c >= 0x80 {
			return columns(string(b))
		}
	}
	return len(b)
}

// cellGap is what separates columns.
const cellGap = "  "

// write lays the table out in at most room columns, 0 for any number: those that say
// least are left out, and said, and what is still too long is cut. What is off stands
// beneath its row.
func (l *watchTable) write(w io.Writer, room int, off func(row int) []sockets.Finding) {
	left := l.drop(room)
	line := make([]byte, 0, 256)
	start := 0
	for at, end := range l.ends {
		i := at % len(l.columns)
		if l.widths[i] >= 0 {
			line = l.cell(line, i, l.text[start:end])
		}
		start = end
		if i == len(l.columns)-1 {
			w.Write(append(fitted(line, room), '\n')) // a bufio.Writer keeps its first error
			line = line[:0]
			if row := at / len(l.columns); row > 0 {
				writeFindings(w, room, off(row-1))
			}
		}
	}
	if len(left) > 0 {
		io.WriteString(w, "no room for: "+strings.Join(left, ", ")+"\n")
	}
}

// writeFindings writes sentences, each from a line of its own on.
func writeFindings(w io.Writer, room int, list []sockets.Finding) {
	const mark, rest = "  ! ", "    "
	for _, f := range list {
		line := mark
		for word := range strings.FieldsSeq(f.Text) {
			if len(line) > len(rest) && room > 0 && columns(line)+1+columns(word) > room {
				io.WriteString(w, line+"\n")
				line = rest
			}
			if len(line) > len(rest) {
				line += " "
			}
			line += word
		}
		io.WriteString(w, line+"\n")
	}
}

// cell appends a cell to its line: figures to the right of their column.
func (l *watchTable) cell(line []byte, i int, text []byte) []byte {
	const spaces = "                                                                "
	if len(line) > 0 {
		line = append(line, cellGap...)
	}
	pad := l.widths[i] - cellWidth(text)
	fill := func() {
		for n := pad; n > 0; n -= len(spaces) {
			line = append(line, spaces[:min(n, len(spaces))]...)
		}
	}
	if l.columns[i].number != nil {
		fill()
		return append(line, text...)
	}
	line = append(line, text...)
	fill()
	return line
}

// fitted cuts a line.
func fitted(line []byte, room int) []byte {
	for len(line) > 0 && line[len(line)-1] == ' ' {
		line = line[:len(line)-1]
	}
	if room == 0 || cellWidth(line) <= room {
		return line
	}
	return append([]byte(headOf(string(line), room-1)), '>')
}

// drop leaves out columns until the others have room, and returns their names.
func (l *watchTable) drop(room int) (left []string) {
	total := -len(cellGap)
	for _, w := range l.widths {
		total += w + len(cellGap)
	}
	for _, name := range spareColumns {
		if room == 0 || total <= room {
			return left
		}
		i := slices.IndexFunc(l.columns, func(c *column) bool { return c.name == name })
		if i >= 0 {
			total -= l.widths[i] + len(cellGap)
			l.widths[i] = -1
			left = append(left, name)
		}
	}
	return left
}

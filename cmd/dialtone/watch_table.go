package main

import (
	"io"
	"slices"
	"strings"
	"sync"

	"dialtone/observe/sockets"
)

// watchTable is the table of sockets as text, in parts that are made at once.
type watchTable struct {
	columns []*column
	head    *tablePart
	parts   []*tablePart
	widths  []int // of each column; -1 is left out
}

// tablePart are some rows. The texts of their cells lie behind each other, row by row.
type tablePart struct {
	rows   []*sockets.Socket
	text   []byte
	ends   []int // of each cell in text
	widths []int // of each column
}

func newWatchTable(list []*column, rows []*sockets.Socket) *watchTable {
	l := &watchTable{columns: list, head: newTablePart(list, nil), widths: make([]int, len(list))}
	for i, c := range list {
		l.head.add(i, append(l.head.text, strings.ToUpper(c.name)...))
	}
	l.parts = inParts(rows, func(part []*sockets.Socket) *tablePart { return newTablePart(list, part) })
	for _, p := range append(l.parts, l.head) {
		for i, w := range p.widths {
			l.widths[i] = max(l.widths[i], w)
		}
	}
	return l
}

func newTablePart(list []*column, rows []*sockets.Socket) *tablePart {
	p := &tablePart{rows: rows, widths: make([]int, len(list)), ends: make([]int, 0, (len(rows)+1)*len(list))}
	p.text = make([]byte, 0, 10*(len(rows)+1)*len(list))
	for _, s := range rows {
		for i, c := range list {
			p.add(i, c.append(p.text, s))
		}
	}
	return p
}

// add takes text, to which a cell of a column was appended.
func (p *tablePart) add(column int, text []byte) {
	start := len(p.text)
	p.text, p.ends = text, append(p.ends, len(text))
	p.widths[column] = max(p.widths[column], cellWidth(text[start:]))
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
func (l *watchTable) write(w io.Writer, room int, off func(*sockets.Socket) []sockets.Finding) {
	left := l.drop(room)
	w.Write(l.lines(l.head, room, off))
	texts := make([][]byte, len(l.parts))
	var working sync.WaitGroup
	for i, p := range l.parts {
		working.Go(func() { texts[i] = l.lines(p, room, off) })
	}
	working.Wait()
	for _, text := range texts {
		w.Write(text) // a bufio.Writer keeps its first error
	}
	if len(left) > 0 {
		io.WriteString(w, "no room for: "+strings.Join(left, ", ")+"\n")
	}
}

// lines are those of a part.
func (l *watchTable) lines(p *tablePart, room int, off func(*sockets.Socket) []sockets.Finding) []byte {
	width := 1
	for _, w := range l.widths {
		width += w + len(cellGap)
	}
	text := make([]byte, 0, (len(p.ends)/len(l.columns)+1)*width)
	line, start := 0, 0
	for at, end := range p.ends {
		i := at % len(l.columns)
		if l.widths[i] >= 0 {
			text = l.cell(text, line, i, p.text[start:end])
		}
		start = end
		if i == len(l.columns)-1 {
			text = append(fitted(text, line, room), '\n')
			if row := at / len(l.columns); row < len(p.rows) {
				text = appendFindings(text, room, off(p.rows[row]))
			}
			line = len(text)
		}
	}
	return text
}

// appendFindings writes sentences, each from a line of its own on.
func appendFindings(text []byte, room int, list []sockets.Finding) []byte {
	const mark, rest = "  ! ", "    "
	for _, f := range list {
		line := mark
		for word := range strings.FieldsSeq(f.Text) {
			if len(line) > len(rest) && room > 0 && columns(line)+1+columns(word) > room {
				text = append(text, line+"\n"...)
				line = rest
			}
			if len(line) > len(rest) {
				line += " "
			}
			line += word
		}
		text = append(text, line+"\n"...)
	}
	return text
}

// cell appends a cell to the line that begins at a place in text: figures to the right of
// their column.
func (l *watchTable) cell(text []byte, line, i int, cell []byte) []byte {
	if len(text) > line {
		text = append(text, cellGap...)
	}
	pad := l.widths[i] - cellWidth(cell)
	if l.columns[i].number != nil {
		return append(appendSpaces(text, pad), cell...)
	}
	return appendSpaces(append(text, cell...), pad)
}

func appendSpaces(text []byte, n int) []byte {
	const spaces = "                                                                "
	for ; n > len(spaces); n -= len(spaces) {
		text = append(text, spaces...)
	}
	return append(text, spaces[:max(0, n)]...)
}

// fitted cuts the line that begins at a place in text.
func fitted(text []byte, line, room int) []byte {
	for len(text) > line && text[len(text)-1] == ' ' {
		text = text[:len(text)-1]
	}
	if room == 0 || cellWidth(text[line:]) <= room {
		return text
	}
	return append(append(text[:line], headOf(string(text[line:]), room-1)...), '>')
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

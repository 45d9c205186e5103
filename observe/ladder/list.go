package ladder

import (
	"fmt"
	"io"
	"strings"

	"dialtone/app/quantity"
	"dialtone/internet"
	"dialtone/observe/flow"
)

// WriteList writes a table of conversations, one a line, in the order given. Where
// the terminal is too narrow the columns that say least are left out.
func WriteList(w io.Writer, talks []flow.Conversation, s Style) error {
	g := s.glyphs()
	table := [][]string{head(g)}
	for i := range talks {
		table = append(table, g.cells(&talks[i]))
	}
	widths := widthsOf(table)
	var text strings.Builder
	left := dropColumns(widths, s.width(), s.Width == 0)
	for i, cells := range table {
		line := ""
		for j, cell := range cells {
			if widths[j] < 0 {
				continue
			}
			if textColumn(j) {
				line += padRight(cell, widths[j]) + "  "
			} else {
				line += padLeft(cell, widths[j]) + "  "
			}
		}
		line = strings.TrimRight(line, " ")
		if i == 0 {
			line = s.paint(inkHead, line)
		}
		text.WriteString(line + "\n")
	}
	if len(left) > 0 {
		text.WriteString(s.paint(inkDim, "no room for: "+strings.Join(left, ", ")) + "\n")
	}
	_, err := io.WriteString(w, text.String())
	return err
}

// The columns of a list.
const (
	columnNumber = iota
	columnEnds
	columnState
	columnCloser
	columnPackets
	columnSent
	columnReceived
	columnRTT
	columnLoss
	columnTime
	listColumns
)

func head(g *glyphs) []string {
	return []string{"#", "ends", "state", "closed by", "packets", "bytes " + g.right, "bytes " + g.left, "RTT", "loss", "time"}
}

func textColumn(j int) bool { return j >= columnEnds && j <= columnCloser }

func (g *glyphs) cells(c *flow.Conversation) []string {
	a, b := &c.Ends[0], &c.Ends[1]
	cells := make([]string, listColumns)
	arrow := g.to
	if c.Opened == flow.HowMidstream {
		arrow = g.both
	}
	cells[columnNumber] = fmt.Sprint(c.ID)
	cells[columnEnds] = fmt.Sprintf("%s %s %s", a.Addr, arrow, b.Addr)
	cells[columnState] = StateText(c)
	if c.Closer >= 0 && c.Closed != flow.HowBothAtOnce {
		cells[columnCloser] = [2]string{"client", "server"}[c.Closer]
	} else if c.Closed == flow.HowBothAtOnce {
		cells[columnCloser] = "both"
	}
	cells[columnPackets] = quantity.Count(a.Packets + b.Packets)
	cells[columnSent], cells[columnReceived] = quantity.Bytes(a.Bytes), quantity.Bytes(b.Bytes)
	if rtt := RTT(c); rtt > 0 {
		cells[columnRTT] = g.took(rtt)
	}
	if c.Protocol == internet.TCP {
		cells[columnLoss] = percent(a.Lost+b.Lost, a.Packets+b.Packets)
	}
	cells[columnTime] = g.took(c.Last - c.First)
	return cells
}

// StateText says in a word or two how a conversation stands: how it was closed, or
// the state of its ends.
func StateText(c *flow.Conversation) string {
	switch {
	case c.Protocol == internet.UDP && c.Closed == flow.HowNot:
		return "UDP"
	case c.Closed != flow.HowNot:
		return c.Closed.String()
	case c.Ends[0].State == 0 && c.Ends[1].State == 0:
		return "open"
	case c.Ends[0].State == c.Ends[1].State || c.Ends[1].State == 0:
		return c.Ends[0].State.String()
	case c.Ends[0].State == 0:
		return c.Ends[1].State.String()
	}
	return c.Ends[0].State.String() + " " + c.Ends[1].State.String()
}

func widthsOf(table [][]string) []int {
	widths := make([]int, listColumns)
	for _, cells := range table {
		for j, cell := range cells {
			widths[j] = max(widths[j], columns(cell))
		}
	}
	return widths
}

// dropColumns makes widths of columns -1 until the rest fits, and returns the names
// of those left out. A table without end of width has all.
func dropColumns(widths []int, room int, endless bool) (names []string) {
	total := -2
	for _, n := range widths {
		total += n + 2
	}
	for _, j := range []int{columnPackets, columnCloser, columnReceived, columnTime, columnRTT} {
		if endless || total <= room {
			break
		}
		total -= widths[j] + 2
		widths[j] = -1
		names = append(names, head(&fineGlyphs)[j])
	}
	return names
}

package screen

import (
	"fmt"
	"strings"

	"dialtone/app/escape"
	"dialtone/app/quantity"
	"dialtone/observe/live"
	"dialtone/observe/sockets"

	tea "charm.land/bubbletea/v2"
	"github.com/charmbracelet/x/ansi"
)

// View draws the screen.
func (m *Model) View() tea.View {
	defer m.guard()
	lines, cursor := m.lines()
	v := tea.NewView(strings.Join(lines, "\n"))
	v.AltScreen = true
	if cursor >= 0 {
		v.Cursor = tea.NewCursor(cursor, len(lines)-1)
	}
	return v
}

// lines are as many as the terminal has, none wider than it: the head, the page, a note
// and the foot. The terminal's cursor stands in a column of the last line, or nowhere (-1).
func (m *Model) lines() (lines []string, cursor int) {
	lines = m.head()
	room := m.room()
	lines = append(lines, m.body(room)...)
	for len(lines) < m.height-2 {
		lines = append(lines, "")
	}
	foot, cursor := m.foot()
	lines = append(lines, m.note(), foot)
	lines = lines[max(0, len(lines)-m.height):]
	for i := range lines {
		lines[i] = m.glyphs.own(m.glyphs.cut(lines[i], m.width))
	}
	return lines, cursor
}

func (m *Model) body(room int) []string {
	switch m.page {
	case pageHelp:
		return m.helpLines(room)
	case pageConnection:
		return m.opened.lines(m, room)
	}
	return m.table(room)
}

// head is what stands above every page: what is shown, where changes come from and what
// cannot be seen, how many sockets there are in which state.
func (m *Model) head() []string {
	title := "dialtone watch"
	if m.said != "" {
		title += "  " + escape.String(m.said)
	}
	lines := []string{m.glyphs.ends(paint(inkHead, title), m.status(), m.width)}
	if m.height < 16 || m.page != pageTable {
		return lines // the page needs the room
	}
	for _, text := range m.sight() {
		for _, line := range m.glyphs.some(wrap(text, m.width), 1+m.height/24, m.width) {
			lines = append(lines, paint(inkDim, line))
		}
	}
	return append(lines, m.glyphs.some(wrap(m.counts(), m.width), 2, m.width)...)
}

// status is at the right of the title.
func (m *Model) status() string {
	var words []string
	if m.paused {
		words = append(words, paint(inkNote, "PAUSED, "+quantity.CountOf(int64(m.waiting), "change")+" since"))
	}
	if m.list.trouble {
		words = append(words, paint(inkNote, "! trouble only"))
	}
	if !m.snapshot.At.IsZero() {
		words = append(words, m.clock(m.snapshot.At, "15:04:05"))
	}
	return strings.Join(words, "  ")
}

// sight says where changes come from and what root would see, and what cannot be seen, in
// a paragraph each where one line is too short.
func (m *Model) sight() (text []string) {
	s := m.snapshot.Source
	if s.Name == "" {
		return nil
	}
	from := "changes by " + s.Name
	if lost := s.Lost; lost > 0 {
		from += ", of which " + quantity.CountOf(int64(lost), "change") + " came too fast"
	}
	if more := m.rootSees(); more != "" {
		from += "; root would see " + more
	}
	blind := strings.Join(s.Blind, "; ")
	if whole := from + ": " + blind; ansi.StringWidth(whole) <= m.width {
		return []string{whole}
	}
	return []string{from, blind}
}

func (m *Model) rootSees() string {
	var more []string
	if m.config.Root {
		return ""
	}
	if mayMore(m.snapshot.Source.Denied) && !m.snapshot.Source.Exact {
		more = append(more, "each change at once")
	}
	if m.list.tally.unowned {
		more = append(more, "who is behind ?")
	}
	return strings.Join(more, ", and ")
}

// counts says how many of the rows are in which state.
func (m *Model) counts() string {
	words := []string{m.total()}
	for _, s := range sockets.States() {
		if n := m.list.tally.in[s]; n > 0 {
			words = append(words, s.String()+nbsp+quantity.Count(int64(n)))
		}
	}
	if gone := m.list.tally.gone; gone > 0 {
		words = append(words, fmt.Sprint(gone)+nbsp+"just"+nbsp+"closed")
	}
	return strings.Join(words, "  ")
}

func (m *Model) total() string {
	shown, all := len(m.list.rows), len(m.snapshot.Rows)
	text := quantity.CountOf(int64(shown), "socket")
	if shown != all {
		text = quantity.Count(int64(shown)) + " of " + quantity.CountOf(int64(all), "socket")
	}
	if m.snapshot.Omitted > 0 {
		text += fmt.Sprintf(", %d more have no room", m.snapshot.Omitted)
	}
	return strings.ReplaceAll(text, " ", nbsp) + ":"
}

// note is the line above the foot: what is wrong with what was typed, or what is off with
// the row under the cursor.
func (m *Model) note() string {
	p := &m.prompt
	switch {
	case p.open && p.err != nil:
		return paint(inkBad, "  ! "+p.mistake())
	case p.open && p.asking:
		return "  looking names up ..."
	case p.open && p.names:
		return "  Enter looks the names up"
	case m.page == pageTable && m.list.filter.NamesUnix() && !m.config.Unix:
		return "  Unix sockets are not among those that are read: begin with --unix"
	case m.page == pageTable && m.list.row() != nil && len(m.list.row().Findings) > 0:
		return m.finding(m.list.row())
	case m.page == pageTable && len(m.absent) > 0:
		return paint(inkDim, "  no room for: "+strings.Join(m.absent, ", "))
	case m.page == pageConnection && m.opened.ladder == nil:
		return beneath(m.opened.more)
	case m.page == pageHelp:
		return beneath(m.more)
	}
	return ""
}

// beneath says that a page has more lines than are to be seen.
func beneath(more int) string {
	if more <= 0 {
		return ""
	}
	return paint(inkDim, "  "+quantity.CountOf(int64(more), "more line")+" beneath")
}

// finding is the gravest of a row.
func (m *Model) finding(r *live.Row) string {
	if r == nil || len(r.Findings) == 0 {
		return ""
	}
	return paint(inkNote, "  ! "+escape.String(r.Findings[0].Text))
}

// foot is the last line: the prompt, or keys.
func (m *Model) foot() (line string, cursor int) {
	if m.prompt.open {
		return m.prompt.line(m.width)
	}
	if m.sorting {
		return m.sortFoot(), -1
	}
	keys := [][2]string{{"Enter", "open"}, {"/", "filter"}, {"<> r", "sort"}, {"!", "trouble"}, {"Space", "pause"}, {"?", "help"}, {"q", "quit"}}
	switch m.page {
	case pageHelp:
		keys = [][2]string{{"Esc", "back"}, {"q", "quit"}}
	case pageConnection:
		keys = m.opened.keys()
	}
	var words []string
	for _, k := range keys {
		words = append(words, paint(inkBold, k[0])+" "+k[1])
	}
	for len(words) > 2 && ansi.StringWidth(strings.Join(words, "  ")) >= m.width {
		words = append(words[:len(words)-3], words[len(words)-2:]...) // help and quit stay
	}
	return strings.Join(words, "  "), -1
}

func (m *Model) sortFoot() string {
	var words []string
	for i, l := range m.letters() {
		words = append(words, paint(inkBold, l)+" "+m.config.Columns[i].Name)
	}
	return "sort by: " + strings.Join(words, "  ")
}

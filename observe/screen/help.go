package screen

// help opens the page of keys and marks, or closes it.
func (m *Model) help() {
	if m.page == pageHelp {
		m.page = m.beneath
		return
	}
	m.beneath, m.page, m.scroll = m.page, pageHelp, 0
}

func (m *Model) helpKey(name string) {
	if n, ok := steps(name, m.room()); ok {
		m.scroll = max(m.scroll, 0) + n
		return
	}
	if name == "esc" || name == "enter" || name == "backspace" {
		m.page = m.beneath
	}
}

// helpKeys are what keys do, in the order in which they are told.
var helpKeys = [][2]string{
	{"the table", ""},
	{"arrows, j k", "move by a row"},
	{"PgUp PgDn", "by a page; Home, End, g, G to either end"},
	{"Enter", "open a connection: transitions, figures, the graph of its window"},
	{"/", "filter, as on the command line; Enter keeps it, Esc brings the last one back"},
	{"< >", "sort by the column to the left or to the right; s and a letter: by any"},
	{"r", "turn the order round"},
	{"!", "only sockets that something is off with, and what it is"},
	{"Space", "pause: rows stay as they are, changes are counted"},
	{"Ctrl-L", "draw anew"},
	{"Ctrl-Z, q", "suspend, quit"},
	{"", ""},
	{"a connection", ""},
	{"t", "trace: the packets of this connection as they pass, until Esc"},
	{"Esc", "back"},
	{"", ""},
	{"marks", ""},
	{"*", "before a row: came into its state within the last seconds"},
	{"x", "before a row: closed a few seconds ago: what it was like at last"},
	{"!", "before a row: something is off with it: the line above the keys says what"},
	{"+", "behind an age: at least so long"},
	{"?", "for a process: somebody else's, and not ours to look into"},
}

// helpLines draws the page: the keys, and in full where changes come from.
func (m *Model) helpLines(room int) []string {
	const column = 18
	var all []string
	for _, k := range helpKeys {
		if k[1] == "" {
			all = append(all, paint(inkHead, k[0]))
			continue
		}
		for i, line := range wrap(k[1], m.width-column-2) {
			name := ""
			if i == 0 {
				name = k[0]
			}
			all = append(all, "  "+fill(paint(inkBold, name), column-2)+line)
		}
	}
	all = append(all, "", paint(inkHead, "where changes come from"))
	for _, text := range m.sight() {
		for _, line := range wrap(text, m.width-4) {
			all = append(all, "  "+line)
		}
	}
	for _, err := range m.snapshot.Source.Denied {
		for _, line := range wrap("not by "+err.Error(), m.width-4) {
			all = append(all, paint(inkDim, "  "+line))
		}
	}
	m.scroll = max(0, min(m.scroll, len(all)-room))
	m.more = len(all) - m.scroll - room
	return all[m.scroll:min(m.scroll+room, len(all))]
}

package screen

import (
	"context"
	"slices"
	"time"

	"dialtone/observe/sockets"

	tea "charm.land/bubbletea/v2"
)

// key does what a key means: its name, and the text that it types.
func (m *Model) key(name, typed string) tea.Cmd {
	switch {
	case name == "ctrl+c":
		return tea.Quit
	case name == "ctrl+z":
		return tea.Suspend
	case name == "ctrl+l":
		return tea.ClearScreen
	case m.prompt.open:
		return m.promptKey(name, typed)
	case m.sorting:
		m.sorting = false
		m.sortBy(name)
		return nil
	}
	switch name {
	case "q":
		return tea.Quit
	case "?", "f1":
		m.help()
		return nil
	case "space", " ":
		m.pause()
		return nil
	}
	switch m.page {
	case pageHelp:
		m.helpKey(name)
	case pageConnection:
		return m.connectionKey(name)
	default:
		return m.tableKey(name)
	}
	return nil
}

// steps are how far keys move, in pages (of n lines) and lines.
func steps(name string, n int) (lines int, ok bool) {
	const all = 1 << 30
	switch name {
	case "up", "k", "ctrl+p":
		return -1, true
	case "down", "j", "ctrl+n":
		return 1, true
	case "pgup", "ctrl+b":
		return -max(n-1, 1), true
	case "pgdown", "ctrl+f":
		return max(n-1, 1), true
	case "home", "g":
		return -all, true
	case "end", "G":
		return all, true
	}
	return 0, false
}

func (m *Model) tableKey(name string) tea.Cmd {
	if n, ok := steps(name, m.rowRoom()); ok {
		m.list.move(n)
		return nil
	}
	switch name {
	case "/":
		m.ask()
	case "<", "left":
		m.sortNext(-1)
	case ">", "right":
		m.sortNext(1)
	case "s":
		m.sorting = true
	case "r":
		m.list.back = !m.list.back
		m.list.fill(m.snapshot)
	case "!":
		m.list.trouble = !m.list.trouble
		m.list.fill(m.snapshot)
	case "enter":
		if r := m.list.row(); r != nil {
			m.open(r)
		}
	}
	return nil
}

// sortNext sorts by the column that is n to the right of the one that is sorted by.
func (m *Model) sortNext(n int) {
	cols := m.config.Columns
	at := slices.IndexFunc(cols, func(c Column) bool { return m.list.by != nil && c.Name == m.list.by.Name })
	if at < 0 && n < 0 {
		at = 0
	}
	m.sort(&cols[(at+n+len(cols))%len(cols)])
}

// sortBy sorts by the column that a letter stands for.
func (m *Model) sortBy(letter string) {
	for i, l := range m.letters() {
		if l == letter {
			m.sort(&m.config.Columns[i])
		}
	}
}

func (m *Model) sort(c *Column) {
	m.list.by, m.list.back = c, false
	m.list.fill(m.snapshot)
}

// letters are what the columns are called by: each the first letter of its name that no
// column before it has.
func (m *Model) letters() []string {
	list := make([]string, len(m.config.Columns))
	for i, c := range m.config.Columns {
		for _, r := range c.Name + "0123456789" {
			if l := string(r); !slices.Contains(list, l) {
				list[i] = l
				break
			}
		}
	}
	return list
}

// ask opens the prompt.
func (m *Model) ask() {
	text := []rune(m.said)
	m.prompt = prompt{open: true, text: text, at: len(text), before: m.list.filter, said: m.said}
}

func (m *Model) promptKey(name, typed string) tea.Cmd {
	p := &m.prompt
	switch {
	case name == "esc":
		m.choose(p.before, p.said)
		p.open = false
	case name == "enter" && p.names:
		return m.lookUp(string(p.text))
	case name == "enter":
		p.open = p.err != nil
	case name == "up", name == "down", name == "pgup", name == "pgdown":
		return m.tableKey(name)
	case p.key(name, typed):
		m.typed()
	}
	return nil
}

// typed chooses rows by what is typed, as soon as it is a filter.
func (m *Model) typed() {
	p := &m.prompt
	text := string(p.text)
	var f *sockets.Filter
	if f, p.names, p.err = sockets.ReadFilter(text); p.err == nil && !p.names {
		m.choose(f, text)
	}
	p.asking = false
}

func (m *Model) choose(f *sockets.Filter, text string) {
	m.list.filter, m.said = f, text
	clear(m.widths)
	m.list.fill(m.snapshot)
}

// readMsg is a filter whose names were looked up.
type readMsg struct {
	text   string
	filter *sockets.Filter
	err    error
}

// lookUp reads a filter with names in it.
func (m *Model) lookUp(text string) tea.Cmd {
	const patience = 10 * time.Second
	m.prompt.asking = true
	return func() tea.Msg {
		ctx, cancel := context.WithTimeout(m.ctx, patience)
		defer cancel()
		f, err := sockets.ParseFilter(ctx, text)
		return readMsg{text, f, err}
	}
}

// read takes the answer, if it is still asked for.
func (m *Model) read(msg readMsg) {
	p := &m.prompt
	if !p.open || !p.asking || string(p.text) != msg.text {
		return
	}
	p.asking, p.err = false, msg.err
	if msg.err == nil {
		m.choose(msg.filter, msg.text)
		p.open = false
	}
}

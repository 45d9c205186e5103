package screen

import (
	"slices"

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
	at := slices.IndexFunc(cols, func(c Column) bool { return c.Name == m.list.by.Name })
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

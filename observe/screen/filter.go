package screen

import (
	"context"
	"time"

	"dialtone/observe/sockets"

	tea "charm.land/bubbletea/v2"
)

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
	m.list.rows = nil // what was shown by another filter
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

package screen

import (
	"net/netip"
	"time"

	"dialtone/app/escape"
	"dialtone/observe/explain"
	"dialtone/observe/live"

	tea "charm.land/bubbletea/v2"
)

// opened is the page of one connection.
type opened struct {
	detail     live.Detail
	inspection func() live.Detail
	stop       func() // the inspection
	scroll     int
	more       int     // lines that there are beneath
	ladder     *ladder // what passes on the wire, while somebody looks at it
}

// open opens the page of a row: its window is sampled from now on.
func (m *Model) open(r *live.Row) {
	o := &opened{detail: live.Detail{Row: r}}
	if i, err := m.config.View.Inspect(r.Watched.ID); err == nil {
		o.inspection, o.stop = i.Detail, i.Close
		o.detail = i.Detail()
	} else { // it is gone for good
		o.detail.Err = err
		o.inspection, o.stop = func() live.Detail { return o.detail }, func() {}
	}
	m.opened, m.page = o, pageConnection
}

// connected reports whether a row is a TCP connection, with two ends.
func connected(r *live.Row) bool { return r.Network == "tcp" && r.Remote.IsValid() }

// shut closes the page of a connection, if it is open. What it began ends on its own.
func (m *Model) shut() {
	o := m.opened
	if o == nil {
		return
	}
	m.opened, m.page = nil, pageTable
	o.endLadder()
	m.work.Go(o.stop) // it waits for its last sample
}

func (m *Model) connectionKey(name string) tea.Cmd {
	o := m.opened
	if n, ok := steps(name, m.room()-1); ok {
		if o.ladder != nil {
			o.ladder.move(n)
		} else {
			o.scroll = max(o.scroll, 0) + n
		}
		return nil
	}
	switch {
	case name == "esc" || name == "backspace" || name == "left":
		if o.ladder != nil {
			o.endLadder()
		} else {
			m.shut()
		}
	case name == "t" && o.ladder == nil:
		return m.trace(o)
	}
	return nil
}

func (o *opened) keys() [][2]string {
	if o.ladder != nil {
		return [][2]string{{"Esc", "back: ends the capture"}, {"j k", "scroll"}, {"?", "help"}, {"q", "quit"}}
	}
	return [][2]string{{"Esc", "back"}, {"t", "trace its packets"}, {"j k", "scroll"}, {"Space", "pause"}, {"?", "help"}, {"q", "quit"}}
}

// lines draws the page: which connection it is, and beneath what there is to say of it, or
// the ladder.
func (o *opened) lines(m *Model, room int) []string {
	lines := []string{o.title(m)}
	if o.ladder != nil {
		return append(lines, o.ladder.lines(m, room-1)...)
	}
	all := o.body(m)
	o.scroll = max(0, min(o.scroll, len(all)-(room-1)))
	all = all[o.scroll:]
	o.more = max(len(all)-(room-1), 0)
	return append(lines, all[:min(len(all), max(room-1, 0))]...)
}

// title says which connection it is, in which state and for how long.
func (o *opened) title(m *Model) string {
	r := o.detail.Row
	text := r.Network + " " + m.address(r.Local, r)
	if r.Remote.IsValid() {
		text += " " + m.glyphs.arrow + " " + m.address(r.Remote, r)
	}
	state := r.State.String()
	switch age, exact := r.Age(); {
	case !r.Closed.IsZero():
		state = "closed at " + m.clock(r.Closed, "15:04:05")
	case exact:
		state += " for " + explain.Span(short(age))
	case age >= time.Second:
		state += " for at least " + explain.Span(short(age))
	}
	return m.glyphs.ends(paint(inkBold, text), state, m.width)
}

// short leaves out what nobody reads of a time that is counted up before their eyes.
func short(d time.Duration) time.Duration {
	if d < time.Second {
		return d.Truncate(time.Millisecond)
	}
	return d.Truncate(time.Second)
}

// address writes an end as it is on the wire; that of a Unix socket is its path.
func (m *Model) address(a netip.AddrPort, r *live.Row) string {
	switch {
	case a.IsValid():
		return escape.String(netip.AddrPortFrom(a.Addr().Unmap(), a.Port()).String())
	case r.Path != "":
		return m.glyphs.cut(escape.String(r.Path), m.width/2)
	}
	return m.glyphs.dash
}

// wide is from how many columns on figures stand beside the graph.
const wide = 120

// body is what there is to say. Side by side where there is room, else beneath each other.
func (o *opened) body(m *Model) []string {
	lines := o.findings(m, m.width)
	if m.width < wide {
		lines = append(lines, o.picture(m, m.width, max(min(m.room()-1, 18), 12))...)
		return append(lines, o.figures(m, m.width)...)
	}
	left := m.width / 2
	high := max(m.room()-len(lines)-len(o.transitions(m, left))-3, 18)
	return append(lines, beside(o.figures(m, left-2), o.picture(m, m.width-left, min(high, 30)), left)...)
}

// picture is the graph and the transitions.
func (o *opened) picture(m *Model, width, height int) (lines []string) {
	if o.detail.Row.Info != nil || len(o.detail.Samples) > 0 {
		lines = append(m.windowGraph(o.detail, width, height), "")
	}
	return append(lines, o.transitions(m, width)...)
}

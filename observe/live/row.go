package live

import (
	"cmp"
	"slices"
	"strconv"

	"dialtone/observe/sockets"
	"dialtone/transport/tcp"
)

// seen returns e's row as it is now.
func (e *entry) seen(s *store) *Row {
	if !e.stale {
		return e.row
	}
	row := &Row{Socket: sockets.Socket{Network: "tcp"}}
	if e.row != nil {
		row = alone(e.row)
	}
	if n := len(e.history); n > 0 {
		row.follow(e.history[n-1])
		row.name(e.history, s)
	}
	row.First, row.Closed = e.first, e.closed
	if !e.closed.IsZero() {
		row.Watched.Age, row.Watched.Exact = max(0, s.at.Sub(e.closed)), row.Network == "tcp"
		row.Findings, row.Timer = nil, sockets.Timer{}
	} else {
		row.Findings = findings(&row.Socket)
	}
	e.row, e.stale = row, false
	return row
}

// transient reports whether transitions tell of r: whether it is TCP's, and has a state.
func (r *Row) transient() bool {
	return r.Network == "tcp" && r.State != sockets.Bound && r.State != sockets.State(tcp.Closed)
}

// follow moves r on by a transition.
func (r *Row) follow(t sockets.Transition) {
	r.State, r.Local, r.Remote, r.UID = t.To, t.Local, t.Remote, t.UID
	r.Cookie = cmp.Or(t.Cookie, r.Cookie)
	r.Watched = sockets.Watched{ID: t.ID, Exact: !t.Looked}
}

// name fills in who has r open as far as transitions tell, where no look has.
func (r *Row) name(history []sockets.Transition, s *store) {
	if r.User == "" {
		r.User = cmp.Or(s.users[r.UID], strconv.Itoa(int(r.UID)))
	}
	for _, t := range history {
		if len(r.Processes) == 0 {
			r.Processes = t.Owners
		}
		if len(r.Processes) == 0 && t.Process.PID != 0 {
			r.Processes = []sockets.Process{t.Process}
		}
	}
}

// copier copies rows of one look, with few allocations.
type copier struct {
	rows     []Row
	infos    []sockets.Info
	memories []sockets.Memory
}

func newCopier(rows []*sockets.Socket) *copier {
	infos, memories := 0, 0
	for _, r := range rows {
		if r.Info != nil {
			infos++
		}
		if r.Memory != nil {
			memories++
		}
	}
	return &copier{make([]Row, 0, len(rows)), make([]sockets.Info, 0, infos), make([]sockets.Memory, 0, memories)}
}

func (c *copier) row(s *sockets.Socket) *Row {
	c.rows = append(c.rows, Row{Socket: *s})
	row := &c.rows[len(c.rows)-1]
	if s.Info != nil {
		c.infos = append(c.infos, *s.Info)
		row.Info = &c.infos[len(c.infos)-1]
	}
	if s.Memory != nil {
		c.memories = append(c.memories, *s.Memory)
		row.Memory = &c.memories[len(c.memories)-1]
	}
	return row
}

// alone copies a row out of its look.
func alone(r *Row) *Row {
	row := *newCopier([]*sockets.Socket{&r.Socket}).row(&r.Socket)
	row.First, row.Closed, row.Findings = r.First, r.Closed, r.Findings
	return &row
}

// detail is what is known of e, without samples.
func (e *entry) detail(s *store) Detail {
	return Detail{Row: e.seen(s), History: slices.Clone(e.history), Earlier: e.earlier}
}

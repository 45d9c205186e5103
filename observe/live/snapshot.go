package live

import (
	"time"

	"dialtone/observe/sockets"
)

// Snapshot is what there is to see at one time. It never changes.
type Snapshot struct {
	At      time.Time // of the last look at the table; zero before the first
	Rows    []*Row    // in the order in which they were first seen
	Omitted int       // sockets that there was no room for
	Closed  uint64    // connections that closed since the view was opened, lingering or not
	Moves   Moves
	Source  Source
}

// Moves counts all transitions since the view was opened, those that nobody took among
// them: [from][to], from 0 if it is not known.
type Moves [sockets.Connected + 1][sockets.Connected + 1]uint64

// Source is where transitions come from.
type Source struct {
	sockets.Sight
	Denied []error // why better ones could not be had
	Lost   uint64  // transitions that the kernel had no room for
}

// Row is one socket. Its name, as long as the view lives, is Watched.ID.
type Row struct {
	sockets.Socket // as it was at the last look, in the state that it came into since

	Findings []sockets.Finding // the gravest first
	First    time.Time         // when it was first seen
	Closed   time.Time         // when it was found to be gone; zero if it is there
}

// Select returns the rows that f takes, in order; the slice is the caller's.
func (s *Snapshot) Select(f *sockets.Filter) []*Row {
	list := make([]*Row, 0, len(s.Rows))
	for _, r := range s.Rows {
		if f.Match(&r.Socket) {
			list = append(list, r)
		}
	}
	return list
}

// Row returns the row of that ID, or nil.
func (s *Snapshot) Row(id uint64) *Row {
	for _, r := range s.Rows {
		if r.Watched.ID == id {
			return r
		}
	}
	return nil
}

// Snapshot returns what there is to see now: the same until something changes.
func (v *View) Snapshot() *Snapshot {
	v.mu.Lock()
	defer v.mu.Unlock()
	if v.snapshot == nil {
		v.snapshot = v.store.snapshot()
	}
	return v.snapshot
}

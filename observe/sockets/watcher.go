package sockets

import (
	"context"
	"slices"
	"time"
)

// WatchConfig says what to watch.
type WatchConfig struct {
	Config
	// Tell is called with each transition, in order for each connection.
	Tell func(Transition)
	// Looked is called after each look at the table, with all of it; the rows are good until
	// it returns. Its error ends the watch. nil: nobody looks.
	Looked func(now time.Time, rows []*Socket) error
	// Query is what a look reads. TCP and UDP are read whole: its filter is not used, and
	// its networks may only add Unix sockets.
	Query Query
	// Every is the time between two looks; 0 is 500 ms.
	Every time.Duration
	// Source is the only source of transitions to try, by its name; "" is the best that
	// the rights allow.
	Source string
	// Tracefs is where tracefs is mounted, for the source Tracepoint; "" is where it
	// usually is.
	Tracefs string
}

// The names of sources, the best first.
const (
	RawTracepoint = "raw tracepoint"
	Tracepoint    = "tracepoint"
	Destroyed     = "destroy notices"
	Looking       = "looking"
)

// Sources are all of them, the best first.
func Sources() []string { return []string{RawTracepoint, Tracepoint, Destroyed, Looking} }

// looking is the source that there always is: none. The model compares two looks.
type looking struct{}

func (looking) read(until time.Time, _ func(*event)) error {
	time.Sleep(time.Until(until))
	return nil
}

func (looking) lost() uint64 { return 0 }
func (looking) close() error { return nil }

func (looking) sight() Sight {
	return Sight{Name: Looking, Blind: []string{"states that last shorter than from one look to the next are missed, and so are whole connections"}}
}

// Watcher keeps a model of the TCP connections of a network namespace.
type Watcher struct {
	Model *Model

	config WatchConfig
	table  *Table // for looks
	finder *Table // for single connections, while a look's rows are in use
	source source
	denied []error // why better sources could not be had
}

// Sight says what the watcher's source sees.
func (w *Watcher) Sight() Sight { return w.source.sight() }

// SourceError says why a source of transitions could not be had.
type SourceError struct {
	Name string
	Err  error
}

func (e *SourceError) Error() string { return e.Name + ": " + e.Err.Error() }
func (e *SourceError) Unwrap() error { return e.Err }

// Denied says why better sources could not be had, a *SourceError each.
func (w *Watcher) Denied() []error { return w.denied }

// Lost counts transitions that there was no room for; each look at the table mends what
// it can of that.
func (w *Watcher) Lost() uint64 { return w.source.lost() }

// Close ends the watch: nothing of it is left in the kernel.
func (w *Watcher) Close() error {
	err := w.source.close()
	w.table.Close()
	w.finder.Close()
	return err
}

// Run watches until ctx is done, which is no error.
func (w *Watcher) Run(ctx context.Context) error {
	every := w.config.Every
	if every <= 0 {
		every = 500 * time.Millisecond
	}
	query := w.config.Query
	query.Filter, query.Networks = nil, []string{"tcp", "udp"}
	if slices.Contains(w.config.Query.Networks, "unix") {
		query.Networks = append(query.Networks, "unix")
	}
	next := time.Now()
	for ctx.Err() == nil {
		began := time.Now()
		rows, err := w.table.Read(query)
		if err != nil {
			return err
		}
		// What happened before a row was read is known before the row.
		if err := w.source.read(time.Now(), w.Model.event); err != nil {
			return err
		}
		w.Model.table(began, rows)
		if w.config.Looked != nil {
			if err := w.config.Looked(began, rows); err != nil {
				return err
			}
		}
		for next = next.Add(every); time.Now().Before(next) && ctx.Err() == nil; {
			// Not longer, so that ctx is seen.
			if err := w.source.read(soonest(next, time.Now().Add(100*time.Millisecond)), w.Model.event); err != nil {
				return err
			}
		}
	}
	return nil
}

func soonest(a, b time.Time) time.Time {
	if a.Before(b) {
		return a
	}
	return b
}

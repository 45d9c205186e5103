package board

import (
	"slices"
	"sync"

	"dialtone/observe/live"
	"dialtone/observe/sockets"
)

// The bounds of a journal.
const (
	maxJournal = 8192    // transitions that are kept
	maxWaiting = 1 << 16 // transitions that wait to be taken in
	maxLatest  = 12      // transitions that are kept of each arrow
)

// journal keeps what happened, numbered from 1, for all pages.
type journal struct {
	source *live.Subscription

	mu      sync.Mutex
	ring    []sockets.Transition // transition n is at n % maxJournal
	last    uint64               // the number of the latest, 0 for none yet
	missed  uint64               // that had no room to wait, and have no number
	latest  map[pair][]entry     // of each arrow, oldest first
	changed chan struct{}        // closed when there is something new
}

// pair is what an arrow joins.
type pair struct{ from, to sockets.State }

// entry is a transition with its number.
type entry struct {
	number uint64
	sockets.Transition
}

func newJournal(v *live.View) *journal {
	return &journal{
		source: v.Subscribe(maxWaiting), ring: make([]sockets.Transition, maxJournal),
		latest: map[pair][]entry{}, changed: make(chan struct{}),
	}
}

// take takes in what waits.
func (j *journal) take() {
	j.mu.Lock()
	defer j.mu.Unlock()
	changes, missed := j.source.Take()
	for _, t := range changes {
		j.last++
		j.ring[j.last%maxJournal] = t
		j.keep(entry{j.last, t})
	}
	j.missed += missed
}

// wake tells the pages that there is something new.
func (j *journal) wake() {
	j.mu.Lock()
	defer j.mu.Unlock()
	close(j.changed)
	j.changed = make(chan struct{})
}

// keep notes one of the latest of its arrow. There are not more arrows than states squared.
func (j *journal) keep(e entry) {
	of := pair{e.From, e.To}
	list := j.latest[of]
	if len(list) == maxLatest {
		list = slices.Delete(list, 0, 1)
	}
	j.latest[of] = append(list, e)
}

// news is closed when there is something new.
func (j *journal) news() <-chan struct{} {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.changed
}

// number is that of the latest transition.
func (j *journal) number() uint64 {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.last
}

// told is what happened since a page was told something last.
type told struct {
	entries []entry // oldest first
	last    uint64  // the number that it has then
	skipped uint64  // older ones that had no room in entries
	missed  uint64
}

// since returns the transitions after a number that takes takes, at most the last most.
func (j *journal) since(after uint64, most int, takes func(*sockets.Transition) bool) told {
	j.mu.Lock()
	defer j.mu.Unlock()
	out := told{last: j.last, missed: j.missed}
	oldest := after + 1
	if j.last >= maxJournal && oldest <= j.last-maxJournal {
		oldest = j.last - maxJournal + 1
		out.skipped = oldest - 1 - after
	}
	for n := j.last; n >= oldest; n-- {
		t := &j.ring[n%maxJournal]
		switch {
		case !takes(t):
		case len(out.entries) < most:
			out.entries = append(out.entries, entry{n, *t})
		default:
			out.skipped++
		}
	}
	slices.Reverse(out.entries)
	return out
}

// latestOf returns the latest transitions of one pair, oldest first.
func (j *journal) latestOf(p pair) []entry {
	j.mu.Lock()
	defer j.mu.Unlock()
	return slices.Clone(j.latest[p])
}

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

// journal keeps what happened, numbered from 1, for all pages, and counts it.
type journal struct {
	source *live.Subscription

	mu      sync.Mutex
	ring    []sockets.Transition // transition n is at n % maxJournal
	last    uint64               // the number of the latest, 0 for none yet
	missed  uint64               // that had no room to wait: neither numbered nor counted
	tallies map[pair]*tally
	changed chan struct{} // closed when there is something new
}

// pair is what an arrow joins.
type pair struct{ from, to sockets.State }

// tally is what is known of one pair.
type tally struct {
	count  uint64
	latest []entry // oldest first
}

// entry is a transition with its number.
type entry struct {
	number uint64
	sockets.Transition
}

func newJournal(v *live.View) *journal {
	return &journal{
		source: v.Subscribe(maxWaiting), ring: make([]sockets.Transition, maxJournal),
		tallies: map[pair]*tally{}, changed: make(chan struct{}),
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
		j.count(entry{j.last, t})
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

func (j *journal) count(e entry) {
	of := pair{e.From, e.To}
	t := j.tallies[of]
	if t == nil { // there are not more of them than states squared
		t = &tally{}
		j.tallies[of] = t
	}
	t.count++
	if len(t.latest) == maxLatest {
		t.latest = slices.Delete(t.latest, 0, 1)
	}
	t.latest = append(t.latest, e)
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
	counts  map[pair]uint64
	missed  uint64
}

// since returns the transitions after a number that takes takes, at most the last most.
func (j *journal) since(after uint64, most int, takes func(*sockets.Transition) bool) told {
	j.mu.Lock()
	defer j.mu.Unlock()
	out := told{last: j.last, missed: j.missed, counts: make(map[pair]uint64, len(j.tallies))}
	for of, t := range j.tallies {
		out.counts[of] = t.count
	}
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

// of returns what is known of one pair.
func (j *journal) of(p pair) (count uint64, latest []entry) {
	j.mu.Lock()
	defer j.mu.Unlock()
	if t := j.tallies[p]; t != nil {
		return t.count, slices.Clone(t.latest)
	}
	return 0, nil
}

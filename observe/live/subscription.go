package live

import "dialtone/observe/sockets"

// Subscription tells one face what changes. What the face does not take in time it
// misses: that is counted.
type Subscription struct {
	view  *View
	ready chan struct{}

	// Under the view's lock.
	waiting []sockets.Transition
	room    int
	missed  uint64
}

// Subscribe begins to tell of transitions, of which so many wait until they are taken.
func (v *View) Subscribe(room int) *Subscription {
	s := &Subscription{view: v, ready: make(chan struct{}, 1), room: max(0, room)}
	s.signal()
	v.mu.Lock()
	defer v.mu.Unlock()
	v.subscribers[s] = true
	return s
}

// Close ends s.
func (s *Subscription) Close() {
	s.view.mu.Lock()
	defer s.view.mu.Unlock()
	delete(s.view.subscribers, s)
	s.waiting = nil
}

// Ready has a value when something has changed since it last had one: a look at the table, a
// transition, a sample. It has one to begin with, and is never closed.
func (s *Subscription) Ready() <-chan struct{} { return s.ready }

// Take returns the transitions that wait, in order, and how many had no room since the
// last Take; they came after those that are returned.
func (s *Subscription) Take() (changes []sockets.Transition, missed uint64) {
	s.view.mu.Lock()
	defer s.view.mu.Unlock()
	changes, missed = s.waiting, s.missed
	s.waiting, s.missed = nil, 0
	return changes, missed
}

func (s *Subscription) add(t *sockets.Transition) {
	if len(s.waiting) < s.room {
		s.waiting = append(s.waiting, *t)
	} else {
		s.missed++
	}
	s.signal()
}

func (s *Subscription) signal() {
	select {
	case s.ready <- struct{}{}:
	default:
	}
}

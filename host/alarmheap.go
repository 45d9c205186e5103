package host

import "time"

// alarmHeap is a binary heap of alarms by time. Its keys lie in it, so that a
// comparison touches no alarm.
type alarmHeap []heapEntry

type heapEntry struct {
	at    time.Duration
	alarm *alarm
}

func (h *alarmHeap) push(at time.Duration, a *alarm) {
	*h = append(*h, heapEntry{at, a})
	h.up(len(*h) - 1)
}

// remove takes out the entry at index i.
func (h *alarmHeap) remove(i int) {
	s := *h
	last := len(s) - 1
	s[i].alarm.index = -1
	moved := s[last]
	s[last] = heapEntry{}
	*h = s[:last]
	if i == last {
		return
	}
	s[i] = moved
	h.down(i)
	h.up(i)
}

func (h *alarmHeap) up(i int) {
	s := *h
	e := s[i]
	for i > 0 {
		parent := (i - 1) / 2
		if s[parent].at <= e.at {
			break
		}
		s.set(i, s[parent])
		i = parent
	}
	s.set(i, e)
}

func (h *alarmHeap) down(i int) {
	s := *h
	e := s[i]
	for {
		child := 2*i + 1
		if child >= len(s) {
			break
		}
		if child+1 < len(s) && s[child+1].at < s[child].at {
			child++
		}
		if e.at <= s[child].at {
			break
		}
		s.set(i, s[child])
		i = child
	}
	s.set(i, e)
}

func (h alarmHeap) set(i int, e heapEntry) {
	h[i] = e
	e.alarm.index = i
}

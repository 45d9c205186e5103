package host

import (
	"time"

	"dialtone/transport/tcp"
)

// maxTimeWaits is how many records there are at most: beyond it the oldest is forgotten
// (Linux: net.ipv4.tcp_max_tw_buckets, which forgets the newest).
const maxTimeWaits = 1 << 18

// timeWaits are the connections in TIME_WAIT, as records: what is left of one when its
// user has read all. They end in the order in which they came, but for those whose
// time began anew. Under tcpSockets.mu.
type timeWaits struct {
	host           *Host
	records        map[flow]*timeWait
	oldest, newest *timeWait
	alarm          alarm
}

type timeWait struct {
	tcp.TimeWaitRecord
	flow flow
	next *timeWait
	turn time.Duration // when to look at it: its deadline as it was
	over bool          // it is no longer in records
}

func (w *timeWaits) init(h *Host) {
	w.host = h
	w.alarm.init(w)
	w.records = map[flow]*timeWait{}
}

// has says whether a flow is in TIME_WAIT.
func (w *timeWaits) has(f flow) bool { return w.records[f] != nil }

// add keeps a record. It takes the lock.
func (w *timeWaits) add(f flow, r tcp.TimeWaitRecord) {
	h := w.host
	h.tcp.mu.Lock()
	defer h.tcp.mu.Unlock()
	if h.tcp.closed {
		return
	}
	t := &timeWait{TimeWaitRecord: r, flow: f}
	w.records[f] = t
	w.push(t)
	for len(w.records) > maxTimeWaits {
		w.forget(w.pop())
	}
	h.arm(&w.alarm, w.oldest.turn)
}

func (w *timeWaits) push(t *timeWait) {
	t.turn = t.Deadline()
	if w.newest == nil {
		w.oldest = t
	} else {
		w.newest.next = t
	}
	w.newest = t
}

func (w *timeWaits) pop() *timeWait {
	t := w.oldest
	if w.oldest = t.next; w.oldest == nil {
		w.newest = nil
	}
	t.next = nil
	return t
}

// forget ends a record; in the row it may stay until its turn.
func (w *timeWaits) forget(t *timeWait) {
	if !t.over {
		t.over = true
		delete(w.records, t.flow)
	}
}

func (w *timeWaits) clear() {
	w.oldest, w.newest = nil, nil
	w.records = map[flow]*timeWait{}
}

// expire is the alarm's: records whose time is over are forgotten.
func (w *timeWaits) expire(now time.Duration, _ *outbox) {
	h := w.host
	h.tcp.mu.Lock()
	defer h.tcp.mu.Unlock()
	for w.oldest != nil && (w.oldest.over || w.oldest.turn <= now) {
		if t := w.pop(); t.over || t.Deadline() <= now {
			w.forget(t)
		} else {
			w.push(t) // its time began anew meanwhile
		}
	}
	if w.oldest != nil {
		h.arm(&w.alarm, w.oldest.turn)
	}
}

// inputTimeWait lets a record answer a segment. done is true where that was all; old
// is the record that a new connection is to follow, which takes somebody who listens.
func (h *Host) inputTimeWait(f flow, header *tcp.Header, length int, listening bool, out *outbox) (old *tcp.TimeWaitRecord, done bool) {
	s := &h.tcp
	s.mu.Lock()
	t := s.waits.records[f]
	if t == nil {
		s.mu.Unlock()
		return nil, false
	}
	now := h.now()
	reply, answer, reopen := t.Input(now, header, length, listening)
	if reopen || t.Deadline() <= now {
		s.waits.forget(t)
	}
	s.mu.Unlock()
	if answer {
		h.reply(f, &reply, out)
	}
	return &t.TimeWaitRecord, !reopen
}

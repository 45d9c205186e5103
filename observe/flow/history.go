package flow

import "dialtone/transport/tcp"

// sent is a segment that one end sent.
type sent struct {
	time, frame int64
	seq, end    tcp.Seq
	val         uint32 // its timestamp
	id, sum     uint16
	marks       marks
}

// marks are what became known of a segment.
type marks uint8

const (
	markAgain    marks = 1 << iota // it brought bytes again, or filled a hole
	markCopy                       // it was the same packet again
	markSpurious                   // it is known that it was not needed
	markStamped                    // val is one
	markResend                     // a retransmission
	markNeeded                     // and the bytes had not arrived without it
)

// history is the last segments of an end that take sequence numbers, in the order of
// capture: a ring of a power of two that keeps all that are not acknowledged, as long
// as there is room, and some that are, to recognize what comes again.
type history struct {
	ring []sent
	head uint32 // the oldest that is kept; counts on, as the others do
	una  uint32 // the first that is not acknowledged
	tail uint32 // behind the newest
	lost bool   // one that was not acknowledged had to go
}

const (
	firstSent = 4
	keptSent  = 64    // acknowledged ones are overwritten rather than more kept
	mostSent  = 16384 // none beyond that: 23 MB in flight at 1,448 bytes
)

// fresh empties h for another conversation and lets a large ring go.
func (h *history) fresh(budget *int) history {
	if len(h.ring) > keptSent {
		*budget += len(h.ring)
		return history{}
	}
	return history{ring: h.ring}
}

func (h *history) at(i uint32) *sent { return &h.ring[i&uint32(len(h.ring)-1)] }

// push returns the place for one more. Budget is how many places may yet be made,
// over all conversations.
func (h *history) push(budget *int) *sent {
	if int(h.tail-h.head) == len(h.ring) {
		h.room(budget)
	}
	h.tail++
	return h.at(h.tail - 1)
}

// room grows the ring, or forgets the oldest segment.
func (h *history) room(budget *int) {
	n := len(h.ring)
	most := keptSent
	if h.una == h.head { // the oldest is still on its way
		most = mostSent
	}
	more := max(firstSent, 3*n)
	if n >= most || n > 0 && more > *budget {
		h.lost = h.lost || h.una == h.head
		h.head++
		if int32(h.una-h.head) < 0 {
			h.una = h.head
		}
		return
	}
	*budget -= more
	ring := make([]sent, n+more)
	for i := h.head; i != h.tail; i++ {
		ring[i&uint32(len(ring)-1)] = *h.at(i)
	}
	h.ring = ring
}

// covers returns the newest segment that has any of the numbers from seq to end.
func (h *history) covers(seq, end tcp.Seq) *sent {
	for i := h.tail; i != h.head; {
		i--
		if e := h.at(i); e.seq.Less(end) && seq.Less(e.end) {
			return e
		}
	}
	return nil
}

// copies returns the newest segment with number seq, and the one before.
func (h *history) copies(seq tcp.Seq) (newest, before *sent) {
	for i := h.tail; i != h.head; {
		i--
		e := h.at(i)
		switch {
		case seq.Less(e.seq) || e.end.LessEq(seq):
		case newest == nil:
			newest = e
		default:
			return newest, e
		}
	}
	return newest, nil
}

// each calls f with all kept segments between seq and end.
func (h *history) each(seq, end tcp.Seq, f func(*sent)) {
	for i := h.head; i != h.tail; i++ {
		if e := h.at(i); seq.LessEq(e.seq) && e.end.LessEq(end) {
			f(e)
		}
	}
}

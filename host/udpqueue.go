package host

import (
	"net/netip"

	"dialtone/link"
)

// udpQueue is the datagrams that wait to be read: a ring that starts empty and grows,
// and at most limit bytes of memory. What comes when it is full is lost.
type udpQueue struct {
	ring  []datagram // its length is a power of two
	first int
	count int
	bytes int // of data
	held  int // of memory
	limit int
}

// A datagram is one that has come.
type datagram struct {
	from  netip.AddrPort
	data  []byte
	frame *link.Frame // that data lies in
}

// Linux's net.core.rmem_default, which counts memory and not data, too.
const defaultReceive = 212992

// cost is what a datagram takes of the queue's memory.
func (d *datagram) cost() int { return d.frame.Room() + cap(d.frame.Data) + 128 }

// push says whether there was room.
func (q *udpQueue) push(d datagram) bool {
	cost := d.cost()
	// As on Linux there is always room for one.
	if q.count > 0 && q.held+cost > q.limit {
		return false
	}
	if q.count == len(q.ring) {
		q.grow()
	}
	q.ring[(q.first+q.count)&(len(q.ring)-1)] = d
	q.count++
	q.bytes += len(d.data)
	q.held += cost
	return true
}

// pop takes the first; the queue must not be empty.
func (q *udpQueue) pop() datagram {
	d := q.ring[q.first]
	q.ring[q.first] = datagram{}
	q.first = (q.first + 1) & (len(q.ring) - 1)
	q.count--
	q.bytes -= len(d.data)
	q.held -= d.cost()
	return d
}

func (q *udpQueue) grow() {
	ring := make([]datagram, max(4, 2*len(q.ring)))
	for i := range q.count {
		ring[i] = q.ring[(q.first+i)&(len(q.ring)-1)]
	}
	q.ring, q.first = ring, 0
}

// clear frees all that is in the queue.
func (q *udpQueue) clear() {
	for q.count > 0 {
		d := q.pop()
		d.frame.Free()
	}
	q.ring = nil
}

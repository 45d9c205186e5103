package flow

// worth says how much is lost when a conversation is forgotten; the least goes first.
type worth uint8

const (
	worthClosed worth = iota // it is over
	worthAsked               // only one end has spoken
	worthOpen
	worths
)

func (c *conn) worth() worth {
	switch {
	case c.talk.Closed != HowNot:
		return worthClosed
	case c.talk.Ends[0].Packets == 0 || c.talk.Ends[1].Packets == 0:
		return worthAsked
	}
	return worthOpen
}

// queue is a list of conversations of one worth, linked by their indices plus 1, 0 for
// none.
type queue struct {
	first, last int32
	count       int
}

func (q *queue) push(t *table, c *conn) {
	c.prev, c.next = q.last, 0
	if q.last == 0 {
		q.first = c.index + 1
	} else {
		t.conns[q.last-1].next = c.index + 1
	}
	q.last = c.index + 1
	q.count++
}

func (q *queue) remove(t *table, c *conn) {
	if c.prev == 0 {
		q.first = c.next
	} else {
		t.conns[c.prev-1].next = c.next
	}
	if c.next == 0 {
		q.last = c.prev
	} else {
		t.conns[c.next-1].prev = c.prev
	}
	q.count--
}

// queue puts c at the end of the queue of its worth.
func (t *Tracker) queue(c *conn) {
	c.queued, c.marked = c.worth(), false
	t.queues[c.queued].push(&t.table, c)
}

// settle moves c to the queue of what it is worth now. Of those that are closed only a
// sixteenth part of all is kept, to know what comes late, and a port that is used again.
func (t *Tracker) settle(c *conn) {
	if c.queued == c.worth() {
		return
	}
	t.queues[c.queued].remove(&t.table, c)
	t.queue(c)
	if t.queues[worthClosed].count > max(t.most/16, 16) {
		t.free = append(t.free, t.evict())
	}
}

// evict takes the least useful conversation out of the table and returns its place.
//
// A packet moves no conversation, which would cost two far-away writes; it only marks
// its own. What stands first in a queue and was marked goes to the end unmarked: a
// second chance. So what goes is old, if not always the oldest.
func (t *Tracker) evict() *conn {
	for w := range worths {
		q := &t.queues[w]
		for q.first != 0 {
			c := t.table.conns[q.first-1]
			q.remove(&t.table, c)
			if !c.marked {
				t.forget(c)
				return c
			}
			t.queue(c)
		}
	}
	return nil // not reached: a full table has conversations
}

// forget takes c, which is in no queue, out of the table.
func (t *Tracker) forget(c *conn) {
	t.table.remove(c)
	if c.talk.Closed == HowNot {
		t.evicted++
	}
	if t.last == c {
		t.last = nil
	}
}

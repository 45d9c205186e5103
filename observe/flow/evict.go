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

// queue is a list of conversations, linked by their next indices.
type queue struct{ first, last int32 } // indices plus 1, 0 for none

func (q *queue) push(t *table, c *conn) {
	c.next = 0
	if q.last == 0 {
		q.first = c.index + 1
	} else {
		t.conns[q.last-1].next = c.index + 1
	}
	q.last = c.index + 1
}

func (q *queue) pop(t *table) *conn {
	if q.first == 0 {
		return nil
	}
	c := t.conns[q.first-1]
	q.first = c.next
	if q.first == 0 {
		q.last = 0
	}
	return c
}

// evict takes the least useful conversation out of the table and returns its place.
//
// There is a queue for each worth. A packet moves no conversation, which would cost
// each of them two far-away writes; it only marks its own. What stands first in a queue
// and was marked, or is worth something else by now, goes to the end of the queue where
// it belongs, unmarked: a second chance. So what goes is old, if not always the oldest.
func (t *Tracker) evict() *conn {
	for w := range worths {
		for range 2 * t.table.used { // twice around: the first time all may be marked
			c := t.queues[w].pop(&t.table)
			if c == nil {
				break
			}
			now := c.worth()
			if now < w || now == w && !c.marked {
				t.table.remove(c)
				t.evicted++
				return c
			}
			c.marked = false
			t.queues[now].push(&t.table, c)
		}
	}
	return nil // not reached: a full table has conversations
}

package flow

// table finds conversations by their keys: open addressing with linear probing, at
// most half full, a tag of the hash beside each index, so that a probe for another
// conversation seldom looks at it.
type table struct {
	slots []slot // a power of two
	used  int
	conns []*conn // by index; never moved
}

type slot struct {
	hash  uint32
	index int32 // in conns, plus 1; 0 for an empty slot
}

const firstSlots = 256

// find returns the conversation of k, or nil.
func (t *table) find(k *key, hash uint32) *conn {
	if len(t.slots) == 0 {
		return nil
	}
	mask := uint32(len(t.slots) - 1)
	for at := hash & mask; ; at = (at + 1) & mask {
		s := t.slots[at]
		if s.index == 0 {
			return nil
		}
		if s.hash == hash {
			if c := t.conns[s.index-1]; c.key.is(k) {
				return c
			}
		}
	}
}

// insert puts c, whose key and hash are set and not in the table, in it.
func (t *table) insert(c *conn) {
	if 2*t.used >= len(t.slots) {
		t.grow()
	}
	t.place(slot{c.hash, c.index + 1})
	t.used++
}

func (t *table) place(s slot) {
	mask := uint32(len(t.slots) - 1)
	at := s.hash & mask
	for t.slots[at].index != 0 {
		at = (at + 1) & mask
	}
	t.slots[at] = s
}

func (t *table) grow() {
	old := t.slots
	t.slots = make([]slot, max(firstSlots, 2*len(old)))
	for _, s := range old {
		if s.index != 0 {
			t.place(s)
		}
	}
}

// remove takes c out. What was put behind it because its place was taken moves up,
// so that no search ends early at the empty slot.
func (t *table) remove(c *conn) {
	mask := uint32(len(t.slots) - 1)
	at := c.hash & mask
	for t.slots[at].index != c.index+1 {
		at = (at + 1) & mask
	}
	for next := (at + 1) & mask; t.slots[next].index != 0; next = (next + 1) & mask {
		home := t.slots[next].hash & mask
		if (next-home)&mask >= (next-at)&mask { // at lies between its home and where it is
			t.slots[at] = t.slots[next]
			at = next
		}
	}
	t.slots[at] = slot{}
	t.used--
}

package flow

// order is what a segment's IP ID says of when it was sent.
type order uint8

const (
	orderUnknown order = iota // no ID, or this end does not count them up
	orderNewer                // after all that were seen of this end
	orderOlder                // before one that was seen
	orderCopy                 // this very packet was seen
)

// identity follows the IP IDs of one end. An ID identifies a packet (RFC 6864 §4.1)
// only among fragments; but most systems count them up, Linux for each connection, so
// that they tell in which order packets were sent, and a retransmission, which is a new
// packet, from a copy. Systems that draw them at random are found out.
type identity struct {
	known  bool
	max    uint16                // the newest
	seen   [idWindow / 64]uint64 // those up to max that were seen, by ID modulo idWindow
	rising uint16                // steps up by little
	wild   uint16                // other steps
	single uint16                // steps up by one
	same   uint16                // no step at all
}

// idWindow is how many IDs back a copy is recognized.
const idWindow = 512

// trusted reports whether the end counts its IDs up.
func (d *identity) trusted() bool { return d.rising >= 2 && d.rising >= 16*d.wild }

// counts reports whether it counts each packet of this connection, and nothing else.
func (d *identity) counts() bool {
	return d.trusted() && d.single >= 8 && d.single >= d.rising-d.rising/8
}

// unique reports whether the same ID twice means the same packet twice.
func (d *identity) unique() bool { return d.same < 4 }

// next takes in the ID of the end's next packet and says what it tells, and by how
// much it is ahead of the newest before.
func (d *identity) next(id uint16) (_ order, step int) {
	if id == 0 {
		return orderUnknown, 0 // Linux's SYN+ACK, for one; it says nothing of the others
	}
	if !d.known {
		*d = identity{known: true, max: id}
		d.note(id)
		return orderUnknown, 0
	}
	step = int(int16(id - d.max))
	trusted := d.trusted()
	switch {
	case step > 0 && step <= idWindow:
		d.rise(id, step)
	case step <= 0 && step > -idWindow:
		return d.old(id, trusted), step
	default:
		d.wild = min(d.wild+1, 1<<11)
		*d = identity{known: true, max: id, wild: d.wild, rising: d.rising, single: d.single, same: d.same}
		d.note(id)
		return orderUnknown, 0
	}
	if !trusted {
		return orderUnknown, 0
	}
	return orderNewer, step
}

// rise makes id the newest.
func (d *identity) rise(id uint16, step int) {
	for i := d.max + 1; i != id; i++ {
		d.seen[i%idWindow/64] &^= 1 << (i % 64)
	}
	d.max = id
	d.note(id)
	if d.rising++; step == 1 {
		d.single++
	}
	if d.rising == 1<<15 { // what was long ago counts less
		d.rising, d.single, d.wild = d.rising/2, d.single/2, d.wild/2
	}
}

// old judges an ID that is not ahead.
func (d *identity) old(id uint16, trusted bool) order {
	was := d.seen[id%idWindow/64]>>(id%64)&1 != 0
	d.note(id)
	switch {
	case !trusted:
		if was { // always the same one, perhaps
			d.same = min(d.same+1, 1<<11)
			d.wild = min(d.wild+1, 1<<11)
		}
		return orderUnknown
	case was:
		return orderCopy
	}
	return orderOlder
}

func (d *identity) note(id uint16) { d.seen[id%idWindow/64] |= 1 << (id % 64) }

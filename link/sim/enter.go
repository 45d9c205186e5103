package sim

import (
	"time"

	"dialtone/link"
)

// A frame's way, with the net's lock held but where it arrives:
//
//  1. enter: the sender's tap; is there a way, and is it wide enough?
//  2. line.send: room in the queue; when the last bit has been sent
//  3. loses: loss on the line
//  4. judge: the judge's verdict
//  5. travel: what changes on the way, and when it arrives
//  6. place: under way; twice, where it is duplicated
//  7. Net.hand: the receiver's tap, the receiver

// enter puts a frame into the direction.
func (d *Direction) enter(now time.Duration, f *link.Frame) {
	if !d.quick || d.from.tap != nil || d.to.tap != nil {
		f.Complete()
	}
	d.from.look(now, true, f)
	switch {
	case d.cut || d.missing:
		lose(f, &d.counts.Cut)
	case d.tooLong(f.Data):
		lose(f, &d.counts.TooLong)
	case d.quick:
		d.place(0, f, 0)
	default:
		d.transmit(now, f)
	}
}

func lose(f *link.Frame, count *uint64) {
	*count++
	f.Free()
}

// tooLong says whether a frame carries more than the MTU behind its Ethernet header.
func (d *Direction) tooLong(frame []byte) bool {
	if len(frame) <= d.config.MTU+link.EthernetLen {
		return false
	}
	h, _, err := link.ParseEthernet(frame)
	return err != nil || len(frame)-link.EthernetLen-len(h.Tags) > d.config.MTU
}

// transmit sends a frame down a line that takes time.
func (d *Direction) transmit(now time.Duration, f *link.Frame) {
	sent, ok := d.line.send(now, d, len(f.Data))
	if !ok {
		lose(f, &d.counts.Overflowed)
		return
	}
	d.dice.next()
	if d.loses() {
		lose(f, &d.counts.Lost)
		return
	}
	d.judge(sent, f)
}

// loses says whether the line loses the frame.
func (d *Direction) loses() bool {
	c := &d.config
	change := c.Burst.Enter
	if d.bad {
		change = c.Burst.Leave
	}
	if d.dice.hits(throwBurst, change) {
		d.bad = !d.bad
	}
	return d.dice.hits(throwLoss, c.Loss) || d.bad && d.dice.hits(throwBurstLoss, c.Burst.Loss)
}

// travel lets a frame that was sent until then arrive as the verdict on it says.
func (d *Direction) travel(sent time.Duration, f *link.Frame, v Verdict, dice dice) {
	c := &d.config
	if dice.hits(throwCorrupt, c.Corrupt) && len(f.Data) > link.EthernetLen {
		d.counts.Corrupted++
		bit := int(dice.throw(throwBit) * float64(8*(len(f.Data)-link.EthernetLen)))
		f.Data[link.EthernetLen+bit/8] ^= 1 << (bit % 8)
		f.Offload.Checksum = link.ChecksumUnknown
	}
	due := sent + c.Delay + time.Duration(dice.throw(throwJitter)*float64(c.Jitter))
	late := within(v.Late)
	if dice.hits(throwReorder, c.Reorder) {
		d.counts.Late++
		late += c.Late
	}
	if dice.hits(throwDuplicate, c.Duplicate) {
		d.counts.Duplicated++
		d.place(due, f.Clone(), late)
	}
	for _, more := range v.Copies {
		d.place(due, f.Clone(), late+within(more))
	}
	d.place(due, f, late)
}

// place puts a frame among those under way.
func (d *Direction) place(due time.Duration, f *link.Frame, late time.Duration) {
	if late > 0 && d.queue.pushLate(due+late, f) || late == 0 && d.queue.push(due, f) {
		return
	}
	lose(f, &d.counts.Overflowed)
}

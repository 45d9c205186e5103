package tcp

import (
	"encoding/binary"
	"time"
)

// segment sends one segment with n bytes from seq on.
func (c *Conn) segment(now time.Duration, to Sink, seq Seq, flags Flags, n int) {
	h := &c.scratch.h
	*h = Header{SrcPort: c.local, DstPort: c.remote, Seq: seq, Flags: flags}
	if flags.Has(SYN) {
		h.Options = c.synOptions(now, flags)
		h.Window = uint16(min(c.window(), 65535))
	} else {
		h.Options = c.options(now)
		h.Window = c.offer()
	}
	if flags.Has(ACK) {
		h.Ack = c.rcv.nxt
		c.rcv.acked = c.rcv.nxt
		c.acks.sent(now, n > 0)
		c.timers.ack = Never
	}
	// RFC 9293 §3.9.1.2, MUST-61: the last segment of what was written has PSH.
	if n > 0 && seq.Add(n) == c.snd.ring.end() {
		h.Flags |= PSH
	}
	if flags.Has(SYN) {
		c.rcv.edge = c.rcv.nxt.Add(int(h.Window))
	}
	c.shown(now, h, n)
	if n == 0 {
		to.Segment(h, nil, nil)
		return
	}
	head, tail := c.snd.ring.view(seq, n)
	to.Segment(h, head, tail)
}

// shown counts a segment that goes out, and shows it.
func (c *Conn) shown(now time.Duration, h *Header, n int) {
	c.count.segmentsOut++
	if c.hooks != nil && c.hooks.Segment != nil {
		c.hooks.Segment(now, true, h, n)
	}
}

// payload is how many bytes of data a full segment has.
// RFC 6691: options of a segment are counted against the peer's MSS.
func (c *Conn) payload() uint16 {
	return c.snd.mss - uint16(c.optionsLen())
}

func (c *Conn) optionsLen() (n int) {
	if c.stamps.on {
		n = stampsLen
	}
	if len(c.rcv.islands) > 0 || !c.rcv.dup.empty() {
		n += 4 + 8*c.blockCount()
	}
	return n
}

// synOptions are in Linux's order, which all middleboxes know: MSS, SACK-permitted,
// timestamps, NOP, window scale.
func (c *Conn) synOptions(now time.Duration, flags Flags) Options {
	o := Options(c.scratch.options[:0]).AppendMSS(c.snd.path)
	switch {
	case c.stamps.wanted && c.rec.selective:
		o = o.AppendSACKPermitted()
	case c.stamps.wanted:
		o = o.AppendNop(2)
	case c.rec.selective:
		o = o.AppendNop(2).AppendSACKPermitted()
	}
	if c.stamps.wanted {
		ecr := uint32(0)
		if flags.Has(ACK) {
			ecr = c.stamps.recent
		}
		o = o.AppendTimestamps(c.stamps.val(now), ecr)
	}
	if c.rcv.offered {
		o = o.AppendNop(1).AppendWindowScale(c.rcv.scale)
	}
	return o
}

// options are those of any other segment: timestamps, and what arrived out of order.
func (c *Conn) options(now time.Duration) Options {
	o := Options(c.scratch.options[:0])
	if c.stamps.on {
		o = binary.BigEndian.AppendUint32(o, aligned)
		o = binary.BigEndian.AppendUint32(o, c.stamps.val(now))
		o = binary.BigEndian.AppendUint32(o, c.stamps.recent)
	}
	if c.rec.selective && (len(c.rcv.islands) > 0 || !c.rcv.dup.empty()) {
		var blocks [4][2]Seq
		n := c.blocks(&blocks)
		o = o.AppendNop(2).AppendSACK(blocks[:n]...)
		c.rcv.dup = span{}
	}
	return o
}

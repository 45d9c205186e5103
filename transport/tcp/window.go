package tcp

// unread is how many bytes wait for the user.
func (c *Conn) unread() int { return c.dataEnd().Sub(c.rcv.ring.base) }

// dataEnd is behind the last byte in order: RCV.NXT, or the FIN before it.
func (c *Conn) dataEnd() Seq {
	if c.rcv.hasFIN && c.rcv.fin.Less(c.rcv.nxt) {
		return c.rcv.fin
	}
	return c.rcv.nxt
}

// window is RCV.WND as it could be offered now.
//
// RFC 9293 §3.8.6.2.2, receiver's silly window avoidance: the right edge stays until
// the window can grow by half the buffer or a full segment.
// §3.8.6: a receiver SHOULD NOT move the right edge to the left.
func (c *Conn) window() int {
	offered := max(c.rcv.edge.Sub(c.rcv.nxt), 0)
	free := c.free()
	if !c.stateOpen() {
		// In whole segments, as Linux: a peer fills such a window without a rest.
		size := int(c.snd.path)
		if c.stamps.on {
			size -= stampsLen
		}
		if free > size {
			free -= free % size
		}
		return max(free, 0)
	}
	if free-offered >= min(int(c.rcv.limit)/2, int(c.snd.path)) {
		return free
	}
	return offered
}

// free is the room for what the peer may send, as far as a window can tell it: without
// a scale, 65535 bytes (RFC 7323 §2.2).
func (c *Conn) free() int {
	return min(int(c.rcv.limit)-c.unread(), 65535<<c.rcv.scale)
}

// offered is the window that the last acknowledgment offered.
func (c *Conn) offered() int { return max(c.rcv.edge.Sub(c.rcv.acked), 0) }

// stateOpen says whether the peer knows a window already.
func (c *Conn) stateOpen() bool { return c.state >= Established }

// offer is the window field of the next segment, and moves the right edge that it
// tells. What the scale cuts off would move it to the left, so it is rounded up, as
// long as the buffer can take that.
func (c *Conn) offer() uint16 {
	n, unit := c.window(), 1<<c.rcv.scale
	field := min((n+unit-1)>>c.rcv.scale, 65535)
	if field<<c.rcv.scale+c.unread() > int(c.rcv.limit)+unit {
		field = min(n>>c.rcv.scale, 65535)
	}
	if edge := c.rcv.nxt.Add(field << c.rcv.scale); c.rcv.edge.Less(edge) {
		c.rcv.edge = edge
	}
	return uint16(field)
}

// freed follows a read: it asks for a window update when the user has read so much
// that the window can double, as Linux; or when the peer had none.
func (c *Conn) freed() {
	if c.unread() == 0 {
		c.acks.read(c.rcv.nxt.Sub(c.rcv.acked), c.rcv.mss)
	}
	if c.state != Established && c.state != FinWait1 && c.state != FinWait2 {
		return
	}
	offered := max(c.rcv.edge.Sub(c.rcv.nxt), 0)
	free := c.free()
	if free >= 2*offered && free-offered >= min(int(c.rcv.limit)/2, int(c.snd.path)) {
		c.acks.now()
	}
}

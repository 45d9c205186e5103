package tcp

import "time"

// Connect begins a connection by sending a SYN: the user's active OPEN (RFC 9293
// §3.10.1). Output then sends it.
func Connect(c *Config, now time.Duration) *Conn {
	conn := fresh(c, now)
	conn.enter(now, SynSent, "connect")
	return conn
}

// Accept begins a connection with a SYN that came to a listening port (RFC 9293
// §3.10.7.2); Output then sends the SYN+ACK. Use [Listening] to tell such a SYN from
// what a listening port answers otherwise.
//
// Data on the SYN is left for the peer to send again: RFC 9293 would have it queued,
// but then a flood of SYNs takes up memory, and Linux does not either.
func Accept(c *Config, now time.Duration, syn *Header, _ []byte) *Conn {
	conn := fresh(c, now)
	conn.passive = true
	conn.count.segmentsIn++
	conn.arrivedHook(now, syn, 0)
	conn.synchronize(now, syn)
	conn.acceptOptions(syn.Options)
	conn.enter(now, SynReceived, "SYN")
	return conn
}

// Listening says what a listening port does with a segment (RFC 9293 §3.10.7.2):
// begin a connection with Accept, answer with rst, or neither.
func Listening(h *Header, length int) (accept bool, rst Header, answer bool) {
	switch {
	case h.Flags.Has(RST): // An incoming RST should be ignored.
	case h.Flags.Has(ACK): // Any acknowledgment is bad: <SEQ=SEG.ACK><CTL=RST>
		rst, answer = Reset(h, length)
	case h.Flags.Has(SYN) && !h.Flags.Has(FIN): // Linux, too, takes no SYN+FIN
		accept = true
	}
	return accept, rst, answer
}

// fresh is a connection that has not begun.
func fresh(c *Config, now time.Duration) *Conn {
	conn := &Conn{local: c.LocalPort, remote: c.RemotePort, state: Closed, hooks: c.Hooks, keep: keepAlive{KeepAlive: c.KeepAlive.withDefaults()}}
	conn.timers = noTimers()
	conn.timers.limit = c.UserTimeout
	conn.snd.start(c)
	conn.rcv.start(c)
	conn.stamps = timestamps{offset: c.TimestampOffset, wanted: !c.NoTimestamps}
	conn.rec.selective = !c.NoSACK
	conn.rack = newRack(c.ISS)
	conn.ctl = &conn.cubic
	if c.Congestion == "reno" {
		conn.ctl = newReno{}
	}
	conn.cc = congestionWindow{ssthresh: unlimited}
	conn.resize()
	conn.acks.lastIn = now
	return conn
}

func (s *sendSpace) start(c *Config) {
	s.iss, s.una, s.nxt = c.ISS, c.ISS, c.ISS
	s.small, s.look = c.ISS, c.ISS
	s.ring.base = c.ISS + 1
	s.path = segmentLimit(c.MaxSegment)
	// RFC 9293 §3.7.1, MUST-15: without the option, 536.
	s.peerMSS = defaultSegment
	s.mss = min(s.path, s.peerMSS)
	s.max = bufferLimit(c.SendBuffer, defaultSendBuffer)
	s.limit = min(s.max, firstBuffer)
	s.nagle = !c.NoDelay
}

func (r *recvSpace) start(c *Config) {
	r.max = bufferLimit(c.RecvBuffer, defaultRecvBuffer)
	r.limit = min(r.max, firstBuffer)
	r.mss = min(segmentLimit(c.MaxSegment), defaultSegment)
	if r.offered = !c.NoWindowScale; r.offered {
		r.scale = scaleFor(r.max)
	}
}

// resize follows a change of the segment size: windows are counted in segments, and
// the initial one is taken while nothing but the SYN is out.
func (c *Conn) resize() {
	size := int32(c.snd.mss)
	if c.stamps.on {
		size -= stampsLen
	}
	if c.state == Closed || c.state == SynSent || c.state == SynReceived {
		c.cc.cwnd = initialWindow(size)
	}
	c.cc.mss = size
	c.cc.cwnd = max(c.cc.cwnd, size)
	c.cc.ssthresh = max(c.cc.ssthresh, 2*size)
}

// synchronize takes the peer's numbers from its SYN.
func (c *Conn) synchronize(now time.Duration, syn *Header) {
	offered := c.rcv.edge.Sub(c.rcv.nxt) // by our SYN, if that has gone out
	c.rcv.irs = syn.Seq
	c.rcv.nxt = syn.Seq + 1
	c.rcv.acked = c.rcv.nxt
	c.rcv.edge = c.rcv.nxt.Add(offered)
	c.rcv.ring.base = c.rcv.nxt
	c.rcv.tune.mark = c.rcv.nxt
	c.rcv.tune.at = now
	for i := range c.rcv.recent {
		c.rcv.recent[i] = c.rcv.nxt - 1
	}
	// RFC 7323 §2.2: the window field in a segment where the SYN bit is set MUST NOT
	// be scaled.
	c.snd.wnd = uint32(syn.Window)
	c.snd.maxWnd = c.snd.wnd
	c.snd.wl1, c.snd.wl2 = syn.Seq, c.snd.una
	if val, _, ok := syn.Options.Timestamps(); ok {
		c.stamps.recent, c.stamps.recentAt = val, now
	}
}

// acceptOptions takes those of the peer's SYN: what both want is in use from now on.
func (c *Conn) acceptOptions(o Options) {
	size, ok := o.MSS()
	if !ok || size == 0 {
		size = defaultSegment
	}
	c.snd.peerMSS = max(size, minSegment)
	c.snd.mss = min(c.snd.peerMSS, c.snd.path)
	if _, _, ok := o.Timestamps(); !ok {
		c.stamps.wanted = false
	}
	c.stamps.on = c.stamps.wanted
	c.rec.selective = c.rec.selective && o.SACKPermitted()
	scale, ok := o.WindowScale()
	// RFC 7323 §2.2: both sides MUST send the option, or none may scale.
	if c.rcv.offered = c.rcv.offered && ok; !c.rcv.offered {
		scale, c.rcv.scale = 0, 0
	}
	c.snd.scale = scale
	c.resize()
}

// connected ends the handshake.
func (c *Conn) connected(now time.Duration, why string) {
	c.enter(now, Established, why)
	c.events |= EventConnected | EventWritable
	c.rtt.slow = c.runs.n > 0 && c.runs.at(0).again > 0
	// RFC 6928 §2: with more than one SYN lost, the initial window is one segment.
	if c.runs.n > 0 && c.runs.at(0).again > 1 {
		c.cc.cwnd = c.cc.mss
	}
	c.timers.keepFrom(now, c.keep.KeepAlive)
	if c.snd.closed {
		c.enter(now, FinWait1, "close")
	}
}

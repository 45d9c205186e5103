package host

import (
	"net"
	"net/netip"
	"sync"
	"time"

	"dialtone/internet"
	"dialtone/transport/tcp"
)

// A TCPConn is one end of a connection: a [net.Conn], with the methods that
// [net.TCPConn] has beyond that. All may be called at the same time.
//
// It is what stands between a machine that has no lock, clock or goroutine, and the
// goroutines of the application and of the links:
//
//	lock            the machine is the caller's
//	  …             one or more calls of the machine
//	  settle        segments to the outbox; who is to be woken; the next deadline
//	unlock          frames to the links, then those who wait are woken
type TCPConn struct {
	host *Host
	flow flow

	mu        sync.Mutex
	machine   *tcp.Conn
	route     *route
	out       *outbox    // of whoever holds mu; nil until there is something to send
	handshake *handshake // until a listener has it in its queue; then nil
	alarm     alarm
	read      side
	write     side
	reset     bool // is what Close does: SetLinger(0)
	dialed    bool // not accepted: it keeps its port from listeners
	closed    bool // by the application: what is still to be said is the machine's affair
	gone      bool // no segment finds it any more: it is over, or a record of TIME_WAIT
	parting   parting
	id        uint16 // of the last packet, 0 before the first
	reported  bool   // the error that ended it: a later Write says EPIPE
}

// A side is a direction of a connection, for those who wait for it.
type side struct {
	cond     sync.Cond
	deadline time.Duration // never for none
	taken    bool          // by a call that moves bytes in several steps
}

// wake makes a side a waker. Whoever waits looks again, under the lock.
func (s *side) wake() { s.cond.Broadcast() }

// newTCPConn makes a connection, locked, that is nowhere yet; machine is still to come.
func (h *Host) newTCPConn(f flow, r *route) *TCPConn {
	c := &TCPConn{host: h, flow: f, route: r}
	c.alarm.init(c)
	for _, s := range [...]*side{&c.read, &c.write} {
		s.cond.L = &c.mu
		s.deadline = never
	}
	c.mu.Lock()
	return c
}

// tcpConfig is what machines are made with: Linux's behaviour, with what package net
// sets on every connection, which is no delay and a question every 15 seconds.
func (h *Host) tcpConfig(f flow, r *route, now time.Duration) tcp.Config {
	local, remote := f.local(), f.remote()
	config := tcp.Config{
		LocalPort:       f.localPort,
		RemotePort:      f.remotePort,
		ISS:             h.tcp.isn.Next(now, local, remote),
		TimestampOffset: h.tcp.isn.TimestampOffset(local.Addr(), remote.Addr()),
		MaxSegment:      maxSegment(r),
		NoDelay:         true,
		KeepAlive:       keepAlive(net.KeepAliveConfig{Enable: true}),
	}
	if h.hooks.TCP != nil {
		config.Hooks = h.hooks.TCP(local, remote)
	}
	return config
}

// maxSegment is what fits behind a TCP header without options (RFC 6691).
func maxSegment(r *route) int { return r.payload() - tcp.HeaderLen }

// lock begins a call of the application's or of the network's.
func (c *TCPConn) lock() time.Duration {
	c.mu.Lock()
	return c.host.now()
}

// unlock ends what lock began: what the machine has to say goes out.
func (c *TCPConn) unlock(now time.Duration) {
	c.settle(now)
	c.flush()
}

// flush sends what settle has left, and gives the lock back.
func (c *TCPConn) flush() {
	out := c.out
	c.out = nil
	c.mu.Unlock()
	if out != nil {
		out.release()
	}
}

// enter begins what the network or the alarm does; false when the connection is over.
// Else exit ends it.
func (c *TCPConn) enter(out *outbox) (now time.Duration, ok bool) {
	c.mu.Lock()
	if c.gone {
		c.mu.Unlock()
		return 0, false
	}
	c.out = out
	return c.host.now(), true
}

// exit ends what enter began: those whom events concern are woken when the frames that
// come of them are gone.
func (c *TCPConn) exit(now time.Duration, events tcp.Events) {
	c.settle(now)
	c.notify(events, c.out)
	c.out = nil
	c.mu.Unlock()
}

// settle does what follows from any call of the machine: what it has to send goes to
// the outbox, its next deadline to the alarm, and it leaves the tables when it is over.
func (c *TCPConn) settle(now time.Duration) {
	if c.gone {
		return
	}
	if !c.route.fresh() {
		c.reroute(now)
	}
	c.machine.Output(now, (*tcpSink)(c))
	if c.out != nil {
		c.out.commit() // before another can take the lock, and overtake
	}
	switch c.machine.State() {
	case tcp.Closed:
		c.leave()
	case tcp.TimeWait:
		if record, ok := c.machine.TimeWait(); ok {
			c.host.tcp.waits.add(c.flow, record)
			c.leave()
		}
	}
	c.part()
	c.schedule(now)
}

// schedule sets the alarm for what is due next.
func (c *TCPConn) schedule(now time.Duration) {
	if c.gone {
		return
	}
	at := c.machine.Deadline()
	for _, s := range [...]*side{&c.read, &c.write} {
		if s.deadline > now {
			at = min(at, s.deadline)
		}
	}
	c.host.arm(&c.alarm, at)
}

// expire is the alarm's.
func (c *TCPConn) expire(_ time.Duration, out *outbox) {
	now, ok := c.enter(out)
	if !ok {
		return
	}
	var events tcp.Events
	if c.machine.Deadline() <= now {
		events = c.machine.Expire(now)
	}
	for _, s := range [...]*side{&c.read, &c.write} {
		if s.deadline <= now {
			out.wake(s)
		}
	}
	c.exit(now, events)
}

// notify says who is to be woken, once the frames are gone.
func (c *TCPConn) notify(events tcp.Events, out *outbox) {
	if events&(tcp.EventReadable|tcp.EventClosed) != 0 {
		out.wake(&c.read)
	}
	if events&(tcp.EventConnected|tcp.EventWritable|tcp.EventClosed) != 0 {
		out.wake(&c.write)
	}
	if c.handshake != nil && events != 0 {
		c.handshake.settle(c, events, out)
	}
}

// leave takes a connection out of the tables: no segment and no alarm finds it any more.
func (c *TCPConn) leave() {
	c.gone = true
	c.host.disarm(&c.alarm)
	c.host.tcp.remove(c)
}

// reroute follows a change of routes or of the path's MTU.
func (c *TCPConn) reroute(now time.Duration) {
	r, err := c.host.routeFrom(c.flow.local().Addr(), c.flow.remote().Addr())
	if err != nil {
		// RFC 9293 §3.9.2.2: no route may be for a while only; retransmissions go on.
		c.machine.Unreachable(now, err, false)
		return
	}
	c.route = r
	c.machine.SetMaxSegment(now, maxSegment(r))
}

// tcpSink makes packets of a connection's segments.
type tcpSink TCPConn

// Segment is called by the machine's Output.
func (s *tcpSink) Segment(header *tcp.Header, head, tail []byte) {
	if s.out == nil {
		s.out = s.host.outbox()
	}
	ip := internet.IPv4{ID: s.nextID(header)}
	b := header.Append(s.out.packetWith(s.route, internet.TCP, segmentLen(header, len(head)+len(tail)), ip)[:0])
	b = append(b, head...)
	_ = append(b, tail...)
}

// nextID counts the IDs of a connection's packets up, as Linux does: who watches can
// tell what is missing. The first follows from the initial sequence number.
func (s *tcpSink) nextID(header *tcp.Header) uint16 {
	if s.id == 0 {
		s.id = uint16(header.Seq>>16 ^ header.Seq)
	}
	if s.id++; s.id == 0 { // which stands for none
		s.id = 1
	}
	return s.id
}

// LocalAddr is a [*net.TCPAddr].
func (c *TCPConn) LocalAddr() net.Addr { return net.TCPAddrFromAddrPort(c.flow.local()) }

// RemoteAddr is a [*net.TCPAddr].
func (c *TCPConn) RemoteAddr() net.Addr { return net.TCPAddrFromAddrPort(c.flow.remote()) }

// AddrPorts are both ends of the connection.
func (c *TCPConn) AddrPorts() (local, remote netip.AddrPort) {
	return c.flow.local(), c.flow.remote()
}

// Info is a snapshot of what is known of the connection, like Linux's TCP_INFO.
func (c *TCPConn) Info() tcp.Info {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.machine.Info()
}

package host

import (
	"context"
	"net"
	"net/netip"
	"os"
	"sync"
	"time"

	"dialtone/internet"
)

// Ping is how to ask whether another machine is there. The zero Ping is as good as any.
type Ping struct {
	Size     int   // bytes of data in the request, up to 65507
	TTL      uint8 // hops that it may take; 0 for 64
	MayBeCut bool  // into fragments: else a request that is too large for the path is EMSGSIZE
}

// Pong is the answer to a Ping.
type Pong struct {
	From      netip.Addr    // who answered
	RoundTrip time.Duration // from the request to the answer
	TTL       uint8         // that was left of the answer's
}

// Ping asks a machine for an echo (RFC 792) and waits for it, as long as ctx allows: ctx
// ought to have a deadline, as nobody else gives up. The error is a [*net.OpError] of
// EHOSTUNREACH and the like when a router says so or the link's end does not answer.
func (h *Host) Ping(ctx context.Context, address string, how Ping) (Pong, error) {
	dst, err := h.lookup(address)
	if err != nil {
		return Pong{}, &net.OpError{Op: "ping", Net: "ip4:icmp", Err: err}
	}
	pong, err := h.ping(ctx, dst, how)
	if err != nil {
		return pong, &net.OpError{Op: "ping", Net: "ip4:icmp", Addr: &net.IPAddr{IP: dst.AsSlice()}, Err: err}
	}
	return pong, nil
}

func (h *Host) ping(ctx context.Context, dst netip.Addr, how Ping) (Pong, error) {
	w, err := h.pings.begin(dst)
	if err != nil {
		return Pong{}, err
	}
	defer h.pings.end(w)
	if err := h.sendEcho(w, how); err != nil {
		return Pong{}, err
	}
	select {
	case <-w.woken:
		return w.pong, w.err
	case <-ctx.Done():
		return Pong{}, ctx.Err()
	}
}

// sendEcho sends the request.
func (h *Host) sendEcho(w *echoWait, how Ping) error {
	r, err := h.routeTo(w.dst)
	if err != nil {
		return os.NewSyscallError("sendto", err)
	}
	const icmpHeader = 8
	size := icmpHeader + min(max(how.Size, 0), maxPacket-20-icmpHeader)
	header := internet.IPv4{TTL: how.TTL, Flags: internet.DontFragment}
	if how.MayBeCut {
		header.Flags = mayFragment
	} else if size > r.payload() {
		return os.NewSyscallError("sendto", errMessageSize)
	}
	m := internet.ICMPHeader{Type: internet.ICMPv4Echo}
	m.SetEcho(w.id, 1)
	out := h.outbox()
	b := out.packetWith(r, internet.ICMP, size, header)
	for i := range m.Append(b[:0])[icmpHeader:size] {
		b[icmpHeader+i] = byte(i)
	}
	internet.FillICMPv4(b)
	w.sent = h.now()
	out.release()
	return nil
}

// pings are the echoes that are waited for.
type pings struct {
	mu      sync.Mutex
	waiting map[uint16]*echoWait
	next    uint16
	closed  bool
}

// An echoWait is one of them. pong and err are the waiter's once woken is closed.
type echoWait struct {
	dst   netip.Addr
	id    uint16
	sent  time.Duration
	woken chan struct{}
	pong  Pong
	err   error
}

func (e *echoWait) wake() { close(e.woken) }

func (s *pings) init(h *Host) {
	s.waiting = map[uint16]*echoWait{}
	s.next = uint16(h.digest(digestPing, netip.AddrPort{}, netip.AddrPort{}))
}

// begin finds an identifier for an echo.
func (s *pings) begin(dst netip.Addr) (*echoWait, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return nil, net.ErrClosed
	}
	for range 1 << 16 {
		s.next++
		if s.waiting[s.next] == nil {
			e := &echoWait{dst: dst, id: s.next, woken: make(chan struct{})}
			s.waiting[e.id] = e
			return e, nil
		}
	}
	return nil, errNoBuffers
}

func (s *pings) end(e *echoWait) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.waiting[e.id] == e {
		delete(s.waiting, e.id)
	}
}

// finish takes an echo out of the table, to be told its end; nil where there is none
// from that address.
func (s *pings) finish(id uint16, dst netip.Addr) *echoWait {
	s.mu.Lock()
	defer s.mu.Unlock()
	e := s.waiting[id]
	if e == nil || e.dst != dst {
		return nil
	}
	delete(s.waiting, id)
	return e
}

// inputEchoReply takes the answer to an echo.
func (h *Host) inputEchoReply(p *packet, m *internet.ICMPHeader, out *outbox) {
	id, _ := m.Echo()
	e := h.pings.finish(id, p.src)
	if e == nil {
		h.drop(DropNoSocket, p.whole)
		return
	}
	e.pong = Pong{From: p.src, RoundTrip: h.now() - e.sent, TTL: p.ttl}
	out.wake(e)
}

// unreachablePing takes an error about a request.
func (h *Host) unreachablePing(u *unreachable, out *outbox) {
	m, _, err := internet.ParseICMP(u.quoted)
	if err != nil || m.Type != internet.ICMPv4Echo {
		return
	}
	id, _ := m.Echo()
	if e := h.pings.finish(id, u.remote); e != nil {
		if u.err == errMessageSize {
			h.learnMTU(u)
		}
		e.pong = Pong{From: u.from, RoundTrip: h.now() - e.sent}
		e.err = u.err
		out.wake(e)
	}
}

// close ends all waits.
func (s *pings) close() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.closed = true
	for id, e := range s.waiting {
		delete(s.waiting, id)
		e.err = net.ErrClosed
		e.wake()
	}
}

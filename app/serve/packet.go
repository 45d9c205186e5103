package serve

import (
	"context"
	"errors"
	"net"
	"net/netip"
	"os"
	"syscall"
	"time"

	"golang.org/x/time/rate"
)

// datagrams reads and answers datagrams, many at a time where the system can.
type datagrams interface {
	// read waits for datagrams, or does not when wait is false, and returns how many came.
	read(wait bool) (n int, err error)
	// get returns the i-th of them, which the caller may change, and whether it
	// had been longer than the buffer.
	get(i int) (p []byte, truncated bool)
	peer(i int) netip.AddrPort
	// asked returns the control message for an answer to the i-th one from the
	// address that it was sent to; nil where there is only one.
	asked(i int) []byte
	// answer keeps p, which must stay as it is, to go to the i-th one's sender.
	answer(i int, p []byte)
	// flush sends the answers. Its error is about one of them; the others are sent.
	flush() error
}

const batchSize = 32 // datagrams in one system call: at most 2 MiB of buffers

// ServePacket answers datagrams from pc until Shutdown or Close, or until ctx is
// done, which closes the server. It closes pc. A Talk answers each datagram for
// itself; for a Hold each peer's datagrams are a session, which ends when the
// service does or after Limits.Session without one.
func (s *Server) ServePacket(ctx context.Context, pc net.PacketConn) error {
	s.start()
	defer pc.Close()
	if !s.enlist(pc) {
		return nil
	}
	defer s.delist(pc)
	defer context.AfterFunc(ctx, s.Close)()
	d := newDatagrams(pc, s.Limits.datagram())
	post := &post{server: s, pc: pc, in: d, limiter: s.Limits.limiter()}
	if s.Service.Talk != nil {
		post.talk = s.Service.Talk()
	} else {
		post.sessions = newSessions(s, pc)
		defer post.sessions.close()
	}
	if err := post.run(); err != nil {
		return err
	}
	return ctx.Err()
}

// post is the loop of one packet connection.
type post struct {
	server   *Server
	pc       net.PacketConn
	in       datagrams
	limiter  *rate.Limiter // for all peers together: an address proves nothing here
	talk     Talk          // answers, or
	sessions *sessions     // keep them apart
	room     [answerRoom]byte
	used     int // of room, by the answers of this batch
}

// run reads until the server drains. Sessions that still go on are then read for
// until they end; without them what has arrived is answered, and that is all.
func (p *post) run() error {
	for {
		n, err := p.in.read(true)
		switch {
		case err == nil:
			p.batch(n)
		case p.server.isDraining():
			return p.rest()
		case errors.Is(err, syscall.ECONNREFUSED), errors.Is(err, syscall.EMSGSIZE):
			// About an earlier answer (ICMP); or Windows' way to say truncated.
		default:
			return err
		}
	}
}

func (p *post) rest() error {
	if p.sessions != nil {
		return p.sessions.serveRest(p)
	}
	for {
		n, err := p.in.read(false)
		if err != nil || n == 0 || p.server.life.Err() != nil {
			return nil
		}
		p.batch(n)
	}
}

// batch handles the datagrams that one read has brought.
func (p *post) batch(n int) {
	start := p.server.Metrics.now()
	p.used = 0
	for i := range n {
		p.handle(i)
	}
	if err := p.in.flush(); err != nil {
		p.server.refusals.warn("answer not sent", "error", errText(err))
	}
	if p.talk != nil {
		p.server.Metrics.latency(start)
	}
}

func (p *post) handle(i int) {
	s := p.server
	d, truncated := p.in.get(i)
	if truncated {
		s.refusals.warn("datagram truncated", "peer", p.in.peer(i).String(), "limit", s.Limits.datagram(), "doing", "not answered")
		return
	}
	if (len(s.Limits.Allow) > 0 || len(s.Limits.Deny) > 0) && !s.Limits.permits(p.in.peer(i).Addr().Unmap().WithZone("")) {
		s.Metrics.refused(refusedDenied)
		s.refusals.warn("refused", "peer", p.in.peer(i).String(), "reason", string(refusedDenied))
		return
	}
	if p.limiter != nil && !p.limiter.AllowN(time.Now(), len(d)) {
		s.Metrics.refused(refusedBytes)
		return // a datagram too many is dropped, as the network would
	}
	if p.sessions != nil {
		p.sessions.deliver(p.in.peer(i), p.in.asked(i), d)
		return
	}
	p.answer(i, d)
}

// answer lets the Talk answer one datagram.
func (p *post) answer(i int, d []byte) {
	s := p.server
	if s.View != nil {
		s.View.Message(net.UDPAddrFromAddrPort(p.in.peer(i)), true, d)
	}
	in := len(d)
	out, rest := p.reply(d)
	if len(rest) > 0 {
		s.refusals.warn("answer not sent", "peer", p.in.peer(i).String(), "error", "longer than a datagram can be")
		return
	}
	s.Metrics.count(int64(in), int64(len(out)))
	if out == nil {
		return
	}
	p.in.answer(i, out)
	if s.View != nil {
		s.View.Message(net.UDPAddrFromAddrPort(p.in.peer(i)), false, out)
	}
}

// reply runs a whole conversation of one datagram. What it appends stays in the
// loop's room until the batch is sent. A nil out is no answer: only an empty
// datagram has an empty one.
func (p *post) reply(d []byte) (out, rest []byte) {
	p.talk.Begin(nil) // a greeting is for streams
	room := p.room[p.used:p.used:len(p.room)]
	out, rest, more := p.talk.Answer(room, d)
	if more && len(rest) == 0 {
		if last := p.talk.End(nil); len(last) > 0 {
			out = append(out, last...)
		}
	}
	if len(d) > 0 && len(out) == 0 {
		return nil, rest
	}
	if n := len(out); n > 0 && cap(room) > 0 && &out[0] == &p.room[p.used:][0] {
		p.used += n
	}
	return out, rest
}

// generic reads and answers one datagram at a time from any net.PacketConn.
type generic struct {
	pc  net.PacketConn
	max int
	buf []byte
	n   int
	who net.Addr
	out []byte
	has bool
}

func newGeneric(pc net.PacketConn, size int) *generic {
	return &generic{pc: pc, max: size, buf: make([]byte, size+1)}
}

func (g *generic) read(wait bool) (n int, err error) {
	if !wait {
		g.pc.SetReadDeadline(time.Now().Add(5 * time.Millisecond))
	}
	g.n, g.who, err = g.pc.ReadFrom(g.buf)
	if !wait && errors.Is(err, os.ErrDeadlineExceeded) {
		return 0, nil
	}
	if err != nil {
		return 0, err
	}
	return 1, nil
}

// get: one byte more than allowed was asked for, so that it shows when more came.
func (g *generic) get(int) ([]byte, bool) { return g.buf[:min(g.n, g.max)], g.n > g.max }

func (g *generic) peer(int) netip.AddrPort {
	if u, ok := g.who.(*net.UDPAddr); ok {
		return u.AddrPort()
	}
	ap, _ := netip.ParseAddrPort(g.who.String())
	return ap
}

func (g *generic) asked(int) []byte { return nil }

func (g *generic) answer(_ int, p []byte) { g.out, g.has = p, true }

func (g *generic) flush() error {
	if !g.has {
		return nil
	}
	g.has = false
	_, err := g.pc.WriteTo(g.out, g.who)
	return err
}

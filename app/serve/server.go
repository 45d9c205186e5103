package serve

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"net"
	"net/netip"
	"os"
	"sync"
	"time"

	"dialtone/app/escape"
)

// Server holds conversations for any number of listeners. Set the exported
// fields before the first call of Serve or ServePacket; only Service is needed.
type Server struct {
	Service Service
	Limits  Limits
	Log     *slog.Logger // accepted, closed, refused, one event each; nil means none
	View    *View        // shows what is said; nil means nobody looks
	Metrics *Metrics     // counts; nil means nobody does

	// ProxyProtocol says that every stream begins with a PROXY header, version 1
	// or 2. The client that it names is the peer then, for limits and logs too.
	ProxyProtocol bool

	once     sync.Once
	log      *slog.Logger
	gate     *gate
	refusals *burstLog
	life     context.Context // done when everything must end now
	kill     context.CancelFunc
	calm     context.Context // done when the drain is over: nothing is held back then
	hurry    context.CancelFunc
	draining chan struct{} // closed when no new conversations are wanted
	drain    sync.Once
	wg       sync.WaitGroup // every goroutine of the server but the sweeper's
	sweeper  sweeper
	lot      lot // parked conversations
	closeLot sync.Once

	mu        sync.Mutex
	conns     map[*Conn]struct{}
	listeners map[io.Closer]struct{}
	drained   bool // Shutdown waits no longer: whoever comes in now is ended at once
	ended     int  // conversations, by that
}

// deadliner is a listener whose wait can be ended without closing it.
type deadliner interface{ SetDeadline(time.Time) error }

// interrupt ends the wait of a listener or packet connection, which may go on
// sending.
func interrupt(c io.Closer) {
	switch c := c.(type) {
	case net.PacketConn:
		c.SetReadDeadline(time.Unix(1, 0))
	case deadliner:
		c.SetDeadline(time.Unix(1, 0))
	default:
		c.Close()
	}
}

// A Wrap turns a connection that was just accepted into the one to serve: it
// does a TLS handshake or upgrades to a WebSocket. It runs under Limits.Handshake.
type Wrap func(ctx context.Context, c net.Conn) (net.Conn, error)

func (s *Server) start() {
	s.once.Do(func() {
		s.log = s.Log
		if s.log == nil {
			s.log = slog.New(slog.DiscardHandler)
		}
		s.gate = newGate(&s.Limits)
		s.refusals = &burstLog{log: s.log}
		s.life, s.kill = context.WithCancel(context.Background())
		s.calm, s.hurry = context.WithCancel(s.life)
		s.draining = make(chan struct{})
		s.mu.Lock() // Open may be asked at any time
		s.conns = map[*Conn]struct{}{}
		s.listeners = map[io.Closer]struct{}{}
		s.mu.Unlock()
		s.Metrics.bind(s)
		s.lot.open(s)
		s.sweeper.start(s)
	})
}

// Serve accepts conversations from ln, through wraps in their order, until
// Shutdown or Close, or until ctx is done, which closes the server. It closes
// ln. Its error is nil after Shutdown and Close, ctx's after that.
func (s *Server) Serve(ctx context.Context, ln net.Listener, wraps ...Wrap) error {
	s.start()
	defer ln.Close()
	if !s.enlist(ln) {
		return nil
	}
	defer s.delist(ln)
	askForRest(ln)
	defer context.AfterFunc(ctx, s.Close)()
	full := &shedder{server: s, ln: ln}
	defer full.close()
	for {
		c, err := ln.Accept()
		switch {
		case err == nil:
			full.recovered()
			s.admit(c, wraps)
		case s.isDraining():
			s.acceptRest(ln, wraps)
			return ctx.Err()
		case isFull(err):
			s.Metrics.acceptError()
			full.shed(err)
		case isPassing(err):
			s.Metrics.acceptError()
		default:
			return err
		}
	}
}

// acceptTime is longer than taking a whole accept queue takes.
const acceptTime = time.Second

// acceptRest takes the connections that the kernel completed before the server
// was told to stop: their peers may have sent something already. In a flood of
// new ones it gives up after acceptTime, as nothing tells which came before.
func (s *Server) acceptRest(ln net.Listener, wraps []Wrap) {
	d, ok := ln.(deadliner)
	if !ok {
		return
	}
	for until := time.Now().Add(acceptTime); s.life.Err() == nil && time.Now().Before(until); {
		d.SetDeadline(time.Now().Add(5 * time.Millisecond))
		c, err := ln.Accept()
		if err != nil {
			return
		}
		s.admit(c, wraps)
	}
}

// admit counts a connection that was just accepted, and starts its conversation
// or the handshakes before it.
func (s *Server) admit(nc net.Conn, wraps []Wrap) {
	if why := s.gate.enter(); why != "" {
		s.refuse(nc, nc.RemoteAddr(), why, nil)
		return
	}
	if s.ProxyProtocol || len(wraps) > 0 {
		s.wg.Go(func() { s.prepare(nc, wraps) })
		return
	}
	if peer := nc.RemoteAddr(); s.identify(nc, peer) {
		s.welcome(nc, peer)
	}
}

// identify lets the peer in, or refuses it because of its address.
func (s *Server) identify(nc net.Conn, peer net.Addr) bool {
	why := s.gate.identify(addrOf(peer))
	if why != "" {
		s.gate.leave(netip.Addr{})
		s.refuse(nc, peer, why, nil)
	}
	return why == ""
}

// prepare does what comes before the conversation, which then gets a goroutine of
// its own whose stack is still small: first the PROXY header, which tells who the
// peer is, then the handshakes, for those who may come in.
func (s *Server) prepare(nc net.Conn, wraps []Wrap) {
	ctx, cancel := context.WithTimeout(s.life, s.Limits.handshake())
	defer cancel()
	under := nc
	defer context.AfterFunc(ctx, func() { under.SetDeadline(time.Unix(1, 0)) })()
	peer := nc.RemoteAddr()
	if s.ProxyProtocol {
		h, err := ReadProxyHeader(nc)
		if err != nil {
			s.gate.leave(netip.Addr{})
			s.refuse(nc, peer, refusedHandshake, err)
			return
		}
		if h.Source.IsValid() {
			peer = net.TCPAddrFromAddrPort(h.Source)
		}
	}
	if !s.identify(nc, peer) {
		return
	}
	if len(wraps) > 0 {
		nc = newPatient(nc)
	}
	for _, wrap := range wraps {
		next, err := wrap(ctx, nc)
		if err != nil {
			s.noteRefused(peer, refusedHandshake, err)
			if ctx.Err() == nil {
				farewell(under, nil) // the handshake may have said why; a reset could overtake that
			}
			reset(under)
			s.gate.leave(addrOf(peer))
			return
		}
		nc = next
	}
	s.welcome(nc, peer)
}

// welcome starts the conversation of a peer that may have one.
func (s *Server) welcome(nc net.Conn, peer net.Addr) {
	c := &Conn{Conn: nc, peer: peer, addr: addrOf(peer), opened: time.Now(), server: s, limiter: s.Limits.limiter()}
	c.seenSince = c.opened
	s.enter(c)
	if s.logs(slog.LevelInfo) {
		s.log.Info("accepted", "peer", text(peer), "local", text(nc.LocalAddr()), "service", s.Service.Name)
	}
	s.wg.Add(1)
	s.run(c)
}

// run gives c's conversation a goroutine. wg counts the conversation until it has
// ended, with a goroutine or parked.
func (s *Server) run(c *Conn) {
	go func() {
		if s.converse(c) {
			s.wg.Done()
		}
	}()
}

// converse holds one conversation until its close, or until it is parked.
func (s *Server) converse(c *Conn) (over bool) {
	var err error
	if s.Service.Talk == nil {
		err = s.hold(c)
	} else if err = s.converseByTalk(c); err == errParked {
		return false
	}
	end := c.endedBy(err)
	switch {
	case end == PeerRST || end == PeerCut || end == Aborted || end == PeerFIN:
		c.Conn.Close()
	case end.byTimeout() && errors.Is(err, os.ErrDeadlineExceeded) && c.blocked.Load():
		reset(c.Conn) // it does not read: nothing more will arrive there
	default:
		c.finish()
	}
	s.leave(c)
	s.logClosed(c, end, err)
	return true
}

func (s *Server) hold(c *Conn) error {
	ctx, cancel := context.WithCancel(s.life)
	defer cancel()
	s.mu.Lock()
	c.cancel = cancel
	if Ending(c.ending.Load()) != Open { // it was told to stop before it could be
		cancel()
	}
	s.mu.Unlock()
	return s.Service.Hold(ctx, c)
}

// logs reports whether somebody reads a level: making the words costs more than
// the conversation's own work.
func (s *Server) logs(level slog.Level) bool { return s.log.Enabled(context.Background(), level) }

func (s *Server) logClosed(c *Conn, end Ending, err error) {
	if !s.logs(slog.LevelWarn) {
		return
	}
	attrs := []any{
		"peer", text(c.peer), "in", c.in.Load(), "out", c.out.Load(),
		"duration", time.Since(c.opened).Round(time.Microsecond), "by", end.By(), "how", end.String(),
	}
	if end == ServiceFailed {
		s.log.Warn("closed", append(attrs, "error", errText(err))...)
		return
	}
	s.log.Info("closed", attrs...)
}

// refuse closes a connection with a reset, so that its end does not stay here in
// TIME_WAIT, and says why.
func (s *Server) refuse(c net.Conn, peer net.Addr, why Reason, err error) {
	reset(c)
	s.noteRefused(peer, why, err)
}

func (s *Server) noteRefused(peer net.Addr, why Reason, err error) {
	s.Metrics.refused(why)
	attrs := []any{"peer", text(peer), "reason", string(why)}
	if err != nil {
		attrs = append(attrs, "error", errText(err))
	}
	s.refusals.warn("refused", attrs...)
}

func (s *Server) enter(c *Conn) {
	s.mu.Lock()
	s.conns[c] = struct{}{}
	if s.drained { // out of the accept queue, or a handshake
		s.endLocked(c)
	}
	if s.life.Err() != nil { // Close has been through already
		c.cut(Aborted)
	}
	s.mu.Unlock()
	s.Metrics.opened()
}

func (s *Server) leave(c *Conn) {
	s.gate.leave(c.addr)
	s.Metrics.closed(c)
	s.mu.Lock()
	delete(s.conns, c) // last: when Open does not count it any more, nothing does
	s.mu.Unlock()
}

func (s *Server) enlist(d io.Closer) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.isDraining() {
		return false
	}
	s.listeners[d] = struct{}{}
	s.wg.Add(1)
	return true
}

func (s *Server) delist(d io.Closer) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.listeners, d)
	s.wg.Done()
}

func (s *Server) isDraining() bool {
	select {
	case <-s.draining:
		return true
	default:
		return false
	}
}

// Open returns the number of conversations that are going on.
func (s *Server) Open() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.conns)
}

// each calls do for every conversation.
func (s *Server) each(do func(*Conn)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for c := range s.conns {
		do(c)
	}
}

// stopAccepting ends every accept loop; what the kernel has accepted already
// still comes in.
func (s *Server) stopAccepting() {
	s.drain.Do(func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		close(s.draining)
		for ln := range s.listeners {
			interrupt(ln)
		}
	})
}

// Shutdown stops accepting and lets the conversations end by themselves until
// ctx is done. Those that are left are then ended by the server: what they have
// received by then is answered, then comes our FIN. Shutdown returns when no
// goroutine of the server is left, with the number of conversations that it
// ended.
func (s *Server) Shutdown(ctx context.Context) (ended int) {
	s.start()
	s.stopAccepting()
	idle := make(chan struct{})
	go func() { s.wg.Wait(); close(idle) }() // ends before Shutdown does
	select {
	case <-idle:
	case <-ctx.Done():
		s.endAll()
		select {
		case <-idle:
		case <-time.After(2 * lingerTime):
		}
	}
	s.Close()
	<-idle
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.ended
}

// endAll ends the conversations that are left after the drain.
func (s *Server) endAll() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.drained = true
	s.hurry()
	for c := range s.conns {
		s.endLocked(c)
	}
}

func (s *Server) endLocked(c *Conn) {
	s.ended++
	c.stop(DrainTimeout)
}

// Close ends everything now, with resets, and returns when no goroutine of the
// server is left.
func (s *Server) Close() {
	s.start()
	s.stopAccepting()
	s.kill()
	s.each(func(c *Conn) { c.cut(Aborted) })
	s.wg.Wait()
	s.sweeper.stop()
	s.closeLot.Do(s.lot.close)
	s.refusals.flush()
}

// text returns an address for a log. A Unix client has none of its own, or one
// that it chose: any bytes.
func text(a net.Addr) string {
	if a == nil || a.String() == "" || a.String() == "@" {
		return "unix"
	}
	return escape.String(a.String())
}

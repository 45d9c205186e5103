package host

import (
	"net"
	"net/netip"
	"os"
	"sync"
	"time"

	"dialtone/transport/tcp"
)

// A TCPListener is a [net.Listener] with the methods that [net.TCPListener] has.
type TCPListener struct {
	host  *Host
	local netip.AddrPort // the address unspecified for any of the host's

	mu       sync.Mutex // taken while a connection's is held, not the other way round
	cond     sync.Cond
	backlog  backlog
	deadline time.Duration
	alarm    alarm
	closed   bool
}

// listeners are those of a host, by what they listen on. Under tcpSockets.mu.
type listeners map[netip.AddrPort]*TCPListener

func (h *Host) newTCPListener(local netip.AddrPort) *TCPListener {
	l := &TCPListener{host: h, local: local, deadline: never}
	l.cond.L = &l.mu
	l.alarm.init(l)
	return l
}

// Accept waits for the next connection.
func (l *TCPListener) Accept() (net.Conn, error) {
	c, err := l.AcceptTCP()
	if err != nil {
		return nil, err
	}
	return c, nil
}

// AcceptTCP waits for the next connection. The error is a [*net.OpError] of
// net.ErrClosed or os.ErrDeadlineExceeded.
func (l *TCPListener) AcceptTCP() (*TCPConn, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for {
		if l.closed {
			return nil, l.opError("accept", net.ErrClosed)
		}
		if l.deadline <= l.host.now() {
			return nil, l.opError("accept", os.ErrDeadlineExceeded)
		}
		if c := l.backlog.pop(); c != nil {
			return c, nil
		}
		l.cond.Wait()
	}
}

// Addr is a [*net.TCPAddr].
func (l *TCPListener) Addr() net.Addr { return net.TCPAddrFromAddrPort(l.local) }

// SetDeadline sets when Accept gives up; the zero Time is never.
func (l *TCPListener) SetDeadline(t time.Time) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.closed {
		return l.opError("set", net.ErrClosed)
	}
	l.deadline = l.host.since(t)
	l.host.arm(&l.alarm, l.deadline)
	l.cond.Broadcast() // those who wait look again
	return nil
}

// expire is the alarm's.
func (l *TCPListener) expire(_ time.Duration, out *outbox) {
	l.mu.Lock() // whoever holds it waits already, or has yet to look at the clock
	defer l.mu.Unlock()
	out.wake(l)
}

// wake makes a listener a waker.
func (l *TCPListener) wake() { l.cond.Broadcast() }

// Close ends listening. Connections that nobody has accepted are reset.
func (l *TCPListener) Close() error {
	l.mu.Lock()
	if l.closed {
		l.mu.Unlock()
		return l.opError("close", net.ErrClosed)
	}
	l.closed = true
	orphans := l.backlog.clear()
	l.mu.Unlock()
	l.host.disarm(&l.alarm)
	l.host.tcp.removeListener(l)
	l.cond.Broadcast()
	for _, c := range orphans {
		c.Abort()
	}
	return nil
}

func (l *TCPListener) opError(op string, err error) error {
	return &net.OpError{Op: op, Net: "tcp", Addr: l.Addr(), Err: err}
}

// input takes a segment of no connection; iss replaces the first sequence number of a
// new one where it comes after another of the same four-tuple.
func (l *TCPListener) input(f flow, p *packet, header *tcp.Header, payload []byte, iss *tcp.TimeWaitRecord, out *outbox) {
	accept, rst, answer := tcp.Listening(header, len(payload))
	if answer {
		l.host.reply(f, &rst, out)
	}
	if !accept {
		return
	}
	r, err := l.host.routeFrom(f.local().Addr(), f.remote().Addr())
	if err != nil {
		return
	}
	l.open(f, r, p, header, payload, iss, out)
}

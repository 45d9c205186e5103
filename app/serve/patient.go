package serve

import (
	"errors"
	"io"
	"net"
	"os"
	"syscall"
	"time"
)

// patient is the connection below TLS and WebSockets. When a deadline has ended a
// read, it first hands out what had arrived by then, and fails when there is
// nothing left: so Shutdown loses nothing there that the kernel has acknowledged.
// (A WebSocket cannot read on after an error, not even a timeout; and a deadline
// a little later instead would be a bet on how busy the machine is.)
type patient struct {
	net.Conn
	raw   syscall.RawConn // nil where there is no reading past the deadline
	until time.Time       // when its patience ends; zero before the first timeout
}

func newPatient(c net.Conn) *patient {
	p := &patient{Conn: c}
	if sc, ok := c.(syscall.Conn); ok && canReadFD {
		p.raw, _ = sc.SyscallConn()
	}
	return p
}

func (p *patient) Read(b []byte) (int, error) {
	n, err := p.Conn.Read(b)
	if n > 0 || len(b) == 0 || !errors.Is(err, os.ErrDeadlineExceeded) {
		return n, err
	}
	now := time.Now()
	if p.until.IsZero() {
		p.until = now.Add(lingerTime)
	}
	switch {
	case now.After(p.until): // the peer goes on and on
		return 0, err
	case p.raw == nil:
		p.Conn.SetReadDeadline(now.Add(pendingTime))
		return p.Conn.Read(b)
	}
	return p.readNow(b, err)
}

// readNow reads what the kernel has, or fails with timeout.
func (p *patient) readNow(b []byte, timeout error) (n int, err error) {
	if e := p.raw.Control(func(fd uintptr) { n, err = readFD(fd, b) }); e != nil {
		return 0, e
	}
	switch {
	case err == errAgain:
		return 0, timeout
	case err != nil:
		return 0, &net.OpError{Op: "read", Net: p.LocalAddr().Network(), Source: p.LocalAddr(), Addr: p.RemoteAddr(), Err: os.NewSyscallError("read", err)}
	case n == 0:
		return 0, io.EOF
	}
	return n, nil
}

// NetConn returns the connection below.
func (p *patient) NetConn() net.Conn { return p.Conn }

// CloseWrite ends our output.
func (p *patient) CloseWrite() error { return closeWrite(p.Conn) }

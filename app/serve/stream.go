package serve

import (
	"errors"
	"io"
	"net"
	"os"
	"syscall"
	"time"
	"unicode/utf8"
)

// This file is the way of a stream through a Talk:
//
//  1. burst.next waits for input and reads it into a pooled buffer
//  2. Conn.took counts, shows and limits it
//  3. Talk.Answer makes the answer, in the input's own bytes where it can
//  4. Conn.Write sends it, and waits while the peer does not read
//  5. the buffers go back to the pool; without input there is nothing to hold

// talk holds a conversation with t until it is over. It returns nil when the
// service was done first, io.EOF when the peer was, or what went wrong.
func (s *Server) talk(c *Conn, t Talk) error {
	src := newBurst(c.Conn)
	defer src.release()
	out, more := t.Begin(nil)
	if err := send(c, out); err != nil {
		return err
	}
	for more {
		p, err := src.next()
		if err == nil {
			err = c.took(p)
		}
		if err != nil {
			return s.lastWords(c, t, src, err)
		}
		if more, err = s.answer(c, t, p, src.bufs.out[:0]); err != nil {
			return err
		}
		src.release()
	}
	return nil
}

// answer lets t answer p and sends what it says.
func (s *Server) answer(c *Conn, t Talk, p, room []byte) (more bool, err error) {
	start := s.Metrics.now()
	for more = true; more; {
		var out []byte
		out, p, more = t.Answer(room, p)
		if err := send(c, out); err != nil {
			return false, err
		}
		if len(p) == 0 {
			break
		}
	}
	s.Metrics.latency(start)
	return more, nil
}

// lastWords ends the conversation after a read has failed with err. When it is
// the server that wants the end, what the peer's bytes in the kernel's buffer
// ask is answered first: they were acknowledged.
func (s *Server) lastWords(c *Conn, t Talk, src *burst, err error) error {
	if errors.Is(err, os.ErrDeadlineExceeded) && Ending(c.ending.Load()) == DrainTimeout {
		c.SetDeadline(time.Now().Add(lingerTime))
		for {
			p := src.pending()
			if len(p) == 0 {
				break
			}
			if c.took(p) != nil {
				break
			}
			if more, e := s.answer(c, t, p, src.bufs.out[:0]); e != nil || !more {
				return e
			}
		}
		if e := send(c, t.End(nil)); e != nil {
			return e
		}
		return err
	}
	if err == io.EOF {
		if e := send(c, t.End(nil)); e != nil {
			return e
		}
	}
	return err
}

func send(c *Conn, out []byte) error {
	if len(out) == 0 {
		return nil
	}
	_, err := c.Write(out)
	return err
}

// burst reads a connection in bursts of what is there, up to burstSize bytes.
type burst struct {
	conn net.Conn
	raw  syscall.RawConn // nil: no file descriptor to read from directly
	bufs *buffers        // nil while there is nothing to read

	attempt func(fd uintptr) bool // one closure for all reads
	n       int
	err     error
	small   []byte // without raw: what an idle connection waits with
}

func newBurst(c net.Conn) *burst {
	b := &burst{conn: c}
	if sc, ok := c.(syscall.Conn); ok && canReadFD {
		if raw, err := sc.SyscallConn(); err == nil {
			b.raw = raw
			b.attempt = b.tryRead
			return b
		}
	}
	b.small = make([]byte, smallSize)
	return b
}

// next waits for bytes and returns them; they are good until release or the
// next call. It returns io.EOF after the peer's FIN.
func (b *burst) next() ([]byte, error) {
	if b.raw == nil {
		return b.nextGeneric()
	}
	if err := b.raw.Read(b.attempt); err != nil {
		return nil, err
	}
	switch {
	case b.err != nil:
		return nil, &net.OpError{Op: "read", Net: "tcp", Source: b.conn.LocalAddr(), Addr: b.conn.RemoteAddr(), Err: os.NewSyscallError("read", b.err)}
	case b.n == 0:
		return nil, io.EOF
	}
	return b.bufs.in[:b.n], nil
}

// tryRead is what RawConn.Read calls when there may be something to read. It
// borrows a buffer for the attempt, and returns it before waiting.
func (b *burst) tryRead(fd uintptr) bool {
	if b.bufs == nil {
		b.bufs = getBuffers()
	}
	b.n, b.err = readFD(fd, b.bufs.in[:])
	if b.err == errAgain {
		b.release()
		return false
	}
	return true
}

// smallSize is the buffer of an idle connection that can only wait inside Read,
// such as a TLS one: enough for a line.
const smallSize = 512

// nextGeneric reads from any net.Conn. It waits with the small buffer; when that
// comes back full there is likely more, and the next read takes a large one.
func (b *burst) nextGeneric() ([]byte, error) {
	p := b.small
	if b.n > len(b.small)-utf8.UTFMax { // full, but for a rune that a WebSocket keeps whole
		b.bufs = getBuffers()
		p = b.bufs.in[:]
	}
	n, err := b.conn.Read(p)
	b.n = min(n, len(b.small))
	if n == 0 {
		return nil, err
	}
	if b.bufs == nil { // the answer needs its room
		b.bufs = getBuffers()
	}
	return p[:n], nil
}

// pendingTime is how long a connection without a file descriptor of its own is
// asked for what it has: what has arrived is read in less.
const pendingTime = 50 * time.Millisecond

// pending returns what can be read without waiting, perhaps nothing.
func (b *burst) pending() []byte {
	if b.raw == nil {
		b.conn.SetReadDeadline(time.Now().Add(pendingTime))
		p, _ := b.nextGeneric()
		return p
	}
	n := 0
	b.raw.Control(func(fd uintptr) {
		b.tryRead(fd)
		n = b.n
	})
	if b.bufs == nil || n <= 0 || b.err != nil {
		return nil
	}
	return b.bufs.in[:n]
}

func (b *burst) release() {
	if b.bufs != nil {
		b.bufs.put()
		b.bufs = nil
	}
}

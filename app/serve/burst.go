package serve

import (
	"io"
	"net"
	"os"
	"syscall"
	"time"
	"unicode/utf8"
)

// burst reads a connection in bursts of what is there, up to burstSize bytes. It
// borrows a buffer when there is something to read, and release gives it back.
type burst struct {
	conn     net.Conn
	raw      syscall.RawConn            // nil: no file descriptor to read from directly
	callback func(fd uintptr) (ok bool) // for raw.Read, made once
	bufs     *buffers                   // nil while there is nothing to read

	n       int   // what read has brought
	err     error // or why not
	drained bool  // nothing was left behind, and no FIN

	small []byte // without raw: what an idle connection waits with
}

// init prepares b for c. Where there is a file descriptor, callback is what
// raw.Read shall call; nil stands for a single read.
func (b *burst) init(c net.Conn, callback func(fd uintptr) bool) {
	b.conn = c
	if sc, ok := c.(syscall.Conn); ok && canReadFD {
		if raw, err := sc.SyscallConn(); err == nil {
			b.raw = raw
			if b.callback = callback; callback == nil {
				b.callback = b.readOnce
			}
			return
		}
	}
	b.small = make([]byte, smallSize)
}

// next waits for bytes and returns them; they are good until release or the
// next call. It returns io.EOF after the peer's FIN.
func (b *burst) next() ([]byte, error) {
	if b.raw == nil {
		return b.nextGeneric()
	}
	if err := b.raw.Read(b.callback); err != nil {
		return nil, err
	}
	return b.taken()
}

// readOnce borrows a buffer for the attempt, and gives it back before waiting.
func (b *burst) readOnce(fd uintptr) bool {
	again := b.read(fd)
	if again {
		b.release()
	}
	return !again
}

// read reads what is there; again says that nothing is.
func (b *burst) read(fd uintptr) (again bool) {
	if b.bufs == nil {
		b.bufs = getBuffers()
	}
	b.n, b.drained, b.err = readBurst(fd, b.bufs)
	return b.err == errAgain
}

// taken returns what read has brought.
func (b *burst) taken() ([]byte, error) {
	switch {
	case b.err != nil:
		return nil, b.wrap("read", b.err)
	case b.n == 0:
		return nil, io.EOF
	}
	return b.bufs.in[:b.n:b.n], nil
}

// wrap makes err what package net would have made of it.
func (b *burst) wrap(op string, err error) error {
	local := b.conn.LocalAddr()
	return &net.OpError{Op: op, Net: local.Network(), Source: local, Addr: b.conn.RemoteAddr(), Err: os.NewSyscallError(op, err)}
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
	return p[:n:n], nil
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
	b.n, b.err = 0, io.EOF // Control may fail without calling
	b.raw.Control(func(fd uintptr) { b.read(fd) })
	p, _ := b.taken()
	return p
}

func (b *burst) release() {
	if b.bufs != nil {
		b.bufs.put()
		b.bufs = nil
	}
}

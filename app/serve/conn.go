package serve

import (
	"context"
	"errors"
	"io"
	"net"
	"net/netip"
	"os"
	"sync/atomic"
	"syscall"
	"time"

	"golang.org/x/time/rate"
)

// Ending says who ended a conversation, and how.
type Ending uint32

const (
	Open          Ending = iota
	PeerFIN              // the peer ended its output, and then the conversation was done
	PeerRST              // the peer aborted
	PeerCut              // the peer's bytes ended inside a TLS record or a WebSocket, without a goodbye
	ServerFIN            // the service was done first
	IdleTimeout          // nothing moved for Limits.Idle
	FirstTimeout         // the peer said nothing within Limits.FirstByte
	LineTooLong          // a line beyond Limits.MaxLine
	DrainTimeout         // Shutdown waited long enough
	Aborted              // the server was told to close now
	ServiceFailed        // the service could not go on: see the error
)

// who and how are what the log says.
var endings = [...]struct{ by, how string }{
	Open:          {"nobody", "open"},
	PeerFIN:       {"peer", "FIN"},
	PeerRST:       {"peer", "RST"},
	PeerCut:       {"peer", "cut off"},
	ServerFIN:     {"server", "FIN"},
	IdleTimeout:   {"server", "idle timeout"},
	FirstTimeout:  {"server", "first byte timeout"},
	LineTooLong:   {"server", "line too long"},
	DrainTimeout:  {"server", "drain"},
	Aborted:       {"server", "abort"},
	ServiceFailed: {"server", "service failed"},
}

// By returns who ended the conversation: peer or server.
func (e Ending) By() string { return endings[e].by }

func (e Ending) String() string { return endings[e].how }

// byTimeout reports whether the server gave up waiting.
func (e Ending) byTimeout() bool {
	return e == IdleTimeout || e == FirstTimeout || e == DrainTimeout || e == Aborted
}

// Conn is a peer's connection as a service sees it: a net.Conn that counts, is
// limited and can be shown (Server.View). Over datagrams it is a session.
type Conn struct {
	net.Conn          // as wrapped: TLS, WebSocket
	peer     net.Addr // RemoteAddr, asked once: it may be the PROXY header's
	opened   time.Time

	server  *Server
	cancel  context.CancelFunc // ends a Hold; nil for a Talk
	limiter *rate.Limiter      // nil: no limit
	addr    netip.Addr         // the key of Limits.MaxPerAddr

	in, out  atomic.Int64 // bytes
	progress func() int64 // of Server.mu; more exact than in+out where bytes pass in the kernel; may be nil
	ending   atomic.Uint32
	blocked  atomic.Bool // a write has been given up: the peer does not read
	held     atomic.Bool // by the limiter: nothing moves, and that is our doing
	line     int         // bytes of the current line, for MaxLine

	// Of the server's sweep, which alone uses them.
	seen      int64
	seenSince time.Time
	asked     bool // it has been asked to park since it last moved

	ticket   int32       // of the lot, whose lock guards it; 0 is not parked
	dialogue *dialogue   // what a Talk's goroutine needs to go on
	parking  atomic.Bool // the sweep asks the goroutine to park
}

// RemoteAddr returns the peer's address: behind a PROXY header, the client's.
func (c *Conn) RemoteAddr() net.Addr { return c.peer }

// Read reads like the connection below.
func (c *Conn) Read(p []byte) (int, error) {
	n, err := c.Conn.Read(p)
	if n > 0 {
		if e := c.took(p[:n]); e != nil {
			return n, e
		}
	}
	return n, err
}

// Write writes all of p, or returns why not.
func (c *Conn) Write(p []byte) (int, error) {
	n, err := c.Conn.Write(p)
	c.wrote(p[:n])
	if err != nil && errors.Is(err, os.ErrDeadlineExceeded) {
		c.blocked.Store(true)
	}
	return n, err
}

// wrote accounts for p, which has been sent.
func (c *Conn) wrote(p []byte) {
	c.out.Add(int64(len(p)))
	if len(p) > 0 && c.server.View != nil {
		c.server.View.Message(c.peer, false, p)
	}
}

// took accounts for p, which has arrived: counts it, shows it, and makes it
// wait where a rate is set.
func (c *Conn) took(p []byte) error {
	c.in.Add(int64(len(p)))
	if c.server.View != nil {
		c.server.View.Message(c.peer, true, p)
	}
	if limit := c.server.Limits.MaxLine; limit > 0 && c.lineBeyond(p, limit) {
		c.end(LineTooLong)
		return errLineTooLong
	}
	if c.limiter != nil {
		c.held.Store(true)
		defer c.held.Store(false)
		for n := len(p); n > 0; n -= c.limiter.Burst() {
			c.limiter.WaitN(c.server.calm, min(n, c.limiter.Burst()))
		}
		return c.server.life.Err()
	}
	return nil
}

var errLineTooLong = errors.New("line too long")

// lineBeyond reports whether a line of the stream, continued by p, is longer
// than limit without its line feed.
func (c *Conn) lineBeyond(p []byte, limit int) bool {
	for len(p) > 0 {
		i := indexLF(p)
		if i < 0 {
			c.line += len(p)
			return c.line > limit
		}
		if c.line+i > limit {
			return true
		}
		c.line, p = 0, p[i+1:]
	}
	return false
}

// CloseWrite ends our output and leaves the peer's open.
func (c *Conn) CloseWrite() error { return closeWrite(c.Conn) }

func closeWrite(c net.Conn) error {
	if w, ok := c.(interface{ CloseWrite() error }); ok {
		return w.CloseWrite()
	}
	return errors.ErrUnsupported
}

// end notes who ended the conversation; the first to say so is right.
func (c *Conn) end(e Ending) { c.ending.CompareAndSwap(uint32(Open), uint32(e)) }

// endedBy derives the ending from the error that stopped a service, nil when it
// was done.
func (c *Conn) endedBy(err error) Ending {
	switch {
	case err == nil:
		c.end(ServerFIN)
	case errors.Is(err, io.EOF):
		c.end(PeerFIN)
	case errors.Is(err, syscall.ECONNRESET), errors.Is(err, syscall.EPIPE):
		c.end(PeerRST)
	case errors.Is(err, io.ErrUnexpectedEOF):
		c.end(PeerCut)
	case errors.Is(err, os.ErrDeadlineExceeded), errors.Is(err, net.ErrClosed), errors.Is(err, context.Canceled):
		c.end(Aborted)
	default:
		c.end(ServiceFailed)
	}
	return Ending(c.ending.Load())
}

// stop makes the conversation's goroutine finish it. After DrainTimeout what is
// being written may still be: Shutdown cuts it off if that takes too long.
func (c *Conn) stop(e Ending) {
	c.end(e)
	if c.cancel != nil {
		c.cancel()
	}
	if e == DrainTimeout {
		c.Conn.SetReadDeadline(time.Unix(1, 0))
	} else {
		c.Conn.SetDeadline(time.Unix(1, 0))
	}
	c.server.lot.wake(c)
}

// cut closes the connection now, with a reset where there can be one.
func (c *Conn) cut(e Ending) {
	c.end(e)
	if c.cancel != nil {
		c.cancel()
	}
	reset(c.Conn)
	c.server.lot.wake(c)
}

// reset closes c so that the peer gets a reset and nothing is left in the
// kernel to be sent. It does not wait: what is below goes first, so that no
// wrapper can say goodbye.
func reset(c net.Conn) {
	inner := innermost(c)
	if l, ok := inner.(interface{ SetLinger(sec int) error }); ok {
		l.SetLinger(0)
	}
	inner.Close()
	if inner != c {
		c.Close()
	}
}

// innermost returns the kernel's connection below wrappers that name theirs.
func innermost(c net.Conn) net.Conn {
	for {
		w, ok := c.(interface{ NetConn() net.Conn })
		if !ok {
			return c
		}
		c = w.NetConn()
	}
}

// moved returns a number that changes when bytes have moved.
func (c *Conn) moved() int64 {
	if c.progress != nil {
		return c.progress()
	}
	return c.in.Load() + c.out.Load()
}

// Bounds of a polite end: how long and for how many bytes the peer may go on
// talking after our FIN before it is cut off.
const (
	lingerTime  = 2 * time.Second
	lingerBytes = 1 << 20
)

// finish closes the connection so that what was written arrives: a close with
// unread input would reset the connection and could destroy our last answer on
// its way. So our FIN goes first, then the peer's rest is read away, within bounds.
func (c *Conn) finish() {
	defer c.Conn.Close()
	farewell(c.Conn, &c.parking)
}

// farewell ends our output and reads the peer's rest away. swept, where there is
// one, says that a deadline is the sweep's.
func farewell(c net.Conn, swept *atomic.Bool) {
	c.SetDeadline(time.Now().Add(lingerTime))
	if closeWrite(c) != nil {
		return
	}
	b := getBuffers()
	defer b.put()
	for read := 0; read < lingerBytes; {
		n, err := c.Read(b.in[:])
		read += n
		if swept != nil && errors.Is(err, os.ErrDeadlineExceeded) && swept.CompareAndSwap(true, false) {
			c.SetReadDeadline(time.Now().Add(lingerTime)) // the sweep's deadline came in between
			continue
		}
		if err != nil {
			return
		}
	}
}

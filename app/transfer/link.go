package transfer

import (
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"io"
	"io/fs"
	"net"
	"os"
	"sync"
	"sync/atomic"
	"time"

	"dialtone/app/bulk"
)

// piece is how much is written at once: between two pieces the rate limit is
// asked and the deadline moved.
const piece = 256 << 10

// leastPart and mostPart bound what is moved under one deadline.
const (
	leastPart = 64 << 10
	mostPart  = 16 * piece
)

// leastHeard is how many bytes within a frame are a sign of life.
const leastHeard = 16 << 10

// link is one connection of a transfer, carrying frames. One goroutine reads;
// several may write, a frame at a time.
type link struct {
	c       net.Conn
	timeout time.Duration // silence that ends it; 0 for none
	wire    *atomic.Int64 // bytes of frames, both ways
	pace    *pacer        // of content, nil for none

	head  []byte    // the last frame's head
	until time.Time // of the read deadline
	heard int       // bytes since it was moved
	quiet bool      // between frames the peer may be silent

	ending  atomic.Bool   // deadlines stay where they are
	drained chan struct{} // closed when nothing more comes and nobody reads
	asked   bool          // for bbr; the watch's
	seen    bulk.Path     // when last looked at; the watch's

	in gait // of what the kernel takes in; the reader's

	mu        sync.Mutex
	scratch   []byte
	writeLine time.Time // of the write deadline
	out       gait
}

// A gait is how much a link moves at once, under one deadline: 64 KiB at first,
// more while that takes no time, so that a line of a few KB/s is not taken for a
// peer that has stopped.
type gait struct{ size int64 }

func (g *gait) part(most int64) int64 { return min(max(g.size, leastPart), most) }

// took notes how long a part of n bytes took.
func (g *gait) took(n int64, d, timeout time.Duration) {
	switch {
	case timeout > 0 && d > timeout/8:
		g.size = max(g.size/2, leastPart)
	case n >= g.size && d <= max(timeout, time.Minute)/64:
		g.size = min(2*max(g.size, leastPart), mostPart)
	}
}

func newLink(c net.Conn, timeout time.Duration, wire *atomic.Int64) *link {
	if timeout == 0 {
		timeout = time.Minute
	}
	if t, ok := c.(*tls.Conn); ok {
		if under, ok := t.NetConn().(*bulk.Coalescer); ok { // one system call for many records
			c = bulk.Join(t, under)
		}
	}
	return &link{c: c, timeout: max(timeout, 0), wire: wire, drained: make(chan struct{})}
}

// Read reads from the connection and moves its deadline as frames begin and
// bytes come: not for every byte of a peer that gives one now and then.
func (l *link) Read(p []byte) (int, error) {
	if l.timeout > 0 && !l.ending.Load() && l.heard >= leastHeard {
		if now := time.Now(); l.until.Sub(now) < l.timeout*3/4 {
			l.until = now.Add(l.timeout)
			l.c.SetReadDeadline(l.until)
			l.heard = 0
		}
	}
	n, err := l.c.Read(p)
	l.heard += n
	l.wire.Add(int64(n))
	return n, err
}

// next reads the head of the next frame, valid until the one after. On a quiet
// link it may be long in coming.
func (l *link) next(maxBody int) (frameIn, error) {
	if l.quiet && l.timeout > 0 {
		l.c.SetReadDeadline(time.Time{})
		var first [1]byte
		n, err := l.c.Read(first[:])
		l.wire.Add(int64(n))
		if n == 0 {
			return frameIn{}, err
		}
		l.until = time.Time{}
		return l.read(io.MultiReader(bytes.NewReader(first[:]), l), maxBody)
	}
	return l.read(l, maxBody)
}

func (l *link) read(r io.Reader, maxBody int) (f frameIn, err error) {
	l.heard = leastHeard
	f, l.head, err = readFrame(r, l.head, maxBody)
	return f, err
}

// write sends one frame without a body.
func (l *link) write(ctx context.Context, t frameType, head []byte) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.scratch = appendFrame(l.scratch[:0], t, head, 0)
	return l.writeLocked(ctx, l.scratch, false)
}

// writeData sends a data frame whose body stands at buf[room:], and whose head
// fits into the room in front of it: so that both leave in one write.
func (l *link) writeData(ctx context.Context, head, buf []byte, room int) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if err := ctx.Err(); err != nil {
		return err
	}
	l.scratch = appendFrame(l.scratch[:0], frameData, head, len(buf)-room)
	if len(l.scratch) > room { // cannot be small enough: two writes
		if err := l.writeLocked(ctx, l.scratch, false); err != nil {
			return err
		}
		return l.writeLocked(ctx, buf[room:], true)
	}
	at := room - len(l.scratch)
	copy(buf[at:], l.scratch)
	return l.writeLocked(ctx, buf[at:], true)
}

// writeFile sends a data frame whose body is n bytes of f from off on, which the
// kernel moves. It returns how many of them f still had: what is missing is made
// up with zeros, since the frame has promised its length.
func (l *link) writeFile(ctx context.Context, head []byte, f *os.File, off, n int64) (had int64, err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if err := ctx.Err(); err != nil {
		return 0, err
	}
	l.scratch = appendFrame(l.scratch[:0], frameData, head, int(n))
	if err := l.writeLocked(ctx, l.scratch, false); err != nil {
		return 0, err
	}
	for had < n {
		part := l.pace.part(n-had, l.out.part(mostPart))
		l.pace.wait(ctx, int(part)) // what has begun is ended, see writeLocked
		began := l.moveWriteDeadlineLocked()
		sent, err := bulk.SendFile(l.c, f, off+had, part)
		l.out.took(part, time.Since(began), l.timeout)
		had += sent
		l.wire.Add(sent)
		var bad *fs.PathError
		if errors.As(err, &bad) {
			return had, l.padLocked(ctx, n-had)
		}
		if err != nil {
			return had, err
		}
	}
	return had, nil
}

// padLocked writes n zeros.
func (l *link) padLocked(ctx context.Context, n int64) error {
	zeros := make([]byte, min(n, piece))
	for n > 0 {
		part := min(n, int64(len(zeros)))
		if err := l.writeLocked(ctx, zeros[:part], true); err != nil {
			return err
		}
		n -= part
	}
	return nil
}

// writeLocked writes all of b. A context that ends takes the rate limit away but
// does not cut a frame short: the next one tells the peer why.
func (l *link) writeLocked(ctx context.Context, b []byte, paced bool) error {
	for len(b) > 0 {
		part := b[:l.out.part(min(int64(len(b)), 4*piece))]
		if paced && l.pace != nil {
			part = b[:l.pace.part(int64(len(part)), piece)]
			l.pace.wait(ctx, len(part))
		}
		began := l.moveWriteDeadlineLocked()
		n, err := l.c.Write(part)
		l.out.took(int64(len(part)), time.Since(began), l.timeout)
		l.wire.Add(int64(n))
		if err != nil {
			return err
		}
		b = b[n:]
	}
	return nil
}

func (l *link) moveWriteDeadlineLocked() (now time.Time) {
	now = time.Now()
	if l.timeout > 0 && !l.ending.Load() && l.writeLine.Sub(now) < l.timeout*3/4 {
		l.writeLine = now.Add(l.timeout)
		l.c.SetWriteDeadline(l.writeLine)
	}
	return now
}

// moveReadDeadline gives the peer its time anew, for a read past the link.
func (l *link) moveReadDeadline() {
	if l.timeout > 0 {
		l.until = time.Now().Add(l.timeout)
		l.c.SetReadDeadline(l.until)
	}
}

// farewell tells the peer why the transfer ends, if that can be told in a few
// seconds, and waits until it has closed: who closes first with bytes unread, or
// before his own have left, may take the last of them back. A peer that is to
// blame, or gone, is told nothing.
func (l *link) farewell(why error) {
	a, ok := abortFor(why)
	if !ok {
		return
	}
	l.lastly(lastWords)
	l.c.SetWriteDeadline(time.Now().Add(lastWords))
	l.mu.Lock()
	_, err := l.c.Write(appendFrame(nil, frameAbort, a.append(nil), 0))
	if c, ok := l.c.(interface{ CloseWrite() error }); ok && err == nil {
		_ = c.CloseWrite() // or the peer, when it also says farewell, waits for us as we do for it
	}
	l.mu.Unlock()
	if err == nil {
		wait := time.NewTimer(lastWords)
		defer wait.Stop()
		select {
		case <-l.drained:
		case <-wait.C: // whoever reads is held up elsewhere
		}
	}
}

// drain reads what still comes, until the end of the connection.
func (l *link) drain() {
	io.Copy(io.Discard, struct{ io.Reader }{l})
	close(l.drained)
}

// awaitWord gives the first connection time to bring the peer's own word, when
// err is only that a connection has ended.
func awaitWord(ctx context.Context, err error) {
	var op *net.OpError
	if !errors.Is(err, io.EOF) && !errors.Is(err, io.ErrUnexpectedEOF) && !errors.As(err, &op) {
		return
	}
	wait := time.NewTimer(lastWords)
	defer wait.Stop()
	select {
	case <-ctx.Done():
	case <-wait.C:
	}
}

// abortFor returns what the other end is told of err.
func abortFor(err error) (abort, bool) {
	var peer *PeerError
	var line *lineError
	var limit *LimitError
	var protocol *ProtocolError
	switch {
	case errors.As(err, &peer), errors.As(err, &line):
		return abort{}, false
	case errors.As(err, &limit):
		return abort{abortRefused, limit.Error()}, true
	case errors.As(err, &protocol):
		return abort{abortProtocol, protocol.Error()}, true
	case errors.Is(err, context.Canceled):
		return abort{code: abortInterrupted}, true
	}
	return abort{abortError, plainReason(err)}, true
}

// lastly lets the peer have the last word, for so long.
func (l *link) lastly(d time.Duration) {
	l.ending.Store(true)
	l.c.SetReadDeadline(time.Now().Add(d))
}

// stop ends every read and write.
func (l *link) stop() {
	l.ending.Store(true)
	l.c.Close()
}

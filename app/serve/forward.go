package serve

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"
	"sync"
)

// Forward relays each conversation to another one that dial opens: streams with
// both half-closes and resets as they come, datagrams one by one. Between two
// plain TCP connections on Linux the bytes stay in the kernel (splice(2)), unless
// a View, a rate or a line limit wants to see them.
func Forward(dial func(ctx context.Context) (net.Conn, error)) Service {
	return Service{Name: "forward", Hold: func(ctx context.Context, c *Conn) error {
		ctx, cancel := context.WithCancel(ctx)
		defer cancel()
		up, err := dial(ctx)
		if err != nil {
			c.cut(ServiceFailed) // a FIN would look like an empty answer
			return fmt.Errorf("forward: %w", err)
		}
		defer up.Close()
		return relay(ctx, c, up)
	}}
}

// relay copies both ways until both have ended, or one has failed or ctx is done:
// then both are cut.
func relay(ctx context.Context, c *Conn, up net.Conn) error {
	var down net.Conn = c
	if fast, ok := c.unseen(); ok {
		down = fast
		c.progress = func() int64 { return tcpMoved(fast) }
	}
	defer context.AfterFunc(ctx, func() {
		reset(up)
		c.cut(Aborted)
	})()
	var both sync.WaitGroup
	var upErr, downErr error
	both.Go(func() { // what the peer says
		var n int64
		n, upErr = copyAndFinish(up, down)
		if down != net.Conn(c) {
			c.in.Add(n)
		}
		if upErr != nil {
			reset(up)
			c.cut(c.failure(upErr))
		}
	})
	both.Go(func() { // what the other side answers
		var n int64
		n, downErr = copyAndFinish(down, up)
		if down != net.Conn(c) {
			c.out.Add(n)
		}
		if downErr != nil {
			reset(up)
			c.cut(c.failure(downErr))
		}
	})
	both.Wait()
	if err := errors.Join(upErr, downErr); err != nil {
		return err
	}
	return io.EOF // both have ended properly
}

// failure says what an error of a relay means for the conversation.
func (c *Conn) failure(err error) Ending {
	if state, ok := tcpState(c.Conn); ok && state == tcpClosed {
		return PeerRST
	}
	return ServiceFailed
}

// copyAndFinish copies src to dst until its end and passes that on.
func copyAndFinish(dst, src net.Conn) (n int64, err error) {
	_, dstTCP := dst.(*net.TCPConn)
	_, srcTCP := src.(*net.TCPConn)
	switch {
	case dstTCP && srcTCP:
		n, err = io.Copy(dst, src)
	case isDatagram(src):
		n, err = copyDatagrams(dst, src)
	default:
		n, err = copyBursts(dst, src)
	}
	if err == nil {
		if err = closeWrite(dst); errors.Is(err, errors.ErrUnsupported) || errors.Is(err, net.ErrClosed) {
			err = nil
		}
	}
	return n, err
}

func isDatagram(c net.Conn) bool { return strings.HasPrefix(c.LocalAddr().Network(), "udp") }

// copyDatagrams passes on each datagram as it came, empty ones too.
func copyDatagrams(dst, src net.Conn) (n int64, err error) {
	b := getBuffers()
	defer b.put()
	for {
		k, err := src.Read(b.in[:])
		if err == io.EOF {
			return n, nil
		}
		if err != nil {
			return n, err
		}
		if _, err := dst.Write(b.in[:k]); err != nil {
			return n, err
		}
		n += int64(k)
	}
}

// copyBursts holds a buffer only while there is something to pass on.
func copyBursts(dst, src net.Conn) (n int64, err error) {
	var from burst
	from.init(src, nil)
	defer from.release()
	for {
		p, err := from.next()
		if err == io.EOF {
			return n, nil
		}
		if err != nil {
			return n, err
		}
		if _, err := dst.Write(p); err != nil {
			return n, err
		}
		n += int64(len(p))
		from.release()
	}
}

// unseen returns the TCP connection itself when nothing here wants to look at
// its bytes.
func (c *Conn) unseen() (*net.TCPConn, bool) {
	t, ok := c.Conn.(*net.TCPConn)
	s := c.server
	return t, ok && splices && s.View == nil && c.limiter == nil && s.Limits.MaxLine <= 0
}

// Datagram reports whether the conversation is a session of datagrams.
func (c *Conn) Datagram() bool {
	_, ok := c.Conn.(*session)
	return ok
}

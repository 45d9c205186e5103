package host

import (
	"io"
	"os"
	"sync"
	"syscall"
	"time"
)

// Write hands p to the connection, and waits while there is no room. What it returns
// is how many bytes it took; with fewer than all of p comes a [*net.OpError] of
// net.ErrClosed, os.ErrDeadlineExceeded or a syscall.Errno such as EPIPE. One Write's
// bytes do not mix with another's.
func (c *TCPConn) Write(p []byte) (int, error) {
	n, err := c.writeAll(p)
	return n, c.opError("write", err)
}

func (c *TCPConn) writeAll(p []byte) (written int, err error) {
	mine := false // write.taken
	now := c.lock()
	for ; ; now = c.host.now() {
		if err = c.writeEnd(now); err != nil {
			break
		}
		if !mine && c.write.taken {
			c.write.cond.Wait()
			continue
		}
		mine, c.write.taken = true, true
		written += c.machine.Write(now, p[written:])
		if written == len(p) {
			break
		}
		// What was taken goes out before there is waiting, and may make room at once.
		if c.settle(now); c.out != nil {
			c.flush()
			c.mu.Lock()
			continue
		}
		c.write.cond.Wait()
	}
	if mine {
		c.write.taken = false
		defer c.write.wake() // who writes next
	}
	c.unlock(now)
	return written, err
}

// writeEnd says why nothing can be written any more, or for now.
func (c *TCPConn) writeEnd(now time.Duration) error {
	if err := c.write.usable(c, now); err != nil {
		return err
	}
	if c.machine.Writable() >= 0 {
		return nil
	}
	// As Linux does: the error that ended the connection is told once, then it is EPIPE.
	if err := c.machine.Err(); err != nil && !c.reported {
		c.reported = true
		return os.NewSyscallError("write", err)
	}
	return os.NewSyscallError("write", syscall.EPIPE)
}

// ReadFrom writes all of r, up to its end, in pieces of 64 KiB. While r has nothing
// other calls may write.
func (c *TCPConn) ReadFrom(r io.Reader) (read int64, err error) {
	buffer := pieces.Get().(*[pieceSize]byte)
	defer pieces.Put(buffer)
	for {
		n, readErr := r.Read(buffer[:])
		if n > 0 {
			m, err := c.writeAll(buffer[:n])
			read += int64(m)
			if err != nil {
				return read, c.opError("readfrom", err)
			}
		}
		if readErr == io.EOF {
			return read, nil
		}
		if readErr != nil {
			return read, readErr
		}
	}
}

// pieces are what streams are copied by: kept only while a copy runs.
var pieces = sync.Pool{New: func() any { return new([pieceSize]byte) }}

const pieceSize = 64 << 10

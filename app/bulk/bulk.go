// Package bulk moves bytes between files and connections by the cheapest way
// that the kernel offers, and asks the kernel how the way goes.
//
//	n, err := bulk.SendFile(conn, file, 0, size)        // sendfile(2)
//	n, err := bulk.ReceiveFile(file, 0, conn, size)     // splice(2)
//	path, ok := bulk.PathOf(conn)                       // TCP_INFO
//	conn := bulk.Join(tls.Client(under, config), under) // under = bulk.Coalesce(conn)
//
// The rules:
//
//   - A deadline of the connection, or its Close, interrupts every call: nothing
//     waits in a system call on a socket, all waiting is the runtime's.
//   - The counts are exact: what the connection took, what the file has.
//   - An error of the file is an *fs.PathError, everything else is the
//     connection's.
//   - The kernel moves bytes only where nothing stands between: through a
//     *net.TCPConn or *net.UnixConn, or through a wrapper that says so by a
//     method Bare() net.Conn. It returns the connection that carries exactly what
//     the wrapper carries from now on, or nil while there is none, for example
//     because the wrapper holds bytes that were read ahead. A method NetConn is
//     not enough: *tls.Conn has it, and bytes past it would be in the clear.
//   - Everywhere else, and on other systems, a pooled buffer does the same.
package bulk

import (
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"sync"
)

// blockSize is what one read or write of a file takes where the bytes pass
// through the program: few system calls, and it still lies in a core's own cache
// (L2, 1 MiB) between the read and the write.
const blockSize = 256 << 10

// blocks holds buffers for the time of one call.
var blocks = sync.Pool{New: func() any { return new([blockSize]byte) }}

// SendFile writes n bytes of f from offset off on to c and returns how many c
// took. It neither uses nor moves f's position. A file that ends early is an
// [io.ErrUnexpectedEOF] in an *fs.PathError.
//
// sendfile(2) sends the pages of the file, not a copy: who changes the file
// meanwhile may change what the peer gets.
func SendFile(c net.Conn, f *os.File, off, n int64) (int64, error) {
	c = bare(c)
	done, err := kernelSend(c, f, off, n)
	if !errors.Is(err, errFallback) {
		return done, err
	}
	more, err := copyOut(c, f, off+done, n-done)
	return done + more, err
}

// ReceiveFile reads n bytes from c into f from offset off on and returns how
// many f has. It neither uses nor moves f's position. A connection that ends
// early is an [io.ErrUnexpectedEOF].
//
// When f fails, the rest of the n bytes is read and dropped, so that c stands
// behind them and can be used on.
func ReceiveFile(f *os.File, off int64, c net.Conn, n int64) (int64, error) {
	c = bare(c)
	done, err := kernelReceive(f, off, c, n)
	if !errors.Is(err, errFallback) {
		return done, err
	}
	more, err := copyIn(f, off+done, c, n-done, n-done)
	return done + more, err
}

// errFallback says that the kernel does not do it for this pair; nothing is lost.
var errFallback = errors.New("bulk: not by the kernel")

// bare returns the connection below c that carries the same bytes.
func bare(c net.Conn) net.Conn {
	for {
		w, ok := c.(interface{ Bare() net.Conn })
		if !ok {
			return c
		}
		inner := w.Bare()
		if inner == nil {
			return c
		}
		c = inner
	}
}

func copyOut(c net.Conn, f *os.File, off, n int64) (done int64, err error) {
	b := blocks.Get().(*[blockSize]byte)
	defer blocks.Put(b)
	for done < n {
		p := b[:min(n-done, blockSize)]
		m, rerr := f.ReadAt(p, off+done)
		w, err := c.Write(p[:m])
		done += int64(w)
		if err != nil {
			return done, err
		}
		if m < len(p) {
			return done, fileError("read", f, rerr)
		}
	}
	return done, nil
}

// copyIn puts n bytes from c into f. If f fails, left bytes of c, counted from
// the start, are used up.
func copyIn(f *os.File, off int64, c io.Reader, n, left int64) (done int64, err error) {
	b := blocks.Get().(*[blockSize]byte)
	defer blocks.Put(b)
	for done < n {
		m, rerr := io.ReadFull(c, b[:min(n-done, blockSize)])
		left -= int64(m)
		w, err := f.WriteAt(b[:m], off+done)
		done += int64(w)
		if err != nil {
			return done, drop(c, left, fileError("write", f, err))
		}
		if rerr != nil {
			return done, early(rerr, n, done)
		}
	}
	return done, nil
}

// drop reads n bytes away after f failed, and returns that error, or the
// connection's if it fails too: then there is more to know than of the file.
func drop(c io.Reader, n int64, ferr error) error {
	if m, err := io.CopyN(io.Discard, c, n); err != nil {
		return fmt.Errorf("%w, after %v", early(err, n, m), ferr)
	}
	return ferr
}

func early(err error, want, got int64) error {
	if err == io.EOF || errors.Is(err, io.ErrUnexpectedEOF) {
		return fmt.Errorf("bulk: the connection ended %d bytes early: %w", want-got, io.ErrUnexpectedEOF)
	}
	return err
}

// fileError makes an *fs.PathError of every error.
func fileError(op string, f *os.File, err error) error {
	if err == io.EOF {
		err = io.ErrUnexpectedEOF
	}
	if pe := (*os.PathError)(nil); errors.As(err, &pe) {
		return err
	}
	return &os.PathError{Op: op, Path: f.Name(), Err: err}
}

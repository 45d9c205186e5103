package bulk

import (
	"errors"
	"io"
	"net"
	"os"
	"syscall"

	"golang.org/x/sys/unix"
)

// callSize is the most that one system call moves. Between two calls the runtime
// looks at deadlines and at Close, even if the socket never makes us wait.
const callSize = 1 << 20

// rawConn returns c's descriptor if c is a stream socket.
func rawConn(c net.Conn) (syscall.RawConn, bool) {
	switch c := c.(type) {
	case *net.TCPConn:
		raw, err := c.SyscallConn()
		return raw, err == nil
	case *net.UnixConn:
		raw, err := c.SyscallConn()
		return raw, err == nil && c.LocalAddr().Network() == "unix"
	}
	return nil, false
}

func kernelSend(c net.Conn, f *os.File, off, n int64) (done int64, err error) {
	socket, ok := rawConn(c)
	if !ok {
		return 0, errFallback
	}
	file, err := f.SyscallConn()
	if err != nil {
		return 0, errFallback // it names the error
	}
	ferr := file.Control(func(fd uintptr) { done, err = sendfile(c, socket, int(fd), off, n) })
	if ferr != nil {
		return 0, errFallback
	}
	if err == io.EOF {
		err = fileError("read", f, err)
	}
	return done, err
}

// sendfile returns io.EOF when the file ends early, and errFallback for what may
// be the file's error: the way by the buffer then says which.
func sendfile(c net.Conn, socket syscall.RawConn, fd int, off, n int64) (done int64, err error) {
	var m int
	var errno error
	call := func(s uintptr) bool {
		at := off + done
		m, errno = ignoringEINTR(func() (int, error) {
			return unix.Sendfile(int(s), fd, &at, int(min(n-done, callSize)))
		})
		return errno != unix.EAGAIN
	}
	for done < n {
		if err := socket.Write(call); err != nil {
			return done, opError("write", c, cause(err))
		}
		switch {
		case errno != nil && mayBeFiles(errno):
			return done, errFallback
		case errno != nil:
			return done, opError("write", c, os.NewSyscallError("sendfile", errno))
		case m == 0:
			return done, io.EOF
		}
		done += int64(m)
	}
	return done, nil
}

func kernelReceive(f *os.File, off int64, c net.Conn, n int64) (int64, error) {
	socket, ok := rawConn(c)
	if !ok {
		return 0, errFallback
	}
	p, err := getPipe()
	if err != nil {
		return 0, errFallback // no descriptors left: slower, but it goes on
	}
	done, err := p.receive(f, off, c, socket, n)
	if p.held == 0 {
		putPipe(p)
	} else {
		p.close()
	}
	return done, err
}

// receive moves n bytes from the socket through p into f.
func (p *pipe) receive(f *os.File, off int64, c net.Conn, socket syscall.RawConn, n int64) (done int64, err error) {
	file, err := f.SyscallConn()
	if err != nil {
		return 0, errFallback
	}
	for done < n {
		if err := p.fill(c, socket, n-done); err != nil {
			return done, err
		}
		if p.held == 0 {
			return done, early(io.EOF, n, done)
		}
		held := p.held
		if err := file.Control(func(fd uintptr) { p.drain(int(fd), off+done) }); err != nil {
			p.held = held // f is closed; WriteAt says so below
		}
		done += held - p.held
		if p.held > 0 { // f does not do splice, or fails
			w, err := copyIn(f, off+done, io.MultiReader(p, c), p.held, n-done)
			if err == nil {
				err = errFallback
			}
			return done + w, err
		}
	}
	return done, nil
}

// fill takes at most n bytes from the socket.
func (p *pipe) fill(c net.Conn, socket syscall.RawConn, n int64) error {
	var m int
	var errno error
	err := socket.Read(func(s uintptr) bool {
		m, errno = splice(int(s), nil, p.w, nil, int(min(n, callSize)))
		return errno != unix.EAGAIN
	})
	switch {
	case err != nil:
		return opError("read", c, cause(err))
	case errno != nil && mayBeFiles(errno):
		return errFallback
	case errno != nil:
		return opError("read", c, os.NewSyscallError("splice", errno))
	}
	p.held = int64(m)
	return nil
}

// drain puts what p holds into the file at offset off, as far as that goes.
func (p *pipe) drain(fd int, off int64) {
	for p.held > 0 {
		m, err := splice(p.r, nil, fd, &off, int(p.held))
		if err != nil || m == 0 {
			return
		}
		p.held -= int64(m)
	}
}

// splice moves pages where the file system can take them. Only the pipe's end is
// asked not to wait: the socket does not wait anyway, a file cannot.
func splice(from int, fromOff *int64, to int, toOff *int64, n int) (int, error) {
	return ignoringEINTR(func() (int, error) {
		m, err := unix.Splice(from, fromOff, to, toOff, n, unix.SPLICE_F_MOVE|unix.SPLICE_F_NONBLOCK)
		return int(m), err
	})
}

func ignoringEINTR(call func() (int, error)) (int, error) {
	for {
		n, err := call()
		if err != unix.EINTR {
			return n, err
		}
	}
}

// mayBeFiles reports whether a system call on a file and a socket may have
// failed for the file, or because the two do not go together.
func mayBeFiles(err error) bool {
	switch err {
	case unix.EINVAL, unix.ENOSYS, unix.EOPNOTSUPP, unix.EOVERFLOW, unix.EIO, unix.ESTALE, unix.EBADF,
		unix.EISDIR, unix.EPERM, unix.EACCES, unix.ENODATA, unix.ENOMEM:
		return true
	}
	return false
}

func opError(op string, c net.Conn, err error) error {
	return &net.OpError{Op: op, Net: c.LocalAddr().Network(), Source: c.LocalAddr(), Addr: c.RemoteAddr(), Err: err}
}

// cause returns what RawConn's error wraps: a deadline, net.ErrClosed.
func cause(err error) error {
	if oe := (*net.OpError)(nil); errors.As(err, &oe) {
		return oe.Err
	}
	return err
}

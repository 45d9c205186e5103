package serve

import (
	"net"
	"unsafe"

	"golang.org/x/sys/unix"
)

// header is what recvmsg(2) fills in beside the bytes.
type header struct {
	msg     unix.Msghdr
	iov     unix.Iovec
	control [unix.SizeofCmsghdr + 16]byte // TCP_INQ's message
}

// readBurst reads what is there into b. Where the socket tells how much it has left
// (askForRest), drained says that this is nothing and that no FIN has come
// either, so that the attempt to read more can be saved.
//
// It does not wait, so that Go's scheduler need not know of the system call.
func readBurst(fd uintptr, b *buffers) (n int, drained bool, err error) {
	h := &b.header
	h.iov.Base = &b.in[0]
	h.iov.SetLen(len(b.in))
	h.msg.Iov = &h.iov
	h.msg.SetIovlen(1)
	h.msg.Control = &h.control[0]
	h.msg.SetControllen(len(h.control))
	for {
		r, _, errno := unix.RawSyscall(unix.SYS_RECVMSG, fd, uintptr(unsafe.Pointer(&h.msg)), unix.MSG_DONTWAIT)
		switch errno {
		case 0:
			return int(r), h.rest() == 0, nil
		case unix.EINTR:
		default:
			return 0, false, errno
		}
	}
}

// rest returns what TCP_INQ said is left to be read, or -1. After a FIN it is
// not 0 (tcp_inq_hint in the kernel): there is the end to be read.
func (h *header) rest() int {
	if h.msg.Controllen < unix.SizeofCmsghdr+4 {
		return -1
	}
	c := (*unix.Cmsghdr)(unsafe.Pointer(&h.control[0]))
	if c.Level != unix.SOL_TCP || c.Type != unix.TCP_CM_INQ {
		return -1
	}
	return int(*(*int32)(unsafe.Pointer(&h.control[unix.SizeofCmsghdr])))
}

// writeFD sends as much of p as the socket takes now, which may be nothing.
func writeFD(fd uintptr, p []byte) (int, error) {
	for {
		n, _, errno := unix.RawSyscall6(unix.SYS_SENDTO, fd, uintptr(unsafe.Pointer(&p[0])), uintptr(len(p)), unix.MSG_DONTWAIT|unix.MSG_NOSIGNAL, 0, 0)
		switch errno {
		case 0:
			return int(n), nil
		case unix.EAGAIN:
			return 0, nil
		case unix.EINTR:
		default:
			return 0, errno
		}
	}
}

// askForRest makes the TCP connections that ln accepts tell with each read how
// much is left: they inherit the option. Where it is unknown nothing is lost but
// the saving.
func askForRest(ln net.Listener) {
	t, ok := ln.(*net.TCPListener)
	if !ok {
		return
	}
	if raw, err := t.SyscallConn(); err == nil {
		raw.Control(func(fd uintptr) { unix.SetsockoptInt(int(fd), unix.SOL_TCP, unix.TCP_INQ, 1) })
	}
}

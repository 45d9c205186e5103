package serve

import (
	"encoding/binary"
	"errors"
	"net"
	"net/netip"
	"os"
	"strconv"
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"
)

// batch moves up to batchSize datagrams with one system call each way
// (recvmmsg(2), sendmmsg(2)) and keeps the kernel's own form of addresses, so
// that answering needs neither a conversion nor an allocation.
type batch struct {
	raw  syscall.RawConn
	size int

	in      [batchSize]mmsghdr
	out     [batchSize]mmsghdr
	iovIn   [batchSize]unix.Iovec
	iovOut  [batchSize]unix.Iovec
	names   [batchSize]unix.RawSockaddrAny
	control [batchSize][64]byte // room for one IPV6_PKTINFO with its header
	bufs    []byte              // batchSize times size
	answers int

	got    int
	sent   int
	err    error
	recvFn func(fd uintptr) bool
	sendFn func(fd uintptr) bool
}

// mmsghdr is the kernel's struct mmsghdr.
type mmsghdr struct {
	hdr unix.Msghdr
	len uint32
	_   [unsafe.Sizeof(uintptr(0)) - 4]byte
}

func newDatagrams(pc net.PacketConn, size int) datagrams {
	udp, ok := pc.(*net.UDPConn)
	if !ok {
		return newGeneric(pc, size)
	}
	raw, err := udp.SyscallConn()
	if err != nil {
		return newGeneric(pc, size)
	}
	b := &batch{raw: raw, size: size, bufs: make([]byte, batchSize*size)}
	b.recvFn, b.sendFn = b.tryRecv, b.trySend
	for i := range b.in {
		b.iovIn[i].Base = &b.bufs[i*size]
		b.iovIn[i].SetLen(size)
		h := &b.in[i].hdr
		h.Name = (*byte)(unsafe.Pointer(&b.names[i]))
		h.Iov = &b.iovIn[i]
		h.SetIovlen(1)
	}
	if a, ok := udp.LocalAddr().(*net.UDPAddr); ok && a.IP.IsUnspecified() {
		b.askForDestination()
	}
	return b
}

// askForDestination makes each datagram tell which of our addresses it was sent
// to. On a machine with several, an answer from another one would be thrown away
// by the peer (RFC 1122 §4.1.3.5).
func (b *batch) askForDestination() {
	b.raw.Control(func(fd uintptr) {
		// An IPv6 socket tells it of IPv4 datagrams too. Asked for both, the
		// kernel would tell it twice, for which there is no room.
		if unix.SetsockoptInt(int(fd), unix.IPPROTO_IPV6, unix.IPV6_RECVPKTINFO, 1) != nil {
			unix.SetsockoptInt(int(fd), unix.IPPROTO_IP, unix.IP_PKTINFO, 1)
		}
	})
	for i := range b.in {
		b.in[i].hdr.Control = &b.control[i][0]
	}
}

func (b *batch) read(wait bool) (int, error) {
	for i := range b.in { // the kernel has overwritten the sizes
		h := &b.in[i].hdr
		h.Namelen = unix.SizeofSockaddrAny
		h.Flags = 0
		if h.Control != nil {
			h.SetControllen(len(b.control[i]))
		}
	}
	b.answers = 0
	var err error
	if wait {
		err = b.raw.Read(b.recvFn)
	} else { // Control has no deadline, and the attempt does not wait
		err = b.raw.Control(func(fd uintptr) { b.tryRecv(fd) })
	}
	switch {
	case err != nil:
		return 0, err
	case b.err == unix.EAGAIN:
		return 0, nil
	case b.err != nil:
		return 0, os.NewSyscallError("recvmmsg", b.err)
	}
	return b.got, nil
}

func (b *batch) tryRecv(fd uintptr) bool {
	for {
		n, _, errno := unix.Syscall6(unix.SYS_RECVMMSG, fd, uintptr(unsafe.Pointer(&b.in)), batchSize, unix.MSG_DONTWAIT, 0, 0)
		b.got, b.err = int(n), nil
		if errno != 0 {
			b.got, b.err = 0, errno
		}
		if errno != unix.EINTR {
			return errno != unix.EAGAIN
		}
	}
}

func (b *batch) get(i int) ([]byte, bool) {
	n := int(b.in[i].len)
	return b.bufs[i*b.size:][:n:n], b.in[i].hdr.Flags&unix.MSG_TRUNC != 0
}

func (b *batch) peer(i int) netip.AddrPort {
	switch name := &b.names[i]; name.Addr.Family {
	case unix.AF_INET:
		sa := (*unix.RawSockaddrInet4)(unsafe.Pointer(name))
		return netip.AddrPortFrom(netip.AddrFrom4(sa.Addr), networkOrder(sa.Port))
	case unix.AF_INET6:
		sa := (*unix.RawSockaddrInet6)(unsafe.Pointer(name))
		a := netip.AddrFrom16(sa.Addr)
		if a.Is4In6() {
			a = a.Unmap()
		} else if sa.Scope_id != 0 {
			a = a.WithZone(zoneName(sa.Scope_id))
		}
		return netip.AddrPortFrom(a, networkOrder(sa.Port))
	}
	return netip.AddrPort{}
}

func networkOrder(p uint16) uint16 {
	var b [2]byte
	binary.NativeEndian.PutUint16(b[:], p)
	return binary.BigEndian.Uint16(b[:])
}

func zoneName(index uint32) string {
	if ifi, err := net.InterfaceByIndex(int(index)); err == nil {
		return ifi.Name
	}
	return strconv.Itoa(int(index))
}

func (b *batch) answer(i int, p []byte) {
	k := b.answers
	b.answers++
	b.iovOut[k] = unix.Iovec{}
	if len(p) > 0 {
		b.iovOut[k].Base = &p[0]
	}
	b.iovOut[k].SetLen(len(p))
	b.out[k].hdr = b.in[i].hdr // the same name: to where it came from
	b.out[k].hdr.Iov = &b.iovOut[k]
	b.out[k].hdr.Flags = 0
	b.asked(i)
}

// asked returns the control message that makes an answer to the i-th datagram
// come from the address that was asked, or nil.
func (b *batch) asked(i int) []byte {
	if b.in[i].hdr.Control == nil {
		return nil
	}
	control := b.control[i][:b.in[i].hdr.Controllen]
	leaveInterfaceOpen(control)
	return control
}

// leaveInterfaceOpen takes the interface out of a PKTINFO message, which is
// about to go back as our source address: routing shall choose the interface,
// except for link-local addresses, which mean nothing without theirs.
func leaveInterfaceOpen(control []byte) {
	const header = unix.SizeofCmsghdr
	if len(control) < header {
		return
	}
	h := (*unix.Cmsghdr)(unsafe.Pointer(&control[0]))
	data := control[header:]
	switch {
	case h.Level == unix.IPPROTO_IP && h.Type == unix.IP_PKTINFO && len(data) >= unix.SizeofInet4Pktinfo:
		(*unix.Inet4Pktinfo)(unsafe.Pointer(&data[0])).Ifindex = 0
	case h.Level == unix.IPPROTO_IPV6 && h.Type == unix.IPV6_PKTINFO && len(data) >= unix.SizeofInet6Pktinfo:
		info := (*unix.Inet6Pktinfo)(unsafe.Pointer(&data[0]))
		if !netip.AddrFrom16(info.Addr).IsLinkLocalUnicast() {
			info.Ifindex = 0
		}
	}
}

func (b *batch) flush() (failed error) {
	for b.sent = 0; b.sent < b.answers; {
		if err := b.raw.Write(b.sendFn); err != nil {
			return err
		}
		if b.err != nil { // about the first one of those left: go on behind it
			failed = errors.Join(failed, os.NewSyscallError("sendmmsg", b.err))
			b.sent++
		}
	}
	return failed
}

func (b *batch) trySend(fd uintptr) bool {
	for {
		n, _, errno := unix.Syscall6(unix.SYS_SENDMMSG, fd, uintptr(unsafe.Pointer(&b.out[b.sent])), uintptr(b.answers-b.sent), unix.MSG_DONTWAIT, 0, 0)
		b.err = nil
		switch errno {
		case 0:
			b.sent += int(n)
			return true
		case unix.EINTR:
		case unix.EAGAIN:
			return false
		default:
			b.err = errno
			return true
		}
	}
}

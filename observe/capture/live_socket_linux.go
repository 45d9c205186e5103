package capture

import (
	"encoding/binary"
	"errors"
	"fmt"
	"net"
	"os"
	"syscall"

	"golang.org/x/sys/unix"
)

// socket is a packet socket (packet(7)) with its ring.
type socket struct {
	fd       int
	name     string // of the interface
	index    int    // 0 for all
	loopback int    // index of the loopback interface, or -1
	link     LinkType
	vnet     bool   // frames have a virtio header before them
	memory   []byte // the ring
}

const (
	vnetHeader   = 10      // bytes of a struct virtio_net_hdr
	wholeFrame   = 1 << 20 // more than any frame has
	bufferUsual  = 32 << 20
	bufferLeast  = 1 << 20
	bufferMost   = 1 << 30
	grantCommand = "sudo setcap cap_net_raw+ep $(command -v dialtone)"
)

// open makes the socket ready and binds it at last. Until then it has no protocol and
// takes no frame, so that none slips past the filter.
func (s *socket) open(c LiveConfig) error {
	if err := s.find(c.Interface); err != nil {
		return err
	}
	if err := s.create(); err != nil {
		return err
	}
	err := s.prepare(c)
	if err == nil {
		err = s.bind(c.Promiscuous)
	}
	if err != nil {
		_ = unix.Close(s.fd)
		if s.memory != nil {
			_ = unix.Munmap(s.memory)
		}
	}
	return err
}

// find looks the interface up.
func (s *socket) find(name string) error {
	all, err := net.Interfaces()
	if err != nil {
		return err
	}
	s.name, s.loopback, s.index = name, -1, 0
	var known []string
	for _, i := range all {
		if i.Flags&net.FlagLoopback != 0 && s.loopback < 0 {
			s.loopback = i.Index
		}
		if i.Name == name {
			s.index = i.Index
		}
		known = append(known, i.Name)
	}
	switch {
	case name == "" || name == AnyInterface:
		s.name = AnyInterface
	case s.index == 0:
		return &InterfaceError{Name: name, Rule: "no such interface", Known: append(known, AnyInterface)}
	}
	return nil
}

// create makes the socket: of whole frames where their header is one that Decode
// knows, else of packets without it.
func (s *socket) create() error {
	fd, err := packetSocket(unix.SOCK_RAW)
	if err != nil {
		return err
	}
	s.fd, s.link = fd, LinkSLL2
	if s.index != 0 {
		s.link = linkOf(fd, s.name)
	}
	if s.link != LinkSLL2 {
		return nil
	}
	_ = unix.Close(fd)
	s.fd, err = packetSocket(unix.SOCK_DGRAM)
	return err
}

func packetSocket(kind int) (int, error) {
	fd, err := unix.Socket(unix.AF_PACKET, kind|unix.SOCK_CLOEXEC|unix.SOCK_NONBLOCK, 0)
	if errors.Is(err, unix.EPERM) || errors.Is(err, unix.EACCES) {
		return -1, &RightError{Capability: "CAP_NET_RAW", Command: grantCommand, Err: err}
	}
	return fd, os.NewSyscallError("socket", err)
}

// linkOf returns what an interface's frames begin with, by its hardware type.
func linkOf(fd int, name string) LinkType {
	r, err := unix.NewIfreq(name)
	if err == nil {
		err = unix.IoctlIfreq(fd, unix.SIOCGIFHWADDR, r)
	}
	switch {
	case err != nil:
		return LinkSLL2
	case r.Uint16() == unix.ARPHRD_ETHER || r.Uint16() == unix.ARPHRD_LOOPBACK:
		return LinkEthernet
	case r.Uint16() == unix.ARPHRD_NONE: // TUN
		return LinkRaw
	}
	return LinkSLL2
}

// prepare attaches the filter and maps the ring.
func (s *socket) prepare(c LiveConfig) error {
	if err := s.filter(c); err != nil {
		return err
	}
	if err := unix.SetsockoptInt(s.fd, unix.SOL_PACKET, unix.PACKET_VERSION, unix.TPACKET_V3); err != nil {
		return fmt.Errorf("packet socket: TPACKET_V3: %w", err)
	}
	if s.link == LinkEthernet { // says which frames are super-packets, of UDP too
		s.vnet = unix.SetsockoptInt(s.fd, unix.SOL_PACKET, unix.PACKET_VNET_HDR, 1) == nil
	}
	if s.index == s.loopback { // spares the kernel the copies that s.filter turns away
		_ = unix.SetsockoptInt(s.fd, unix.SOL_PACKET, unix.PACKET_IGNORE_OUTGOING, 1)
	}
	return s.mapRing(c.Buffer)
}

// mapRing asks for a ring of so many bytes, or as much of that as there is memory for.
func (s *socket) mapRing(bytes int) (err error) {
	if bytes <= 0 {
		bytes = bufferUsual
	}
	for bytes = min(max(bytes, bufferLeast), bufferMost); bytes >= bufferLeast; bytes /= 2 {
		blocks := bytes / blockSize
		const frame = 2048 // what the kernel counts with; a frame may have as much as its block
		err = unix.SetsockoptTpacketReq3(s.fd, unix.SOL_PACKET, unix.PACKET_RX_RING, &unix.TpacketReq3{
			Block_size: blockSize, Block_nr: uint32(blocks),
			Frame_size: frame, Frame_nr: uint32(blocks * (blockSize / frame)),
			Retire_blk_tov: uint32(retire.Milliseconds()),
		})
		if err == nil {
			s.memory, err = unix.Mmap(s.fd, 0, blocks*blockSize, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_SHARED)
			return os.NewSyscallError("mmap", err)
		}
		if !errors.Is(err, unix.ENOMEM) {
			break
		}
	}
	return fmt.Errorf("packet socket: ring of %d bytes: %w", bytes, err)
}

// bind begins the capture.
func (s *socket) bind(promiscuous bool) error {
	if promiscuous && s.index != 0 {
		r := unix.PacketMreq{Ifindex: int32(s.index), Type: unix.PACKET_MR_PROMISC}
		if err := unix.SetsockoptPacketMreq(s.fd, unix.SOL_PACKET, unix.PACKET_ADD_MEMBERSHIP, &r); err != nil {
			return &InterfaceError{Name: s.name, Rule: "does not become promiscuous", Err: err}
		}
	}
	everything := binary.NativeEndian.Uint16([]byte{0, unix.ETH_P_ALL}) // in network order
	addr := unix.SockaddrLinklayer{Ifindex: s.index, Protocol: everything}
	if err := unix.Bind(s.fd, &addr); err != nil {
		return &InterfaceError{Name: s.name, Rule: "cannot be captured from", Err: err}
	}
	errno, err := unix.GetsockoptInt(s.fd, unix.SOL_SOCKET, unix.SO_ERROR)
	switch {
	case err != nil:
		return os.NewSyscallError("getsockopt", err)
	case syscall.Errno(errno) == unix.ENETDOWN:
		return &InterfaceError{Name: s.name, Rule: "is down", Err: unix.ENETDOWN}
	case errno != 0:
		return &InterfaceError{Name: s.name, Rule: "cannot be captured from", Err: syscall.Errno(errno)}
	}
	return nil
}

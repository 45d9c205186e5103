package sockets

import (
	"encoding/binary"
	"net/netip"
	"os/user"
	"strconv"
	"strings"
	"time"
)

// rows are the sockets that one reading found. What its rows point at belongs to it
// and is used again by the next reading: once it has room, reading allocates nothing.
type rows struct {
	list   []*Socket
	all    slab[Socket]
	infos  slab[Info]
	memory slab[Memory]
	names  map[string]string // of congestion control: one string each
	users  map[uint32]string

	zone func(index uint32) string // names an interface
}

func (r *rows) reset() {
	r.list = r.list[:0]
	r.all.used, r.infos.used, r.memory.used = 0, 0, 0
}

// slab lends values out of chunks, so that they stay where they are.
type slab[T any] struct {
	chunks [][]T
	used   int
}

const chunk = 1024

func (s *slab[T]) next() *T {
	if s.used == len(s.chunks)*chunk {
		s.chunks = append(s.chunks, make([]T, chunk))
	}
	v := &s.chunks[s.used/chunk][s.used%chunk]
	s.used++
	return v
}

// grow returns a new row.
func (r *rows) grow() *Socket {
	s := r.all.next()
	*s = Socket{}
	r.list = append(r.list, s)
	return s
}

// inet reads one answer about a socket of network "tcp" or "udp".
func (r *rows) inet(network string, b []byte) error {
	if len(b) < answerLen {
		return errShort
	}
	family := b[0]
	if family != familyINET && family != familyINET6 {
		return errFamily
	}
	id, rest := b[4:4+sockIDLen], b[4+sockIDLen:answerLen]
	u32 := binary.NativeEndian.Uint32
	s := r.grow()
	s.Network, s.State = network, kernelState(network, b[1])
	s.Local = addrPort(family, id[4:20], id[0:2])
	s.Remote = addrPort(family, id[20:36], id[2:4])
	if s.Remote.Port() == 0 && s.Remote.Addr().IsUnspecified() {
		s.Remote = netip.AddrPort{}
	}
	if index := u32(id[36:]); index != 0 {
		s.Interface = r.zone(index)
		s.addZone()
	}
	s.Cookie = uint64(u32(id[44:]))<<32 | uint64(u32(id[40:]))
	s.Timer = Timer{Kind: TimerKind(b[2]), Count: b[3], Left: time.Duration(u32(rest[0:])) * time.Millisecond}
	s.RecvQueue, s.SendQueue = u32(rest[4:]), u32(rest[8:])
	s.UID, s.Inode = u32(rest[12:]), u32(rest[16:])
	s.User = r.user(s.UID)
	attributes(b[answerLen:], func(kind uint16, value []byte) { r.attribute(s, kind, value) })
	return nil
}

func (r *rows) attribute(s *Socket, kind uint16, value []byte) {
	switch kind {
	case attrInfo:
		if s.Network == "tcp" && len(value) > 0 && s.State.connected() {
			s.Info = r.infos.next()
			s.Info.parse(value)
		}
	case attrMemory:
		s.Memory = r.memory.next()
		s.Memory.parse(value)
	case attrCongestion:
		s.Congestion = r.name(value)
	case attrV6Only:
		s.IPv6Only = len(value) > 0 && value[0] != 0
	}
}

// name returns the text in b up to its NUL, the same string for the same bytes.
func (r *rows) name(b []byte) string {
	if name, ok := r.names[string(b)]; ok {
		return name
	}
	text, _, _ := strings.Cut(string(b), "\x00")
	if r.names == nil {
		r.names = map[string]string{}
	}
	if len(r.names) < 64 { // there are a dozen
		r.names[string(b)] = text
	}
	return text
}

// user names a user.
func (r *rows) user(uid uint32) string {
	if name, ok := r.users[uid]; ok {
		return name
	}
	name := strconv.Itoa(int(uid))
	if u, err := user.LookupId(name); err == nil {
		name = u.Username
	}
	if r.users == nil {
		r.users = map[uint32]string{}
	}
	r.users[uid] = name
	return name
}

func addrPort(family uint8, addr, port []byte) netip.AddrPort {
	ip := netip.AddrFrom4([4]byte(addr))
	if family == familyINET6 {
		ip = netip.AddrFrom16([16]byte(addr))
	}
	return netip.AddrPortFrom(ip, binary.BigEndian.Uint16(port))
}

// addZone names the interface in link-local addresses, which mean nothing without.
func (s *Socket) addZone() {
	for _, a := range []*netip.AddrPort{&s.Local, &s.Remote} {
		if ip := a.Addr(); ip.Is6() && (ip.IsLinkLocalUnicast() || ip.IsLinkLocalMulticast()) && s.Interface != "" {
			*a = netip.AddrPortFrom(ip.WithZone(s.Interface), a.Port())
		}
	}
}

package capture

import (
	"encoding/binary"

	"golang.org/x/sys/unix"
)

// peer is what the kernel says of a frame's origin (struct sockaddr_ll).
type peer []byte

func (p peer) protocol() []byte { return p[2:4] } // in network order
func (p peer) index() int       { return int(binary.NativeEndian.Uint32(p[4:])) }
func (p peer) hatype() uint16   { return binary.NativeEndian.Uint16(p[8:]) }
func (p peer) pkttype() uint8   { return p[10] }
func (p peer) address() []byte  { return p[11:20] } // its length, and 8 bytes

// fill makes a record of a frame in the ring.
func (s *socket) fill(r *Record, f []byte) {
	native := binary.NativeEndian
	from := peer(f[frameAddr : frameAddr+unix.SizeofSockaddrLinklayer])
	status := native.Uint32(f[frameStatus:])
	start := int(native.Uint16(f[frameMac:]))
	end := start + int(native.Uint32(f[frameSnaplen:]))

	r.Time = int64(native.Uint32(f[frameSec:]))*1e9 + int64(native.Uint32(f[frameNsec:]))
	r.Link, r.Offset = s.link, -1
	r.Hints = s.hints(status, from)
	if s.vnet && f[start-vnetHeader+1] != unix.VIRTIO_NET_HDR_GSO_NONE {
		r.Hints |= HintSuper
	}
	captured := start
	if status&unix.TP_STATUS_VLAN_VALID != 0 {
		start = s.untag(f, start, status, from)
	}
	if s.link == LinkSLL2 {
		start = cook(f, start, from)
	}
	r.Wire = int(native.Uint32(f[frameLen:])) + captured - start
	r.Data = f[start:end]
}

// hints translates the kernel's status of a frame.
func (s *socket) hints(status uint32, from peer) (h Hints) {
	if status&unix.TP_STATUS_CSUMNOTREADY != 0 {
		h |= HintPartial
	}
	if status&unix.TP_STATUS_CSUM_VALID != 0 {
		h |= HintGood
	}
	if status&unix.TP_STATUS_GSO_TCP != 0 {
		h |= HintSuper
	}
	// On a loopback interface only the copy that comes in is captured.
	if from.pkttype() == unix.PACKET_OUTGOING || from.index() == s.loopback {
		h |= HintOut
	}
	return h
}

// untag puts back the outer VLAN tag that the kernel took out of the frame, and
// returns where the frame starts then. There is room before it: at least 14 bytes
// of header and alignment.
func (s *socket) untag(f []byte, start int, status uint32, from peer) int {
	tpid := uint16(unix.ETH_P_8021Q)
	if status&unix.TP_STATUS_VLAN_TPID_VALID != 0 {
		tpid = binary.NativeEndian.Uint16(f[frameTPID:])
	}
	tci := uint16(binary.NativeEndian.Uint32(f[frameTCI:]))
	start -= 4
	switch s.link {
	case LinkEthernet: // behind the two addresses
		copy(f[start:start+12], f[start+4:])
		binary.BigEndian.PutUint16(f[start+12:], tpid)
		binary.BigEndian.PutUint16(f[start+14:], tci)
	case LinkSLL2: // the tag's type becomes the cooked header's
		binary.BigEndian.PutUint16(f[start:], tci)
		copy(f[start+2:], from.protocol())
		binary.BigEndian.PutUint16(from.protocol(), tpid)
	default: // a packet has no place for one
		start += 4
	}
	return start
}

// cook puts a cooked header (LINKTYPE_LINUX_SLL2) before the packet.
func cook(f []byte, start int, from peer) int {
	h := f[start-20 : start]
	copy(h, from.protocol())
	h[2], h[3] = 0, 0
	binary.BigEndian.PutUint32(h[4:], uint32(from.index()))
	binary.BigEndian.PutUint16(h[8:], from.hatype())
	h[10] = from.pkttype()
	copy(h[11:], from.address())
	return start - 20
}

package host

import (
	"bytes"
	"net/netip"
	"sync"
	"time"

	"dialtone/internet"
	"dialtone/link"
)

// fragments are those of packets to this host that are not whole yet.
type fragments struct {
	host     *Host
	mu       sync.Mutex
	machine  internet.Reassembler
	deadline alarm // of machine
}

func (s *fragments) init(h *Host) {
	s.host = h
	s.deadline.init(s)
}

// reassemble takes a fragment, and returns the whole packet where it was the last.
func (h *Host) reassemble(p *packet, header *internet.IPv4) (whole packet, ok bool) {
	s := &h.pieces
	piece := internet.Piece{
		Key:    internet.FragmentKey{Src: p.src, Dst: p.dst, ID: uint32(header.ID), Protocol: header.Protocol},
		Offset: int(header.Offset) * 8,
		Size:   len(p.data),
		More:   header.Flags&internet.MoreFragments != 0,
		Data:   p.data,
		Head:   p.whole[:header.Size()],
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	r, ok := s.machine.Add(h.now(), &piece)
	if at, waits := s.machine.Deadline(); waits {
		h.arm(&s.deadline, at)
	}
	if !ok {
		return whole, false
	}
	f := link.NewFrame(len(r.Packet))
	copy(f.Data, r.Packet)
	whole = *p
	whole.whole, whole.data = f.Data, f.Data[header.Size():]
	whole.checksum, whole.frame = link.ChecksumUnknown, f // no link has seen it whole
	return whole, true
}

func (s *fragments) stats() internet.ReassemblerStats {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.machine.Stats()
}

// expire gives datagrams up of which fragments are missing.
func (s *fragments) expire(now time.Duration, out *outbox) {
	s.mu.Lock()
	var late [][]byte
	s.machine.Expire(now, func(head, data []byte) {
		late = append(late, append(bytes.Clone(head), data...))
	})
	if at, waits := s.machine.Deadline(); waits {
		s.host.arm(&s.deadline, at)
	}
	s.mu.Unlock()
	for _, packet := range late {
		s.host.reportLate(packet, out)
	}
}

// reportLate tells the sender of a datagram that parts of it did not come
// (RFC 1122 §3.3.2).
func (h *Host) reportLate(packet []byte, out *outbox) {
	header, _, err := internet.ParseIPv4(packet)
	src, dst := netip.AddrFrom4(header.Src), netip.AddrFrom4(header.Dst)
	h.drop(DropFragment, packet)
	if err == nil && internet.MayReport(packet) && h.isOwn(dst) && !h.isBroadcast(src) {
		h.reportFrom(dst, src, internet.ICMPv4TimeExceeded, internet.ICMPv4ReassemblyExceeded, 0, packet, out)
	}
}

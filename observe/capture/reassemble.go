package capture

import (
	"bytes"
	"slices"
	"time"

	"dialtone/internet"
)

// A Reassembler puts fragments of IPv4 and IPv6 together, as [internet.Reassembler]
// does, from what was captured of them. Its zero value works. A datagram whose fragments
// were not captured whole cannot be put together.
type Reassembler struct {
	MaxBytes   int           // of all fragments that wait; 0 for 4 MiB. The oldest datagram goes first
	MaxWaiting int           // datagrams; 0 for 1024
	Timeout    time.Duration // between a datagram's first fragment and its last, by their times; 0 for 30 s, as Linux has it

	machine internet.Reassembler
	whole   Packet
	record  Record
}

// ReassemblerStats counts datagrams, but for Fragments.
type ReassemblerStats = internet.ReassemblerStats

// Add returns a packet that is no fragment as it is, nil for a fragment whose datagram
// is not whole yet, and for the one that completes it the packet as it was before it
// was cut: of link type LinkIPv4 or LinkIPv6, with the number, the time and the Offset
// of this last frame, and Fragments. It is valid until the next Add.
func (r *Reassembler) Add(p *Packet) *Packet {
	if p.FragOff == 0 && !p.More {
		return p
	}
	m := &r.machine
	m.MaxBytes, m.MaxWaiting, m.Timeout = r.MaxBytes, r.MaxWaiting, r.Timeout
	now := time.Duration(p.Time)
	m.Expire(now, nil)
	piece := p.piece()
	whole, ok := m.Add(now, &piece)
	if !ok {
		return nil
	}
	r.record = Record{
		Number: p.Number, Time: p.Time, Wire: len(whole.Packet), Data: whole.Packet,
		Link: LinkIPv4, Interface: p.Interface, Offset: p.Offset, Hints: p.Hints & HintOut,
	}
	if p.Version == 6 {
		r.record.Link = LinkIPv6
	}
	Decode(&r.record, &r.whole)
	r.whole.VLAN, r.whole.Fragments = p.VLAN, whole.Tags
	return &r.whole
}

// Stats returns what was counted so far.
func (r *Reassembler) Stats() ReassemblerStats { return r.machine.Stats() }

// piece is the part of its datagram that a fragment has, as far as it was captured.
func (p *Packet) piece() internet.Piece {
	kind := KindIPv4
	if p.Version == 6 {
		kind = KindFragment
	}
	i := slices.IndexFunc(p.Layers(), func(l Layer) bool { return l.Kind == kind })
	at := int(p.layers[i].End)
	size := p.Total - (at - p.ip)
	data := p.Data[at:p.end]
	f := internet.Piece{
		Key:    internet.FragmentKey{Src: p.Src, Dst: p.Dst, ID: p.ID, Link: p.VLAN},
		Offset: p.FragOff, Size: size, More: p.More, Data: data[:max(min(size, len(data)), 0)], Tag: p.Number,
	}
	if p.Version == 4 {
		f.Key.Protocol = internet.Protocol(p.Data[p.ip+9])
	}
	if p.FragOff == 0 {
		f.Head = p.head()
	}
	return f
}

// head is the headers that every fragment has, as they were before it was one.
func (p *Packet) head() []byte {
	if p.Version == 4 {
		h, _, _ := internet.ParseIPv4(p.Data[p.ip:])
		return p.Data[p.ip : p.ip+h.Size()]
	}
	i := slices.IndexFunc(p.Layers(), func(l Layer) bool { return l.Kind == KindFragment })
	before, fragment := p.layers[i-1], p.layers[i]
	head := bytes.Clone(p.Data[p.ip:fragment.Start])
	next := int(before.Start) - p.ip // an extension header begins with what follows it
	if before.Kind == KindIPv6 {
		next += 6
	}
	head[next] = p.Data[fragment.Start]
	return head
}

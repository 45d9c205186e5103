package filter

import (
	"dialtone/internet"
	"dialtone/link"

	"golang.org/x/net/bpf"
)

// networkHeader checks the header that mType tells of, and goes on behind it.
func (a *assembler) networkHeader() {
	done := a.label()
	a.length()
	a.store(mEnd)
	for _, h := range []struct {
		kind link.EtherType
		find func(done label)
	}{{link.TypeIPv4, a.ipv4}, {link.TypeIPv6, a.ipv6}, {link.TypeARP, a.arp}, {link.TypeRARP, a.arp}} {
		this, next := a.label(), a.label()
		a.load(mType)
		a.jumpIf(bpf.JumpEqual, uint32(h.kind), this, next)
		a.place(this)
		h.find(done)
		a.jump(done)
		a.place(next)
	}
	a.place(done)
}

// whole checks that n bytes are there behind the place that a slot tells, and leaves
// that place in X.
func (a *assembler) whole(slot int, n uint32) {
	a.load(slot)
	a.add(bpf.ALUOpConstant{Op: bpf.ALUOpAdd, Val: n})
	a.within()
	a.loadX(slot)
}

// within checks that A is not behind the packet's end; X is lost.
func (a *assembler) within() {
	on := a.label()
	a.loadX(mEnd)
	a.jumpIfX(bpf.JumpGreaterThan, a.unsure, on)
	a.place(on)
}

// arp checks for IPv4 over Ethernet (RFC 826).
func (a *assembler) arp(label) {
	a.whole(mNet, 28)
	a.at(0, 4)
	a.check(bpf.JumpEqual, 1<<16|uint32(link.TypeIPv4))
	a.at(4, 2)
	a.check(bpf.JumpEqual, 6<<8|4)
}

// ipv4 checks a header (RFC 791 §3.1).
func (a *assembler) ipv4(done label) {
	a.whole(mNet, 20)
	a.at(0, 1)
	a.check(bpf.JumpGreaterOrEqual, 4<<4|5) // version, and header length
	a.check(bpf.JumpLessThan, 5<<4)
	a.add(bpf.ALUOpConstant{Op: bpf.ALUOpAnd, Val: 0xf}, bpf.ALUOpConstant{Op: bpf.ALUOpShiftLeft, Val: 2}, bpf.ALUOpX{Op: bpf.ALUOpAdd})
	a.store(mTransport)
	a.at(2, 2)
	a.add(bpf.ALUOpX{Op: bpf.ALUOpAdd}) // total length
	a.within()
	a.store(mEnd)
	a.whole(mTransport, 0)
	if a.need < extensions {
		return
	}
	a.loadX(mNet)
	a.at(9, 1)
	a.store(mProtocol)
	first, later := a.label(), a.label()
	a.at(6, 2)
	a.jumpIf(bpf.JumpBitsSet, 0x1fff, later, first)
	a.place(later)
	a.add(bpf.LoadConstant{Val: 0})
	a.store(mTransport)
	a.jump(done)
	a.place(first)
	a.transportHeader(done)
}

// transportHeader checks TCP's or UDP's header at mTransport, and clears mTransport
// where it is neither.
func (a *assembler) transportHeader(done label) {
	a.load(mProtocol)
	for _, kind := range []internet.Protocol{
		internet.HopByHop, internet.Routing, internet.IPv6Frag, internet.AH, internet.Destination,
	} {
		a.check(bpf.JumpNotEqual, uint32(kind)) // one extension header too many
	}
	if a.need < transport {
		return
	}
	tcp, notTCP, udp, short, neither := a.label(), a.label(), a.label(), a.label(), a.label()
	a.load(mProtocol)
	a.jumpIf(bpf.JumpEqual, uint32(internet.TCP), tcp, notTCP)
	a.place(notTCP)
	a.jumpIf(bpf.JumpEqual, uint32(internet.UDP), udp, neither)

	a.place(tcp) // RFC 9293 §3.1: data offset
	a.whole(mTransport, 20)
	a.at(12, 1)
	a.add(bpf.ALUOpConstant{Op: bpf.ALUOpAnd, Val: 0xf0}, bpf.ALUOpConstant{Op: bpf.ALUOpShiftRight, Val: 2})
	a.check(bpf.JumpGreaterOrEqual, 20)
	a.add(bpf.ALUOpX{Op: bpf.ALUOpAdd})
	a.within()
	a.jump(done)

	a.place(udp) // RFC 768: length
	a.whole(mTransport, 8)
	a.at(4, 2)
	a.jumpIf(bpf.JumpEqual, 0, done, short) // a jumbogram (RFC 2675 §4)
	a.place(short)
	a.check(bpf.JumpGreaterOrEqual, 8)
	a.jump(done)

	a.place(neither)
	a.add(bpf.LoadConstant{Val: 0})
	a.store(mTransport)
}

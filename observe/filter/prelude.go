package filter

import (
	"dialtone/internet"
	"dialtone/link"

	"golang.org/x/net/bpf"
)

// level says how far a term looks into a packet.
type level uint8

const (
	linkLayer  level = iota
	network          // addresses
	extensions       // the protocol, behind IPv6 extension headers
	transport        // ports
)

// The scratch memory, as the prelude leaves it.
const (
	mType      = iota // EtherType behind tags
	mNet              // where the network header starts
	mTagKernel        // ID+1 of the tag beside the frame, or 0
	mTagOuter         // ID+1 of the first tag in the frame, or 0
	mTagInner         // and of the second
	mLength           // bytes on the wire
	mEnd              // where the packet ends, by its own header
	mProtocol         // IP protocol, or noProtocol
	mTransport        // where a whole header of TCP or UDP starts, or 0
)

const noProtocol = 0x100

// maxExtensions is how many IPv6 extension headers a program looks through.
const maxExtensions = 4

// sllLength is the length of a cooked header, which is part of a record.
const sllLength = 20

// prelude fills the scratch memory as far as the expression needs.
func (a *assembler) prelude() {
	a.add(bpf.LoadConstant{Val: 0})
	for _, slot := range []int{mTagKernel, mTagOuter, mTagInner, mTransport} {
		a.store(slot)
	}
	a.add(bpf.LoadConstant{Val: noProtocol})
	a.store(mProtocol)
	a.length()
	if a.frame == frameCooked {
		a.add(bpf.ALUOpConstant{Op: bpf.ALUOpAdd, Val: sllLength})
	}
	a.store(mLength)
	a.linkHeader()
	if a.need >= network {
		a.networkHeader()
	}
}

func (a *assembler) length() { a.add(bpf.LoadExtension{Num: bpf.ExtLen}) }

// linkHeader finds mType and mNet, and the tags.
func (a *assembler) linkHeader() {
	if a.kernel {
		a.kernelTag()
	}
	switch a.frame {
	case frameEthernet:
		a.tags(12, 14)
	case frameSLL:
		a.tags(14, 16)
	case frameSLL2:
		a.tags(0, 20)
	case frameRaw:
		a.version()
	case frameCooked:
		a.add(bpf.LoadExtension{Num: bpf.ExtProto})
		a.etherType()
		a.found(0)
	}
}

// found stores A as mType and at as mNet.
func (a *assembler) found(at uint32) {
	a.store(mType)
	a.add(bpf.LoadConstant{Val: at})
	a.store(mNet)
}

// etherType checks that A is a type, and not that of a tag.
func (a *assembler) etherType() {
	a.check(bpf.JumpGreaterOrEqual, minType)
	for _, tag := range tagTypes {
		a.check(bpf.JumpNotEqual, uint32(tag))
	}
}

// tagTypes are those of link's IsTag.
var tagTypes = [...]link.EtherType{link.TypeVLAN, link.TypeQinQ, link.TypeQinQOld}

// version finds out which IP the packet is.
func (a *assembler) version() {
	six, four, done := a.label(), a.label(), a.label()
	a.length()
	a.check(bpf.JumpGreaterOrEqual, 1)
	a.add(bpf.LoadAbsolute{Off: 0, Size: 1}, bpf.ALUOpConstant{Op: bpf.ALUOpShiftRight, Val: 4})
	a.jumpIf(bpf.JumpEqual, 4, four, six)
	a.place(six)
	a.check(bpf.JumpEqual, 6)
	a.add(bpf.LoadConstant{Val: uint32(link.TypeIPv6)})
	a.jump(done)
	a.place(four)
	a.add(bpf.LoadConstant{Val: uint32(link.TypeIPv4)})
	a.place(done)
	a.found(0)
}

// kernelTag takes the tag that the kernel keeps beside the frame.
func (a *assembler) kernelTag() {
	tagged, done := a.label(), a.label()
	a.add(bpf.LoadExtension{Num: bpf.ExtVLANTagPresent})
	a.jumpIf(bpf.JumpEqual, 0, done, tagged)
	a.place(tagged)
	a.add(bpf.LoadExtension{Num: bpf.ExtVLANTag})
	a.tagID(mTagKernel)
	if a.frame == frameEthernet { // where it is put back
		a.load(mLength)
		a.add(bpf.ALUOpConstant{Op: bpf.ALUOpAdd, Val: 4})
		a.store(mLength)
	}
	a.place(done)
}

// tagID stores the ID of the tag in A.
func (a *assembler) tagID(slot int) {
	a.add(bpf.ALUOpConstant{Op: bpf.ALUOpAnd, Val: 0xfff}, bpf.ALUOpConstant{Op: bpf.ALUOpAdd, Val: 1})
	a.store(slot)
}

// tags looks through up to two tags. The type is at typeAt, what it tells of at next.
func (a *assembler) tags(typeAt, next uint32) {
	done := a.label()
	a.length()
	a.check(bpf.JumpGreaterOrEqual, next)
	for _, slot := range []int{mTagOuter, mTagInner} {
		tag := a.label()
		a.add(bpf.LoadAbsolute{Off: typeAt, Size: 2})
		for _, kind := range tagTypes {
			other := a.label()
			a.jumpIf(bpf.JumpEqual, uint32(kind), tag, other)
			a.place(other)
		}
		a.check(bpf.JumpGreaterOrEqual, minType)
		a.found(next)
		a.jump(done)
		a.place(tag)
		if a.kernel && slot == mTagInner { // a third one
			a.load(mTagKernel)
			a.check(bpf.JumpEqual, 0)
		}
		a.length()
		a.check(bpf.JumpGreaterOrEqual, next+4)
		a.add(bpf.LoadAbsolute{Off: next, Size: 2})
		a.tagID(slot)
		typeAt, next = next+2, next+4
	}
	a.add(bpf.LoadAbsolute{Off: typeAt, Size: 2})
	a.etherType()
	a.found(next)
	a.place(done)
}

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

// ipv6 checks a header and looks through those behind it (RFC 8200 §3, §4).
func (a *assembler) ipv6(done label) {
	a.whole(mNet, 40)
	a.at(0, 1)
	a.add(bpf.ALUOpConstant{Op: bpf.ALUOpAnd, Val: 0xf0})
	a.check(bpf.JumpEqual, 6<<4)
	a.at(4, 2)
	a.check(bpf.JumpNotEqual, 0) // a jumbogram, perhaps
	a.add(bpf.ALUOpX{Op: bpf.ALUOpAdd}, bpf.ALUOpConstant{Op: bpf.ALUOpAdd, Val: 40})
	a.within()
	a.store(mEnd)
	if a.need < extensions {
		return
	}
	a.loadX(mNet)
	a.at(6, 1)
	a.store(mProtocol)
	a.add(bpf.TXA{}, bpf.ALUOpConstant{Op: bpf.ALUOpAdd, Val: 40})
	a.store(mTransport)
	behind := a.label()
	for range maxExtensions {
		a.extension(behind, done)
	}
	a.place(behind)
	a.transportHeader(done)
}

// extension goes behind one extension header, or to behind where there is none.
func (a *assembler) extension(behind, done label) {
	options, auth, fragment, next := a.label(), a.label(), a.label(), a.label()
	a.load(mProtocol)
	for _, k := range []struct {
		kind internet.Protocol
		to   label
	}{
		{internet.HopByHop, options}, {internet.Routing, options}, {internet.Destination, options},
		{internet.AH, auth}, {internet.IPv6Frag, fragment},
	} {
		other := a.label()
		a.jumpIf(bpf.JumpEqual, uint32(k.kind), k.to, other)
		a.place(other)
	}
	a.jump(behind)

	a.place(options)
	a.skip(1, 3)
	a.jump(next)

	a.place(auth) // RFC 4302 §2.2: at least 12 bytes
	a.whole(mTransport, 8)
	a.at(1, 1)
	a.check(bpf.JumpNotEqual, 0)
	a.skip(2, 2)
	a.jump(next)

	a.place(fragment)
	first, later := a.label(), a.label()
	a.whole(mTransport, 8)
	a.at(0, 1)
	a.store(mProtocol)
	a.at(2, 2)
	a.jumpIf(bpf.JumpBitsSet, 0xfff8, later, first)
	a.place(later)
	a.add(bpf.LoadConstant{Val: 0})
	a.store(mTransport)
	a.jump(done)
	a.place(first)
	a.add(bpf.TXA{}, bpf.ALUOpConstant{Op: bpf.ALUOpAdd, Val: 8})
	a.store(mTransport)

	a.place(next)
	a.whole(mTransport, 0)
}

// skip goes behind a header with its length at byte 1, in units of 1<<shift bytes
// without the first ones.
func (a *assembler) skip(without, shift uint32) {
	a.whole(mTransport, 8)
	a.at(0, 1)
	a.store(mProtocol)
	a.at(1, 1)
	a.add(bpf.ALUOpConstant{Op: bpf.ALUOpAdd, Val: without}, bpf.ALUOpConstant{Op: bpf.ALUOpShiftLeft, Val: shift}, bpf.ALUOpX{Op: bpf.ALUOpAdd})
	a.store(mTransport)
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

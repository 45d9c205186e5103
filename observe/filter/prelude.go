package filter

import (
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

package filter

import (
	"dialtone/internet"

	"golang.org/x/net/bpf"
)

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
		{internet.HopByHop, options},
		{internet.Routing, options},
		{internet.Destination, options},
		{internet.AH, auth},
		{internet.IPv6Frag, fragment},
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

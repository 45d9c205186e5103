package sockets

import (
	"encoding/binary"
	"net/netip"
)

// A filter's program for the kernel (INET_DIAG_REQ_BYTECODE) is a row of operations of
// four bytes, code, yes, no: how far to go on from the operation's start if it holds, and
// if it does not. Some have a value behind them. Who arrives at the end exactly is taken,
// who jumps four bytes beyond it is not. The kernel wants each target to be on the way
// that yes leads along, so here yes always leads to the next operation:
//
//	a and b:  a, else →no; b, else →no
//	a or b:   a, else →1;  jump →2;  1: b, else →no;  2:
//	not a:    a, else →1;  jump →no; 1:
//
// A program takes every socket that the filter takes, and as few others as the kernel can
// tell: state and network are said otherwise in a request, owners are not its business.
const (
	opJump                          = 1
	opLocalAtLeast, opLocalAtMost   = 2, 3
	opRemoteAtLeast, opRemoteAtMost = 4, 5
	opLocalHost, opRemoteHost       = 7, 8
)

// maxProgram is what an attribute's length can say, and more than any filter needs.
const maxProgram = 1 << 15

// program compiles what the kernel decides of f for sockets of network, or returns
// nothing where it decides nothing.
func (f *Filter) program(network string) []byte {
	if f == nil {
		return nil
	}
	n := bound(f.root, network, true)
	if n == always(true) {
		return nil
	}
	var a assembler
	no := a.label()
	a.emit(n, no)
	end := len(a.code)
	a.places[no] = end + 4
	for _, j := range a.jumps {
		binary.NativeEndian.PutUint16(a.code[j.at+2:], uint16(a.places[j.to]-j.at))
	}
	if end > maxProgram {
		return nil
	}
	return a.code
}

// bound returns what the kernel can decide of n. With above it matches wherever n may,
// without it only where n must: not turns one into the other.
func bound(n node, network string, above bool) node {
	switch n := n.(type) {
	case and:
		a, b := bound(n.a, network, above), bound(n.b, network, above)
		switch {
		case a == always(false) || b == always(true):
			return a
		case b == always(false) || a == always(true):
			return b
		}
		return and{a, b}
	case or:
		a, b := bound(n.a, network, above), bound(n.b, network, above)
		switch {
		case a == always(true) || b == always(false):
			return a
		case b == always(true) || a == always(false):
			return b
		}
		return or{a, b}
	case not:
		a := bound(n.a, network, !above)
		if a, ok := a.(always); ok {
			return !a
		}
		return not{a}
	case networkTerm:
		return always(n.takes(network))
	case portTerm:
		if !n.protocol.takes(network) {
			return always(false)
		}
		return n
	case prefixTerm, always:
		return n
	}
	return always(above)
}

type assembler struct {
	code   []byte
	places []int // of labels
	jumps  []jump
}

// jump is an operation whose no leads to a label.
type jump struct{ at, to int }

func (a *assembler) label() int {
	a.places = append(a.places, 0)
	return len(a.places) - 1
}

func (a *assembler) place(label int) { a.places[label] = len(a.code) }

// op writes an operation with the bytes of its value behind it.
func (a *assembler) op(code byte, no int, value ...byte) {
	a.jumps = append(a.jumps, jump{len(a.code), no})
	a.code = append(a.code, code, byte(4+len(value)), 0, 0)
	a.code = append(a.code, value...)
}

// emit writes what goes on behind it where n matches, and to the label no elsewhere.
func (a *assembler) emit(n node, no int) {
	switch n := n.(type) {
	case and:
		a.emit(n.a, no)
		a.emit(n.b, no)
	case or:
		a.either(func(no int) { a.emit(n.a, no) }, func(no int) { a.emit(n.b, no) }, no)
	case not:
		here := a.label()
		a.emit(n.a, here)
		a.op(opJump, no)
		a.place(here)
	case portTerm:
		a.ends(n.side, no, func(at side, no int) { a.ports(at, n.first, n.last, no) })
	case prefixTerm:
		a.ends(n.side, no, func(at side, no int) { a.prefix(at, n.prefix, no) })
	case always:
		if !n {
			a.op(opJump, no)
		}
	}
}

func (a *assembler) either(first, second func(no int), no int) {
	other, end := a.label(), a.label()
	first(other)
	a.op(opJump, end)
	a.place(other)
	second(no)
	a.place(end)
}

// ends writes test for the end that is meant, or for either.
func (a *assembler) ends(e side, no int, test func(at side, no int)) {
	if e != either {
		test(e, no)
		return
	}
	a.either(func(no int) { test(local, no) }, func(no int) { test(remote, no) }, no)
}

func (a *assembler) ports(at side, first, last uint16, no int) {
	least, most := byte(opLocalAtLeast), byte(opLocalAtMost)
	if at == remote {
		least, most = opRemoteAtLeast, opRemoteAtMost
	}
	// The value is an operation of which only no, the port, counts.
	a.op(least, no, binary.NativeEndian.AppendUint16([]byte{0, 0}, first)...)
	a.op(most, no, binary.NativeEndian.AppendUint16([]byte{0, 0}, last)...)
}

// mapped are the IPv6 addresses that are IPv4 ones.
var mapped = netip.MustParsePrefix("::ffff:0:0/96")

// prefix tests an address as prefixTerm does: one of IPv4 in IPv6 is in no IPv6 net.
func (a *assembler) prefix(at side, p netip.Prefix, no int) {
	a.host(at, p, no)
	if p.Bits() < mapped.Bits() && p.Contains(mapped.Addr()) {
		here := a.label()
		a.host(at, mapped, here)
		a.op(opJump, no)
		a.place(here)
	}
}

// host writes struct inet_diag_hostcond: family, prefix length, any port, address. The
// kernel looks into IPv6 addresses for IPv4 ones by itself.
func (a *assembler) host(at side, p netip.Prefix, no int) {
	code, family := byte(opLocalHost), byte(familyINET)
	if at == remote {
		code = opRemoteHost
	}
	if p.Addr().Is6() {
		family = familyINET6
	}
	value := binary.NativeEndian.AppendUint32([]byte{family, byte(p.Bits()), 0, 0}, ^uint32(0))
	a.op(code, no, append(value, p.Masked().Addr().AsSlice()...)...)
}

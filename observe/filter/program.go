package filter

import (
	"fmt"

	"dialtone/observe/capture"

	"golang.org/x/net/bpf"
)

// A program in classic BPF has three parts: a prelude that finds out where the
// packet's headers are (prelude.go), the expression, whose terms look there, and the
// two ends.
//
// The prelude understands well-formed packets. One that it does not understand (cut
// short, a lying length, an unusual header) it takes: Match sees it next and decides.
// So a program takes every packet that Match does, and of the well-formed ones no other.

// frame is what a program finds at the start of its bytes.
type frame uint8

const (
	frameEthernet frame = iota
	frameRaw            // an IP packet
	frameSLL
	frameSLL2
	frameCooked // a network header, its type told by the kernel
)

// acceptBytes is how much of a packet a program takes: all of it.
const acceptBytes = 1 << 18

// maxInstructions is how long the kernel lets a program be (BPF_MAXINSNS).
const maxInstructions = 4096

// Program compiles what a packet alone decides of e for frames as they are in files.
// It fails for a link type that it does not know, and where e is too long.
func (e *Expr) Program(t capture.LinkType) ([]bpf.RawInstruction, error) {
	frames := map[capture.LinkType]frame{
		capture.LinkEthernet: frameEthernet, capture.LinkSLL: frameSLL, capture.LinkSLL2: frameSLL2,
		capture.LinkRaw: frameRaw, capture.LinkIPv4: frameRaw, capture.LinkIPv6: frameRaw,
	}
	f, ok := frames[t]
	if !ok {
		return nil, fmt.Errorf("filter: no program for link type %d", t)
	}
	return compile(bound(e.root, true), f, false)
}

// Kernel compiles what a packet alone decides of e for a Linux packet socket, where
// the outer VLAN tag is beside the frame, and cooked frames begin at their network header.
func (e *Expr) Kernel(t capture.LinkType) ([]bpf.RawInstruction, error) {
	switch t {
	case capture.LinkEthernet:
		return compile(bound(e.root, true), frameEthernet, true)
	case capture.LinkRaw:
		return compile(bound(e.root, true), frameRaw, true)
	case capture.LinkSLL, capture.LinkSLL2:
		return compile(bound(e.root, true), frameCooked, true)
	}
	return nil, fmt.Errorf("filter: no program for link type %d", t)
}

func compile(n node, f frame, kernel bool) ([]bpf.RawInstruction, error) {
	probe := newAssembler(f, kernel) // to learn which headers n needs
	n.emit(probe, probe.accept, probe.reject)

	a := newAssembler(f, kernel)
	a.need = probe.need
	if n != always(true) && n != always(false) {
		a.prelude()
	}
	n.emit(a, a.accept, a.reject)
	a.place(a.reject)
	a.add(bpf.RetConstant{Val: 0})
	a.place(a.accept)
	a.place(a.unsure)
	a.add(bpf.RetConstant{Val: acceptBytes})
	program := a.resolve()
	if len(program) > maxInstructions {
		return nil, fmt.Errorf("filter: too long for the kernel: %d instructions, at most %d", len(program), maxInstructions)
	}
	return bpf.Assemble(program)
}

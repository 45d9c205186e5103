package filter

import (
	"fmt"

	"dialtone/observe/capture"

	"golang.org/x/net/bpf"
)

// vlanTerm is a tag: any, or with an ID in one of the two outer ones.
type vlanTerm struct{ id int } // -1 for any

func (t vlanTerm) String() string {
	if t.id < 0 {
		return "vlan"
	}
	return fmt.Sprintf("vlan %d", t.id)
}

func (t vlanTerm) match(p *capture.Packet, _ Subject) bool {
	tags := 0
	for _, l := range p.Layers() { // the packet's field leaves out tags with ID 0
		if l.Kind != capture.KindVLAN || l.Quoted {
			continue
		}
		id := int(p.Data[l.Start])<<8&0xf00 | int(p.Data[l.Start+1])
		if tags++; t.id < 0 || tags <= 2 && id == t.id {
			return true
		}
	}
	return false
}

func (t vlanTerm) emit(a *assembler, yes, no label) {
	for _, tag := range []int{mTagKernel, mTagOuter, mTagInner} {
		next := a.label()
		a.load(tag)
		if t.id < 0 {
			a.jumpIf(bpf.JumpNotEqual, 0, yes, next)
		} else {
			a.jumpIf(bpf.JumpEqual, uint32(t.id+1), yes, next)
		}
		a.place(next)
	}
	a.jump(no)
}

// vlan reads an ID, if there is one.
func (p *parser) vlan() (node, error) {
	w, ok := p.Peek()
	if !ok || w.Plain || w.Operator() != "" {
		return vlanTerm{-1}, nil
	}
	id, err := p.Integer("a VLAN's ID", 4095)
	return vlanTerm{id}, err
}

// lengthTerm is a bound of the length on the wire.
type lengthTerm struct {
	word  string // "less" or "greater": both mean "or equal", as in tcpdump
	bytes int
}

func (t lengthTerm) String() string { return fmt.Sprint(t.word, " ", t.bytes) }

func (t lengthTerm) match(p *capture.Packet, _ Subject) bool {
	if t.word == "less" {
		return p.Wire <= t.bytes
	}
	return p.Wire >= t.bytes
}

func (t lengthTerm) emit(a *assembler, yes, no label) {
	a.load(mLength)
	if t.word == "less" {
		a.jumpIf(bpf.JumpGreaterThan, uint32(t.bytes), no, yes)
	} else {
		a.jumpIf(bpf.JumpGreaterOrEqual, uint32(t.bytes), yes, no)
	}
}

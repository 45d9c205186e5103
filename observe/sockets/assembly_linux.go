package sockets

import (
	"bytes"
	"errors"
	"fmt"

	"github.com/cilium/ebpf/asm"
	"github.com/cilium/ebpf/btf"
)

// assembly is a program that is being written. Its record lies at the end of the stack.
type assembly struct {
	code        asm.Instructions
	spec        *btf.Spec
	ring, drops int // the descriptors of both maps
	length      int16
	err         error
}

func (a *assembly) add(list ...asm.Instruction) { a.code = append(a.code, list...) }

// begin makes an empty record of length bytes, a multiple of eight.
func (a *assembly) begin(length int16) {
	a.length = length
	a.add(asm.Mov.Imm(asm.R0, 0))
	for at := int16(0); at < length; at += 8 {
		a.store(asm.R0, at, asm.DWord)
	}
}

// store puts a register into the record.
func (a *assembly) store(r asm.Register, at int16, size asm.Size) {
	a.add(asm.StoreMem(asm.RFP, at-a.length, r, size))
}

// keep copies a field of a structure that a register points at into the record.
func (a *assembly) keep(from asm.Register, structure, path string, size asm.Size, at int16) {
	a.add(asm.LoadMem(asm.R1, from, a.field(structure, path), size))
	a.store(asm.R1, at, size)
}

// keepBytes does so by a helper: the verifier does not let a program read 16 bytes of
// addresses, nor half of them.
func (a *assembly) keepBytes(from asm.Register, structure, path string, size int32, at int16) {
	a.place(asm.R1, at)
	a.add(asm.Mov.Imm(asm.R2, size), asm.Mov.Reg(asm.R3, from), asm.Add.Imm(asm.R3, int32(a.field(structure, path))), asm.FnProbeReadKernel.Call())
}

// place lets a register point into the record.
func (a *assembly) place(r asm.Register, at int16) {
	a.add(asm.Mov.Reg(r, asm.RFP), asm.Add.Imm(r, int32(at-a.length)))
}

// label names the next instruction.
func (a *assembly) label(name string, next asm.Instruction) { a.add(next.WithSymbol(name)) }

// finish hands the record over, or counts that there was no room. A jump to exit ends
// the program without either.
func (a *assembly) finish() {
	a.label("output", asm.LoadMapPtr(asm.R1, a.ring))
	a.place(asm.R2, 0)
	a.add(asm.Mov.Imm(asm.R3, int32(a.length)), asm.Mov.Imm(asm.R4, 0), asm.FnRingbufOutput.Call(), asm.JEq.Imm(asm.R0, 0, "exit"))
	a.add(asm.StoreImm(asm.RFP, -8, 0, asm.Word), asm.LoadMapPtr(asm.R1, a.drops), asm.Mov.Reg(asm.R2, asm.RFP), asm.Add.Imm(asm.R2, -8),
		asm.FnMapLookupElem.Call(), asm.JEq.Imm(asm.R0, 0, "exit"), asm.Mov.Imm(asm.R1, 1), asm.AddAtomic.Mem(asm.R0, asm.R1, asm.DWord, 0))
	a.label("exit", asm.Mov.Imm(asm.R0, 0))
	a.add(asm.Return())
}

// field is the offset of a field in a structure of the kernel, of a path with dots; it
// looks into members without names by itself.
func (a *assembly) field(structure, path string) int16 {
	var s *btf.Struct
	if err := a.spec.TypeByName(structure, &s); err != nil {
		a.err = errors.Join(a.err, fmt.Errorf("struct %s: %w", structure, err))
		return 0
	}
	offset, ok := memberOffset(s, bytes.Split([]byte(path), []byte{'.'}))
	if !ok {
		a.err = errors.Join(a.err, fmt.Errorf("struct %s has no %s", structure, path))
	}
	return int16(offset)
}

func memberOffset(t btf.Type, path [][]byte) (uint32, bool) {
	if len(path) == 0 {
		return 0, true
	}
	var members []btf.Member
	switch t := btf.UnderlyingType(t).(type) {
	case *btf.Struct:
		members = t.Members
	case *btf.Union:
		members = t.Members
	}
	for _, m := range members {
		rest := path
		switch m.Name {
		case string(path[0]):
			rest = path[1:]
		case "":
		default:
			continue
		}
		if offset, ok := memberOffset(m.Type, rest); ok {
			return m.Offset.Bytes() + offset, true
		}
	}
	return 0, false
}

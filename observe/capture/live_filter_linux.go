package capture

import (
	"fmt"

	"golang.org/x/net/bpf"
	"golang.org/x/sys/unix"
)

// filter attaches the program of c, which also cuts frames to its Snaplen. A frame on
// a loopback interface passes twice: on its way out it is turned away.
func (s *socket) filter(c LiveConfig) (err error) {
	program := []bpf.RawInstruction{ret(wholeFrame)}
	if c.Filter != nil {
		if program, err = c.Filter(s.link); err != nil {
			return err
		}
	}
	snaplen := uint32(wholeFrame)
	if c.Snaplen > 0 && c.Snaplen < wholeFrame {
		snaplen = uint32(c.Snaplen)
	}
	var all []bpf.RawInstruction
	if s.index == 0 || s.index == s.loopback {
		all = notOut(s.loopback)
	}
	for _, ins := range program {
		if take := ret(ins.K); ins == take && ins.K > 0 {
			ins.K = snaplen
		}
		all = append(all, ins)
	}
	return attach(s.fd, all)
}

// ret is a program's end: it takes so many bytes of the frame.
func ret(n uint32) bpf.RawInstruction {
	return bpf.RawInstruction{Op: unix.BPF_RET | unix.BPF_K, K: n}
}

// nothing is a program that takes no frame.
func nothing() []bpf.RawInstruction { return []bpf.RawInstruction{ret(0)} }

// notOut is the start of a program: it turns away what an interface sends.
func notOut(index int) []bpf.RawInstruction {
	program, err := bpf.Assemble([]bpf.Instruction{
		bpf.LoadExtension{Num: bpf.ExtInterfaceIndex},
		bpf.JumpIf{Cond: bpf.JumpEqual, Val: uint32(index), SkipFalse: 3},
		bpf.LoadExtension{Num: bpf.ExtType},
		bpf.JumpIf{Cond: bpf.JumpEqual, Val: unix.PACKET_OUTGOING, SkipFalse: 1},
		bpf.RetConstant{Val: 0},
	})
	if err != nil {
		panic(err) // constant instructions
	}
	return program
}

func attach(fd int, program []bpf.RawInstruction) error {
	list := make([]unix.SockFilter, len(program))
	for i, ins := range program {
		list[i] = unix.SockFilter{Code: ins.Op, Jt: ins.Jt, Jf: ins.Jf, K: ins.K}
	}
	prog := unix.SockFprog{Len: uint16(len(list)), Filter: &list[0]}
	if err := unix.SetsockoptSockFprog(fd, unix.SOL_SOCKET, unix.SO_ATTACH_FILTER, &prog); err != nil {
		return fmt.Errorf("packet socket: filter of %d instructions: %w", len(program), err)
	}
	return nil
}

package filter

import "golang.org/x/net/bpf"

// label is a place in a program that jumps lead to, always forward.
type label int

// step is an instruction, or a jump to labels.
type step struct {
	ins     bpf.Instruction // for a jump a bpf.Jump, bpf.JumpIf or bpf.JumpIfX without its distances
	yes, no label
}

// assembler collects steps, and the labels between them.
type assembler struct {
	frame                  frame
	kernel                 bool  // for a packet socket
	need                   level // how far the prelude must look
	steps                  []step
	places                 []int // of each label: the step that it stands before
	accept, reject, unsure label
}

func newAssembler(f frame, kernel bool) *assembler {
	a := &assembler{frame: f, kernel: kernel}
	a.accept, a.reject, a.unsure = a.label(), a.label(), a.label()
	return a
}

func (a *assembler) label() label {
	a.places = append(a.places, 0)
	return label(len(a.places) - 1)
}

// place puts labels before the next step.
func (a *assembler) place(list ...label) {
	for _, l := range list {
		a.places[l] = len(a.steps)
	}
}

// use says that a term needs what the prelude finds out on a level.
func (a *assembler) use(l level) { a.need = max(a.need, l) }

func (a *assembler) add(list ...bpf.Instruction) {
	for _, ins := range list {
		a.steps = append(a.steps, step{ins: ins})
	}
}

func (a *assembler) jump(to label) {
	a.steps = append(a.steps, step{ins: bpf.Jump{}, yes: to})
}

func (a *assembler) jumpIf(cond bpf.JumpTest, value uint32, yes, no label) {
	a.steps = append(a.steps, step{bpf.JumpIf{Cond: cond, Val: value}, yes, no})
}

// jumpIfX compares with register X.
func (a *assembler) jumpIfX(cond bpf.JumpTest, yes, no label) {
	a.steps = append(a.steps, step{bpf.JumpIfX{Cond: cond}, yes, no})
}

// check goes on if the condition holds, and is unsure if not.
func (a *assembler) check(cond bpf.JumpTest, value uint32) {
	on := a.label()
	a.jumpIf(cond, value, on, a.unsure)
	a.place(on)
}

func (a *assembler) load(slot int)  { a.add(bpf.LoadScratch{Dst: bpf.RegA, N: slot}) }
func (a *assembler) loadX(slot int) { a.add(bpf.LoadScratch{Dst: bpf.RegX, N: slot}) }
func (a *assembler) store(slot int) { a.add(bpf.StoreScratch{Src: bpf.RegA, N: slot}) }
func (a *assembler) at(off uint32, size int) { // from X
	a.add(bpf.LoadIndirect{Off: off, Size: size})
}

// resolve turns labels into distances. A conditional jump reaches 255 instructions
// far; one that must go farther is followed by two that can.
func (a *assembler) resolve() []bpf.Instruction {
	far := make([]bool, len(a.steps))
	for {
		starts := a.starts(far)
		again := false
		for i, s := range a.steps {
			if _, plain := s.ins.(bpf.Jump); plain || !s.isJump() || far[i] {
				continue
			}
			furthest := max(starts[a.places[s.yes]], starts[a.places[s.no]])
			if furthest-starts[i]-1 > 255 {
				far[i], again = true, true
			}
		}
		if !again {
			return a.write(starts, far)
		}
	}
}

func (s step) isJump() bool {
	switch s.ins.(type) {
	case bpf.Jump, bpf.JumpIf, bpf.JumpIfX:
		return true
	}
	return false
}

// starts returns where each step begins, and the end.
func (a *assembler) starts(far []bool) []int {
	list := make([]int, len(a.steps)+1)
	for i := range a.steps {
		list[i+1] = list[i] + 1
		if far[i] {
			list[i+1] += 2
		}
	}
	return list
}

func (a *assembler) write(starts []int, far []bool) (list []bpf.Instruction) {
	for i, s := range a.steps {
		yes := starts[a.places[s.yes]] - starts[i] - 1
		no := starts[a.places[s.no]] - starts[i] - 1
		var tail []bpf.Instruction
		if far[i] {
			tail = []bpf.Instruction{bpf.Jump{Skip: uint32(yes - 1)}, bpf.Jump{Skip: uint32(no - 2)}}
			yes, no = 0, 1
		}
		switch ins := s.ins.(type) {
		case bpf.Jump:
			if yes > 0 { // else it leads to the next instruction
				list = append(list, bpf.Jump{Skip: uint32(yes)})
				break
			}
			list = append(list, bpf.Jump{})
		case bpf.JumpIf:
			ins.SkipTrue, ins.SkipFalse = uint8(yes), uint8(no)
			list = append(list, ins)
		case bpf.JumpIfX:
			ins.SkipTrue, ins.SkipFalse = uint8(yes), uint8(no)
			list = append(list, ins)
		default:
			list = append(list, ins)
		}
		list = append(list, tail...)
	}
	return list
}

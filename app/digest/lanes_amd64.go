package digest

import "golang.org/x/sys/cpu"

// haveLanes: the vector code runs here.
var haveLanes = cpu.X86.HasAVX512F

// compress16 compresses as many blocks of 64 bytes in each of 16 lanes and puts
// the chaining values into cvs. The flags go with every block, start with the
// first and end with the last too. It reads nothing but the blocks.
//
// The messages are loaded as they lie and transposed in registers: the gather
// instructions that a library would use cost more than the seven rounds on
// some processors (AMD's Zen 4: the whole is 1.6 times as fast).
//
//go:noescape
func compress16(cvs *[16]cv, in *lanes, blocks uint64, flags, start, end uint32)

package capture

import (
	"runtime/debug"
	"unsafe"
)

// Guard does work that looks at Data of f's records. Where another program cuts the
// file short meanwhile, bytes of the mapping are gone and the system answers a look
// at them with a fault (SIGBUS), which ends the process unless it is caught: Next and
// At look at the file's size first, yet between that and the look is time. Guard
// makes such a fault the error that Next would have given. It guards its own
// goroutine, not others that work starts, and lets every other panic pass.
func (f *File) Guard(work func() error) (err error) {
	defer debug.SetPanicOnFault(debug.SetPanicOnFault(true))
	defer func() {
		p := recover()
		if p == nil {
			return
		}
		fault, ok := p.(interface{ Addr() uintptr })
		if !ok || !within(f.in.mapped, fault.Addr()) {
			panic(p)
		}
		f.err = f.at(&FileError{Rule: "cannot be read on", Err: errShrunk}, f.in.offset())
		err = f.err
	}()
	return work()
}

// within says whether an address is one of b's.
func within(b []byte, addr uintptr) bool {
	start := uintptr(unsafe.Pointer(unsafe.SliceData(b)))
	return addr-start < uintptr(len(b))
}

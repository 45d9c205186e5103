package capture

import (
	"fmt"
	"strings"

	"golang.org/x/net/bpf"
)

// AnyInterface is the name that stands for all interfaces.
const AnyInterface = "any"

// LiveConfig says what to capture. The zero LiveConfig captures all frames of all
// interfaces.
type LiveConfig struct {
	// Interface is the name of an interface; "" or AnyInterface is all of them, whose
	// frames then have cooked headers (LinkSLL2) instead of their own.
	Interface string
	// Filter compiles what the kernel lets through, such as a filter.Expr's Kernel; nil
	// lets everything through.
	Filter func(LinkType) ([]bpf.RawInstruction, error)
	// Snaplen is how many bytes of a frame to keep; 0 keeps all.
	Snaplen int
	// Promiscuous asks the interface for frames to other machines, too.
	Promiscuous bool
	// Buffer is the size of the ring that the kernel writes to, in bytes: what may
	// arrive while nobody calls Next. 0 is 32 MiB. At least 1 MiB, at most 1 GiB.
	Buffer int
}

// LiveStats counts since a capture began.
type LiveStats struct {
	Captured int64 // frames that the filter let through and the ring took
	Dropped  int64 // frames that found the ring full
}

// A RightError says that this process may not capture.
type RightError struct {
	Capability string // that is missing: "CAP_NET_RAW"
	Command    string // that grants it
	Err        error  // of the system call
}

func (e *RightError) Error() string {
	return fmt.Sprintf("capturing needs %s, which this process does not have (%v); to grant it: %s", e.Capability, e.Err, e.Command)
}

func (e *RightError) Unwrap() error { return e.Err }

// An InterfaceError says that an interface cannot be captured from, or no longer.
type InterfaceError struct {
	Name  string
	Rule  string   // what is wrong with it
	Known []string // the interfaces that there are, where it is none of them
	Err   error    // underlying error, or nil
}

func (e *InterfaceError) Error() string {
	s := fmt.Sprintf("interface %s: %s", e.Name, e.Rule)
	if len(e.Known) > 0 {
		s += ": there are " + strings.Join(e.Known, ", ")
	}
	if e.Err != nil {
		s += ": " + e.Err.Error()
	}
	return s
}

func (e *InterfaceError) Unwrap() error { return e.Err }

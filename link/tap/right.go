package tap

import "fmt"

// A RightError says that this process may not open or set up a device.
type RightError struct {
	Capability string // that is missing: "CAP_NET_ADMIN"
	Command    string // that grants it
	Err        error  // of the system call
}

func (e *RightError) Error() string {
	return fmt.Sprintf("%v: it needs %s; to grant it: %s", e.Err, e.Capability, e.Command)
}

func (e *RightError) Unwrap() error { return e.Err }

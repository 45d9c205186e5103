package main

import "syscall"

// reuseAddress does nothing: on Windows the option would let two programs share
// the port.
func reuseAddress(_, _ string, _ syscall.RawConn) error { return nil }

//go:build !linux

package serve

import "syscall"

// lot parks nobody here: every conversation keeps its goroutine.
type lot struct{}

func (*lot) open(*Server)                     {}
func (*lot) close()                           {}
func (*lot) park(*Conn, syscall.RawConn) bool { return false }
func (*lot) wake(*Conn)                       {}
func (*lot) parkedSince() int64               { return 0 }

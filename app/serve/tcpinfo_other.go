//go:build !linux

package serve

import "net"

const (
	tcpClosed = 7
	splices   = false
)

func tcpState(net.Conn) (uint8, bool) { return 0, false }

func tcpMoved(net.Conn) int64 { return 0 }

package serve

import (
	"net"

	"golang.org/x/sys/unix"
)

const (
	tcpClosed = 7    // TCP_CLOSE in the kernel's numbering of the states
	splices   = true // io.Copy between TCP connections stays in the kernel
)

// tcpInfo asks the kernel about c, or about the TCP connection below it.
func tcpInfo(c net.Conn) (info *unix.TCPInfo) {
	t, ok := innermost(c).(*net.TCPConn)
	if !ok {
		return nil
	}
	raw, err := t.SyscallConn()
	if err != nil {
		return nil
	}
	raw.Control(func(fd uintptr) {
		if i, err := unix.GetsockoptTCPInfo(int(fd), unix.IPPROTO_TCP, unix.TCP_INFO); err == nil {
			info = i
		}
	})
	return info
}

func tcpState(c net.Conn) (state uint8, ok bool) {
	if i := tcpInfo(c); i != nil {
		return i.State, true
	}
	return 0, false
}

// tcpMoved returns how many bytes c has received and its peer acknowledged.
func tcpMoved(c net.Conn) int64 {
	if i := tcpInfo(c); i != nil {
		return int64(i.Bytes_received + i.Bytes_acked)
	}
	return 0
}

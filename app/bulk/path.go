package bulk

import (
	"net"
	"time"
)

// Path is what the kernel knows of a TCP connection's way to its peer (tcp(7),
// TCP_INFO). What an older kernel does not tell is zero.
type Path struct {
	Congestion string // name of the algorithm: cubic, bbr

	RTT    time.Duration // smoothed round trip
	MinRTT time.Duration // smallest of late; 0: nothing measured
	RTO    time.Duration // retransmission timeout

	Sent          int64 // bytes of content sent, retransmissions included
	Retransmitted int64 // of these, bytes sent again
	Acked         int64 // bytes that the peer acknowledged
	Received      int64 // bytes of content received
	Unsent        int64 // bytes in the send buffer that never left

	SegmentsSent          int64 // with and without content
	SegmentsRetransmitted int64

	Window       int64 // congestion window, bytes
	PeerWindow   int64 // the peer's receive window, bytes (Linux 5.4)
	InFlight     int64 // segments sent and not acknowledged
	DeliveryRate int64 // bytes per second lately delivered
	PacingRate   int64 // bytes per second; 0: none

	Busy          time.Duration // with something to send
	RwndLimited   time.Duration // of Busy, held up by the peer's receive window: it reads slowly
	SndbufLimited time.Duration // of Busy, held up by our send buffer's size
}

// PathOf returns what the kernel knows about c, or about the TCP connection
// that c's NetConn methods lead to; false if there is none, or if the system does
// not tell. It costs about a microsecond, and may be called while others use c.
func PathOf(c net.Conn) (Path, bool) {
	t, ok := innermost(c).(*net.TCPConn)
	if !ok {
		return Path{}, false
	}
	return pathOf(t)
}

// SetCongestion chooses c's congestion control, which changes how c sends from
// now on; c as in [PathOf]. The error is [errors.ErrUnsupported] where it cannot
// be chosen, and says what else the kernel says: fs.ErrNotExist for a name that
// it does not have, fs.ErrPermission for one that is reserved.
func SetCongestion(c net.Conn, name string) error {
	return setCongestion(innermost(c), name)
}

// innermost returns the connection that c is wrapped around.
func innermost(c net.Conn) net.Conn {
	for {
		w, ok := c.(interface{ NetConn() net.Conn })
		if !ok {
			return c
		}
		inner := w.NetConn()
		if inner == nil {
			return c
		}
		c = inner
	}
}

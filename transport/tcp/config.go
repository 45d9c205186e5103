package tcp

import (
	"math/bits"
	"time"
)

// A Config is what a connection is made with. The zero Config but for the ports and
// ISS is Linux's behaviour.
type Config struct {
	LocalPort, RemotePort uint16
	ISS                   Seq    // initial send sequence number (RFC 6528, by [ISN])
	TimestampOffset       uint32 // what is added to the clock in timestamps, so that it tells nobody the uptime
	MaxSegment            int    // bytes of header options and data that fit the path: MTU less IP and TCP headers without options; 0: 536

	SendBuffer, RecvBuffer int // the most bytes that may wait for the peer or the user: rings start empty and grow; 0: 4 MiB and 6 MiB
	NoDelay                bool
	KeepAlive              KeepAlive
	UserTimeout            time.Duration // give up when data is unacknowledged for so long (RFC 5482); 0: after 15 retransmissions
	Congestion             string        // "cubic" (RFC 9438) or "reno" (RFC 5681, 6582); "": cubic

	NoSACK, NoTimestamps, NoWindowScale bool

	Hooks *Hooks // nil costs nothing
}

// KeepAlive is when to ask a silent peer whether it is still there (RFC 9293 §3.8.4).
type KeepAlive struct {
	Idle     time.Duration // silent for so long; 0: never asked
	Interval time.Duration // between questions; 0: 75 s
	Count    int           // unanswered questions until the connection is given up; 0: 9
}

// Never is the deadline of a connection that waits for nothing but segments.
const Never = time.Duration(1<<63 - 1)

const (
	// RFC 9293 §3.7.1, MUST-15: without the option a peer takes segments of 536 bytes.
	defaultSegment = 536
	// Linux's tcp_min_snd_mss: a peer that asks for less would be sent little but headers.
	minSegment = 48
	maxSegment = 65535

	defaultSendBuffer = 4 << 20
	defaultRecvBuffer = 6 << 20
	minBuffer         = 2 << 10 // Linux's SOCK_MIN_SNDBUF and SOCK_MIN_RCVBUF, about
	maxBuffer         = 1 << 30 // RFC 7323 §2.3: a window is below 2³⁰
	firstBuffer       = 1 << 16 // of each, until the connection shows that it needs more
)

// bufferLimit reads a buffer size of a Config.
func bufferLimit(n, otherwise int) int32 {
	if n <= 0 {
		n = otherwise
	}
	return int32(min(max(n, minBuffer), maxBuffer))
}

// scaleFor is the window scale for a receive buffer of n bytes, as Linux has it: a
// window of 2¹⁵ to 2¹⁶ units.
func scaleFor(n int32) uint8 {
	return uint8(min(max(bits.Len32(uint32(n))-16, 0), MaxWindowScale))
}

func segmentLimit(n int) uint16 {
	if n <= 0 {
		n = defaultSegment
	}
	return uint16(min(max(n, minSegment), maxSegment))
}

func (k KeepAlive) withDefaults() KeepAlive {
	if k.Interval <= 0 {
		k.Interval = 75 * time.Second
	}
	if k.Count <= 0 {
		k.Count = 9
	}
	return k
}

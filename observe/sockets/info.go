package sockets

import (
	"encoding/binary"
	"time"
)

// Info are the figures of one TCP connection (Linux' TCP_INFO). A kernel that does not
// know a figure leaves it 0.
type Info struct {
	RTT     RTT
	Windows Windows
	Flight  Flight
	Sizes   Sizes
	Rates   Rates
	Counts  Counts
	Times   Times

	Options     Options
	Phase       Phase
	Retransmits uint8 // unanswered retransmissions of the oldest segment, in a row
	Probes      uint8 // unanswered window or keep-alive probes, in a row
	Backoff     uint8 // how often the timer was doubled
}

// RTT is how long answers take.
type RTT struct {
	Smooth, Variance time.Duration // SRTT and RTTVAR (RFC 6298)
	Least            time.Duration // of the last minutes; 0 where not measured
	Receive          time.Duration // as the receiving half estimates it
	Timeout          time.Duration // RTO
}

// Windows are what may be under way.
type Windows struct {
	Congestion       uint32 // cwnd, segments
	Threshold        uint32 // ssthresh, segments; NoThreshold before the first loss
	Peer             uint32 // what the peer has room for, bytes (since Linux 5.4)
	Own              uint32 // what we have room for, bytes (since Linux 6.2)
	PeerScale        uint8  // the window scales of both (RFC 7323)
	OwnScale         uint8
	ReceiveThreshold uint32 // how far the own window may open now, bytes
}

// NoThreshold stands for a slow start that nothing has ended yet.
const NoThreshold = 0x7fffffff

// Flight is what was sent and is not acknowledged, in segments.
type Flight struct {
	Unacked, Sacked, Lost, Retransmitted uint32
	NotSent                              uint32 // bytes that the application wrote and that were never sent
	Reordering                           uint32 // how many segments apart the network has turned round
}

// Sizes are those of segments, in bytes.
type Sizes struct {
	Send, Receive, Advertised uint32 // MSS
	PathMTU                   uint32
}

// Rates are in bytes a second.
type Rates struct {
	Pacing, MostPacing, Delivery uint64
	AppLimited                   bool // the application did not send enough to measure Delivery
}

// Counts are those since the connection was opened.
type Counts struct {
	BytesSent, BytesAcked, BytesReceived, BytesRetransmitted uint64
	SegmentsOut, SegmentsIn, DataOut, DataIn                 uint32
	Retransmitted                                            uint32 // segments
	Delivered, DeliveredCE                                   uint32 // segments; those that ECN marked
	Duplicates                                               uint32 // segments the peer had already (D-SACK)
	Reorderings, OutOfOrder                                  uint32
	Timeouts                                                 uint16
}

// Times say what a connection spent its time on, and since when it rests.
type Times struct {
	Busy          time.Duration // having something to send
	WindowLimited time.Duration // of Busy: the peer had no room
	BufferLimited time.Duration // of Busy: the send buffer was too small
	SinceSent     time.Duration // since data was last sent
	SinceReceived time.Duration // since data last arrived
	SinceAck      time.Duration // since an ACK last arrived
}

// Options are what both ends agreed on, a bit each.
type Options uint8

// The options of a connection.
const (
	Timestamps Options = 1 << iota
	SACK
	WindowScale
	ECN
	ECNSeen
	FastOpen
)

// Phase is how congestion control takes the network to be.
type Phase uint8

func (p Phase) String() string {
	names := [...]string{"open", "disorder", "cwr", "recovery", "loss"}
	if int(p) < len(names) {
		return names[p]
	}
	return ""
}

// Memory is what a socket holds of the kernel's memory, in bytes (SKMEMINFO).
type Memory struct {
	Receive, ReceiveBuffer uint32 // used, and at most
	Send, SendBuffer       uint32
	Forward, Queued        uint32
	Options, Backlog       uint32
	Drops                  uint32 // packets that had no room
}

// infoLen is how long struct tcp_info was in Linux 6.8; older ones are shorter.
const infoLen = 248

// parseInfo reads struct tcp_info (include/uapi/linux/tcp.h), as much of it as there
// is.
func (i *Info) parse(p []byte) {
	var whole [infoLen]byte
	if len(p) < infoLen {
		copy(whole[:], p)
		p = whole[:]
	}
	b := (*[infoLen]byte)(p)
	u32 := func(at int) uint32 { return binary.NativeEndian.Uint32(b[at:]) }
	u64 := func(at int) uint64 { return binary.NativeEndian.Uint64(b[at:]) }
	micro := func(at int) time.Duration { return time.Duration(u32(at)) * time.Microsecond }
	milli := func(at int) time.Duration { return time.Duration(u32(at)) * time.Millisecond }

	i.Phase, i.Retransmits, i.Probes, i.Backoff, i.Options = Phase(b[1]), b[2], b[3], b[4], Options(b[5])
	i.RTT = RTT{Smooth: micro(68), Variance: micro(72), Receive: micro(92), Timeout: micro(8)}
	if least := u32(148); least != ^uint32(0) {
		i.RTT.Least = time.Duration(least) * time.Microsecond
	}
	i.Windows = Windows{
		Congestion: u32(80), Threshold: u32(76), Peer: u32(228), Own: u32(232),
		PeerScale: b[6] & 15, OwnScale: b[6] >> 4, ReceiveThreshold: u32(64),
	}
	i.Flight = Flight{Unacked: u32(24), Sacked: u32(28), Lost: u32(32), Retransmitted: u32(36), NotSent: u32(144), Reordering: u32(88)}
	i.Sizes = Sizes{Send: u32(16), Receive: u32(20), Advertised: u32(84), PathMTU: u32(60)}
	i.Rates = Rates{Pacing: u64(104), MostPacing: u64(112), Delivery: u64(160), AppLimited: b[7]&1 != 0}
	i.Counts = Counts{
		BytesSent: u64(200), BytesAcked: u64(120), BytesReceived: u64(128), BytesRetransmitted: u64(208),
		SegmentsOut: u32(136), SegmentsIn: u32(140), DataOut: u32(156), DataIn: u32(152), Retransmitted: u32(100),
		Delivered: u32(192), DeliveredCE: u32(196), Duplicates: u32(216), Reorderings: u32(220), OutOfOrder: u32(224),
		Timeouts: binary.NativeEndian.Uint16(b[240:]),
	}
	i.Times = Times{
		Busy: time.Duration(u64(168)) * time.Microsecond, WindowLimited: time.Duration(u64(176)) * time.Microsecond,
		BufferLimited: time.Duration(u64(184)) * time.Microsecond,
		SinceSent:     milli(44), SinceReceived: milli(52), SinceAck: milli(56),
	}
}

// memoryLen is how long SKMEMINFO is: nine numbers.
const memoryLen = 36

func (m *Memory) parse(p []byte) {
	var whole [memoryLen]byte
	copy(whole[:], p)
	u32 := func(n int) uint32 { return binary.NativeEndian.Uint32(whole[4*n:]) }
	*m = Memory{
		Receive: u32(0), ReceiveBuffer: u32(1), Send: u32(2), SendBuffer: u32(3),
		Forward: u32(4), Queued: u32(5), Options: u32(6), Backlog: u32(7), Drops: u32(8),
	}
}

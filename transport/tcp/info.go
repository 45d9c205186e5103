package tcp

import "time"

// Info is what is known of a connection, like Linux's TCP_INFO; sizes are in bytes.
type Info struct {
	State           State
	MaxSegment      int // of data in a segment sent now
	SendScale       uint8
	RecvScale       uint8
	Timestamps      bool
	SACK            bool
	RTO             time.Duration
	RTT, RTTVar     time.Duration
	MinRTT          time.Duration
	CongestionWin   int
	Threshold       int // slow start threshold; 2³¹-1: none yet
	SendWindow      int // what the peer offers
	RecvWindow      int // what is offered to it
	InFlight        int // thought to be under way
	Unacked         int // sent and not acknowledged
	Unsent          int // written and not sent
	SendQueue       int // both: what waits in the send ring
	Unread          int // received and not read
	Lost, Sacked    int
	Backoff         int // how often the timeout has doubled
	ReorderWindow   time.Duration
	SegmentsIn      uint64
	SegmentsOut     uint64
	BytesIn         uint64 // in order
	BytesOut        uint64 // sent first
	BytesAcked      uint64
	Retransmits     uint64 // segments sent again
	BytesAgain      uint64
	Timeouts        uint64
	Recoveries      uint64 // fast recoveries
	Undone          uint64 // reductions taken back: nothing had been lost
	OutOfOrder      uint64 // segments received beyond a gap
	Duplicates      uint64 // runs received twice
	DuplicatesKnown uint64 // runs that the peer reports as received twice
	Probes          uint64 // of a silent peer, a closed window, a flight's tail
}

// Info is a snapshot for people.
func (c *Conn) Info() Info {
	i := Info{
		State: c.state, MaxSegment: int(c.payload()),
		SendScale: c.snd.scale, RecvScale: c.rcv.scale, Timestamps: c.stamps.on, SACK: c.rec.selective,
		RTO: c.rtt.backedOff(c.timers.backoff), RTT: c.rtt.smoothed, RTTVar: c.rtt.deviation, MinRTT: c.rtt.least,
		CongestionWin: int(c.cc.cwnd), Threshold: int(c.cc.ssthresh),
		SendWindow: int(c.snd.wnd), RecvWindow: max(c.rcv.edge.Sub(c.rcv.nxt), 0),
		InFlight: c.pipe(), Unacked: c.snd.nxt.Sub(c.snd.una), Unread: c.unread(),
		SendQueue: int(c.snd.ring.n),
		Unsent:    max(c.snd.ring.end().Sub(c.snd.nxt), 0),
		Lost:      int(c.runs.lost), Sacked: int(c.runs.sacked), Backoff: int(c.timers.backoff), ReorderWindow: c.reorderWindow(),
	}
	c.count.fill(&i)
	return i
}

func (n *counters) fill(i *Info) {
	i.SegmentsIn, i.SegmentsOut = n.segmentsIn, n.segmentsOut
	i.BytesIn, i.BytesOut = n.bytesIn, n.bytesOut
	i.BytesAcked, i.BytesAgain = n.bytesAcked, n.bytesAgain
	i.Retransmits, i.Timeouts, i.Probes = uint64(n.again), uint64(n.timeouts), uint64(n.probes)
	i.Recoveries, i.Undone = uint64(n.recoveries), uint64(n.undone)
	i.OutOfOrder, i.Duplicates, i.DuplicatesKnown = uint64(n.outOfOrder), uint64(n.duplicates), uint64(n.dupsReported)
}

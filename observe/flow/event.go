package flow

import (
	"net/netip"

	"dialtone/internet"
	"dialtone/observe/capture"
	"dialtone/transport/tcp"
)

// A Conversation is one TCP connection, or one UDP exchange, between two ends.
type Conversation struct {
	ID       int               // from 1, in the order of first packets
	Protocol internet.Protocol // internet.TCP or internet.UDP
	VLAN     uint32            // as in capture.Packet
	Ends     [2]End            // End 0 opened it: sent the first SYN, or else was seen first
	First    int64             // time of the first packet, nanoseconds since 1970
	Last     int64             // time of the last packet
	Opened   How               // how it began
	Closed   How               // how it ended; HowNot while it has not
	Closer   int               // the end that closed first; -1 while none has
	Reuses   int               // the ID of an earlier conversation of the same four-tuple, 0 for none
}

// End is one end of a conversation, by what it sent and what that says of it.
type End struct {
	Addr          netip.AddrPort
	State         tcp.State // as far as the packets so far show; 0 for not known
	Packets       int64
	Bytes         int64 // of payload, each counted once
	Missed        int64 // bytes that the other end acknowledged and the capture does not have
	Retransmitted int64 // bytes sent again
	Resent        int64 // segments sent again
	Lost          int64 // segments sent again that had not arrived
	OutOfOrder    int64
	DupAcks       int64
	ZeroWindows   int64
	ISN           tcp.Seq // initial sequence number; where no SYN was seen, the one before the first that was
	MSS           uint16  // as announced in its SYN; 0 for not seen
	Scale         int8    // window scale as announced; -1 for none or not seen
	SACK, TS      bool    // options of its SYN
	RTTMin        int64   // of its data acknowledged by the other end, as the capture point sees it, nanoseconds; 0 for no sample
	RTTSum        int64   //
	RTTCount      int64   // samples
	MaxInFlight   int64   // bytes
}

// How is a way in which a conversation begins or ends.
type How uint8

// The ways to begin and to end.
const (
	HowNot          How = iota
	HowHandshake        // SYN, SYN+ACK, ACK
	HowSimultaneous     // both ends sent a SYN
	HowMidstream        // the capture began later
	HowFourWay          // FIN, ACK, FIN, ACK
	HowThreeWay         // FIN, FIN+ACK, ACK
	HowBothAtOnce       // FINs crossed: CLOSING
	HowReset            // RST
	HowRefused          // RST in answer to the SYN
	HowUnreachable      // ICMP said so
)

// An Event is what one packet did to its conversation. Tracker.Add reuses it.
type Event struct {
	Packet   *capture.Packet
	Talk     *Conversation
	From     int          // the end that sent the packet: 0 or 1
	Seq      uint32       // relative to the end's ISN (or to the first one seen)
	Ack      uint32       // relative to the other end's; meaningful with the ACK bit
	Len      int          // bytes of payload
	Window   int64        // what the segment announces, scaled; -1 where the scale is not known
	InFlight int64        // bytes of the sender not acknowledged, after this segment
	Before   [2]tcp.State // of both ends, before the segment
	After    [2]tcp.State // and after it, as far as its sender's intent and its peer's knowledge show
	RTT      int64        // sample that this segment's ACK gives, nanoseconds; 0 for none
	Ignored  bool         // its checksum is bad, so that its receiver drops it, and nothing follows from it
	Findings []Finding    // labels with their reasons
}

// A Label names what a segment means in its conversation.
type Label uint8

// A Finding is a label on a frame and the reason for it. Most are of the frame
// that was just added; Frame is an earlier one where only now it can be known.
type Finding struct {
	Label  Label
	Frame  int64    // the number of the labelled frame
	Frames [2]int64 // other frames that show it; 0 for none
	Rule   Rule     // which rule gave it
	Values [4]int64 // figures of the rule, in the order that its text uses them
}

// The labels. The words that show them, and that a filter's "label" term takes, are
// in labelWords.
const (
	LabelNone Label = iota

	// Opening and closing.
	LabelSYN          // first segment of a handshake
	LabelSYNACK       // second
	LabelHandshake    // third: the ACK that completes it
	LabelSimultaneous // a SYN that crossed another
	LabelRefused      // RST in answer to a SYN
	LabelFIN          // first FIN of a close: its sender sends no more
	LabelHalfClose    // the ACK of that FIN while the other end goes on sending
	LabelFinalFIN     // FIN of the other end
	LabelFinalACK     // last ACK of a close
	LabelCrossedFIN   // a FIN that crossed another: CLOSING
	LabelTimeWaitACK  // ACK sent again from TIME_WAIT for a FIN that came again
	LabelReset        // RST in mid-stream; Frames[0] is what it answers, 0 for nothing
	LabelPortReuse    // SYN of a new connection of the same four-tuple

	// Loss, repair and order.
	//
	// A retransmission has LabelRetransmission, whose rule says how it is known to be one,
	// and then the label that says what made its sender send again, if that is known.
	LabelRetransmission // bytes that were sent before
	LabelTimeoutRetransmission
	LabelFastRetransmission
	LabelTailLossProbe
	LabelSpurious   // a retransmission of what had arrived; often known only later
	LabelOutOfOrder // reordered by the network, not sent again
	LabelDuplicate  // the same packet twice, copied by the network or the capture
	LabelDupACK
	LabelSACK        // reports a hole
	LabelDSACK       // reports a duplicate
	LabelNotCaptured // a gap that the peer acknowledged: the capture missed it

	// Windows.
	LabelWindowUpdate
	LabelZeroWindow
	LabelZeroWindowProbe
	LabelProbeACK   // answer to a zero-window probe
	LabelWindowFull // fills the peer's window

	// Keeping alive.
	LabelKeepAlive
	LabelKeepAliveACK

	// Not as it should be.
	LabelChecksumBad
	LabelMSSExceeded
	LabelUnreachable // an ICMP error that quotes a segment of this conversation

	labels // how many there are
)

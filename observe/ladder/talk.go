package ladder

import (
	"fmt"
	"net/netip"

	"dialtone/internet"
	"dialtone/observe/capture"
	"dialtone/observe/flow"
	"dialtone/transport/tcp"
)

// A Talk is a conversation with all that is needed to draw it.
type Talk struct {
	flow.Conversation        // as it was after the last packet
	Rows              []Row  // in the order of capture
	Left              int64  // rows beyond the limit, which are not here
	Origin            int64  // the time that is 0 in pictures of it, nanoseconds since 1970
	load              loader // where the frames are
}

// loader gives a record that is valid until the next call.
type loader func(*Row) (*capture.Record, error)

// Frame returns the captured bytes of a row, valid until the next call. It fails
// where the file is gone or has changed.
func (t *Talk) Frame(r *Row) (*capture.Record, error) {
	if t.load == nil {
		return nil, fmt.Errorf("frame %d: its bytes were not kept", r.Frame)
	}
	return t.load(r)
}

// A Row is one packet of a conversation: the values of its flow.Event.
type Row struct {
	Frame     int64             // number in the capture, from 1
	Time      int64             // nanoseconds since 1970
	Offset    int64             // of its record, as in capture.Record
	Protocol  internet.Protocol // TCP, UDP, or ICMP and ICMPv6 for an error that is about the conversation
	From      int               // the end that sent it: 0 or 1
	Via       netip.Addr        // who sent it where that is neither end: the router of an ICMP error
	Flags     tcp.Flags
	Seq, Ack  uint32       // relative
	Len       int          // bytes of payload
	Window    int64        // scaled; -1 for not known
	InFlight  int64        // bytes of the sender that are not acknowledged
	Before    [2]tcp.State // of both ends, before and after
	After     [2]tcp.State
	RTT       int64       // nanoseconds, 0 for no sample
	SACK      [][2]uint32 // relative blocks: the first byte, and the one behind the last
	Fragments []int64     // the frames that it came in, where it did not come in one
	Text      string      // the payload's first line or what an ICMP error says, escaped; empty where it is not text
	More      bool        // there is more of the payload behind Text
	Notes     []Note      // what is to be said of this packet, and of earlier ones that are not here
	record    capture.Record
}

// A Note is a finding in words.
type Note struct {
	flow.Finding
	Word string // the label, as filters write it
	Why  string // the reason, a sentence
}

package flow

import (
	"dialtone/observe/capture"
	"dialtone/transport/tcp"
)

// conn is what the tracker remembers of a conversation besides what it shows. Its
// place is used again for another one when it is evicted.
type conn struct {
	key    key
	hash   uint32
	index  int32 // its own in table.conns
	prev   int32 // in its queue, plus 1
	next   int32
	queued worth // which queue that is
	turned bool  // end 0 is the key's high end
	marked bool  // had a packet since it was queued
	talk   *Conversation
	ends   [2]end
	open   opening
	close  closing
}

// end is what the tracker remembers of one end of a TCP connection: the numbers of what
// it sent, and what the other end has said of them.
//
//	  acknowledged   sent, on its way    not sent yet
//	┄───────────────┬──────────────────┬──────────────┄
//	               una                nxt
//
// All times are those of the capture point.
type end struct {
	known   bool // it sent a segment, or one was acknowledged
	acked   bool // una is one that the other end sent
	synSeen bool
	base    tcp.Seq // relative number 0
	nxt     tcp.Seq // behind the highest number seen of it
	una     tcp.Seq // the highest acknowledgement of it by the other end

	sent  history
	holes holes
	ids   identity
	clock clock

	// What the other end said of this one's bytes.
	unaFrame int64   // the frame that first acknowledged una
	unaTime  int64   //
	dups     int     // duplicate ACKs since
	asked    ask     // the last duplicate ACK or SACK
	sackHigh tcp.Seq // the highest number that a SACK reported
	sackSeen bool

	repair repair
	rtt    roundTrip

	// What it announces of itself.
	window window
	probe  probe

	lastFrame int64 // its last segment
	lastTime  int64
	lastAck   tcp.Seq
	dataTime  int64 // its last segment with a number of its own
	dataFrame int64
	size      int  // bytes of the largest single segment
	supers    bool // it was captured before segmentation, or after joining
	goodSums  bool // a checksum of it was right
	spoiled   sent // its last segment whose checksum was wrong
}

// ask is a frame in which one end said that it misses something.
type ask struct {
	frame, time int64
}

// segment is the packet being added, taken apart.
type segment struct {
	p        *capture.Packet
	now      int64
	frame    int64
	seq, end tcp.Seq // its numbers: SYN and FIN count one each
	ack      tcp.Seq
	flags    tcp.Flags
	len      int // bytes of payload
	stamped  bool
	val, ecr uint32 // timestamps
	id       uint16 // IP ID, 0 for none
	sum      uint16 // checksum, where it is the real one; else 0
	order    order  // by its IP ID
	blocks   [4][2]tcp.Seq
	sacks    int // how many blocks there are
	dsack    bool
	stale    bool // a bare acknowledgement that was overtaken
}

// size returns how many sequence numbers the segment takes.
func (s *segment) size() int { return s.end.Sub(s.seq) }

func (s *segment) has(f tcp.Flags) bool { return s.flags&f != 0 }

// bare reports whether the segment is nothing but an acknowledgement.
func (s *segment) bare() bool {
	return s.len == 0 && s.flags&(tcp.SYN|tcp.FIN|tcp.RST) == 0 && s.has(tcp.ACK)
}

// duplicates reports whether the segment's D-SACK reports numbers of e.
func (s *segment) duplicates(e *sent) bool {
	b := &s.blocks[0]
	return s.dsack && e.seq.Less(b[1]) && b[0].Less(e.end)
}

// load takes p apart.
func (s *segment) load(p *capture.Packet) {
	// Field by field: a literal would be built elsewhere and copied, in pieces wider than
	// those just written, for which a processor waits.
	h := &p.TCP
	s.p, s.now, s.frame = p, p.Time, p.Number
	s.seq, s.ack, s.flags, s.len = h.Seq, h.Ack, h.Flags, max(p.Len, 0)
	s.stamped, s.sacks, s.dsack, s.stale = false, 0, false, false
	s.id, s.sum, s.order = 0, 0, orderUnknown
	if p.Version == 4 { // IPv6 has one in fragments only
		s.id = uint16(p.ID)
	}
	if p.Checksum != capture.ChecksumPartial && p.Hints&capture.HintPartial == 0 {
		s.sum = h.Checksum
	}
	// RFC 9293 §3.4: SYN and FIN take a number each. What an RST carries takes none.
	n := s.len
	if s.has(tcp.RST) {
		n = 0
	} else {
		n += int(s.flags&tcp.SYN)>>1 + int(s.flags&tcp.FIN)
	}
	s.end = s.seq.Add(n)
	s.options(h.Options)
}

func (s *segment) options(o tcp.Options) {
	if len(o) == 0 {
		return
	}
	s.val, s.ecr, s.stamped = o.Timestamps()
	if len(o) <= 12 && s.stamped || s.has(tcp.SYN) {
		return // no room for a SACK
	}
	if s.blocks, s.sacks = o.SACK(); s.sacks == 0 {
		return
	}
	// RFC 2883 §4: a first block below the acknowledgement, or inside the second,
	// reports a duplicate.
	first := s.blocks[0]
	s.dsack = first[1].LessEq(s.ack) ||
		s.sacks > 1 && s.blocks[1][0].LessEq(first[0]) && first[1].LessEq(s.blocks[1][1])
}

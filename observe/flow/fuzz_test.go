package flow

import (
	"encoding/binary"
	"net/netip"
	"testing"

	"pgregory.net/rapid"

	"dialtone/internet"
	"dialtone/observe/capture"
	"dialtone/transport/tcp"
)

// unit is how many bytes make up one packet of a fuzzed capture.
const unit = 20

// unlikely builds a packet from bytes: numbers near those that came before, so that
// they hit, with whatever flags and options.
func unlikely(b []byte, number int64, p *capture.Packet, r *capture.Record) {
	*r = capture.Record{Number: number, Time: r.Time + int64(binary.LittleEndian.Uint16(b))<<(b[2]%18)}
	*p = capture.Packet{
		Record: r, Version: 4, Protocol: internet.TCP, HasTCP: true,
		Src: netip.AddrFrom4([4]byte{10, 0, 0, b[3] % 3}), Dst: netip.AddrFrom4([4]byte{10, 0, 0, b[3] / 3 % 3}),
		SrcPort: uint16(b[4] % 3), DstPort: uint16(b[4] / 3 % 3),
		ID: uint32(b[5]) << (b[6] % 9), Checksum: capture.Verdict(b[6] >> 6 & 3),
		Len: int(b[7]) << (b[8] % 6),
	}
	if b[8]&0x80 != 0 {
		p.Protocol, p.HasTCP, p.HasUDP = internet.UDP, false, true
		return
	}
	h := &p.TCP
	h.Flags = tcp.Flags(b[9]) & (tcp.FIN | tcp.SYN | tcp.RST | tcp.ACK)
	if b[9]&0x20 == 0 {
		h.Flags = tcp.ACK
	}
	h.Seq, h.Ack = near(b[10], b[11]), near(b[12], b[13])
	h.Window, h.Checksum = uint16(b[14])<<(b[15]%9), uint16(b[15])
	if b[16]&1 != 0 {
		h.Options = h.Options.AppendTimestamps(uint32(b[17]), uint32(b[18]))
	}
	if b[16]&2 != 0 {
		h.Options = h.Options.AppendSACK([2]tcp.Seq{near(b[18], b[19]), near(b[17], b[19])}, [2]tcp.Seq{near(b[19], b[18]), near(b[19], b[17])})
	}
	if b[16]&4 != 0 {
		h.Options = h.Options.AppendMSS(uint16(b[17])).AppendWindowScale(b[18] % 20)
	}
	if b[16]&8 != 0 {
		h.Options = append(h.Options, b[17:20]...)
	}
}

func near(scale, n byte) tcp.Seq { return tcp.Seq(0xffffff00) + tcp.Seq(int8(n))<<(scale%25) }

// checkAll adds packets made of data and holds what is always true.
func checkAll(t tester, data []byte) {
	tracker := New(Config{MaxConversations: 4, MaxSegments: 300})
	var p capture.Packet
	var r capture.Record
	last := map[int][2]tcp.State{}
	for n := int64(1); len(data) >= unit; n++ {
		unlikely(data, n, &p, &r)
		data = data[unit:]
		e := tracker.Add(&p)
		if e == nil {
			t.Fatalf("no event for %+v", p)
		}
		checkEvent(t, e)
		checkStates(t, e, last)
	}
	if n := len(tracker.table.conns); n > 4 || tracker.table.used > n {
		t.Fatalf("%d places for 4 conversations", n)
	}
	checkPlaces(t, tracker)
}

// checkStates holds that states follow each other as the RFC has it.
func checkStates(t tester, e *Event, last map[int][2]tcp.State) {
	t.Helper()
	for i, now := range e.After {
		was := e.Before[i]
		if !follows(was, now) {
			t.Errorf("frame %d takes end %d from %v to %v", e.Packet.Number, i, was, now)
		}
		if before := last[e.Talk.ID][i]; before != was && was != tcp.Listen {
			t.Errorf("end %d was left in %v and is found in %v", i, before, was)
		}
	}
	last[e.Talk.ID] = e.After
}

// checkPlaces holds what is true of the tracker's own books.
func checkPlaces(t tester, tracker *Tracker) {
	t.Helper()
	queued, room := 0, tracker.budget
	for w, q := range tracker.queues {
		n := 0
		for i := q.first; i != 0; i = tracker.table.conns[i-1].next {
			c := tracker.table.conns[i-1]
			if n++; c.worth() != worth(w) || tracker.table.find(&c.key, c.hash) != c {
				t.Errorf("conversation %d is not found, or worth %d and not %d", c.talk.ID, c.worth(), w)
			}
		}
		if queued += n; n != q.count {
			t.Errorf("%d queued, counted %d", n, q.count)
		}
	}
	if queued != tracker.table.used || queued+len(tracker.free) != len(tracker.table.conns) {
		t.Errorf("%d conversations queued, %d in the table, %d free", queued, tracker.table.used, len(tracker.free))
	}
	for _, c := range tracker.table.conns {
		for i := range c.ends {
			checkEnd(t, &c.ends[i])
			room += len(c.ends[i].sent.ring)
		}
	}
	if most := 300 + 2*firstSent*len(tracker.table.conns); room > most {
		t.Errorf("room for %d segments, at most %d", room, most)
	}
}

// checkEnd holds that the holes of an end lie in order below its highest number.
func checkEnd(t tester, e *end) {
	t.Helper()
	h := &e.sent
	if int(h.tail-h.head) > len(h.ring) || int32(h.una-h.head) < 0 || int32(h.tail-h.una) < 0 {
		t.Errorf("history from %d to %d of %d, una %d", h.head, h.tail, len(h.ring), h.una)
	}
	for i, hole := range e.holes {
		if !hole.seq.Less(hole.end) || e.nxt.Less(hole.end) || i > 0 && hole.seq.Less(e.holes[i-1].end) {
			t.Errorf("hole %d from %d to %d below %d", i, hole.seq, hole.end, e.nxt)
		}
	}
}

func FuzzTracker(f *testing.F) {
	f.Add(make([]byte, 3*unit))
	f.Add([]byte("a SYN, and then what nobody would send; and again, with other flags, until it breaks"))
	f.Fuzz(func(t *testing.T, data []byte) {
		if len(data) > 400*unit {
			return
		}
		checkAll(t, data)
	})
}

func TestWhatIsAlwaysTrue(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		data := rapid.SliceOfN(rapid.Byte(), 0, 120*unit).Draw(t, "capture")
		checkAll(t, data)
	})
}

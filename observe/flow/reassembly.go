package flow

import (
	"slices"

	"dialtone/internet"
	"dialtone/transport/tcp"
)

// A Piece is bytes of one direction of a conversation, in order, as its receiver's
// application reads them; or a gap in them that the capture does not have.
type Piece struct {
	From  int    // the end that sent them
	Frame int64  // with which they could be read: of the last that was missing
	Time  int64  // of that frame
	Data  []byte // valid until the function that gets the piece returns
	Gap   int64  // so many bytes are missing here, and Data is nil
}

// A Reassembly puts the bytes of one conversation together again, of both directions,
// from its events. What overlaps is resolved as Linux does: bytes that can be read stay
// as they are; of those that wait for others before them a segment that covers another
// replaces it, one that is covered is dropped, and else the one that begins first counts.
type Reassembly struct {
	limit int
	piece func(Piece)
	ways  [2]way
}

// way is one direction. Offsets are relative numbers without the wrap: the first byte is 1.
type way struct {
	begun bool
	nxt   int64  // the next byte to read
	end   int64  // behind the last byte, where a FIN was seen; else 0
	held  []part // beyond nxt, by their starts; none covers another
	size  int    // bytes held
}

type part struct {
	at   int64
	data []byte
}

func (p *part) end() int64 { return p.at + int64(len(p.data)) }

const defaultHeld = 1 << 20

// NewReassembly returns one that hands pieces to the function piece, and holds at most
// limit bytes of each direction that wait for missing ones before them; zero or negative
// for 1 MiB. Beyond that it takes the missing ones for a gap.
func NewReassembly(limit int, piece func(Piece)) *Reassembly {
	if limit <= 0 {
		limit = defaultHeld
	}
	return &Reassembly{limit: limit, piece: piece}
}

// Add takes in the next event of the conversation.
func (r *Reassembly) Add(e *Event) {
	p := e.Packet
	switch {
	case e.Ignored:
	case e.Talk.Protocol == internet.UDP && p.HasUDP:
		r.piece(Piece{From: e.From, Frame: p.Number, Time: p.Time, Data: p.Payload})
	case p.HasTCP:
		r.segment(e)
	}
}

// Close hands out what still waits, with the gaps before it.
func (r *Reassembly) Close() {
	for i := range r.ways {
		w := &r.ways[i]
		for len(w.held) > 0 {
			at := Piece{From: i}
			r.skip(w, w.held[0].at, at)
			r.read(w, at)
		}
	}
}

func (r *Reassembly) segment(e *Event) {
	p, w := e.Packet, &r.ways[e.From]
	at := Piece{From: e.From, Frame: p.Number, Time: p.Time}
	if p.TCP.Flags&tcp.RST == 0 {
		seq := e.Seq
		if p.TCP.Flags&tcp.SYN != 0 {
			seq++ // RFC 9293 §3.4: data of a SYN lie behind it
		}
		r.take(w, w.offset(seq, e.Talk.Opened == HowMidstream), p.Payload, at)
		if p.TCP.Flags&tcp.FIN != 0 {
			w.end = w.offset(seq, false) + int64(p.Len)
		}
		r.bound(w, at)
	}
	if p.TCP.Flags&tcp.ACK != 0 {
		at.From = 1 - e.From
		r.acknowledged(&r.ways[1-e.From], e.Ack, at)
	}
}

// offset returns the offset that is nearest to the next byte of those with number seq.
func (w *way) offset(seq uint32, midstream bool) int64 {
	if !w.begun {
		w.begun, w.nxt = true, 1
		if midstream {
			w.nxt = int64(seq)
		}
	}
	return w.nxt + int64(int32(seq-uint32(w.nxt)))
}

// take reads data at an offset, or holds it.
func (r *Reassembly) take(w *way, off int64, data []byte, at Piece) {
	if old := w.nxt - off; old > 0 { // read already
		data = data[min(old, int64(len(data))):]
		off = w.nxt
	}
	if len(data) == 0 {
		return
	}
	if off > w.nxt {
		w.hold(off, data)
		return
	}
	w.nxt += int64(len(data))
	at.Data = data
	r.piece(at)
	r.read(w, at)
}

// hold keeps a copy of data that has to wait.
func (w *way) hold(off int64, data []byte) {
	end := off + int64(len(data))
	i, _ := slices.BinarySearchFunc(w.held, off, func(p part, off int64) int { return int(p.at - off) })
	if i > 0 && w.held[i-1].end() >= end || i < len(w.held) && w.held[i].at == off && w.held[i].end() >= end {
		return
	}
	covered := i
	for covered < len(w.held) && w.held[covered].end() <= end {
		w.size -= len(w.held[covered].data)
		covered++
	}
	w.held = slices.Replace(w.held, i, covered, part{off, slices.Clone(data)})
	w.size += len(data)
}

// read hands out what is held and need not wait any more.
func (r *Reassembly) read(w *way, at Piece) {
	n := 0
	for n < len(w.held) && w.held[n].at <= w.nxt {
		p := &w.held[n]
		w.size -= len(p.data)
		if p.end() > w.nxt {
			at.Data = p.data[w.nxt-p.at:]
			w.nxt = p.end()
			r.piece(at)
		}
		n++
	}
	w.held = slices.Delete(w.held, 0, n)
}

// skip takes what is missing before an offset for a gap.
func (r *Reassembly) skip(w *way, to int64, at Piece) {
	if at.Gap = to - w.nxt; at.Gap > 0 {
		w.nxt = to
		at.Data = nil
		r.piece(at)
	}
}

// bound gives up waiting where too much is held.
func (r *Reassembly) bound(w *way, at Piece) {
	for w.size > r.limit {
		r.skip(w, w.held[0].at, at)
		r.read(w, at)
	}
}

// acknowledged hands out all that the receiver has, by its own word: what is missing
// below is missing in the capture only.
func (r *Reassembly) acknowledged(w *way, ack uint32, at Piece) {
	if !w.begun {
		return
	}
	to := w.nxt + int64(int32(ack-uint32(w.nxt)))
	if w.end != 0 {
		to = min(to, w.end) // the FIN is no byte
	}
	for w.nxt < to {
		gap := to
		if len(w.held) > 0 {
			gap = min(to, w.held[0].at)
		}
		r.skip(w, gap, at)
		r.read(w, at)
	}
}

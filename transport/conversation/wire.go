package conversation

import (
	"slices"
	"time"

	"dialtone/transport/tcp"
)

// The ports of every conversation.
const (
	ourPort  = 8000
	peerPort = 50000
)

// A wire turns the script's segments into those on the wire and back. It knows where
// both ends began to count, and does for the peer what scripts leave unsaid.
type wire struct {
	iss, peerISS tcp.Seq
	known        bool   // whether iss is
	window       int    // the peer's last
	clock        uint32 // the first timestamp of the end under test
	seen         []uint32
	stamps       bool // whether the peer's segments have timestamps by themselves
	offered      bool // whether the peer's SYN had them
}

// firstStamp is what the peer's timestamp clock, in milliseconds, starts with.
const firstStamp = 1000

// out makes the peer's segment.
func (w *wire) out(now time.Duration, s *Segment) (h tcp.Header, payload []byte) {
	if s.Window != Unsaid {
		w.window = s.Window
	}
	h = tcp.Header{
		SrcPort: peerPort, DstPort: ourPort,
		Seq: w.peerISS.Add(s.Seq), Flags: s.Flags,
		Window: uint16(w.window), Urgent: uint16(s.Urgent),
	}
	if s.Ack != Unsaid {
		h.Ack = w.iss.Add(s.Ack)
	}
	options := s.Options
	if options == nil && w.stamps {
		options = []Option{{tcp.KindTimestamps, []int{Unsaid, Unsaid}}}
	}
	for _, o := range options {
		h.Options = w.option(now, h.Options, o)
	}
	if s.Flags.Has(tcp.SYN) {
		_, _, w.offered = h.Options.Timestamps()
	}
	for i := range s.Len {
		payload = append(payload, data(dataStart(s)+i))
	}
	return h, payload
}

func (w *wire) option(now time.Duration, b tcp.Options, o Option) tcp.Options {
	switch n := o.Numbers; o.Kind {
	case tcp.KindNop:
		return b.AppendNop(1)
	case kindRaw:
		for _, one := range n {
			b = append(b, byte(one))
		}
		return b
	case tcp.KindMSS:
		return b.AppendMSS(uint16(n[0]))
	case tcp.KindSACKPermitted:
		return b.AppendSACKPermitted()
	case tcp.KindWindowScale: // by hand: a peer may ask for more than 14
		return append(b, byte(tcp.KindWindowScale), 3, byte(n[0]))
	case tcp.KindTimestamps:
		val := uint32(firstStamp + now.Milliseconds())
		if n[0] != Unsaid {
			val = uint32(n[0])
		}
		return b.AppendTimestamps(val, w.echo(n[1]))
	case tcp.KindSACK:
		var blocks [][2]tcp.Seq
		for ; len(n) >= 2; n = n[2:] {
			blocks = append(blocks, [2]tcp.Seq{w.iss.Add(n[0]), w.iss.Add(n[1])})
		}
		return b.AppendSACK(blocks...)
	}
	return b
}

// echo is the timestamp that the peer echoes: unsaid, the last one that it has seen;
// -1 the one before that, and so on; else a number counted from the first one.
func (w *wire) echo(n int) uint32 {
	switch {
	case n == Unsaid && len(w.seen) == 0:
		return 0
	case n == Unsaid:
		return w.seen[len(w.seen)-1]
	case n < 0:
		return w.seen[max(0, len(w.seen)-1+n)]
	}
	return w.clock + uint32(n)
}

// in makes the script's segment of one that the end under test has sent.
func (w *wire) in(h *tcp.Header, length int) *Segment {
	if !w.known && h.Flags.Has(tcp.SYN) {
		w.iss, w.known = h.Seq, true
	}
	s := &Segment{
		Flags: h.Flags, Seq: h.Seq.Sub(w.iss), Len: length, Ack: Unsaid,
		Window: int(h.Window), Urgent: int(h.Urgent), Options: []Option{},
	}
	if h.Flags.Has(tcp.ACK) {
		s.Ack = h.Ack.Sub(w.peerISS)
	}
	val, _, stamped := h.Options.Timestamps()
	if stamped {
		if len(w.seen) == 0 {
			w.clock = val
		}
		w.seen = append(w.seen, val)
	}
	for rest := h.Options; ; {
		opt, behind, err := rest.Next()
		if err != nil {
			break
		}
		s.Options = append(s.Options, w.read(opt, h.Options))
		rest = behind
	}
	w.stamps = w.offered && (w.stamps || stamped)
	return s
}

func (w *wire) read(opt tcp.Option, all tcp.Options) Option {
	o := Option{Kind: opt.Kind}
	switch opt.Kind {
	case tcp.KindMSS:
		size, _ := all.MSS()
		o.Numbers = []int{int(size)}
	case tcp.KindWindowScale:
		shift, _ := all.WindowScale()
		o.Numbers = []int{int(shift)}
	case tcp.KindTimestamps:
		val, ecr, _ := all.Timestamps()
		o.Numbers = []int{int(int32(val - w.clock)), int(ecr)}
	case tcp.KindSACK:
		blocks, n := all.SACK()
		for _, b := range blocks[:n] {
			o.Numbers = append(o.Numbers, b[0].Sub(w.peerISS), b[1].Sub(w.peerISS))
		}
	}
	return o
}

// data is byte i of either direction's stream: the same in every conversation, and
// of a long period, so that bytes at the wrong place are found out.
func data(i int) byte { return byte(i) ^ byte(i>>8)*31 }

// dataStart is where in the stream the segment's first byte is.
func dataStart(s *Segment) int {
	if s.Flags.Has(tcp.SYN) {
		return s.Seq
	}
	return s.Seq - 1
}

// isData says whether b are the bytes of the stream from byte i on. What lies before
// the first byte is a probe's, and may be anything.
func isData(b []byte, i int) bool {
	return !slices.ContainsFunc(b, func(got byte) bool {
		i++
		return i > 0 && got != data(i-1)
	})
}

package ladder

import (
	"bufio"
	"encoding/json"
	"io"
	"strconv"
	"time"

	"dialtone/app/escape"
	"dialtone/internet"
	"dialtone/observe/capture"
	"dialtone/observe/flow"
	"dialtone/transport/tcp"
)

// JSON writes events as lines of JSON, one object for each frame and one for each
// conversation. doc/trace.md documents them: a field may be added, none is renamed
// or given another meaning.
type JSON struct {
	out  *bufio.Writer
	line object
	live bool
}

// NewJSON returns a writer of events to w; a live one hands on every line at once.
func NewJSON(w io.Writer, live bool) *JSON {
	return &JSON{out: bufio.NewWriterSize(w, 64<<10), live: live}
}

// object is a JSON object that is being written.
type object []byte

func (o *object) key(name string) {
	if n := len(*o); n > 0 && (*o)[n-1] != '{' {
		*o = append(*o, ',')
	}
	*o = append(*o, '"')
	*o = append(*o, name...)
	*o = append(*o, '"', ':')
}

func (o *object) int(name string, v int64) {
	o.key(name)
	*o = strconv.AppendInt(*o, v, 10)
}

// seconds writes nanoseconds as seconds.
func (o *object) seconds(name string, ns int64) {
	o.key(name)
	*o = strconv.AppendFloat(*o, float64(ns)/1e9, 'f', -1, 64)
}

// word writes a string that is known to be plain ASCII.
func (o *object) word(name, v string) {
	o.key(name)
	*o = append(*o, '"')
	*o = append(*o, v...)
	*o = append(*o, '"')
}

// text writes any string.
func (o *object) text(name, v string) {
	o.key(name)
	*o = append(*o, quoted(v)...)
}

func quoted(v string) []byte {
	b, err := json.Marshal(v)
	if err != nil { // a string always has a form
		return []byte(`""`)
	}
	return escape.JSON(b)
}

func (o *object) bool(name string, v bool) {
	o.key(name)
	*o = strconv.AppendBool(*o, v)
}

func (o *object) time(name string, ns int64) {
	o.key(name)
	*o = append(*o, '"')
	*o = time.Unix(0, ns).UTC().AppendFormat(*o, "2006-01-02T15:04:05.000000000Z07:00")
	*o = append(*o, '"')
}

// begin starts an object that is about a frame.
func (j *JSON) begin(event string, p *capture.Packet) *object {
	j.line = append(j.line[:0], '{')
	o := &j.line
	o.word("event", event)
	o.int("frame", p.Number)
	o.time("time", p.Time)
	return o
}

func (j *JSON) end() error {
	j.line = append(j.line, '}', '\n')
	if _, err := j.out.Write(j.line); err != nil {
		return err
	}
	if j.live {
		return j.out.Flush()
	}
	return nil
}

// Flush hands on what is written.
func (j *JSON) Flush() error { return j.out.Flush() }

// Frame writes a frame of no conversation.
func (j *JSON) Frame(p *capture.Packet) error {
	o := j.begin("frame", p)
	o.int("wire", int64(p.Wire))
	o.text("summary", Summary(p))
	return j.end()
}

// Event writes what a packet did.
func (j *JSON) Event(e *flow.Event) error {
	p, c := e.Packet, e.Talk
	o := j.begin("packet", p)
	o.int("stream", int64(c.ID))
	o.key("protocol")
	*o = append(*o, quoted(p.Protocol.String())...)
	o.text("src", c.Ends[e.From].Addr.String())
	o.text("dst", c.Ends[1-e.From].Addr.String())
	if p.Src != c.Ends[e.From].Addr.Addr() {
		o.text("via", p.Src.String())
	}
	o.int("from", int64(e.From))
	if p.HasTCP {
		o.tcp(e)
	}
	o.int("len", int64(e.Len))
	o.findings(e)
	return j.end()
}

// tcp writes the fields that only segments have.
func (o *object) tcp(e *flow.Event) {
	header := &e.Packet.TCP
	o.flags(header.Flags)
	o.int("seq", int64(e.Seq))
	o.int("ack", int64(e.Ack))
	o.int("raw_seq", int64(header.Seq))
	o.int("raw_ack", int64(header.Ack))
	if e.Window >= 0 {
		o.int("window", e.Window)
	}
	o.int("in_flight", e.InFlight)
	if sack := relativeSACK(e); len(sack) > 0 {
		o.key("sack")
		*o = append(*o, '[')
		for i, b := range sack {
			if i > 0 {
				*o = append(*o, ',')
			}
			*o = append(*o, '[')
			*o = strconv.AppendUint(*o, uint64(b[0]), 10)
			*o = append(*o, ',')
			*o = strconv.AppendUint(*o, uint64(b[1]), 10)
			*o = append(*o, ']')
		}
		*o = append(*o, ']')
	}
	o.key("states")
	*o = append(*o, '[', '"')
	*o = append(*o, e.After[0].String()...)
	*o = append(*o, '"', ',', '"')
	*o = append(*o, e.After[1].String()...)
	*o = append(*o, '"', ']')
	if e.RTT > 0 {
		o.seconds("rtt", e.RTT)
	}
}

// flags writes the names of those that are set.
func (o *object) flags(f tcp.Flags) {
	o.key("flags")
	*o = append(*o, '[')
	for bit := tcp.FIN; bit <= tcp.AE; bit <<= 1 {
		if f&bit == 0 {
			continue
		}
		if (*o)[len(*o)-1] != '[' {
			*o = append(*o, ',')
		}
		*o = append(*o, '"')
		*o = append(*o, bit.String()...)
		*o = append(*o, '"')
	}
	*o = append(*o, ']')
}

// findings writes the labels with their reasons.
func (o *object) findings(e *flow.Event) {
	if len(e.Findings) == 0 {
		return
	}
	o.key("labels")
	*o = append(*o, '[')
	for i, f := range e.Findings {
		if i > 0 {
			*o = append(*o, ',')
		}
		*o = append(*o, '{')
		o.text("label", f.Label.String())
		o.int("frame", f.Frame)
		o.text("rule", f.Rule.String())
		o.text("why", f.Why())
		*o = append(*o, '}')
	}
	*o = append(*o, ']')
}

// End writes a conversation as it was after its last packet.
func (j *JSON) End(c *flow.Conversation) error {
	j.line = append(j.line[:0], '{')
	o := &j.line
	o.word("event", "conversation")
	o.int("stream", int64(c.ID))
	o.text("protocol", c.Protocol.String())
	if c.VLAN != 0 {
		o.int("vlan", int64(c.VLAN&0xffff)-1)
		if inner := int64(c.VLAN >> 16); inner > 0 {
			o.int("inner_vlan", inner-1)
		}
	}
	o.time("first", c.First)
	o.time("last", c.Last)
	if c.Opened != flow.HowNot {
		o.text("opened", c.Opened.String())
	}
	if c.Closed != flow.HowNot {
		o.text("closed", c.Closed.String())
	}
	if c.Closer >= 0 {
		o.int("closer", int64(c.Closer))
	}
	if c.Reuses != 0 {
		o.int("reuses", int64(c.Reuses))
	}
	if rtt := RTT(c); rtt > 0 {
		o.seconds("rtt", rtt)
	}
	o.key("ends")
	*o = append(*o, '[')
	o.side(&c.Ends[0], c.Protocol)
	*o = append(*o, ',')
	o.side(&c.Ends[1], c.Protocol)
	*o = append(*o, ']')
	return j.end()
}

// side writes one end of a conversation.
func (o *object) side(e *flow.End, p internet.Protocol) {
	*o = append(*o, '{')
	o.text("addr", e.Addr.String())
	if p == internet.TCP {
		o.word("state", e.State.String())
	}
	o.int("packets", e.Packets)
	o.int("bytes", e.Bytes)
	if p != internet.TCP {
		*o = append(*o, '}')
		return
	}
	o.int("resent", e.Resent)
	o.int("resent_bytes", e.Retransmitted)
	o.int("lost", e.Lost)
	o.int("missed_bytes", e.Missed)
	o.int("out_of_order", e.OutOfOrder)
	o.int("duplicate_acks", e.DupAcks)
	o.int("zero_windows", e.ZeroWindows)
	o.int("max_in_flight", e.MaxInFlight)
	if e.MSS > 0 {
		o.int("mss", int64(e.MSS))
	}
	if e.Scale >= 0 {
		o.int("window_scale", int64(e.Scale))
	}
	o.bool("sack", e.SACK)
	o.bool("timestamps", e.TS)
	if e.RTTCount > 0 {
		o.seconds("rtt_min", e.RTTMin)
		o.seconds("rtt_mean", e.RTTSum/e.RTTCount)
		o.int("rtt_samples", e.RTTCount)
	}
	*o = append(*o, '}')
}

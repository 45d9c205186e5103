package ladder

import (
	"bufio"
	"io"
	"strconv"

	"dialtone/internet"
	"dialtone/observe/capture"
	"dialtone/observe/flow"
	"dialtone/observe/jsonline"
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
type object struct{ jsonline.Object }

// begin starts an object that is about a frame.
func (j *JSON) begin(event string, p *capture.Packet) *object {
	j.line.Object = append(j.line.Object[:0], '{')
	o := &j.line
	o.Word("event", event)
	o.Int("frame", p.Number)
	o.Time("time", p.Time)
	return o
}

func (j *JSON) end() error {
	j.line.Object = append(j.line.Object, '}', '\n')
	if _, err := j.out.Write(j.line.Object); err != nil {
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
	o.Int("wire", int64(p.Wire))
	o.Text("summary", Summary(p))
	return j.end()
}

// Event writes what a packet did.
func (j *JSON) Event(e *flow.Event) error {
	p, c := e.Packet, e.Talk
	o := j.begin("packet", p)
	o.Int("stream", int64(c.ID))
	o.Key("protocol")
	o.Object = append(o.Object, jsonline.Quoted(p.Protocol.String())...)
	o.Text("src", c.Ends[e.From].Addr.String())
	o.Text("dst", c.Ends[1-e.From].Addr.String())
	if p.Src != c.Ends[e.From].Addr.Addr() {
		o.Text("via", p.Src.String())
	}
	o.Int("from", int64(e.From))
	if p.HasTCP {
		o.tcp(e)
	}
	o.Int("len", int64(e.Len))
	o.findings(e)
	return j.end()
}

// tcp writes the fields that only segments have.
func (o *object) tcp(e *flow.Event) {
	header := &e.Packet.TCP
	o.flags(header.Flags)
	o.Int("seq", int64(e.Seq))
	o.Int("ack", int64(e.Ack))
	o.Int("raw_seq", int64(header.Seq))
	o.Int("raw_ack", int64(header.Ack))
	if e.Window >= 0 {
		o.Int("window", e.Window)
	}
	o.Int("in_flight", e.InFlight)
	if sack := relativeSACK(e); len(sack) > 0 {
		o.Key("sack")
		o.Object = append(o.Object, '[')
		for i, b := range sack {
			if i > 0 {
				o.Object = append(o.Object, ',')
			}
			o.Object = append(o.Object, '[')
			o.Object = strconv.AppendUint(o.Object, uint64(b[0]), 10)
			o.Object = append(o.Object, ',')
			o.Object = strconv.AppendUint(o.Object, uint64(b[1]), 10)
			o.Object = append(o.Object, ']')
		}
		o.Object = append(o.Object, ']')
	}
	o.Key("states")
	o.Object = append(o.Object, '[', '"')
	o.Object = append(o.Object, e.After[0].String()...)
	o.Object = append(o.Object, '"', ',', '"')
	o.Object = append(o.Object, e.After[1].String()...)
	o.Object = append(o.Object, '"', ']')
	if e.RTT > 0 {
		o.Seconds("rtt", e.RTT)
	}
}

// flags writes the names of those that are set.
func (o *object) flags(f tcp.Flags) {
	o.Key("flags")
	o.Object = append(o.Object, '[')
	for bit := tcp.FIN; bit <= tcp.AE; bit <<= 1 {
		if f&bit == 0 {
			continue
		}
		if o.Object[len(o.Object)-1] != '[' {
			o.Object = append(o.Object, ',')
		}
		o.Object = append(o.Object, '"')
		o.Object = append(o.Object, bit.String()...)
		o.Object = append(o.Object, '"')
	}
	o.Object = append(o.Object, ']')
}

// findings writes the labels with their reasons.
func (o *object) findings(e *flow.Event) {
	if len(e.Findings) == 0 {
		return
	}
	o.Key("labels")
	o.Object = append(o.Object, '[')
	for i, f := range e.Findings {
		if i > 0 {
			o.Object = append(o.Object, ',')
		}
		o.Object = append(o.Object, '{')
		o.Text("label", f.Label.String())
		o.Int("frame", f.Frame)
		o.Text("rule", f.Rule.String())
		o.Text("why", f.Why())
		o.Object = append(o.Object, '}')
	}
	o.Object = append(o.Object, ']')
}

// End writes a conversation as it was after its last packet.
func (j *JSON) End(c *flow.Conversation) error {
	j.line.Object = append(j.line.Object[:0], '{')
	o := &j.line
	o.Word("event", "conversation")
	o.Int("stream", int64(c.ID))
	o.Text("protocol", c.Protocol.String())
	if c.VLAN != 0 {
		o.Int("vlan", int64(c.VLAN&0xffff)-1)
		if inner := int64(c.VLAN >> 16); inner > 0 {
			o.Int("inner_vlan", inner-1)
		}
	}
	o.Time("first", c.First)
	o.Time("last", c.Last)
	if c.Opened != flow.HowNot {
		o.Text("opened", c.Opened.String())
	}
	if c.Closed != flow.HowNot {
		o.Text("closed", c.Closed.String())
	}
	if c.Closer >= 0 {
		o.Int("closer", int64(c.Closer))
	}
	if c.Reuses != 0 {
		o.Int("reuses", int64(c.Reuses))
	}
	if rtt := RTT(c); rtt > 0 {
		o.Seconds("rtt", rtt)
	}
	o.Key("ends")
	o.Object = append(o.Object, '[')
	o.side(&c.Ends[0], c.Protocol)
	o.Object = append(o.Object, ',')
	o.side(&c.Ends[1], c.Protocol)
	o.Object = append(o.Object, ']')
	return j.end()
}

// side writes one end of a conversation.
func (o *object) side(e *flow.End, p internet.Protocol) {
	o.Object = append(o.Object, '{')
	o.Text("addr", e.Addr.String())
	if p == internet.TCP {
		o.Word("state", e.State.String())
	}
	o.Int("packets", e.Packets)
	o.Int("bytes", e.Bytes)
	if p != internet.TCP {
		o.Object = append(o.Object, '}')
		return
	}
	o.Int("resent", e.Resent)
	o.Int("resent_bytes", e.Retransmitted)
	o.Int("lost", e.Lost)
	o.Int("missed_bytes", e.Missed)
	o.Int("out_of_order", e.OutOfOrder)
	o.Int("duplicate_acks", e.DupAcks)
	o.Int("zero_windows", e.ZeroWindows)
	o.Int("max_in_flight", e.MaxInFlight)
	if e.MSS > 0 {
		o.Int("mss", int64(e.MSS))
	}
	if e.Scale >= 0 {
		o.Int("window_scale", int64(e.Scale))
	}
	o.Bool("sack", e.SACK)
	o.Bool("timestamps", e.TS)
	if e.RTTCount > 0 {
		o.Seconds("rtt_min", e.RTTMin)
		o.Seconds("rtt_mean", e.RTTSum/e.RTTCount)
		o.Int("rtt_samples", e.RTTCount)
	}
	o.Object = append(o.Object, '}')
}

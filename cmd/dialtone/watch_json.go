package main

import (
	"bufio"
	"strconv"

	"dialtone/observe/jsonline"
	"dialtone/observe/sockets"
)

// writeSockets writes an object a line for each socket. doc/watch.md documents them:
// a field may be added, none is renamed or given another meaning. What is not known, or
// not there, is left out.
func writeSockets(out *bufio.Writer, rows []*sockets.Socket, netns string) {
	var o socketLine
	for _, s := range rows {
		o.Object = append(o.Object[:0], '{')
		o.Word("event", "socket")
		o.socket(s)
		o.findings(diagnose(s))
		if netns != "" {
			o.Text("netns", netns)
		}
		out.Write(append(o.Object, '}', '\n')) // a bufio.Writer keeps its first error
	}
}

// socketLine is the object of a socket that is being written.
type socketLine struct{ jsonline.Object }

// text writes a string that may hold anything; most hold plain letters.
func (o *socketLine) text(name, v string) {
	for i := range len(v) {
		if c := v[i]; c < ' ' || c > '~' || c == '"' || c == '\\' || c == '<' || c == '>' || c == '&' {
			o.Text(name, v)
			return
		}
	}
	o.Word(name, v)
}

// count writes a number that is not 0.
func (o *socketLine) count(name string, n int64) {
	if n != 0 {
		o.Int(name, n)
	}
}

// span writes a time that is not 0.
func (o *socketLine) span(name string, ns int64) {
	if ns != 0 {
		o.Seconds(name, ns)
	}
}

func (o *socketLine) socket(s *sockets.Socket) {
	o.Word("network", s.Network)
	o.Word("state", s.State.String())
	if s.Local.IsValid() {
		o.address("local", s, false)
	}
	if s.Remote.IsValid() {
		o.address("remote", s, true)
	}
	if s.Path != "" {
		o.text("path", s.Path)
	}
	o.count("peer_inode", int64(s.Peer))
	if age, exact := s.Age(); age != 0 {
		o.Seconds("age", int64(age))
		o.Bool("age_exact", exact)
	}
	o.Int("recv_queue", int64(s.RecvQueue))
	o.Int("send_queue", int64(s.SendQueue))
	o.timer(s.Timer)
	if s.Interface != "" {
		o.text("interface", s.Interface)
	}
	o.count("cookie", int64(s.Cookie))
	o.owner(s)
	if s.Congestion != "" {
		o.text("congestion", s.Congestion)
	}
	if s.Info != nil {
		o.info(s.Info)
	}
	if s.Memory != nil {
		o.memory(s.Memory)
	}
}

// findings are a list, if there are any.
func (o *socketLine) findings(list []sockets.Finding) {
	if len(list) == 0 {
		return
	}
	o.Key("findings")
	o.Object = append(o.Object, '[')
	for i, f := range list {
		if i > 0 {
			o.Object = append(o.Object, ',')
		}
		o.Object = append(o.Object, '{')
		o.Word("name", f.Name)
		o.text("text", f.Text)
		o.begin("figures")
		for _, figure := range f.Figures {
			o.Key(figure.Name)
			o.Object = strconv.AppendFloat(o.Object, figure.Value, 'f', -1, 64)
		}
		o.end()
		o.end()
	}
	o.Object = append(o.Object, ']')
}

// address writes an end as the kernel has it: an IPv4 address of an IPv6 socket is
// ::ffff:192.0.2.1.
func (o *socketLine) address(name string, s *sockets.Socket, remote bool) {
	a := s.Local
	if remote {
		a = s.Remote
	}
	if a.Addr().Zone() != "" {
		o.text(name, a.String())
		return
	}
	o.Key(name)
	o.Object = append(a.AppendTo(append(o.Object, '"')), '"')
}

func (o *socketLine) timer(t sockets.Timer) {
	if t.Kind == 0 {
		return
	}
	o.begin("timer")
	o.Word("kind", t.Kind.String())
	o.Seconds("left", int64(t.Left))
	o.count("count", int64(t.Count))
	o.end()
}

func (o *socketLine) begin(name string) {
	o.Key(name)
	o.Object = append(o.Object, '{')
}

func (o *socketLine) end() { o.Object = append(o.Object, '}') }

func (o *socketLine) owner(s *sockets.Socket) {
	if s.Inode == 0 {
		return // nobody's any more
	}
	o.Int("inode", int64(s.Inode))
	o.Int("uid", int64(s.UID))
	o.text("user", s.User)
	o.Key("processes")
	o.Object = append(o.Object, '[')
	for i, p := range s.Processes {
		if i > 0 {
			o.Object = append(o.Object, ',')
		}
		o.Object = append(o.Object, '{')
		o.Int("pid", int64(p.PID))
		o.text("name", p.Name)
		o.end()
	}
	o.Object = append(o.Object, ']')
	if s.Hidden && len(s.Processes) == 0 {
		o.Bool("hidden", true)
	}
}

func (o *socketLine) info(i *sockets.Info) {
	o.begin("tcp")
	o.span("rtt", int64(i.RTT.Smooth))
	o.span("rtt_variance", int64(i.RTT.Variance))
	o.span("rtt_least", int64(i.RTT.Least))
	o.span("rtt_receive", int64(i.RTT.Receive))
	o.span("rto", int64(i.RTT.Timeout))
	o.count("backoff", int64(i.Backoff))
	o.count("unanswered_retransmits", int64(i.Retransmits))
	o.count("unanswered_probes", int64(i.Probes))
	o.Word("phase", i.Phase.String())

	o.Int("cwnd", int64(i.Windows.Congestion))
	if i.Windows.Threshold < sockets.NoThreshold {
		o.Int("ssthresh", int64(i.Windows.Threshold))
	}
	o.Int("peer_window", int64(i.Windows.Peer))
	o.Int("own_window", int64(i.Windows.Own))
	o.count("peer_scale", int64(i.Windows.PeerScale))
	o.count("own_scale", int64(i.Windows.OwnScale))
	o.count("receive_threshold", int64(i.Windows.ReceiveThreshold))

	o.Int("in_flight", int64(i.Flight.Unacked))
	o.count("sacked", int64(i.Flight.Sacked))
	o.count("lost", int64(i.Flight.Lost))
	o.count("retransmitting", int64(i.Flight.Retransmitted))
	o.count("not_sent", int64(i.Flight.NotSent))
	o.count("reordering", int64(i.Flight.Reordering))

	o.Int("mss", int64(i.Sizes.Send))
	o.count("receive_mss", int64(i.Sizes.Receive))
	o.count("advertised_mss", int64(i.Sizes.Advertised))
	o.count("path_mtu", int64(i.Sizes.PathMTU))
	o.rates(i.Rates)
	o.counts(&i.Counts)
	o.times(i.Times)
	o.options(i.Options)
	o.end()
}

func (o *socketLine) rates(r sockets.Rates) {
	if r.Pacing != ^uint64(0) {
		o.count("pacing_rate", int64(r.Pacing))
	}
	if r.MostPacing != ^uint64(0) {
		o.count("most_pacing_rate", int64(r.MostPacing))
	}
	o.count("delivery_rate", int64(r.Delivery))
	if r.AppLimited {
		o.Bool("app_limited", true)
	}
}

func (o *socketLine) counts(c *sockets.Counts) {
	o.Int("bytes_sent", int64(c.BytesSent))
	o.Int("bytes_acked", int64(c.BytesAcked))
	o.Int("bytes_received", int64(c.BytesReceived))
	o.count("bytes_retransmitted", int64(c.BytesRetransmitted))
	o.Int("segments_out", int64(c.SegmentsOut))
	o.Int("segments_in", int64(c.SegmentsIn))
	o.count("data_segments_out", int64(c.DataOut))
	o.count("data_segments_in", int64(c.DataIn))
	o.count("retransmitted", int64(c.Retransmitted))
	o.count("delivered", int64(c.Delivered))
	o.count("delivered_ce", int64(c.DeliveredCE))
	o.count("duplicates", int64(c.Duplicates))
	o.count("reorderings", int64(c.Reorderings))
	o.count("out_of_order", int64(c.OutOfOrder))
	o.count("timeouts", int64(c.Timeouts))
}

func (o *socketLine) times(t sockets.Times) {
	o.span("busy", int64(t.Busy))
	o.span("window_limited", int64(t.WindowLimited))
	o.span("buffer_limited", int64(t.BufferLimited))
	o.Seconds("since_sent", int64(t.SinceSent))
	o.Seconds("since_received", int64(t.SinceReceived))
	o.Seconds("since_ack", int64(t.SinceAck))
}

// options are a list of words.
func (o *socketLine) options(set sockets.Options) {
	o.Key("options")
	o.Object = append(o.Object, '[')
	for i, name := range [...]string{"timestamps", "sack", "window_scale", "ecn", "ecn_seen", "fast_open"} {
		if set&(1<<i) == 0 {
			continue
		}
		if o.Object[len(o.Object)-1] != '[' {
			o.Object = append(o.Object, ',')
		}
		o.Object = append(append(append(o.Object, '"'), name...), '"')
	}
	o.Object = append(o.Object, ']')
}

func (o *socketLine) memory(m *sockets.Memory) {
	o.begin("memory")
	o.Int("receive", int64(m.Receive))
	o.Int("receive_buffer", int64(m.ReceiveBuffer))
	o.Int("send", int64(m.Send))
	o.Int("send_buffer", int64(m.SendBuffer))
	o.count("forward", int64(m.Forward))
	o.count("queued", int64(m.Queued))
	o.count("options", int64(m.Options))
	o.count("backlog", int64(m.Backlog))
	o.Int("drops", int64(m.Drops))
	o.end()
}

// transition writes the object of a change.
func (o *socketLine) transition(t *sockets.Transition) {
	o.Object = append(o.Object, '{')
	o.Word("event", "transition")
	o.Time("time", t.At.UnixNano())
	o.address("local", &sockets.Socket{Local: t.Local}, false)
	if t.Remote.IsValid() {
		o.address("remote", &sockets.Socket{Remote: t.Remote}, true)
	}
	if t.From != 0 {
		o.Word("from", t.From.String())
	}
	o.Word("to", t.To.String())
	o.count("cookie", int64(t.Cookie))
	o.Int("uid", int64(t.UID))
	if t.Process.PID != 0 {
		o.begin("process")
		o.Int("pid", int64(t.Process.PID))
		o.text("name", t.Process.Name)
		o.end()
	}
	if t.Looked {
		o.Bool("looked", true)
	}
	o.end()
}

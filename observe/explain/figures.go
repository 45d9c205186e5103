package explain

import (
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"

	"dialtone/app/quantity"
	"dialtone/observe/sockets"
	"dialtone/transport/tcp"
)

// Group is figures that belong together.
type Group struct {
	Title   string
	Figures []Figure
}

// Figure is one as text. What a process or a file is called is in it as it is: any bytes.
type Figure struct {
	Name, Text string
	About      string // what it is, where Name does not say it all
}

// Figures returns what is known of s in groups; what is not known is left out.
func Figures(s *sockets.Socket) []Group {
	list := []Group{{"Socket", socketFigures(s)}}
	if i := s.Info; i != nil {
		list = append(list,
			Group{"Round trips", roundTrips(i)}, Group{"Windows", windows(i)}, Group{"Under way", underWay(i)},
			Group{"Since it was opened", counts(i)}, Group{"Rates", rates(i)}, Group{"Time", times(i)},
			Group{"Segments", segments(i)})
	}
	if s.Memory != nil {
		list = append(list, Group{"Memory of the kernel", memory(s.Memory)})
	}
	kept := list[:0]
	for _, g := range list {
		if g.Figures = known(g.Figures); len(g.Figures) > 0 {
			kept = append(kept, g)
		}
	}
	return kept
}

func known(list []Figure) []Figure {
	var kept []Figure
	for _, f := range list {
		if f.Text != "" {
			kept = append(kept, f)
		}
	}
	return kept
}

func socketFigures(s *sockets.Socket) []Figure {
	list := []Figure{
		{"receive queue", size(uint64(s.RecvQueue)), "bytes that the program has not read; of a listener: connections to accept"},
		{"send queue", size(uint64(s.SendQueue)), "bytes that are not acknowledged; of a listener: how many may wait"},
		{"timer", timer(s.Timer), "what it waits for at most"},
		{"congestion control", s.Congestion, ""},
		{"interface", s.Interface, "that it is bound to"},
		{"user", s.User, "who made it"},
		{"processes", processes(s), "who has it open"},
		{"inode", positive(uint64(s.Inode), digits), "as in /proc/PID/fd"},
		{"cookie", positive(s.Cookie, digits), "no other socket has it until the machine is started again"},
	}
	if s.State == sockets.State(tcp.Listen) {
		list[0].Text, list[1].Text = strconv.Itoa(int(s.RecvQueue)), strconv.Itoa(int(s.SendQueue))
	}
	if s.Inode == 0 {
		list[5].Text = ""
	}
	return list
}

func processes(s *sockets.Socket) string {
	const most = 20
	var list []string
	for _, p := range s.Processes[:min(most, len(s.Processes))] {
		list = append(list, p.Name+"/"+strconv.Itoa(p.PID))
	}
	if more := len(s.Processes) - most; more > 0 {
		list = append(list, fmt.Sprintf("and %d more", more))
	}
	if len(list) == 0 && s.Hidden && s.Inode != 0 {
		return "somebody else's: root would see whose"
	}
	return strings.Join(list, ", ")
}

func timer(t sockets.Timer) string {
	if t.Kind == 0 {
		return ""
	}
	text := t.Kind.String() + " in " + Span(t.Left)
	if t.Count > 0 {
		text += fmt.Sprintf(", ran out %d times", t.Count)
	}
	return text
}

func roundTrips(i *sockets.Info) []Figure {
	return []Figure{
		{"smoothed", measured(i.RTT.Smooth), "SRTT (RFC 6298)"},
		{"variance", measured(i.RTT.Variance), "RTTVAR (RFC 6298)"},
		{"least", measured(i.RTT.Least), "of the last minutes"},
		{"as the receiver sees it", measured(i.RTT.Receive), ""},
		{"retransmission timeout", measured(i.RTT.Timeout), "RTO: so long without an ACK, and it is sent again"},
		{"backoff", number(uint64(i.Backoff)), "how often the timeout was doubled"},
	}
}

func windows(i *sockets.Info) []Figure {
	w := i.Windows
	threshold := "none yet"
	if w.Threshold < sockets.NoThreshold {
		threshold = inSegments(w.Threshold, i.Sizes.Send)
	}
	return []Figure{
		{"congestion window", inSegments(w.Congestion, i.Sizes.Send), "cwnd: what the network is thought to bear"},
		{"slow start threshold", threshold, "ssthresh: from here on the window grows slowly"},
		{"peer's window", size(uint64(w.Peer)), "what the other end has room for"},
		{"own window", positive(uint64(w.Own), size), "what we have room for"},
		{"window scale, peer's and ours", fmt.Sprintf("%d, %d", w.PeerScale, w.OwnScale), "windows are sent divided by 2 to this power (RFC 7323)"},
		{"own window may open to", positive(uint64(w.ReceiveThreshold), size), ""},
		{"congestion control's mood", i.Phase.String(), "open: all well; disorder: duplicate ACKs; cwr: slowed down; recovery, loss: sending again"},
	}
}

func underWay(i *sockets.Info) []Figure {
	f := i.Flight
	return []Figure{
		{"in flight", inSegments(f.Unacked, i.Sizes.Send), "sent and not acknowledged"},
		{"of it sacked", number(uint64(f.Sacked)), "arrived, with something missing before it"},
		{"of it lost", number(uint64(f.Lost)), ""},
		{"of it sent again", number(uint64(f.Retransmitted)), ""},
		{"not sent yet", positive(uint64(f.NotSent), size), "written by the program, waiting for room"},
		{"reordering", number(uint64(f.Reordering)), "how many segments apart the network has turned round"},
		{"retransmissions without an answer", number(uint64(i.Retransmits)), "in a row"},
		{"probes without an answer", number(uint64(i.Probes)), "in a row"},
	}
}

func counts(i *sockets.Info) []Figure {
	c := &i.Counts
	return []Figure{
		{"sent", size(c.BytesSent) + " in " + plural(uint64(c.DataOut), "segment"), ""},
		{"acknowledged", size(c.BytesAcked), ""},
		{"received", size(c.BytesReceived) + " in " + plural(uint64(c.DataIn), "segment"), ""},
		{"sent again", positive(c.BytesRetransmitted, size), ""},
		{"segments sent again", number(uint64(c.Retransmitted)), ""},
		{"all segments, out and in", quantity.Count(int64(c.SegmentsOut)) + " and " + quantity.Count(int64(c.SegmentsIn)), "with those that carry no data"},
		{"duplicates", number(uint64(c.Duplicates)), "segments that the other end had already (D-SACK)"},
		{"turned round", number(uint64(c.Reorderings)), "how often the network was seen to"},
		{"arrived out of order", number(uint64(c.OutOfOrder)), "segments"},
		{"marked by ECN", number(uint64(c.DeliveredCE)), "segments"},
		{"timeouts", number(uint64(c.Timeouts)), ""},
	}
}

func rates(i *sockets.Info) []Figure {
	r := i.Rates
	rate := func(n uint64) string {
		if n == ^uint64(0) {
			return ""
		}
		return positive(n, func(n uint64) string { return size(n) + "/s" })
	}
	delivery := rate(r.Delivery)
	if delivery != "" && r.AppLimited {
		delivery += ", held back by the program"
	}
	return []Figure{
		{"delivered", delivery, "measured from ACKs"},
		{"paced at", rate(r.Pacing), "how fast the kernel lets segments go"},
		{"paced at most at", rate(r.MostPacing), ""},
	}
}

func times(i *sockets.Info) []Figure {
	t := i.Times
	of := func(part time.Duration) string {
		if part == 0 || t.Busy == 0 {
			return ""
		}
		return fmt.Sprintf("%s, %.0f %%", Span(part), 100*float64(part)/float64(t.Busy))
	}
	return []Figure{
		{"with something to send", measured(t.Busy), ""},
		{"of it the peer had no room", of(t.WindowLimited), ""},
		{"of it the send buffer was too small", of(t.BufferLimited), ""},
		{"since data was sent", Span(t.SinceSent), ""},
		{"since data arrived", Span(t.SinceReceived), ""},
		{"since an ACK arrived", Span(t.SinceAck), ""},
	}
}

func segments(i *sockets.Info) []Figure {
	z := i.Sizes
	var options []string
	for n, name := range []string{"timestamps", "SACK", "window scale", "ECN", "ECN seen", "fast open"} {
		if i.Options&(1<<n) != 0 {
			options = append(options, name)
		}
	}
	return []Figure{
		{"largest sent", positive(uint64(z.Send), exact), "MSS"},
		{"largest received", positive(uint64(z.Receive), exact), "MSS as the receiver guesses it"},
		{"largest we announced", positive(uint64(z.Advertised), exact), ""},
		{"largest packet of the path", positive(uint64(z.PathMTU), exact), "path MTU"},
		{"options of both", strings.Join(options, ", "), ""},
	}
}

func memory(m *sockets.Memory) []Figure {
	return []Figure{
		{"to receive", size(uint64(m.Receive)) + " of " + size(uint64(m.ReceiveBuffer)), ""},
		{"to send", size(uint64(m.Queued)) + " of " + size(uint64(m.SendBuffer)), ""},
		{"set aside", positive(uint64(m.Forward), size), ""},
		{"backlog", positive(uint64(m.Backlog), size), "arrived while the program had the socket in use"},
		{"packets dropped", number(uint64(m.Drops)), "for want of room"},
	}
}

// number is a count that says something if it is not 0.
func number(n uint64) string {
	return positive(n, func(n uint64) string { return quantity.Count(int64(n)) })
}

// digits writes a number that is a name and no count.
func digits(n uint64) string { return strconv.FormatUint(n, 10) }

func positive(n uint64, text func(uint64) string) string {
	if n == 0 {
		return ""
	}
	return text(n)
}

func measured(d time.Duration) string {
	if d == 0 {
		return ""
	}
	return Span(d)
}

// Span writes a time with three figures and its unit: 22 µs, 1.25 ms, 3 min.
func Span(d time.Duration) string {
	switch {
	case d < time.Millisecond:
		return trim(float64(d)/1e3) + " µs"
	case d < time.Second:
		return trim(float64(d)/1e6) + " ms"
	case d < 2*time.Minute:
		return trim(d.Seconds()) + " s"
	case d < 2*time.Hour:
		return trim(d.Minutes()) + " min"
	case d < 48*time.Hour:
		return trim(d.Hours()) + " h"
	}
	return trim(d.Hours()/24) + " d"
}

func size(n uint64) string { return quantity.Bytes(int64(min(n, math.MaxInt64))) }

// exact is a size that people know by its digits, such as 1,448 bytes.
func exact(n uint64) string { return quantity.CountOf(int64(n), "byte") }

func inSegments(n, mss uint32) string {
	text := plural(uint64(n), "segment")
	if n > 0 && mss > 0 {
		text += ", " + size(uint64(n)*uint64(mss))
	}
	return text
}

func plural(n uint64, what string) string { return quantity.CountOf(int64(n), what) }

// trim writes a number with three figures, and no zero that says nothing.
func trim(v float64) string {
	digits := 2
	switch {
	case v >= 100:
		digits = 0
	case v >= 10:
		digits = 1
	}
	text := strconv.FormatFloat(v, 'f', digits, 64)
	if strings.Contains(text, ".") {
		text = strings.TrimRight(strings.TrimRight(text, "0"), ".")
	}
	return text
}

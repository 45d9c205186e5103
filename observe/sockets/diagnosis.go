package sockets

import (
	"fmt"
	"math"
	"strconv"
	"time"

	"dialtone/transport/tcp"
)

// Finding is something that is off with a socket.
type Finding struct {
	Name    string // of the rule; it does not change
	Text    string // what it is and what it means, a plain sentence without a full stop
	Figures []Figure
}

// Figure is what a finding rests on.
type Figure struct {
	Name  string  // as in the JSON of watch
	Value float64 // bytes, seconds, or a count
}

// Rules are the names of all findings, the gravest first.
func Rules() (names []string) {
	for _, r := range rules {
		names = append(names, r.name)
	}
	return names
}

// Diagnose says what is off with s, the gravest first. It knows as much as was read of s:
// its Info, its Memory and its owners. Age is how long s has been in its state, at least.
func Diagnose(s *Socket, age time.Duration) (found []Finding) {
	for _, r := range rules {
		if text, figures := r.find(s, age); text != "" {
			found = append(found, Finding{r.name, text, figures})
		}
	}
	return found
}

// rule finds one thing; no text is nothing.
type rule struct {
	name string
	find func(s *Socket, age time.Duration) (text string, figures []Figure)
}

var rules = []rule{
	{"syn-unanswered", synUnanswered},
	{"peer-gone", peerGone},
	{"fin-unanswered", finUnanswered},
	{"zero-window", zeroWindow},
	{"close-wait", closeWait},
	{"backlog-full", backlogFull},
	{"unread", unread},
	{"half-open", halfOpen},
	{"keepalive-unanswered", keepaliveUnanswered},
	{"fin-wait-2", finWait2},
	{"retransmissions", retransmissions},
	{"queueing", queueing},
	{"window-limited", windowLimited},
	{"buffer-limited", bufferLimited},
	{"drops", drops},
}

// What is worth a word. Each is far from what a healthy connection shows.
const (
	lingers   = 10 * time.Second // in a state that its program should leave, or unread
	lingersOn = time.Minute      // in FIN_WAIT_2, which is the other program's
	share     = 0.2              // of the time with something to send
	lossy     = 0.02             // of the segments sent
	fewest    = 100              // segments that a share is said of
	bloat     = 100 * time.Millisecond
)

// synUnanswered: a SYN that goes unanswered was dropped: who refuses answers with an RST.
func synUnanswered(s *Socket, _ time.Duration) (string, []Figure) {
	if s.State != State(tcp.SynSent) || s.Timer.Count == 0 {
		return "", nil
	}
	n := int(s.Timer.Count) + 1
	return fmt.Sprintf("SYN sent %d times without an answer: %s is filtered or down", n, s.Remote), []Figure{
		{"syns", float64(n)}, {"next_in", s.Timer.Left.Seconds()},
	}
}

func peerGone(s *Socket, _ time.Duration) (string, []Figure) {
	i := s.Info
	if i == nil || i.Retransmits < 2 || s.State == State(tcp.SynSent) || i.Flight.Unacked == 0 || closing(s.State) {
		return "", nil
	}
	return fmt.Sprintf("no answer to %d retransmissions in a row, for %s: the peer or the way to it is gone", i.Retransmits, duration(i.Times.SinceAck)), []Figure{
		{"unanswered_retransmits", float64(i.Retransmits)}, {"since_ack", i.Times.SinceAck.Seconds()}, {"in_flight", float64(i.Flight.Unacked)}, {"rto", i.RTT.Timeout.Seconds()},
	}
}

// closing reports whether our FIN was sent and is not acknowledged.
func closing(s State) bool {
	return s == State(tcp.FinWait1) || s == State(tcp.Closing) || s == State(tcp.LastAck)
}

func finUnanswered(s *Socket, _ time.Duration) (string, []Figure) {
	if !closing(s.State) || s.Timer.Kind != timerRetransmit || s.Timer.Count < 2 {
		return "", nil
	}
	return fmt.Sprintf("the last segments, with our FIN, sent %d times without an answer: the peer or the way to it is gone", s.Timer.Count+1), []Figure{
		{"times", float64(s.Timer.Count) + 1}, {"next_in", s.Timer.Left.Seconds()},
	}
}

// zeroWindow: data waits, and the peer has no room. Its last room was filled by what was
// sent last.
func zeroWindow(s *Socket, _ time.Duration) (string, []Figure) {
	i := s.Info
	if i == nil || s.Timer.Kind != timerProbe || i.Windows.Peer != 0 || i.Flight.NotSent == 0 {
		return "", nil
	}
	return fmt.Sprintf("peer's window has been 0 for %s: the program on the other side is not reading; %s wait here", duration(i.Times.SinceSent), size(i.Flight.NotSent)), []Figure{
		{"peer_window", 0}, {"since_sent", i.Times.SinceSent.Seconds()}, {"not_sent", float64(i.Flight.NotSent)}, {"unanswered_probes", float64(i.Probes)},
	}
}

func closeWait(s *Socket, age time.Duration) (string, []Figure) {
	if s.State != State(tcp.CloseWait) || age < lingers || s.Inode == 0 {
		return "", nil
	}
	return fmt.Sprintf("CLOSE_WAIT for %s: %s got the peer's FIN and never closed", duration(age), s.holder()), []Figure{
		{"age", age.Seconds()}, {"recv_queue", float64(s.RecvQueue)},
	}
}

// backlogFull: the kernel drops what more arrives (tcp_max_syn_backlog, somaxconn).
func backlogFull(s *Socket, _ time.Duration) (string, []Figure) {
	if s.Network != "tcp" || s.State != State(tcp.Listen) || s.SendQueue == 0 || s.RecvQueue <= s.SendQueue {
		return "", nil
	}
	return fmt.Sprintf("%d connections wait to be accepted, more than the %d that may: %s does not accept, and others are dropped", s.RecvQueue, s.SendQueue, s.holder()), []Figure{
		{"recv_queue", float64(s.RecvQueue)}, {"send_queue", float64(s.SendQueue)},
	}
}

func unread(s *Socket, _ time.Duration) (string, []Figure) {
	i := s.Info
	if i == nil || s.State != State(tcp.Established) || s.RecvQueue == 0 || i.Times.SinceReceived < lingers {
		return "", nil
	}
	text := fmt.Sprintf("%s unread for %s: %s is not reading", size(s.RecvQueue), duration(i.Times.SinceReceived), s.holder())
	if i.Windows.Own == 0 && i.Windows.Peer != 0 { // a kernel that knows both
		text += ", and the peer may send no more"
	}
	return text, []Figure{
		{"recv_queue", float64(s.RecvQueue)}, {"since_received", i.Times.SinceReceived.Seconds()}, {"own_window", float64(i.Windows.Own)},
	}
}

func halfOpen(s *Socket, _ time.Duration) (string, []Figure) {
	if s.State != State(tcp.SynReceived) || s.Timer.Count == 0 {
		return "", nil
	}
	return fmt.Sprintf("SYN+ACK sent %d times without an answer: it gets lost, or %s never sent the SYN", s.Timer.Count+1, s.Remote.Addr()), []Figure{
		{"times", float64(s.Timer.Count) + 1},
	}
}

func keepaliveUnanswered(s *Socket, _ time.Duration) (string, []Figure) {
	i := s.Info
	if i == nil || s.Timer.Kind != timerKeepalive || i.Probes == 0 {
		return "", nil
	}
	return fmt.Sprintf("%s without an answer, for %s: the peer or the way to it is gone", count(uint64(i.Probes), "keep-alive probe"), duration(i.Times.SinceAck)), []Figure{
		{"unanswered_probes", float64(i.Probes)}, {"since_ack", i.Times.SinceAck.Seconds()},
	}
}

func finWait2(s *Socket, age time.Duration) (string, []Figure) {
	if s.State != State(tcp.FinWait2) || age < lingersOn {
		return "", nil
	}
	return fmt.Sprintf("FIN_WAIT_2 for %s: the peer got our FIN and never closed", duration(age)), []Figure{{"age", age.Seconds()}}
}

func retransmissions(s *Socket, _ time.Duration) (string, []Figure) {
	i := s.Info
	if i == nil || i.Counts.DataOut < fewest || float64(i.Counts.Retransmitted) < lossy*float64(i.Counts.DataOut) {
		return "", nil
	}
	return fmt.Sprintf("%s of segments retransmitted: %d of %d", percent(float64(i.Counts.Retransmitted), float64(i.Counts.DataOut)), i.Counts.Retransmitted, i.Counts.DataOut), []Figure{
		{"retransmitted", float64(i.Counts.Retransmitted)}, {"data_segments_out", float64(i.Counts.DataOut)}, {"duplicates", float64(i.Counts.Duplicates)}, {"timeouts", float64(i.Counts.Timeouts)},
	}
}

// queueing: what is under way waits in somebody's buffer most of the time.
func queueing(s *Socket, _ time.Duration) (string, []Figure) {
	i := s.Info
	if i == nil || i.RTT.Least == 0 || i.RTT.Smooth < 4*i.RTT.Least || i.RTT.Smooth < i.RTT.Least+bloat {
		return "", nil
	}
	return fmt.Sprintf("round trips take %s, %s at best: a queue on the way is long", duration(i.RTT.Smooth), duration(i.RTT.Least)), []Figure{
		{"rtt", i.RTT.Smooth.Seconds()}, {"rtt_least", i.RTT.Least.Seconds()}, {"cwnd", float64(i.Windows.Congestion)},
	}
}

func windowLimited(s *Socket, _ time.Duration) (string, []Figure) {
	return limited(s, "window_limited", func(t Times) time.Duration { return t.WindowLimited }, "the peer had no room: its program reads too slowly, or its buffer is small")
}

func bufferLimited(s *Socket, _ time.Duration) (string, []Figure) {
	return limited(s, "buffer_limited", func(t Times) time.Duration { return t.BufferLimited }, "the send buffer was too small")
}

func limited(s *Socket, name string, of func(Times) time.Duration, because string) (string, []Figure) {
	if s.Info == nil {
		return "", nil
	}
	busy, part := s.Info.Times.Busy, of(s.Info.Times)
	if busy < time.Second || float64(part) < share*float64(busy) {
		return "", nil
	}
	return fmt.Sprintf("%s of the time with something to send, %s of %s, %s", percent(float64(part), float64(busy)), duration(part), duration(busy), because), []Figure{
		{name, part.Seconds()}, {"busy", busy.Seconds()},
	}
}

func drops(s *Socket, _ time.Duration) (string, []Figure) {
	if s.Network != "udp" || s.Memory == nil || s.Memory.Drops == 0 {
		return "", nil
	}
	return fmt.Sprintf("%s dropped: %s reads more slowly than they come", count(uint64(s.Memory.Drops), "datagram"), s.holder()), []Figure{
		{"drops", float64(s.Memory.Drops)}, {"receive", float64(s.Memory.Receive)}, {"receive_buffer", float64(s.Memory.ReceiveBuffer)},
	}
}

// holder is who has s open.
func (s *Socket) holder() string {
	switch {
	case len(s.Processes) == 0:
		return "its program"
	case len(s.Processes) == 1:
		return fmt.Sprint("pid ", s.Processes[0].PID)
	}
	return fmt.Sprintf("pid %d, or another of %d,", s.Processes[0].PID, len(s.Processes))
}

// duration is a time in words: 300 ms, 12 s, 3 min, 2 h, 4 d.
func duration(d time.Duration) string {
	for _, u := range []struct {
		below, unit time.Duration
		name        string
	}{
		{time.Millisecond, time.Microsecond, "µs"},
		{time.Second, time.Millisecond, "ms"},
		{2 * time.Minute, time.Second, "s"},
		{2 * time.Hour, time.Minute, "min"},
		{48 * time.Hour, time.Hour, "h"},
	} {
		if d < u.below {
			return strconv.FormatInt(int64(d/u.unit), 10) + " " + u.name
		}
	}
	return strconv.FormatInt(int64(d/(24*time.Hour)), 10) + " d"
}

func size(n uint32) string { return count(uint64(n), "byte") }

func count(n uint64, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return strconv.FormatUint(n, 10) + " " + what + "s"
}

func percent(part, whole float64) string {
	return strconv.Itoa(int(math.Round(100*part/whole))) + " %"
}

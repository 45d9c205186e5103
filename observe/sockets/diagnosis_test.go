package sockets

import (
	"net/netip"
	"slices"
	"testing"
	"time"

	"dialtone/transport/tcp"
)

// healthy is a connection that nothing is wrong with, busy and a little lossy.
func healthy() *Socket {
	return &Socket{
		Network: "tcp", State: State(tcp.Established), Inode: 1, SendQueue: 9000, Timer: Timer{Kind: timerRetransmit},
		Local: netip.MustParseAddrPort("10.0.0.1:1000"), Remote: netip.MustParseAddrPort("10.0.0.2:80"),
		Processes: []Process{{812, "server"}}, Memory: &Memory{},
		Info: &Info{
			RTT: RTT{Smooth: 30 * time.Millisecond, Least: 20 * time.Millisecond}, Windows: Windows{Congestion: 10, Peer: 60000, Own: 60000},
			Flight: Flight{Unacked: 5, NotSent: 2000}, Counts: Counts{DataOut: 10000, Retransmitted: 50},
			Times: Times{Busy: 10 * time.Second, WindowLimited: time.Second, BufferLimited: time.Second},
		},
	}
}

// TestEveryRuleHasItsSentence changes the healthy connection by as little as makes it ill.
func TestEveryRuleHasItsSentence(t *testing.T) {
	if found := Diagnose(healthy(), time.Hour); len(found) != 0 {
		t.Errorf("healthy: %+v", found)
	}
	for _, c := range []struct {
		name, want string
		age        time.Duration
		spoil      func(s *Socket)
	}{
		{"syn-unanswered", "SYN sent 4 times without an answer: 10.0.0.2:80 is filtered or down", 0, func(s *Socket) {
			s.State, s.Timer = State(tcp.SynSent), Timer{Kind: timerRetransmit, Count: 3, Left: 8 * time.Second}
		}},
		{"peer-gone", "no answer to 4 retransmissions in a row, for 6 s: the peer or the way to it is gone", 0, func(s *Socket) {
			s.Info.Retransmits, s.Info.Times.SinceAck = 4, 6*time.Second
		}},
		{"fin-unanswered", "the last segments, with our FIN, sent 4 times without an answer: the peer or the way to it is gone", 0, func(s *Socket) {
			s.State, s.Timer.Count = State(tcp.LastAck), 3
		}},
		{"zero-window", "peer's window has been 0 for 12 s: the program on the other side is not reading; 2000 bytes wait here", 0, func(s *Socket) {
			s.Timer.Kind, s.Info.Windows.Peer, s.Info.Times.SinceSent = timerProbe, 0, 12*time.Second
		}},
		{"close-wait", "CLOSE_WAIT for 3 min: pid 812 got the peer's FIN and never closed", 3 * time.Minute, func(s *Socket) {
			s.State = State(tcp.CloseWait)
		}},
		{"backlog-full", "129 connections wait to be accepted, more than the 128 that may: pid 812 does not accept, and others are dropped", 0, func(s *Socket) {
			s.State, s.RecvQueue, s.SendQueue, s.Info = State(tcp.Listen), 129, 128, nil
		}},
		{"unread", "1 byte unread for 11 s: its program is not reading, and the peer may send no more", 0, func(s *Socket) {
			s.RecvQueue, s.Info.Times.SinceReceived, s.Info.Windows.Own, s.Processes = 1, 11*time.Second, 0, nil
		}},
		{"half-open", "SYN+ACK sent 3 times without an answer: it gets lost, or 10.0.0.2 never sent the SYN", 0, func(s *Socket) {
			s.State, s.Timer.Count, s.Info = State(tcp.SynReceived), 2, nil
		}},
		{"keepalive-unanswered", "1 keep-alive probe without an answer, for 2 h: the peer or the way to it is gone", 0, func(s *Socket) {
			s.Timer.Kind, s.Info.Probes, s.Info.Times.SinceAck = timerKeepalive, 1, 2*time.Hour
		}},
		{"fin-wait-2", "FIN_WAIT_2 for 61 s: the peer got our FIN and never closed", 61 * time.Second, func(s *Socket) {
			s.State = State(tcp.FinWait2)
		}},
		{"retransmissions", "9 % of segments retransmitted: 900 of 10000", 0, func(s *Socket) {
			s.Info.Counts.Retransmitted = 900
		}},
		{"queueing", "round trips take 500 ms, 20 ms at best: a queue on the way is long", 0, func(s *Socket) {
			s.Info.RTT.Smooth = 500 * time.Millisecond
		}},
		{"window-limited", "80 % of the time with something to send, 8 s of 10 s, the peer had no room: its program reads too slowly, or its buffer is small", 0, func(s *Socket) {
			s.Info.Times.WindowLimited = 8 * time.Second
		}},
		{"buffer-limited", "30 % of the time with something to send, 3 s of 10 s, the send buffer was too small", 0, func(s *Socket) {
			s.Info.Times.BufferLimited = 3 * time.Second
		}},
		{"drops", "12 datagrams dropped: pid 812, or another of 2, reads more slowly than they come", 0, func(s *Socket) {
			s.Network, s.State, s.Info, s.Memory.Drops = "udp", Unconnected, nil, 12
			s.Processes = append(s.Processes, Process{813, "server"})
		}},
	} {
		s := healthy()
		c.spoil(s)
		found := Diagnose(s, c.age)
		if len(found) != 1 || found[0].Name != c.name || found[0].Text != c.want || len(found[0].Figures) == 0 {
			t.Errorf("%s: %+v, want %q", c.name, found, c.want)
		}
		i := slices.Index(Rules(), c.name)
		if i < 0 {
			t.Errorf("%s is no rule", c.name)
		}
	}
}

// TestShortAndSmallIsNoFinding: what every connection goes through.
func TestShortAndSmallIsNoFinding(t *testing.T) {
	for name, spoil := range map[string]func(s *Socket){
		"one retransmission":       func(s *Socket) { s.Info.Retransmits = 1 },
		"first SYN":                func(s *Socket) { s.State = State(tcp.SynSent) },
		"a short CLOSE_WAIT":       func(s *Socket) { s.State = State(tcp.CloseWait) },
		"a FIN on its way":         func(s *Socket) { s.State = State(tcp.FinWait1) },
		"few segments":             func(s *Socket) { s.Info.Counts = Counts{DataOut: 20, Retransmitted: 10} },
		"a full window, all sent":  func(s *Socket) { s.Info.Windows.Peer, s.Info.Flight.NotSent = 0, 0 },
		"a backlog that is full":   func(s *Socket) { s.State, s.RecvQueue, s.SendQueue, s.Info = State(tcp.Listen), 128, 128, nil },
		"unread for a moment":      func(s *Socket) { s.RecvQueue, s.Info.Times.SinceReceived = 100, time.Second },
		"nothing known":            func(s *Socket) { *s = Socket{Network: "tcp", State: State(tcp.Established)} },
		"a CLOSE_WAIT of nobody's": func(s *Socket) { s.State, s.Inode = State(tcp.CloseWait), 0 },
	} {
		s := healthy()
		spoil(s)
		if found := Diagnose(s, 5*time.Second); len(found) != 0 {
			t.Errorf("%s: %+v", name, found)
		}
	}
}

package flow

import "testing"

func TestHandshakeTakesBothEndsToEstablished(t *testing.T) {
	s := play(t, shake)
	talk := s.events[2].Talk
	if talk.Opened != HowHandshake || talk.Closed != HowNot || talk.Closer != -1 {
		t.Errorf("opened %v, closed %v by %d", talk.Opened, talk.Closed, talk.Closer)
	}
	a, b := talk.Ends[0], talk.Ends[1]
	if a.MSS != 1460 || a.Scale != 7 || !a.SACK || !a.TS || a.ISN != s.isn[0] || b.ISN != s.isn[1] {
		t.Errorf("ends are %+v and %+v", a, b)
	}
	if s.events[2].Window != 502<<7 || s.events[1].Window != 65160 {
		t.Errorf("windows %d and %d: one is scaled, the SYN's is not", s.events[2].Window, s.events[1].Window)
	}
	if s.events[1].Before[1].String() != "LISTEN" {
		t.Errorf("before its SYN+ACK the server was in %v", s.events[1].Before[1])
	}
	if a.RTTMin != 10e6 || s.events[1].RTT != 10e6 {
		t.Errorf("RTT of the SYN is %d", a.RTTMin)
	}
}

func TestSYNAgainIsATimeout(t *testing.T) {
	play(t, `
	0s     > S  0       mss=1460  -> SYN
	1.01s  > S  0       mss=1460  -> retransmission, timeout retransmission; SYN_SENT -
	1.02s  < S. 0 ack=1 mss=1460  -> SYN+ACK; SYN_SENT SYN_RCVD
	2.03s  < S. 0 ack=1 mss=1460  -> retransmission, timeout retransmission; SYN_SENT SYN_RCVD
	2.04s  > .  1 ack=1           -> handshake complete; ESTABLISHED ESTABLISHED
	`)
}

func TestLostThirdSegmentShowsInTheSYNACKAgain(t *testing.T) {
	play(t, shake+`
	1.02s  < S. 0 ack=1 win=65160 mss=1460 sackok ts=10010/100 scale=7 -> retransmission, timeout retransmission, spurious retransmission; ESTABLISHED SYN_RCVD
	1.02s  > .  1 ack=1 win=502 ts=1120/10010                          -> ; ESTABLISHED ESTABLISHED
	`)
}

func TestRefused(t *testing.T) {
	s := play(t, `
	0ms  > S  0        -> SYN
	1ms  < R. 0 ack=1 isn=0 -> refused; CLOSED CLOSED
	`)
	if talk := s.events[1].Talk; talk.Closed != HowRefused || talk.Closer != 1 {
		t.Errorf("closed %v by %d", talk.Closed, talk.Closer)
	}
}

func TestSimultaneousOpen(t *testing.T) {
	s := play(t, `
	0ms  > S  0         -> SYN; SYN_SENT -
	1ms  < S  0         -> SYN, simultaneous open; SYN_SENT SYN_SENT
	2ms  > S. 0 ack=1   -> SYN+ACK; SYN_RCVD SYN_SENT
	3ms  < S. 0 ack=1   -> SYN+ACK; ESTABLISHED SYN_RCVD
	4ms  > .  1 ack=1   -> ; ESTABLISHED ESTABLISHED
	5ms  < .  1 ack=1   -> ; ESTABLISHED ESTABLISHED
	`)
	if how := s.events[5].Talk.Opened; how != HowSimultaneous {
		t.Errorf("opened by %v", how)
	}
}

func TestMidstream(t *testing.T) {
	s := play(t, `
	0ms   > P. 1000+100 ack=700 -> ; ESTABLISHED -
	10ms  < .  700 ack=1100     -> ; ESTABLISHED ESTABLISHED
	20ms  < P. 700+50 ack=1100
	`)
	talk := s.events[0].Talk
	if talk.Opened != HowMidstream || s.events[0].Window != -1 {
		t.Errorf("opened %v, window %d", talk.Opened, s.events[0].Window)
	}
	if e := s.events[0]; e.Seq != 1 || e.Ack != 1 {
		t.Errorf("the first byte has number %d, acknowledges %d; want 1 and 1", e.Seq, e.Ack)
	}
	if e := s.events[1]; e.Seq != 1 || e.Ack != 101 || e.RTT != 10e6 {
		t.Errorf("answer has number %d, acknowledges %d, RTT %d", e.Seq, e.Ack, e.RTT)
	}
}

func TestSYNACKFirstBelongsToTheServer(t *testing.T) {
	s := play(t, `
	0ms  < S. 0 ack=1 -> SYN+ACK; - SYN_RCVD
	1ms  > .  1 ack=1
	`)
	if talk := s.events[0].Talk; talk.Ends[1].Addr != s.addr[1] || s.events[0].From != 1 {
		t.Errorf("ends %v", talk.Ends)
	}
}

func TestPortReuse(t *testing.T) {
	s := play(t, shake+`
	20ms  > F. 1 ack=1 -> FIN
	30ms  < F. 1 ack=2 -> final FIN
	30ms  > .  2 ack=2 -> final ACK
	2s    > S  0 isn=77 mss=1460       -> port reuse, SYN; SYN_SENT -
	2.1s  < S. 0 isn=99 ack=1 mss=1460 -> SYN+ACK
	`)
	old, talk := s.events[0].Talk, s.events[6].Talk
	if talk == old || talk.Reuses != old.ID || talk.ID != old.ID+1 || old.Closed != HowThreeWay {
		t.Errorf("conversation %d reuses %d; the old one closed by %v", talk.ID, talk.Reuses, old.Closed)
	}
}

func TestPortReuseFromTheOtherEnd(t *testing.T) {
	s := play(t, shake+`
	20ms  > R. 1 ack=1 -> reset; CLOSED CLOSED
	2s    < S  0 isn=77 mss=1460 -> port reuse, SYN; SYN_SENT -
	`)
	if talk := s.events[4].Talk; talk.Ends[0].Addr != s.addr[1] {
		t.Errorf("opened by %v", talk.Ends[0].Addr)
	}
}

func TestVLANsApart(t *testing.T) {
	s := play(t, shake)
	s.vlan = 11
	s.play(shake)
	if a, b := s.events[0].Talk, s.events[3].Talk; a == b || b.VLAN != 11 {
		t.Errorf("VLAN %d and %d are one conversation", a.VLAN, b.VLAN)
	}
}

package flow

import (
	"testing"

	"dialtone/transport/tcp"
)

func closedBy(t *testing.T, s *script, how How, closer int) {
	t.Helper()
	if talk := s.events[len(s.events)-1].Talk; talk.Closed != how || talk.Closer != closer {
		t.Errorf("closed by end %d: %v; want end %d: %v", talk.Closer, talk.Closed, closer, how)
	}
}

func TestFourWayClose(t *testing.T) {
	s := play(t, shake+`
	20ms  > F. 1 ack=1 -> FIN; FIN_WAIT_1 ESTABLISHED
	30ms  < .  1 ack=2 -> ; FIN_WAIT_2 CLOSE_WAIT
	40ms  < F. 1 ack=2 -> final FIN; FIN_WAIT_2 LAST_ACK
	40ms  > .  2 ack=2 -> final ACK; TIME_WAIT CLOSED
	`)
	closedBy(t, s, HowFourWay, 0)
}

func TestCloseInThreeSegments(t *testing.T) {
	s := play(t, shake+`
	20ms  < F. 1 ack=1 -> FIN; ESTABLISHED FIN_WAIT_1
	20ms  > F. 1 ack=2 -> final FIN; LAST_ACK FIN_WAIT_1
	30ms  < .  2 ack=2 -> final ACK; CLOSED TIME_WAIT
	`)
	closedBy(t, s, HowThreeWay, 1)
}

func TestHalfCloseShowsWhenTheOtherEndGoesOn(t *testing.T) {
	s := play(t, shake+`
	20ms  > F. 1 ack=1     -> FIN
	30ms  < .  1 ack=2     -> ; FIN_WAIT_2 CLOSE_WAIT
	40ms  < P. 1+50 ack=2  -> half-close@5; FIN_WAIT_2 CLOSE_WAIT
	40ms  > .  2 ack=51    -> 
	50ms  < P. 51+50 ack=2 ->
	60ms  < F. 101 ack=2   -> final FIN; FIN_WAIT_2 LAST_ACK
	60ms  > .  2 ack=102   -> final ACK; TIME_WAIT CLOSED
	`)
	closedBy(t, s, HowFourWay, 0)
}

func TestSimultaneousClose(t *testing.T) {
	s := play(t, shake+`
	20ms  > F. 1 ack=1 -> FIN; FIN_WAIT_1 ESTABLISHED
	21ms  < F. 1 ack=1 -> simultaneous close; FIN_WAIT_1 FIN_WAIT_1
	21ms  > .  2 ack=2 -> ; CLOSING FIN_WAIT_1
	30ms  < .  2 ack=2 -> final ACK; TIME_WAIT TIME_WAIT
	`)
	closedBy(t, s, HowBothAtOnce, 0)
}

func TestTimeWaitAcknowledgesAgain(t *testing.T) {
	play(t, shake+`
	20ms   > F. 1 ack=1 ts=120/9000 id=102 -> FIN
	30ms   < F. 1 ack=2 ts=9020/120 id=7   -> final FIN
	30ms   > .  2 ack=2 ts=130/9020 id=103 -> final ACK; TIME_WAIT CLOSED
	251ms  < F. 1 ack=2 ts=9240/120 id=8   -> retransmission, timeout retransmission, spurious retransmission; TIME_WAIT LAST_ACK
	251ms  > .  2 ack=2 ts=350/9240 id=104 -> TIME_WAIT ACK; TIME_WAIT CLOSED
	`)
}

func TestFINAgainIsARetransmission(t *testing.T) {
	play(t, shake+`
	20ms   > F. 1 ack=1 -> FIN
	241ms  > F. 1 ack=1 -> retransmission, timeout retransmission; FIN_WAIT_1 ESTABLISHED
	251ms  < .  1 ack=2 -> ; FIN_WAIT_2 CLOSE_WAIT
	`)
}

func TestResetInMidstream(t *testing.T) {
	s := play(t, shake+`
	20ms  > P. 1+10 ack=1
	30ms  < R. 1 ack=11   -> reset; CLOSED CLOSED
	`)
	closedBy(t, s, HowReset, 1)
	if f := s.events[4].Findings[0]; f.Rule != RuleResetAlone {
		t.Errorf("an RST with ACK is no answer: %s", f.Why())
	}
}

func TestResetAnswersTheSegmentThatItQuotes(t *testing.T) {
	s := play(t, shake+`
	20ms  > P. 1+10 ack=1
	30ms  < R  1          -> reset; CLOSED CLOSED
	`)
	if f := s.events[4].Findings[0]; f.Rule != RuleReset || f.Frames[0] != 4 {
		t.Errorf("%s", f.Why())
	}
}

func TestResetWithAWrongNumberIsNotBelieved(t *testing.T) {
	s := play(t, shake+`
	30ms  < R  99000000  -> reset; ESTABLISHED CLOSED
	`)
	if talk := s.events[3].Talk; talk.Closed != HowNot {
		t.Errorf("closed by %v", talk.Closed)
	}
}

func TestResetAfterACloseDoesNotChangeHow(t *testing.T) {
	s := play(t, shake+`
	20ms  > F. 1 ack=1
	30ms  < F. 1 ack=2
	30ms  > .  2 ack=2 -> final ACK
	31ms  < R  2       -> reset
	`)
	closedBy(t, s, HowThreeWay, 0)
}

// edges are those of RFC 9293 §3.3.2, figure 5, and from every state to CLOSED, which
// needs an RST; the zero state, not known, may be any.
var edges = map[tcp.State][]tcp.State{
	tcp.Closed:      {tcp.Listen, tcp.SynSent},
	tcp.Listen:      {tcp.SynReceived, tcp.SynSent},
	tcp.SynSent:     {tcp.SynReceived, tcp.Established},
	tcp.SynReceived: {tcp.Established, tcp.FinWait1},
	tcp.Established: {tcp.FinWait1, tcp.CloseWait},
	tcp.FinWait1:    {tcp.FinWait2, tcp.Closing, tcp.TimeWait},
	tcp.FinWait2:    {tcp.TimeWait},
	tcp.CloseWait:   {tcp.LastAck},
	tcp.Closing:     {tcp.TimeWait},
	tcp.LastAck:     {tcp.Closed},
}

// follows reports whether one segment may take an end from one state to the other:
// along edges, several at once where it has several flags; or back, where a segment
// that comes again shows that its answer had not arrived.
func follows(from, to tcp.State) bool {
	switch {
	case from == 0 || from == to || to == tcp.Closed:
		return true
	case from == tcp.Established && to == tcp.SynReceived, from == tcp.Closed && to == tcp.LastAck:
		return true
	case from == tcp.Closed:
		return false // a new connection is a new conversation
	}
	for _, step := range edges[from] {
		if step != tcp.Closed && follows(step, to) {
			return true
		}
	}
	return false
}

func TestFINCountsWhatWasNotCaptured(t *testing.T) {
	s := play(t, shake+`
	20ms  > P. 1+10  ack=1
	20ms  > P. 41+10 ack=1
	30ms  < .  1 ack=51   -> not captured
	30ms  > F. 51 ack=1   -> FIN
	`)
	e := s.events[len(s.events)-1]
	if f := e.Findings[0]; f.Values[0] != 50 || e.Talk.Ends[0].Bytes != 20 || e.Talk.Ends[0].Missed != 30 {
		t.Errorf("%s; %+v", f.Why(), e.Talk.Ends[0])
	}
}

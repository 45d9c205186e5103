package flow

import "testing"

// bulk is what a sender has out at the sender's side: ten segments of 1000 bytes, in
// one round trip of 10 ms, the first two acknowledged.
const bulk = shake + `
	20ms  > .  1+1000    ack=1 ts=120/9000 id=102 ->
	20ms  > .  1001+1000 ack=1 ts=120/9000 id=103 ->
	30ms  < .  1 ack=2001 ts=9020/120 id=1        ->
	30ms  > .  2001+1000 ack=1 ts=130/9020 id=104 ->
	30ms  > .  3001+1000 ack=1 ts=130/9020 id=105 ->
	30ms  > .  4001+1000 ack=1 ts=130/9020 id=106 ->
	30ms  > .  5001+1000 ack=1 ts=130/9020 id=107 ->
	30ms  > .  6001+1000 ack=1 ts=130/9020 id=108 ->
`

func TestFastRetransmissionBySACK(t *testing.T) {
	s := play(t, bulk+`
	40ms  < .  1 ack=2001 ts=9030/120 id=2 sack=3001-4001 -> duplicate ACK, SACK
	40ms  < .  1 ack=2001 ts=9030/120 id=3 sack=3001-5001 -> duplicate ACK, SACK
	40ms  < .  1 ack=2001 ts=9030/120 id=4 sack=3001-6001 -> duplicate ACK, SACK
	40ms  > .  2001+1000 ack=1 ts=140/9030 id=109 -> retransmission, fast retransmission
	40ms  < .  1 ack=2001 ts=9030/120 id=5 sack=3001-7001 -> duplicate ACK, SACK
	50ms  < .  1 ack=7001 ts=9040/140 id=6                ->
	`)
	end := s.events[0].Talk.Ends[0]
	if end.Resent != 1 || end.Lost != 1 || end.Retransmitted != 1000 || end.Bytes != 7000 {
		t.Errorf("%+v", end)
	}
	if e := s.events[len(s.events)-1]; e.RTT != 10e6 || e.InFlight != 0 {
		t.Errorf("RTT %d by the echoed timestamp", e.RTT)
	}
	if got := s.events[0].Talk.Ends[1].DupAcks; got != 4 {
		t.Errorf("%d duplicate ACKs", got)
	}
}

func TestFastRetransmissionByDuplicateACKs(t *testing.T) {
	play(t, plainShake+`
	20ms  > .  1+1000    ack=1 ->
	20ms  > .  1001+1000 ack=1 ->
	20ms  > .  2001+1000 ack=1 ->
	20ms  > .  3001+1000 ack=1 ->
	20ms  > .  4001+1000 ack=1 ->
	30ms  < .  1 ack=1 win=65160 -> duplicate ACK
	30ms  < .  1 ack=1 win=65160 -> duplicate ACK
	30ms  < .  1 ack=1 win=65160 -> duplicate ACK
	30ms  > .  1+1000 ack=1      -> retransmission, fast retransmission
	40ms  < .  1 ack=2001        -> 
	40ms  > .  2001+1000 ack=1   -> retransmission, fast retransmission  # partial ACK
	50ms  < .  1 ack=5001        -> 
	`)
}

func TestTimeoutAndWhatFollowsIt(t *testing.T) {
	play(t, bulk+`
	251ms  > .  2001+1000 ack=1 ts=351/9020 id=109 -> retransmission, timeout retransmission
	261ms  < .  1 ack=3001 ts=9251/351 id=2        -> 
	261ms  > .  3001+1000 ack=1 ts=361/9251 id=110 -> retransmission, timeout retransmission
	261ms  > .  4001+1000 ack=1 ts=361/9251 id=111 -> retransmission, timeout retransmission
	271ms  < .  1 ack=7001 ts=9261/361 id=3        -> 
	`)
}

func TestTailLossProbe(t *testing.T) {
	play(t, bulk+`
	40ms  < .  1 ack=6001 ts=9030/130 id=2        ->
	62ms  > .  6001+1000 ack=1 ts=162/9030 id=109 -> retransmission, tail-loss probe
	72ms  < .  1 ack=7001 ts=9062/162 id=3        ->
	`)
}

func TestSpuriousByDSACK(t *testing.T) {
	s := play(t, bulk+`
	62ms  > .  6001+1000 ack=1 ts=162/9020 id=109                  -> retransmission, tail-loss probe
	63ms  < .  1 ack=7001 ts=9052/130 id=2                         ->
	72ms  < .  1 ack=7001 ts=9062/130 id=3 sack=6001-7001          -> D-SACK, spurious retransmission@12
	`)
	if f := s.events[13].Findings[1]; f.Rule != RuleDSACKed || f.Frames[0] != 14 {
		t.Errorf("%s", f.Why())
	}
}

func TestSpuriousByDSACKWithoutTimestamps(t *testing.T) {
	s := play(t, plainShake+`
	20ms  > .  1+1000    ack=1 ->
	30ms  < .  1 ack=1001      ->
	30ms  > .  1001+1000 ack=1 ->
	52ms  > .  1001+1000 ack=1 -> retransmission, tail-loss probe
	53ms  < .  1 ack=2001      ->
	62ms  < .  1 ack=2001 sack=1001-2001 -> D-SACK, spurious retransmission@7
	`)
	if end := s.events[0].Talk.Ends[0]; end.Lost != 0 || end.Resent != 1 {
		t.Errorf("%d lost of %d sent again", end.Lost, end.Resent)
	}
}

func TestSpuriousByTimestamps(t *testing.T) {
	s := play(t, bulk+`
	251ms  > .  2001+1000 ack=1 ts=351/9020 id=109 -> retransmission, timeout retransmission
	252ms  < .  1 ack=7001 ts=9242/130 id=2        -> spurious retransmission@12
	`)
	last := s.events[len(s.events)-1].Findings
	if f := last[0]; f.Rule != RuleEifel || f.Values[0] != 130 || f.Values[1] != 351 {
		t.Errorf("%s", f.Why())
	}
}

func TestSpuriousBecauseItWasAcknowledged(t *testing.T) {
	play(t, bulk+`
	40ms   < .  1 ack=7001 ts=9030/130 id=2        ->
	251ms  > .  6001+1000 ack=1 ts=351/9020 id=109 -> retransmission, timeout retransmission, spurious retransmission
	`)
}

func TestCopyIsNoRetransmission(t *testing.T) {
	s := play(t, bulk+`
	30ms  > .  5001+1000 ack=1 ts=130/9020 id=107 -> duplicate packet
	40ms  < .  1 ack=7001 ts=9030/130 id=2        ->
	40ms  < .  1 ack=7001 ts=9030/130 id=2        ->  # its IDs are not known well yet
	`)
	if end := s.events[0].Talk.Ends[0]; end.Resent != 0 {
		t.Errorf("%d sent again", end.Resent)
	}
	if f := s.events[11].Findings[0]; f.Frames[0] != 10 {
		t.Errorf("%s", f.Why())
	}
}

func TestCopyWithoutIDsIsKnownByItsTimestampAndChecksum(t *testing.T) {
	play(t, plainShake+`
	20ms    > .  1+1000    ack=1 ts=120/9000 ->
	20.1ms  > .  1+1000    ack=1 ts=120/9000 -> duplicate packet
	`)
}

func TestCopiedACKIsNoDuplicateACK(t *testing.T) {
	play(t, shake+`
	20ms  < .  1+1000    ack=1 ts=9010/110          id=50 ->
	20ms  < .  1001+1000 ack=1 ts=9010/110          id=51 ->
	20ms  > .  1 ack=2001 win=502 ts=120/9010       id=102 ->
	21ms  < .  2001+1000 ack=1 ts=9011/110          id=52 ->
	22ms  > .  1 ack=2001 win=502 ts=120/9010       id=102 -> duplicate packet
	22ms  > .  1 ack=2001 win=502 ts=122/9010       id=103 -> duplicate ACK
	`)
}

func TestRetransmissionLostAgain(t *testing.T) {
	play(t, bulk+`
	40ms   < .  1 ack=2001 ts=9030/120 id=2 sack=3001-7001 -> duplicate ACK, SACK
	40ms   > .  2001+1000 ack=1 ts=140/9030 id=109         -> retransmission, fast retransmission
	270ms  > .  2001+1000 ack=1 ts=370/9030 id=110         -> retransmission, timeout retransmission
	280ms  < .  1 ack=7001 ts=9270/370 id=3                ->
	`)
}

func TestDSACKOfACopyIsNotAboutTheRetransmission(t *testing.T) {
	play(t, bulk+`
	40ms  < .  1 ack=2001 ts=9030/120 id=2 sack=3001-7001           -> duplicate ACK, SACK
	40ms  > .  2001+1000 ack=1 ts=140/9030 id=109                   -> retransmission, fast retransmission
	50ms  < .  1 ack=7001 ts=9040/140 id=3                          ->
	53ms  < .  1 ack=7001 ts=9043/140 id=4 sack=2001-3001           -> D-SACK
	`)
}

func TestDSACKOfAPartIsNotOfTheRetransmission(t *testing.T) {
	play(t, bulk+`
	40ms  < .  1 ack=2001 ts=9030/120 id=2 sack=3001-7001           -> duplicate ACK, SACK
	40ms  > .  2001+1200 ack=1 ts=140/9030 id=109                   -> retransmission, fast retransmission
	49ms  < .  1 ack=7001 ts=9040/140 id=3 sack=3001-3201           -> D-SACK
	`)
}

func TestSpuriousByTheDSACKThatFirstAcknowledges(t *testing.T) {
	play(t, shake+`
	20ms   > P. 1+18 ack=1 ts=120/9000 id=102          ->
	235ms  > P. 1+18 ack=1 ts=335/9000 id=103          -> retransmission, timeout retransmission
	245ms  < .  1 ack=19 ts=9235/335 id=2 sack=1-19    -> D-SACK, spurious retransmission@5
	`)
}

func TestSYNAgainThoughItHadArrived(t *testing.T) {
	play(t, `
	0s     > S  0       mss=1460 sackok ts=100/0        -> SYN
	1.01s  > S  0       mss=1460 sackok ts=1110/0       -> retransmission, timeout retransmission
	1.02s  < S. 0 ack=1 mss=1460 sackok ts=9000/100     -> spurious retransmission@2, SYN+ACK
	`)
}

func TestEachTimeoutIsTwiceTheOneBefore(t *testing.T) {
	s := play(t, bulk+`
	251ms  > .  2001+1000 ack=1 ts=351/9020 id=109 -> retransmission, timeout retransmission
	671ms  > .  2001+1000 ack=1 ts=771/9020 id=110 -> retransmission, timeout retransmission
	`)
	f := s.events[len(s.events)-1].Findings[1]
	if want := "sent 420 ms after frame 12, which a timeout had sent already, and still without progress: " +
		"each timeout is twice the one before (RFC 6298 §5.5)"; f.Rule != RuleTimeoutAgain || f.Why() != want {
		t.Errorf("%s\nwanted\n%s", f.Why(), want)
	}
}

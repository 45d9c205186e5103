package flow

import "testing"

// At the receiver's side, a round trip of 10 ms to the sender: who fills a hole?
const received = `
	0ms    > S  0       win=64240 mss=1460 sackok ts=100/0 scale=7     id=100 
	0ms    < S. 0 ack=1 win=65160 mss=1460 sackok ts=9000/100 scale=7         
	10ms   > .  1 ack=1 win=502   ts=110/9000                          id=101 
	10ms   > .  1+1000    ack=1 ts=110/9000 id=102 ->
	10ms   < .  1 ack=1001 ts=9010/110 id=1        ->
	20ms   > .  1001+1000 ack=1 ts=120/9010 id=103 ->
	20ms   < .  1 ack=2001 ts=9020/120 id=2        ->
`

func TestReorderedIsKnownByItsTimestamp(t *testing.T) {
	s := play(t, received+`
	30ms  > .  3001+1000 ack=1 ts=131/9020 id=105           ->
	30ms  < .  1 ack=2001 ts=9030/120 id=3 sack=3001-4001   -> duplicate ACK, SACK
	60ms  > .  2001+1000 ack=1 ts=130/9020 id=104           -> out of order
	60ms  < .  1 ack=4001 ts=9060/130 id=4                  ->
	`)
	f := s.events[9].Findings[0]
	if f.Rule != RuleOlderTimestamp || f.Frames[0] != 8 {
		t.Errorf("%s", f.Why())
	}
	if end := s.events[0].Talk.Ends[0]; end.OutOfOrder != 1 || end.Resent != 0 || end.Bytes != 4000 {
		t.Errorf("%+v", end)
	}
}

func TestReorderedInOneTickIsKnownByItsID(t *testing.T) {
	s := play(t, received+`
	30ms  > .  3001+1000 ack=1 ts=130/9020 id=105           ->
	30ms  < .  1 ack=2001 ts=9030/120 id=3 sack=3001-4001   -> duplicate ACK, SACK
	60ms  > .  2001+1000 ack=1 ts=130/9020 id=104           -> out of order
	`)
	if f := s.events[9].Findings[0]; f.Rule != RuleOlderID {
		t.Errorf("%s", f.Why())
	}
}

func TestLostBeforeTheCaptureIsKnownByItsTimestamp(t *testing.T) {
	s := play(t, received+`
	30ms  > .  3001+1000 ack=1 ts=130/9020 id=105           ->
	30ms  < .  1 ack=2001 ts=9030/120 id=3 sack=3001-4001   -> duplicate ACK, SACK
	40ms  > .  2001+1000 ack=1 ts=140/9030 id=106           -> retransmission, fast retransmission
	40ms  < .  1 ack=4001 ts=9040/140 id=4                  ->
	`)
	f := s.events[9].Findings
	if f[0].Rule != RuleNewerTimestamp || f[1].Rule != RuleSACKedAbove || f[1].Frames[0] != 9 {
		t.Errorf("%s; %s", f[0].Why(), f[1].Why())
	}
}

func TestLostOnAFastLineIsKnownByItsID(t *testing.T) {
	s := play(t, received+`
	30ms    > .  3001+1000 ack=1 ts=130/9020 id=105           ->
	30ms    < .  1 ack=2001 ts=9030/120 id=3 sack=3001-4001   -> duplicate ACK, SACK
	30.4ms  > .  2001+1000 ack=1 ts=130/9030 id=106           -> retransmission, fast retransmission
	`)
	if f := s.events[9].Findings[0]; f.Rule != RuleNewerID {
		t.Errorf("%s", f.Why())
	}
}

// plainReceived has neither timestamps nor IDs.
const plainReceived = `
	0ms    > S  0       mss=1000
	0ms    < S. 0 ack=1 mss=1000
	20ms   > .  1 ack=1
	20ms   > .  1+1000    ack=1  ->
	20ms   < .  1 ack=1001       ->
`

func TestReorderedIsKnownByTime(t *testing.T) {
	s := play(t, plainReceived+`
	40ms  > .  2001+1000 ack=1   ->
	40ms  < .  1 ack=1001        -> duplicate ACK
	41ms  > .  1001+1000 ack=1   -> out of order
	`)
	if f := s.events[7].Findings[0]; f.Rule != RuleTooSoon {
		t.Errorf("%s", f.Why())
	}
}

func TestReorderedIsKnownByNobodyAsking(t *testing.T) {
	s := play(t, plainReceived+`
	40ms   > .  2001+1000 ack=1   ->
	100ms  > .  1001+1000 ack=1   -> out of order
	`)
	if f := s.events[6].Findings[0]; f.Rule != RuleNotAsked {
		t.Errorf("%s", f.Why())
	}
}

func TestLostIsKnownByTimeAndAsking(t *testing.T) {
	s := play(t, plainReceived+`
	40ms  > .  2001+1000 ack=1   ->
	40ms  < .  1 ack=1001        -> duplicate ACK
	40ms  > .  3001+1000 ack=1   ->
	40ms  < .  1 ack=1001        -> duplicate ACK
	40ms  > .  4001+1000 ack=1   ->
	40ms  < .  1 ack=1001        -> duplicate ACK
	61ms  > .  1001+1000 ack=1   -> retransmission, fast retransmission
	`)
	if f := s.events[11].Findings[0]; f.Rule != RuleAfterRTT || f.Frames != [2]int64{6, 11} {
		t.Errorf("%s", f.Why())
	}
}

func TestFirstCopyAfterTheSecond(t *testing.T) {
	s := play(t, received+`
	30ms  > .  3001+1000 ack=1 ts=130/9020 id=105           ->
	30ms  < .  1 ack=2001 ts=9030/120 id=3 sack=3001-4001   -> duplicate ACK, SACK
	40ms  > .  2001+1000 ack=1 ts=140/9030 id=106           -> retransmission, fast retransmission
	40ms  < .  1 ack=4001 ts=9040/140 id=4                  ->
	50ms  > .  2001+1000 ack=1 ts=130/9020 id=104           -> out of order, spurious retransmission@10
	`)
	if end := s.events[0].Talk.Ends[0]; end.Lost != 0 || end.Resent != 1 || end.OutOfOrder != 1 {
		t.Errorf("%+v", end)
	}
}

func TestLostTailIsKnownByTheSkippedID(t *testing.T) {
	text := received
	s := play(t, text+`
	30ms   > .  2001+1000 ack=1 ts=130/9020 id=104 ->
	30ms   > .  3001+1000 ack=1 ts=130/9020 id=105 ->
	30ms   > .  4001+1000 ack=1 ts=130/9020 id=106 ->
	30ms   > .  5001+1000 ack=1 ts=130/9020 id=107 ->
	30ms   > .  6001+1000 ack=1 ts=130/9020 id=108 ->
	30ms   < .  1 ack=7001 ts=9030/130 id=3        ->
	40ms   > .  7001+1000 ack=1 ts=140/9030 id=109 ->
	40ms   < .  1 ack=8001 ts=9040/140 id=4        ->
	251ms  > .  8001+1000 ack=1 ts=351/9040 id=111 -> retransmission, timeout retransmission
	`)
	if f := s.events[len(s.events)-1].Findings[0]; f.Rule != RuleSkippedID || f.Values[0] != 1 {
		t.Errorf("%s", f.Why())
	}
}

func TestPauseWithoutASkippedIDIsNoLoss(t *testing.T) {
	play(t, received+`
	30ms   > .  2001+1000 ack=1 ts=130/9020 id=104 ->
	30ms   > .  3001+1000 ack=1 ts=130/9020 id=105 ->
	30ms   > .  4001+1000 ack=1 ts=130/9020 id=106 ->
	30ms   > .  5001+1000 ack=1 ts=130/9020 id=107 ->
	30ms   > .  6001+1000 ack=1 ts=130/9020 id=108 ->
	30ms   < .  1 ack=7001 ts=9030/130 id=3        ->
	40ms   > .  7001+1000 ack=1 ts=140/9030 id=109 ->
	40ms   < .  1 ack=8001 ts=9040/140 id=4        ->
	251ms  > .  8001+1000 ack=1 ts=351/9040 id=110 ->
	`)
}

func TestOvertakenACK(t *testing.T) {
	play(t, bulk+`
	40ms  < .  1 ack=7001 ts=9040/130 id=9 ->
	41ms  < .  1 ack=4001 ts=9039/130 id=8 -> out of order
	`)
}

func TestNotCaptured(t *testing.T) {
	s := play(t, received+`
	30ms  > .  4001+1000 ack=1 ts=130/9020 id=106 ->
	30ms  < .  1 ack=5001 ts=9030/130 id=3        -> not captured
	40ms  < .  1 ack=7001 ts=9040/130 id=4        -> not captured
	`)
	if f := s.events[8].Findings[0]; f.Values[0] != 2000 {
		t.Errorf("%s", f.Why())
	}
	if f := s.events[9].Findings[0]; f.Values[0] != 2000 {
		t.Errorf("%s", f.Why())
	}
}

func TestBadChecksumIsAsIfItHadNotCome(t *testing.T) {
	play(t, bulk+`
	31ms  > .  7001+1000 ack=1 ts=130/9020 id=109 sum=bad -> checksum bad
	33ms  > .  8001+1000 ack=1 ts=133/9020 id=110         ->
	40ms  < .  1 ack=7001 ts=9030/130 id=2 sack=8001-9001 -> SACK
	`)
}

func TestMSSExceeded(t *testing.T) {
	play(t, `
	0ms  > S  0       mss=1460
	0ms  < S. 0 ack=1 mss=1000
	1ms  > .  1+1000  ack=1    -> handshake complete
	1ms  > .  1001+1200 ack=1  -> MSS exceeded
	1ms  > .  2201+4000 ack=1  -> # not yet segmented
	`)
}

func TestDamagedIsSentAgain(t *testing.T) {
	s := play(t, received+`
	30ms   > .  2001+100 ack=1 ts=130/9020 id=104 sum=bad -> checksum bad
	251ms  > .  2001+100 ack=1 ts=351/9020 id=105         -> retransmission, timeout retransmission
	`)
	if f := s.events[8].Findings[0]; f.Rule != RuleSpoiled || f.Frames[0] != 8 {
		t.Errorf("%s", f.Why())
	}
}

func TestOvertakenACKThatSaysNoLess(t *testing.T) {
	play(t, bulk+`
	40ms  < .  1 ack=7001 ts=9040/130 id=2 -> 
	40ms  < .  1 ack=7001 ts=9040/130 id=3 win=61000 -> window update
	40ms  < .  1 ack=7001 ts=9040/130 id=5 win=62000 -> window update
	41ms  < .  1 ack=7001 ts=9039/130 id=4 win=61500 -> out of order
	`)
}

package flow

import "testing"

func TestZeroWindowProbeAndUpdate(t *testing.T) {
	s := play(t, plainShake+`
	20ms   > P. 1+1000 ack=1       ->
	30ms   < .  1 ack=1001 win=0   -> zero window
	240ms  > .  1000 ack=1         -> zero-window probe
	250ms  < .  1 ack=1001 win=0   -> zero-window probe ACK, zero window
	680ms  > .  1000 ack=1         -> zero-window probe
	690ms  < .  1 ack=1001 win=0   -> zero-window probe ACK, zero window
	700ms  < .  1 ack=1001 win=800 -> window update
	710ms  > .  1001+800 ack=1     -> window full
	`)
	if f := s.events[9].Findings[0]; f.Values[0] != 0 || f.Values[1] != 800 {
		t.Errorf("%s", f.Why())
	}
	if got := s.events[0].Talk.Ends[1].ZeroWindows; got != 3 {
		t.Errorf("%d zero windows", got)
	}
}

func TestProbeOfOneByte(t *testing.T) {
	play(t, plainShake+`
	20ms   > P. 1+1000 ack=1       ->
	30ms   < .  1 ack=1001 win=0   -> zero window
	240ms  > .  1001+1 ack=1       -> zero-window probe
	250ms  < .  1 ack=1001 win=0   -> zero-window probe ACK, zero window
	680ms  > .  1001+1 ack=1       -> zero-window probe
	690ms  < .  1 ack=1002 win=800 -> zero-window probe ACK
	700ms  > .  1002+500 ack=1     ->
	`)
}

func TestProbeAnswerThatOpensTheWindow(t *testing.T) {
	play(t, plainShake+`
	20ms   > P. 1+1000 ack=1       ->
	30ms   < .  1 ack=1001 win=0   -> zero window
	240ms  > .  1000 ack=1         -> zero-window probe
	250ms  < .  1 ack=1001 win=900 -> zero-window probe ACK, window update
	`)
}

func TestKeepAlive(t *testing.T) {
	play(t, plainShake+`
	20ms   > P. 1+1000 ack=1       ->
	30ms   < .  1 ack=1001         ->
	75s    > .  1000 ack=1         -> keep-alive
	75.1s  < .  1 ack=1001         -> keep-alive ACK
	150s   > .  1000+1 ack=1       -> keep-alive
	150.1s < .  1 ack=1001         -> keep-alive ACK
	`)
}

func TestKeepAliveOfTheServer(t *testing.T) {
	play(t, plainShake+`
	20ms   > P. 1+1000 ack=1       ->
	30ms   < .  1 ack=1001         ->
	75s    < .  0 ack=1001         -> keep-alive
	75.1s  > .  1001 ack=1         -> keep-alive ACK
	`)
}

func TestWindowScaleIsThatOfBothSYNs(t *testing.T) {
	s := play(t, `
	0ms  > S  0       mss=1460 scale=7 win=1000
	0ms  < S. 0 ack=1 mss=1460 win=1000
	1ms  > .  1 ack=1 win=500
	`)
	if got := s.events[2].Window; got != 500 {
		t.Errorf("window %d: the other end did not offer to scale", got)
	}
}

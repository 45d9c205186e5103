package tcp

import (
	"slices"
	"testing"
	"time"
)

// flight is an established connection with n full segments under way, sent just now.
func flight(t *testing.T, n int) *bare {
	b := newBare(t, nil).connect()
	b.write(n * 1460)
	if sent := b.look(); len(sent) != min(n, 10) {
		t.Fatalf("%d segments were sent", len(sent))
	}
	return b
}

// segments are the first numbers of full segments, counted from 0.
func (b *bare) wantSent(what string, segments ...int) {
	b.t.Helper()
	var got []int
	for _, s := range b.look() {
		got = append(got, (s.Seq-1)/1460)
	}
	if !slices.Equal(got, segments) {
		b.t.Errorf("%s: segments %v were sent, want %v", what, got, segments)
	}
}

// full is the block of segments from to to.
func full(from, to int) [2]int { return [2]int{1 + from*1460, 1 + to*1460} }

// TestRACKWaitsAQuarterOfARoundTrip: RFC 8985 §6.2, steps 4 and 5.
func TestRACKWaitsAQuarterOfARoundTrip(t *testing.T) {
	b := flight(t, 3)
	b.wait(bareRTT)
	b.ack(1, full(1, 2))
	b.wait(bareRTT/4 - time.Microsecond)
	b.wantSent("before a quarter of the round trip is over")
	b.wait(time.Microsecond)
	b.wantSent("after it", 0)
}

// TestRACKNeedsNoWaitForThree: §6.2, step 4: as long as no reordering was seen, three
// segments beyond are enough.
func TestRACKNeedsNoWaitForThree(t *testing.T) {
	b := flight(t, 6)
	b.wait(bareRTT)
	b.ack(1, full(1, 3))
	b.wantSent("two beyond")
	b.ack(1, full(1, 4))
	b.wantSent("three beyond", 0)
}

// TestRACKWaitsOnceReorderingWasSeen: §6.2, step 3: what was sent once has arrived
// behind what was sent later.
func TestRACKWaitsOnceReorderingWasSeen(t *testing.T) {
	b := flight(t, 3)
	b.wait(bareRTT)
	b.ack(1, full(1, 2))
	b.wait(time.Millisecond)
	b.ack(1 + 3*1460)
	if !b.c.rack.reordered {
		t.Fatal("no reordering was seen")
	}
	b.write(6 * 1460)
	b.look()
	b.wait(bareRTT)
	b.ack(1+3*1460, full(4, 8))
	b.wantSent("four beyond, at once")
	b.wait(bareRTT / 4)
	b.wantSent("four beyond, later", 3)
}

// TestRACKFindsALostRetransmission: §6.2: what was sent after it has arrived.
func TestRACKFindsALostRetransmission(t *testing.T) {
	b := flight(t, 8)
	b.wait(bareRTT)
	b.ack(1, full(1, 7))
	b.wantSent("the loss", 0)
	b.wait(time.Millisecond)
	b.write(1460)
	b.wantSent("new data", 8)
	b.wait(bareRTT)
	b.ack(1, full(1, 9))
	b.wait(bareRTT)
	b.wantSent("its retransmission's loss", 0)
}

// TestNoReorderingIsSeenAtFirst, wherever the numbers begin.
func TestNoReorderingIsSeenAtFirst(t *testing.T) {
	for iss := Seq(0); ; {
		b := newBare(t, func(c *Config) { c.ISS = iss })
		b.wait(bareRTT)
		h := Header{Ack: iss + 1, Flags: SYN | ACK, Window: 1000, Options: Options(nil).AppendSACKPermitted()}
		b.c.Input(b.now, &h, nil)
		if b.c.rack.reordered {
			t.Errorf("ISS %#x: reordering is seen in the handshake", iss)
		}
		if iss += 1 << 28; iss == 0 {
			return
		}
	}
}

// TestReorderWindowFollowsDuplicates is step 4 (RACK_update_reo_wnd): by a quarter of the
// least round trip for every one with a D-SACK, up to SRTT; back after 16 recoveries.
func TestReorderWindowFollowsDuplicates(t *testing.T) {
	k := newRack(0)
	k.adapt(100, 200, true)
	k.adapt(150, 300, true) // the same round trip
	if k.mult != 2 {
		t.Errorf("after one round trip with duplicates: %d quarters", k.mult)
	}
	k.adapt(200, 400, true)
	if k.mult != 3 {
		t.Errorf("after two: %d quarters", k.mult)
	}
	for range rackPersist - 1 {
		k.recovered()
	}
	if k.mult != 3 {
		t.Errorf("after 15 recoveries: %d quarters", k.mult)
	}
	if k.recovered(); k.mult != 1 {
		t.Errorf("after 16: %d quarters", k.mult)
	}
	c := &Conn{rack: rack{mult: 40, reordered: true}, rtt: rttEstimator{least: 40 * time.Millisecond, smoothed: 50 * time.Millisecond}}
	if got := c.reorderWindow(); got != 50*time.Millisecond {
		t.Errorf("at most SRTT: %v", got)
	}
}

// TestRetransmissionIsNotTakenForTheFirstCopy is step 2: what seems to have arrived
// sooner than any segment can has arrived by its first copy.
func TestRetransmissionIsNotTakenForTheFirstCopy(t *testing.T) {
	c := &Conn{rack: newRack(0), rtt: rttEstimator{least: 40 * time.Millisecond}}
	d := &delivery{ack: &arrived{}}
	r := &sentRun{at: time.Second, end: 100, again: 1}
	c.rack.arrived(time.Second+39*time.Millisecond, c, r, d)
	if c.rack.sentAt != 0 {
		t.Error("after 39 ms it is held for the last segment that arrived")
	}
	c.stamps.on = true
	d.ack = &arrived{stamped: true, ecr: 999} // a millisecond before the second copy
	c.rack.arrived(time.Second+40*time.Millisecond, c, r, d)
	if c.rack.sentAt != 0 {
		t.Error("with the first copy's timestamp it is")
	}
	d.ack.ecr = 1000
	c.rack.arrived(time.Second+40*time.Millisecond, c, r, d)
	if c.rack.sentAt != time.Second {
		t.Error("after 40 ms it is not")
	}
}

// TestTimeoutMarksWhatIsOverdue is RFC 8985 §6.3: the first, and what was sent longer
// ago than a round trip and the reordering window.
func TestTimeoutMarksWhatIsOverdue(t *testing.T) {
	b := flight(t, 2)
	b.wait(3 * bareRTT) // a probe goes out meanwhile, and the timeout begins anew
	b.wait(b.c.timers.rto - b.now - 10*time.Millisecond)
	b.write(1460)
	b.wantSent("a probe, and new data", 1, 2)
	b.wait(10 * time.Millisecond)
	b.wantSent("timeout", 0)
	if got := b.c.runs.lost; got != 2*1460 {
		t.Errorf("%d bytes are held for lost, want the first two segments: %s", got, b.c.dump())
	}
}

// TestProbeTimeout is RFC 8985 §7.2.
func TestProbeTimeout(t *testing.T) {
	for name, tt := range map[string]struct {
		segments int
		want     time.Duration
	}{
		"two segments":               {2, 2*bareRTT + 2*time.Millisecond},
		"one: no later than the RTO": {1, bareRTT + 200*time.Millisecond},
	} {
		b := flight(t, tt.segments)
		b.wait(tt.want - time.Microsecond)
		b.wantSent(name + ", early")
		b.wait(time.Microsecond)
		b.wantSent(name, tt.segments-1)
		if b.c.Info().Timeouts != 0 {
			t.Errorf("%s: it was a timeout", name)
		}
		// §7.3: the RTO begins anew.
		b.wait(b.c.rtt.rto() - time.Microsecond)
		b.wantSent(name + ", before the timeout")
		b.wait(time.Microsecond)
		b.wantSent(name+", timeout", 0)
	}
}

// TestNoProbe: §7.2: not while segments are held for lost or selectively acknowledged,
// nor without SACK.
func TestNoProbe(t *testing.T) {
	b := flight(t, 10)
	b.wait(bareRTT)
	b.ack(1, full(1, 9))
	b.wantSent("recovery", 0)
	b.wait(3 * bareRTT)
	if b.c.Info().Probes != 0 {
		t.Error("a probe in recovery")
	}
	b = newBare(t, func(c *Config) { c.NoSACK = true }).connect()
	b.write(3 * 1460)
	b.look()
	b.wait(200 * time.Millisecond)
	b.wantSent("without SACK")
}

// TestProbeEnds is §7.4: a probe that has mended a loss costs window, one that was a
// duplicate does not.
func TestProbeEnds(t *testing.T) {
	for name, tt := range map[string]struct {
		answer func(b *bare)
		less   bool
	}{
		"mended":                {func(b *bare) { b.ack(1 + 3*1460) }, false}, // nobody knows yet
		"mended, and more came": {func(b *bare) { b.ack(1 + 3*1460); b.write(1460); b.wait(bareRTT); b.ack(1 + 4*1460) }, true},
		"a duplicate":           {func(b *bare) { b.ack(1+3*1460, full(2, 3)) }, false},
		"acknowledged again":    {func(b *bare) { b.ack(1 + 3*1460); b.ack(1 + 3*1460) }, false},
	} {
		b := flight(t, 3)
		b.wait(2*bareRTT + 2*time.Millisecond)
		b.wantSent(name, 2)
		before := b.c.cc.cwnd
		b.wait(10 * time.Millisecond)
		tt.answer(b)
		if less := b.c.cc.cwnd < before; less != tt.less {
			t.Errorf("%s: the window went from %d to %d", name, before, b.c.cc.cwnd)
		}
	}
}

// TestFRTO is RFC 5682 §3 where conversations do not show it: without SACK, and when
// the timeout comes in recovery, the rest is sent again as after any timeout.
func TestFRTO(t *testing.T) {
	b := newBare(t, func(c *Config) { c.NoSACK = true }).connect()
	b.write(20 * 1460)
	b.look()
	b.wait(250 * time.Millisecond)
	b.wantSent("without SACK, timeout", 0)
	b.ack(1 + 1460)
	b.wantSent("without SACK", 1, 2)

	b = flight(t, 20)
	b.wait(bareRTT)
	b.ack(1, full(1, 4))
	b.look()
	b.wait(300 * time.Millisecond)
	if b.c.rec.phase != phaseTimeout || b.c.rec.frto != frtoOff {
		t.Errorf("timeout in recovery: phase %d, F-RTO step %d", b.c.rec.phase, b.c.rec.frto)
	}
}

package sim_test

import (
	"fmt"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"dialtone/link"
	"dialtone/link/sim"
)

func TestCutAndRestore(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		cable := sim.NewCable(sim.Config{Delay: time.Second})
		defer cable.Close()
		b := receive(cable.B())
		send(cable.A(), "before")
		cable.Cut()
		send(cable.A(), "lost")
		cable.Restore()
		send(cable.A(), "after")
		settle(2 * time.Second)
		b.want(t, "before after") // what is under way arrives
		if got := cable.AtoB().Counts().Cut; got != 1 {
			t.Errorf("%d counted as cut, want 1", got)
		}
	})
}

func TestMTU(t *testing.T) {
	cable := sim.NewCable(sim.Config{MTU: 1000})
	defer cable.Close()
	if got := cable.A().MTU(); got != 1000 {
		t.Errorf("MTU %d", got)
	}
	b := receive(cable.B())
	fits := frame(macB, macA, 1014, "fits")
	tagged := frame(macB, macA, 1014, "tagged")
	h := link.Ethernet{Dst: macB, Src: macA, Tags: []byte{0x81, 0, 0, 7}, Type: link.TypeIPv4}
	tagged.TrimFront(link.EthernetLen)
	h.Append(tagged.Prepend(link.EthernetLen + 4)[:0])
	cable.A().Send([]*link.Frame{fits, frame(macB, macA, 1015, "too long"), tagged})
	if got := cable.AtoB().Counts(); b.len() != 2 || got.TooLong != 1 || got.Frames != 2 {
		t.Errorf("arrived: %s; %+v", b, got)
	}
}

func TestSimplexIsOneWay(t *testing.T) {
	cable := sim.NewCable(sim.Config{Duplex: sim.Simplex})
	defer cable.Close()
	a, b := receive(cable.A()), receive(cable.B())
	cable.Restore()
	send(cable.A(), "there")
	send(cable.B(), "back")
	a.want(t, "")
	b.want(t, "there")
}

func TestHalfDuplexTakesTurns(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		// A frame of 60 bytes takes 60 ms, and 5 ms more until the line is silent at the other end.
		cable := sim.NewCable(sim.Config{Duplex: sim.HalfDuplex, Rate: 8000, Delay: 5 * time.Millisecond})
		defer cable.Close()
		a, b := receive(cable.A()), receive(cable.B())
		send(cable.A(), "1", "2")
		send(cable.B(), "3")
		send(cable.A(), "4")
		settle(time.Second)
		var got []string
		for _, at := range append(b.times, a.times...) {
			got = append(got, at.Truncate(time.Millisecond).String())
		}
		if want := "65ms 125ms 255ms 190ms"; strings.Join(got, " ") != want {
			t.Errorf("1, 2, 4 and 3 arrived after %v, want %s", got, want)
		}
	})
}

func TestHeldFrameIsReleased(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		cable := sim.NewCable(sim.Config{Delay: time.Second, Judge: func(n int, frame []byte) sim.Verdict {
			return sim.Verdict{Hold: strings.HasPrefix(text(frame), "hold")}
		}})
		defer cable.Close()
		b := receive(cable.B())
		send(cable.A(), "a", "hold1", "b", "hold3", "hold4", "hold5")
		settle(time.Minute)
		b.want(t, "a b")
		way := cable.AtoB()
		if way.Release(0, sim.Verdict{}) || !way.Release(3, sim.Verdict{}) || way.Release(3, sim.Verdict{}) || !way.Release(4, sim.Verdict{Drop: true}) {
			t.Error("Release does not know what is held")
		}
		way.Release(1, sim.Verdict{Edit: frame(macB, macA, 60, "edited").Data})
		settle(999 * time.Millisecond)
		b.want(t, "a b")
		settle(time.Second)
		b.want(t, "a b hold3 edited")
		if got := cable.AtoB().Counts(); way.Held() != 1 || got.Dropped != 1 {
			t.Errorf("%d held, %+v", way.Held(), got)
		}
	})
}

func TestJudgeDecides(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const ms = time.Millisecond
		cable := sim.NewCable(sim.Config{Judge: func(n int, f []byte) sim.Verdict {
			switch text(f) {
			case "lost":
				return sim.Verdict{Drop: true}
			case "late":
				return sim.Verdict{Late: 20 * ms}
			case "copy":
				return sim.Verdict{Copies: []time.Duration{0, 10 * ms}}
			case "cut short":
				return sim.Verdict{Edit: f[:14+3]}
			case "long":
				return sim.Verdict{Edit: make([]byte, 2000)}
			}
			return sim.Verdict{}
		}})
		defer cable.Close()
		b := receive(cable.B())
		send(cable.A(), "lost", "late", "copy", "cut short", "long", "next")
		settle(time.Second)
		b.want(t, "copy copy cut next copy late")
		if got := cable.AtoB().Counts(); got.Dropped != 1 || got.TooLong != 1 {
			t.Errorf("%+v", got)
		}
	})
}

func TestTapsSeeBothEnds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var lines []string
		began := time.Now()
		tap := func(end string) sim.Tap {
			return func(at time.Time, sent bool, frame []byte) {
				lines = append(lines, fmt.Sprintf("%v %s sent=%v %s", at.Sub(began), end, sent, text(frame)))
			}
		}
		cable := sim.NewCable(sim.Config{Delay: time.Millisecond, TapA: tap("A"), TapB: tap("B")})
		defer cable.Close()
		cable.A().Attach(func(f []*link.Frame) { link.FreeAll(f) })
		cable.B().Attach(func(f []*link.Frame) { cable.B().Send(f) })
		cable.AtoB().Cut()
		send(cable.A(), "lost")
		cable.AtoB().Restore()
		send(cable.A(), "ping")
		settle(time.Second)
		want := "0s A sent=true lost, 0s A sent=true ping, 1.000001ms B sent=false ping, 1.000001ms B sent=true ping, 2.000001ms A sent=false ping"
		if got := strings.Join(lines, ", "); got != want {
			t.Errorf("%s\nwant %s", got, want)
		}
	})
}

// TestChecksumsAreFilledInWhereItMatters: not on a perfect cable, whose other end
// believes them.
func TestChecksumsAreFilledInWhereItMatters(t *testing.T) {
	for name, c := range map[string]struct {
		config sim.Config
		want   link.Checksum
	}{
		"perfect": {sim.Config{}, link.ChecksumPartial},
		"tapped":  {sim.Config{TapB: func(time.Time, bool, []byte) {}}, link.ChecksumUnknown},
		"slow":    {sim.Config{Delay: 1}, link.ChecksumUnknown},
	} {
		synctest.Test(t, func(t *testing.T) {
			cable := sim.NewCable(c.config)
			defer cable.Close()
			got := link.ChecksumGood
			cable.B().Attach(func(frames []*link.Frame) {
				got = frames[0].Offload.Checksum
				link.FreeAll(frames)
			})
			f := frame(macB, macA, 60, "")
			f.Offload = link.Offload{Checksum: link.ChecksumPartial, SumStart: 34, SumOffset: 16}
			cable.A().Send([]*link.Frame{f})
			settle(time.Second)
			if got != c.want {
				t.Errorf("%s: checksum %v, want %v", name, got, c.want)
			}
		})
	}
}

func TestDetachedReceiverIsNotCalled(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		cable := sim.NewCable(sim.Config{})
		leave := make(chan bool)
		calls, detached := 0, false
		cable.B().Attach(func(frames []*link.Frame) {
			calls++
			<-leave
			link.FreeAll(frames)
		})
		go send(cable.A(), "1")
		synctest.Wait() // the receiver is in its call
		go func() {
			cable.B().Attach(nil)
			detached = true
		}()
		synctest.Wait()
		if calls != 1 || detached {
			t.Errorf("%d calls, detached: %v, want it to wait for the first", calls, detached)
		}
		send(cable.A(), "2") // waits behind the first
		leave <- true
		synctest.Wait()
		send(cable.A(), "3")
		if calls != 1 || !detached {
			t.Errorf("%d calls, detached: %v", calls, detached)
		}
	})
}

func TestCloseEndsEverything(t *testing.T) {
	for range 20 {
		cable := sim.NewCable(sim.Config{Delay: 100 * time.Microsecond, Rate: 1e9, Loss: 0.1})
		var bounce sync.WaitGroup
		for _, p := range []link.Port{cable.A(), cable.B()} {
			p.Attach(p.Send)
			bounce.Go(func() {
				for range 20 {
					send(p, numbers(10)...)
				}
			})
		}
		bounce.Wait()
		cable.Close()
		cable.Close()
		send(cable.A(), "after the end")
	}
}

// TestForgottenCableLeavesNothing: the bubble would complain of a goroutine.
func TestForgottenCableLeavesNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		cable := sim.NewCable(sim.Config{Delay: time.Second})
		send(cable.A(), "never seen")
	})
}

func TestEveryFrameArrivesFromManySenders(t *testing.T) {
	for name, c := range map[string]sim.Config{"at once": {}, "later": {Delay: time.Microsecond}} {
		cable := sim.NewCable(c)
		const senders, each = 4, 1000
		var done, got sync.WaitGroup
		got.Add(senders * each)
		cable.B().Attach(func(frames []*link.Frame) {
			for _, f := range frames {
				f.Free()
				got.Done()
			}
		})
		for range senders {
			done.Go(func() {
				for range each / 10 {
					send(cable.A(), numbers(10)...)
				}
			})
		}
		done.Wait()
		got.Wait()
		if n := cable.AtoB().Counts().Frames; n != senders*each {
			t.Errorf("%s: %d frames, want %d", name, n, senders*each)
		}
		cable.Close()
	}
}

package sim_test

import (
	"bytes"
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"dialtone/link"
	"dialtone/link/sim"
)

// through sends n numbered frames through a cable, one a millisecond or where a cable
// without delay cannot care all at once, and returns what arrived and the counts.
func through(t *testing.T, n int, c sim.Config) (in *inbox, counts sim.Counts) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		cable := sim.NewCable(c)
		defer cable.Close()
		in = receive(cable.B())
		for i := range n {
			send(cable.A(), fmt.Sprint(i))
			if c.Delay > 0 {
				time.Sleep(time.Millisecond)
			}
		}
		settle(time.Minute)
		counts = cable.AtoB().Counts()
	})
	return in, counts
}

// near says whether got is within five standard deviations of n × p.
func near(got, n int, p float64) bool {
	return math.Abs(float64(got)-float64(n)*p) <= 5*math.Sqrt(float64(n)*p*(1-p))
}

func TestLossIsTheShareAskedFor(t *testing.T) {
	const n = 20_000
	in, counts := through(t, n, sim.Config{Loss: 0.03, Seed: 1})
	if lost := n - in.len(); !near(lost, n, 0.03) || counts.Lost != uint64(lost) {
		t.Errorf("%d of %d lost, counted %d, want about 3 %%", lost, n, counts.Lost)
	}
}

func TestBurstsAreAsLongAsAskedFor(t *testing.T) {
	const n = 20_000
	in, _ := through(t, n, sim.Config{Burst: sim.Bursts(0.05, 4), Seed: 2})
	arrived := map[string]bool{}
	for _, s := range in.texts {
		arrived[s] = true
	}
	bursts := 0
	for i := range n {
		if !arrived[fmt.Sprint(i)] && (i == 0 || arrived[fmt.Sprint(i-1)]) {
			bursts++
		}
	}
	lost := n - in.len()
	// 250 bursts of 4±3.5 frames: a standard deviation of 6 % in length, 9 % in share.
	if length, share := float64(lost)/float64(bursts), float64(lost)/n; math.Abs(length-4) > 1 || math.Abs(share-0.05) > 0.02 {
		t.Errorf("%d of %d lost in %d bursts of %.1f, want 5 %% in bursts of 4", lost, n, bursts, length)
	}
}

func TestReorderedFramesAreOvertaken(t *testing.T) {
	const n = 10_000
	in, counts := through(t, n, sim.Config{Delay: time.Millisecond, Reorder: 0.02, Late: 2500 * time.Microsecond, Seed: 3})
	if in.len() != n || !near(int(counts.Late), n, 0.02) {
		t.Fatalf("%d of %d arrived, %d late", in.len(), n, counts.Late)
	}
	overtaken := 0
	for i, s := range in.texts {
		if i > 0 && len(s) <= len(in.texts[i-1]) && s < in.texts[i-1] && len(s) == len(in.texts[i-1]) {
			overtaken++
		}
	}
	if !near(overtaken, n, 0.02) {
		t.Errorf("%d of %d overtaken, want about 2 %%", overtaken, n)
	}
}

func TestJitterKeepsOrder(t *testing.T) {
	const n = 5000
	in, _ := through(t, n, sim.Config{Delay: 10 * time.Millisecond, Jitter: 20 * time.Millisecond, Seed: 4})
	if want := strings.Join(numbers(n), " "); in.String() != want {
		t.Error("frames are lost or in disorder")
	}
	var least, most time.Duration = time.Hour, 0
	for i, at := range in.times {
		late := at - time.Duration(i)*time.Millisecond
		least, most = min(least, late), max(most, late)
	}
	if least < 10*time.Millisecond || least > 18*time.Millisecond || most < 28*time.Millisecond || most > 30*time.Millisecond+time.Microsecond {
		t.Errorf("delays from %v to %v, want 10ms to 30ms", least, most)
	}
}

func TestDuplicates(t *testing.T) {
	const n = 10_000
	in, counts := through(t, n, sim.Config{Duplicate: 0.05, Seed: 5})
	if twice := in.len() - n; !near(twice, n, 0.05) || counts.Duplicated != uint64(twice) {
		t.Errorf("%d of %d twice, counted %d", twice, n, counts.Duplicated)
	}
	if got := slices.Compact(slices.Clone(in.texts)); strings.Join(got, " ") != strings.Join(numbers(n), " ") {
		t.Error("without the second ones, not every frame is there in order")
	}
}

func TestCorruptionChangesOneBitOfThePayload(t *testing.T) {
	const n = 10_000
	corrupted, places := 0, map[int]bool{}
	synctest.Test(t, func(t *testing.T) {
		cable := sim.NewCable(sim.Config{Corrupt: 0.1, Seed: 6})
		defer cable.Close()
		plain := frame(macB, macA, 60, "")
		cable.B().Attach(func(frames []*link.Frame) {
			for _, f := range frames {
				bits := 0
				for i := range f.Data {
					for bit := range 8 {
						if (f.Data[i]^plain.Data[i])>>bit&1 != 0 {
							places[8*i+bit] = true
							bits++
						}
					}
				}
				if bits > 1 || !bytes.Equal(f.Data[:14], plain.Data[:14]) {
					t.Errorf("%d bits changed: %x", bits, f.Data)
				}
				corrupted += bits
				f.Free()
			}
		})
		for range n {
			cable.A().Send([]*link.Frame{plain.Clone()})
		}
		settle(time.Minute)
		if got := cable.AtoB().Counts().Corrupted; got != uint64(corrupted) {
			t.Errorf("%d corrupted, counted %d", corrupted, got)
		}
	})
	if !near(corrupted, n, 0.1) || len(places) < 300 {
		t.Errorf("%d of %d corrupted, in %d of 368 bits", corrupted, n, len(places))
	}
}

// TestWhatHappensToAFrameDependsOnNothingElse switches other faults on: the same frames are lost.
func TestWhatHappensToAFrameDependsOnNothingElse(t *testing.T) {
	alone, _ := through(t, 2000, sim.Config{Loss: 0.1, Seed: 7})
	with, _ := through(t, 2000, sim.Config{Loss: 0.1, Seed: 7, Delay: time.Second, Jitter: time.Millisecond, Corrupt: 1e-9, Rate: 1e9})
	if alone.String() != with.String() {
		t.Error("other frames are lost when there is jitter")
	}
	other, _ := through(t, 2000, sim.Config{Loss: 0.1, Seed: 8})
	if alone.String() == other.String() {
		t.Error("another seed loses the same frames")
	}
}

func TestDirectionsAreIndependent(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		cable := sim.NewCable(sim.Config{Loss: 0.5, Seed: 9})
		defer cable.Close()
		a, b := receive(cable.A()), receive(cable.B())
		for i := range 200 {
			send(cable.A(), fmt.Sprint(i))
			send(cable.B(), fmt.Sprint(i))
		}
		settle(time.Second)
		if a.String() == b.String() {
			t.Error("both directions lose the same frames")
		}
		cable.AtoB().Set(sim.Config{Delay: time.Second})
		cable.BtoA().Cut()
		before := a.len()
		send(cable.A(), "slow")
		send(cable.B(), "cut")
		settle(999 * time.Millisecond)
		if strings.HasSuffix(b.String(), "slow") {
			t.Error("arrived before its second was over")
		}
		settle(2 * time.Millisecond)
		if !strings.HasSuffix(b.String(), "slow") || a.len() != before {
			t.Errorf("b got %s, a %d more", b, a.len()-before)
		}
	})
}

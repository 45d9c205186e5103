package sim_test

import (
	"crypto/sha256"
	"encoding/binary"
	"testing"
	"testing/synctest"
	"time"

	"dialtone/link"
	"dialtone/link/sim"
)

// TestSameSeedSameRun lets three stations talk through a switch over bad cables: each
// frame is answered, by goroutines of their own, until it gets lost. All taps of two
// runs with a seed see the same at the same times, to the bit.
func TestSameSeedSameRun(t *testing.T) {
	first, frames := record(t, 1)
	if frames < 2000 {
		t.Fatalf("%d frames are not much of a run", frames)
	}
	for range 3 {
		if again, _ := record(t, 1); again != first {
			t.Fatal("two runs with the same seed are not the same")
		}
	}
	if other, _ := record(t, 2); other == first {
		t.Error("another seed makes the same run")
	}
}

func record(t *testing.T, seed uint64) (sum [4][32]byte, frames int) {
	synctest.Test(t, func(t *testing.T) {
		s := sim.NewNet().NewSwitch()
		defer s.Close()
		began := time.Now()
		for i := range sum {
			hash := sha256.New()
			defer func() { hash.Sum(sum[i][:0]) }()
			tap := func(at time.Time, sent bool, frame []byte) {
				frames++
				direction := byte(0)
				if sent {
					direction = 1
				}
				hash.Write(append(binary.BigEndian.AppendUint64(nil, uint64(at.Sub(began))), direction))
				hash.Write(frame)
			}
			cable := s.Cable(sim.Config{
				Delay: 3 * time.Millisecond, Jitter: time.Millisecond, Rate: 10e6, Queue: 20_000,
				Loss: 0.01, Burst: sim.Bursts(0.01, 3), Reorder: 0.02, Duplicate: 0.01, Corrupt: 0.01, Seed: 100*seed + uint64(i), TapA: tap,
			})
			answer(cable.A(), i, len(sum))
		}
		settle(20 * time.Second)
	})
	return sum, frames
}

// answer sends what arrives for it on to another station, from another goroutine.
func answer(p link.Port, n, stations int) {
	p.Attach(func(frames []*link.Frame) {
		for _, f := range frames {
			if link.MAC(f.Data) != station(n) {
				f.Free()
				continue
			}
			go func() {
				copy(f.Data, frame(station((n+1+int(f.Data[20])%(stations-1))%stations), station(n), 14, "").Data)
				f.Data[20]++
				p.Send([]*link.Frame{f})
			}()
		}
	})
	for i := range 10 {
		f := frame(station((n+1)%stations), station(n), 60+100*i, "hello")
		p.Send([]*link.Frame{f})
	}
}

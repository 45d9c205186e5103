//go:build !race

package sim_test

import (
	"testing"
	"testing/synctest"
	"time"

	"dialtone/link"
	"dialtone/link/sim"
)

// TestFramesAllocateNothing: neither at once, nor later, nor where they are lost or
// doubled. (Under the race detector free lists forget at random.)
func TestFramesAllocateNothing(t *testing.T) {
	for name, c := range map[string]sim.Config{
		"at once": {},
		"later":   {Delay: time.Microsecond, Rate: 1e9, QueueFrames: 100, Loss: 0.1, Burst: sim.Bursts(0.1, 2), Corrupt: 0.1, Duplicate: 0.1, Reorder: 0.1},
	} {
		synctest.Test(t, func(t *testing.T) {
			s := sim.NewSwitch()
			defer s.Close()
			to, from := s.Cable(c).A(), s.Cable(c).A()
			to.Attach(link.FreeAll)
			batch := make([]*link.Frame, 8)
			if n := testing.AllocsPerRun(200, func() {
				for i := range batch {
					batch[i] = link.NewFrame(1460)
					clear(batch[i].Data[:link.EthernetLen])
				}
				from.Send(batch)
				time.Sleep(time.Millisecond)
			}); n != 0 {
				t.Errorf("%s: %v allocations for 8 frames, want 0", name, n)
			}
		})
	}
}

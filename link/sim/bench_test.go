package sim_test

import (
	"fmt"
	"testing"

	"dialtone/link"
	"dialtone/link/sim"
)

// BenchmarkPerfect sends batches of frames through a perfect cable; ns/frame is what
// the cable costs, with making and freeing a frame.
func BenchmarkPerfect(b *testing.B) {
	for _, size := range []int{1, 8, 64} {
		b.Run(fmt.Sprint(size), func(b *testing.B) {
			cable := sim.NewCable(sim.Config{})
			defer cable.Close()
			cable.B().Attach(link.FreeAll)
			port, batch := cable.A(), make([]*link.Frame, size)
			b.ReportAllocs()
			for b.Loop() {
				for i := range batch {
					batch[i] = link.NewFrame(1460)
				}
				port.Send(batch)
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*size), "ns/frame")
		})
	}
}

// BenchmarkAnswered is BenchmarkPerfect with an answer to each batch.
func BenchmarkAnswered(b *testing.B) {
	cable := sim.NewCable(sim.Config{})
	defer cable.Close()
	cable.A().Attach(link.FreeAll)
	back := cable.B()
	back.Attach(func(frames []*link.Frame) { back.Send(frames) })
	batch := make([]*link.Frame, 8)
	b.ReportAllocs()
	for b.Loop() {
		for i := range batch {
			batch[i] = link.NewFrame(1460)
		}
		cable.A().Send(batch)
	}
}

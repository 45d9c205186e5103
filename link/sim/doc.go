// Package sim is links that exist only in memory: cables, a hub and a switch, as good
// or as bad as they are asked to be, and the same from the same seed.
//
//	cable := sim.NewCable(sim.Config{Delay: 20 * time.Millisecond, Loss: 0.01, Seed: 7})
//	a := host.New("a", host.Attach(cable.A(), "10.0.0.1/24"))
//	b := host.New("b", host.Attach(cable.B(), "10.0.0.2/24"))
//	…
//	cable.AtoB().Set(sim.Config{Rate: 1e6})            // slow, and without loss
//	cable.Cut()                                        // nobody hears the other
//	cable.BtoA().Restore()                             // A hears B
//	s := sim.NewSwitch()                               // more than two stations:
//	c := host.New("c", host.Attach(s.Cable(sim.Config{}).A(), "10.0.0.3/24"))
//
// A perfect cable hands frames over in the call that sends them. Any other takes at
// least a nanosecond for each, and a timer delivers: in real time as exactly as the
// system's timers are (Linux: to a millisecond or better), many at once where many are
// due; in a bubble of testing/synctest exactly, one after the other.
//
// # The same again
//
// What happens to a frame depends on the seed, the direction, and how many frames were
// sent that way before it, and on nothing else. In a bubble, where no two frames arrive
// at one instant, what follows from one has happened before the next arrives: a program
// whose goroutines do not race one another at an instant runs the same each time,
// to the bit and the nanosecond. Cables that are to keep this together, as those of a
// router, belong to one [Net]; those of a switch do. Perfect cables take no time,
// and so do not keep it: a Delay of 1 makes them.
//
// # Limits
//
// Under way in a direction there is at most 256 MiB. Frames longer than the MTU are
// lost, those that are to be cut by the link ([link.Offload.SegmentSize]) too.
package sim

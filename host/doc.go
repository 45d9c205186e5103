// Package host is one machine on the module's own TCP/IP: package net's calls above,
// links below.
//
//	cable := sim.NewCable(sim.Config{Delay: 20 * time.Millisecond, Loss: 0.01, Seed: 7})
//	a := host.New("a", host.Attach(cable.A(), "10.0.0.1/24"))
//	b := host.New("b", host.Attach(cable.B(), "10.0.0.2/24"))
//	ln, _ := b.Listen(ctx, "tcp", ":8000")                // a net.Listener
//	conn, _ := a.DialContext(ctx, "tcp", "10.0.0.2:8000") // a net.Conn
package host

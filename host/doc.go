// Package host is one machine on the module's own TCP/IP: package net's calls above,
// links below.
//
//	cable := sim.NewCable(sim.Config{Delay: 20 * time.Millisecond, Loss: 0.01, Seed: 7})
//	a := host.New("a", host.Attach(cable.A(), "10.0.0.1/24"))
//	b := host.New("b", host.Attach(cable.B(), "10.0.0.2/24"))
//	ln, _ := b.Listen(ctx, "tcp", ":8000")                // a net.Listener
//	conn, _ := a.DialContext(ctx, "tcp", "10.0.0.2:8000") // a net.Conn
//
// # The way of a packet
//
// Up, on the goroutine of the link, a batch at a time:
//
//	nic.input          Ethernet: is it for us; ARP to the neighbours
//	  nic.inputIPv4    is the header right; is the packet for us, or to be forwarded
//	    deliver        fragments are put together; ICMP, IGMP, UDP; TCP in runs
//	      inputTCP     connections
//
// Down, on the goroutine of whoever has something to send:
//
//	outbox.packet      under a lock: room for a packet, its IP header written
//	outbox.flush       under no lock: checksum, fragments, next hop's MAC, Port.Send
//
// An outbox also holds who is to be woken, and wakes them when the frames are gone.
package host

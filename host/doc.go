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
//
// # Limits
//
// What strangers send costs bounded memory, whatever they send. Beyond its limit the
// oldest goes, or the newest is dropped, as Linux does, and a hook is told why
// ([Reason]):
//
//	a connection      1.5 KB idle; buffers grow from nothing with use, to 4 MiB of what
//	                  is to be acknowledged and 6 MiB of what is to be read
//	a listener        4096 handshakes, the oldest of which makes room; a queue of 4097
//	TIME_WAIT         262144 records of about 200 bytes
//	a UDP socket      208 KiB of datagrams, with what holds them
//	fragments         4 MiB, 1024 datagrams, 30 seconds
//	neighbours        1024 on a link, with 1024 packets that wait for them
//	routes            4096 destinations
//	an interface      4096 packets that wait for a link that does not return from Send
package host

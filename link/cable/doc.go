// Package cable joins two network namespaces of this machine by a cable that
// has a length, a rate and faults:
//
//	c, err := cable.Open(cable.Both(cable.Direction{Delay: 50 * time.Millisecond, Rate: 200e6, Loss: 0.01}))
//	if err != nil { … }
//	defer c.Close()
//	c.A.Start(exec.Command("dialtone", "receive", "--listen", c.A.Addr.String()+":7020"))
//	c.B.Start(exec.Command("dialtone", "send", "file", c.A.Addr.String()+":7020"))
//
// Each end is a namespace with one TAP device, an IPv4 address and the other
// end's hardware address already known. A direction is a thread that reads
// frames from one device and writes them to the other when their time has come:
//
//	kernel of A → TAP → queue (bounded) → line (rate) → loss → delay → TAP → kernel of B
//
// A [Judge] of a direction decides what becomes of single frames (lost, late,
// twice, changed) and a [Tap] sees what an end's device sees, so that a test knows
// both what happened on the wire and what a capture beside it shows.
//
// The devices have no offloads: with a vnet header the kernel would hand over
// 64 KiB super-segments and one lost "frame" would be 45 lost packets in a row.
// So a frame is what would be on the wire, 1514 bytes at most by default, and
// every frame costs a read and a write: a core carries about 2 Gbit/s.
//
// Nothing has a name outside the process: namespaces and devices are held by
// file descriptors and threads alone, so they go with the process however it
// ends. Needs Linux, /dev/net/tun and CAP_NET_ADMIN with CAP_SYS_ADMIN.
package cable

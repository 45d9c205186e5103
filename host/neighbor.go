package host

import (
	"net/netip"
	"time"

	"dialtone/link"
)

// nicSink is a nic as its neighbours see it: they are called under its lock, and
// leave in ready and failed what is to be done after it.
type nicSink nic

func (s *nicSink) ARP(dst link.MAC, p *link.ARP) {
	f := link.NewFrame(link.EthernetLen + link.ARPLen)
	h := link.Ethernet{Dst: dst, Src: s.mac, Type: link.TypeARP}
	p.Append(h.Append(f.Data[:0]))
	s.ready = append(s.ready, f)
}

func (s *nicSink) Resolved(_ netip.Addr, mac link.MAC, frames []*link.Frame) {
	for _, f := range frames {
		copy(f.Data, mac[:])
	}
	s.ready = append(s.ready, frames...)
}

func (s *nicSink) Unreachable(_ netip.Addr, frames []*link.Frame) {
	s.failed = append(s.failed, frames...)
}

func (s *nicSink) Dropped(_ netip.Addr, f *link.Frame) { s.host.dropFrame(DropUnresolved, f) }

func (s *nicSink) Conflict(netip.Addr, link.MAC) {}

func (s *nicSink) Claimed(netip.Addr) {}

// inputARP is what a station on the link asks or says.
func (n *nic) inputARP(dst link.MAC, b []byte, out *outbox) {
	p, _, err := link.ParseARP(b)
	if err != nil {
		n.host.drop(DropHeader, b)
		return
	}
	n.mu.Lock()
	n.neighbors.Input(n.host.now(), dst, &p, (*nicSink)(n))
	n.afterLocked(out)
}

// expire is the neighbours' deadline.
func (n *nic) expire(now time.Duration, out *outbox) {
	n.mu.Lock()
	n.neighbors.Expire(now, (*nicSink)(n))
	n.afterLocked(out)
}

// afterLocked unlocks n and sees to what the neighbours have left to be done.
func (n *nic) afterLocked(out *outbox) {
	ready, failed := n.takeLocked()
	n.rearmLocked()
	n.mu.Unlock()
	for _, f := range ready {
		out.send(n, f)
	}
	for _, f := range failed {
		n.host.linkFailed(f, out)
	}
	n.giveBack(ready, failed)
}

func (n *nic) rearmLocked() { n.host.arm(&n.deadline, n.neighbors.Deadline()) }

// Neighbors is the table of the stations that the host knows on its links, in the order
// of the interfaces.
func (h *Host) Neighbors() (list []link.Neighbor) {
	for _, n := range h.nics {
		n.mu.Lock()
		list = append(list, n.neighbors.All(h.now())...)
		n.mu.Unlock()
	}
	return list
}

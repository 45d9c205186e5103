package host

import (
	"crypto/sha256"
	"net/netip"
	"sync"
	"sync/atomic"

	"dialtone/link"
)

// A nic is one interface of a host: its end of a link. Numbers start at 0, which is
// the loopback interface.
type nic struct {
	host     *Host
	index    int
	port     link.Port
	mac      link.MAC
	mtu      int
	prefixes []netip.Prefix
	fills    bool // the link fills in checksums
	counts   nicCounters

	row      row           // what waits to be sent
	segments []packet      // scratch of input: TCP's part of a batch
	accepted [2]netip.Addr // input's: source and destination of the last packet for this host alone

	mu        sync.Mutex // who holds it calls nobody
	neighbors *link.Neighbors
	deadline  alarm         // of neighbors
	ready     []*link.Frame // to be sent
	failed    []*link.Frame // that nobody answered for
}

// nicCounters count what went through an interface.
type nicCounters struct {
	inFrames, inBytes, outFrames, outBytes atomic.Uint64
}

func (c *nicCounters) in(frames []*link.Frame) {
	c.inFrames.Add(uint64(len(frames)))
	c.inBytes.Add(sizes(frames))
}

func (c *nicCounters) out(frames []*link.Frame) {
	c.outFrames.Add(uint64(len(frames)))
	c.outBytes.Add(sizes(frames))
}

func sizes(frames []*link.Frame) (sum uint64) {
	for _, f := range frames {
		sum += uint64(len(f.Data))
	}
	return sum
}

func newNIC(h *Host, port link.Port) *nic {
	n := &nic{host: h, port: port, index: len(h.nics), mtu: port.MTU(), fills: link.FillsChecksums(port)}
	n.row.idle.L = &n.row.mu
	if n.index > 0 {
		n.mac = madeUpMAC(h.name, n.index)
	}
	h.nics = append(h.nics, n)
	return n
}

// madeUpMAC is a locally administered address (IEEE 802 §8.4), the same in each run.
// Hosts on one link need different names, or addresses by [MAC].
func madeUpMAC(name string, index int) link.MAC {
	sum := sha256.Sum256(append([]byte(name), 0, byte(index>>8), byte(index)))
	return link.MAC{0x02, sum[0], sum[1], sum[2], sum[3], sum[4]}
}

// up begins to take frames from the link.
func (n *nic) up() {
	n.neighbors = link.NewNeighbors(n.mac)
	for _, p := range n.prefixes {
		n.neighbors.Own(p)
	}
	n.deadline.init(n)
	n.port.Attach(n.input)
}

// down ends that.
func (n *nic) down() {
	n.port.Attach(nil)
	n.row.wait()
	n.mu.Lock()
	n.neighbors.Close((*nicSink)(n))
	ready, failed := n.takeLocked()
	n.mu.Unlock()
	link.FreeAll(ready)
	link.FreeAll(failed)
}

// source is the address that packets to a next hop leave with: of those the interface
// has, the first in the same network, or the first (RFC 1122 §3.3.4.3).
func (n *nic) source(hop netip.Addr) netip.Addr {
	for _, p := range n.prefixes {
		if p.Contains(hop) {
			return p.Addr()
		}
	}
	if len(n.prefixes) == 0 {
		return netip.Addr{}
	}
	return n.prefixes[0].Addr()
}

// takeLocked empties what the neighbours and the senders have left.
func (n *nic) takeLocked() (ready, failed []*link.Frame) {
	ready, failed = n.ready, n.failed
	n.ready, n.failed = nil, nil
	return ready, failed
}

// giveBack returns the room of what takeLocked returned.
func (n *nic) giveBack(ready, failed []*link.Frame) {
	clear(ready)
	clear(failed)
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.ready == nil {
		n.ready = ready[:0]
	}
	if n.failed == nil {
		n.failed = failed[:0]
	}
}

package host

import (
	"sync"
	"time"

	"dialtone/internet"
	"dialtone/link"
)

// A row is the packets that wait for their interface, in the order in which they were
// committed. One goroutine at a time sends from it: whoever comes while nobody does.
// Who comes meanwhile, as receivers do whom Port.Send has called, adds to it.
type row struct {
	mu    sync.Mutex
	queue []outgoing
	spare []outgoing // the queue before, for its room
	busy  bool
	idle  sync.Cond // nobody sends
}

const (
	// maxRow is how many packets may wait. It takes a link that is slow to return from
	// Send to get there.
	maxRow = 4096
	// maxTurns is how many batches a caller sends, most of them not his own, before a
	// goroutine takes that off him.
	maxTurns = 32
)

func (r *row) add(h *Host, packets []outgoing) {
	r.mu.Lock()
	fit := packets[:min(len(packets), maxRow-min(len(r.queue), maxRow))]
	r.queue = append(r.queue, fit...)
	r.mu.Unlock()
	for i := range packets[len(fit):] {
		h.dropFrame(DropQueueFull, packets[len(fit)+i].frame)
	}
}

// transmit sends what is in the row, unless somebody is at it, who then sends it all.
func (n *nic) transmit() {
	n.row.mu.Lock()
	defer n.row.mu.Unlock()
	if !n.row.busy {
		n.row.busy = true
		n.sendRowLocked(maxTurns)
	}
}

// sendRowLocked sends batches until there is none, or, after so many, hands over to a
// goroutine.
func (n *nic) sendRowLocked(turns int) {
	r := &n.row
	for ; len(r.queue) > 0; turns-- {
		if turns == 0 {
			go n.sendRow()
			return
		}
		batch := r.queue
		r.queue, r.spare = r.spare[:0], nil
		r.mu.Unlock()
		n.sendBatch(batch)
		clear(batch)
		r.mu.Lock()
		r.spare = batch
	}
	r.busy = false
	r.idle.Broadcast()
}

func (n *nic) sendRow() {
	n.row.mu.Lock()
	defer n.row.mu.Unlock()
	n.sendRowLocked(-1)
}

// wait returns when nobody sends.
func (r *row) wait() {
	r.mu.Lock()
	defer r.mu.Unlock()
	for r.busy {
		r.idle.Wait()
	}
}

// sendBatch makes frames of packets and hands them to the link:
//
//  1. checksums, and copies for the host itself of what goes to many
//  2. fragments, where a packet is too large
//  3. the next hop's MAC address; who has to be asked for it keeps the packet
//  4. Port.Send
//  5. what nobody answered for is reported to whoever sent it
func (n *nic) sendBatch(batch []outgoing) {
	if n.host.closed.Load() {
		for i := range batch {
			batch[i].frame.Free()
		}
		return
	}
	out := n.host.outbox()
	defer out.release()
	now := n.host.now()
	n.mu.Lock()
	for i := range batch {
		n.sendLocked(now, &batch[i], out)
	}
	n.rearmLocked() // who was asked may be due, and who was not heard of for long
	ready, failed := n.takeLocked()
	n.mu.Unlock()
	if len(ready) > 0 {
		n.counts.out(ready)
		n.port.Send(ready)
	}
	for _, f := range failed {
		n.host.linkFailed(f, out)
	}
	n.giveBack(ready, failed)
}

// sendLocked takes one packet as far as ready, or to the neighbours' queue.
func (n *nic) sendLocked(now time.Duration, p *outgoing, out *outbox) {
	if p.route == nil {
		n.ready = append(n.ready, p.frame)
		return
	}
	if p.seal != 0 {
		p.fill(n.fills)
		n.copyBack(p, out)
	}
	if size := len(p.frame.Data) - link.EthernetLen; size > p.route.mtu {
		n.host.count(countFragmented)
		n.fragmentLocked(now, p)
		return
	}
	n.resolveLocked(now, p.route, p.frame)
}

// fragmentLocked sends a packet in pieces (RFC 791 §3.2).
func (n *nic) fragmentLocked(now time.Duration, p *outgoing) {
	for header, data := range internet.FragmentsIPv4(p.frame.Data[link.EthernetLen:], p.route.mtu) {
		f := link.NewFrame(link.EthernetLen + len(header) + len(data))
		copy(f.Data[link.EthernetLen:], header)
		copy(f.Data[link.EthernetLen+len(header):], data)
		n.resolveLocked(now, p.route, f)
	}
	p.frame.Free()
}

// resolveLocked writes the Ethernet header.
func (n *nic) resolveLocked(now time.Duration, r *route, f *link.Frame) {
	mac, ok := r.mac()
	if !ok {
		writeEthernet(f, link.MAC{}, n.mac, link.TypeIPv4)
		if mac, ok = n.neighbors.Resolve(now, r.hop, f, (*nicSink)(n)); !ok {
			return
		}
	}
	writeEthernet(f, mac, n.mac, link.TypeIPv4)
	n.ready = append(n.ready, f)
}

func writeEthernet(f *link.Frame, dst, src link.MAC, t link.EtherType) {
	h := link.Ethernet{Dst: dst, Src: src, Type: t}
	h.Append(f.Data[:0])
}

// copyBack gives the host itself what it sends to all or to a group that it is in
// (RFC 1112 §6.1).
func (n *nic) copyBack(p *outgoing, out *outbox) {
	if !p.quiet && (p.route.kind == toAll || p.route.kind == toGroup && n.host.inGroup(n, p.route.dst)) {
		f := p.frame.Clone()
		writeEthernet(f, link.MAC{}, link.MAC{}, link.TypeIPv4)
		out.send(n.host.nics[0], f)
	}
}

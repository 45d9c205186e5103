package flow_test

import (
	"encoding/binary"
	"testing"

	"dialtone/internet"
	"dialtone/link"
	"dialtone/observe/capture"
	"dialtone/observe/flow"
	"dialtone/transport"
	"dialtone/transport/tcp"
)

// talks builds frames of many connections at the same time, in turn, each a transfer
// in which every hundredth segment is lost behind the capture and sent again. Payloads
// are cut off, as by a snaplen.
type talks struct {
	frames [][]byte
	wire   []int
	conns  []talk
	now    int64
}

type talk struct {
	client, server [4]byte
	port           uint16
	seq            tcp.Seq
	turn           int
	id, ackID      uint16
}

func (t *talks) frame(c *talk, back bool, h tcp.Header, length int) {
	src, dst, id := c.client, c.server, &c.id
	h.SrcPort, h.DstPort = c.port, 443
	if back {
		src, dst, id = dst, src, &c.ackID
		h.SrcPort, h.DstPort = h.DstPort, h.SrcPort
	}
	*id++
	stamp := uint32(t.now / 1e6)
	h.Options = tcp.Options{}.AppendNop(2).AppendTimestamps(stamp, stamp)
	e := link.Ethernet{Type: link.TypeIPv4}
	b := e.Append(nil)
	ip := internet.IPv4{TTL: 64, Protocol: internet.TCP, ID: *id, Src: src, Dst: dst, Flags: 2}
	b = ip.Append(b)
	b = h.Append(b)
	const headers = 14
	binary.BigEndian.PutUint16(b[headers+2:], uint16(len(b)-headers+length))
	_ = transport.PseudoSum4
	t.frames, t.wire = append(t.frames, b), append(t.wire, len(b)+length)
	t.now += 4000
}

func (t *talks) next(c *talk) {
	const size = 1448
	ack := tcp.Header{Flags: tcp.ACK, Window: 60000, Seq: 1}
	c.turn++
	for i := range 2 {
		t.frame(c, false, tcp.Header{Flags: tcp.ACK, Window: 500, Seq: c.seq.Add(i * size), Ack: 1}, size)
	}
	if c.turn%50 == 0 { // the first of both is lost
		ack.Ack = c.seq
		t.frame(c, true, ack, 0)
		t.frame(c, false, tcp.Header{Flags: tcp.ACK, Window: 500, Seq: c.seq, Ack: 1}, size)
	}
	c.seq = c.seq.Add(2 * size)
	ack.Ack = c.seq
	t.frame(c, true, ack, 0)
}

func newTalks(conns, packets int) *talks {
	t := &talks{conns: make([]talk, conns), now: 1e18}
	for i := range t.conns {
		t.conns[i] = talk{client: [4]byte{10, 0, byte(i >> 8), byte(i)}, server: [4]byte{192, 0, 2, 1}, port: uint16(20000 + i), seq: 1}
	}
	for i := 0; len(t.frames) < packets; i++ {
		t.next(&t.conns[i*7919%conns])
	}
	return t
}

// BenchmarkDecodeAndAdd is what a file of many connections costs for each packet, but
// for reading it.
func BenchmarkDecodeAndAdd(b *testing.B) {
	t := newTalks(1000, 300_000)
	tracker := flow.New(flow.Config{})
	var p capture.Packet
	r := capture.Record{Link: capture.LinkEthernet}
	n, labels := 0, 0
	b.ResetTimer()
	start := cpuTime()
	for i := 0; i < b.N; i++ {
		if i%len(t.frames) == 0 {
			tracker = flow.New(flow.Config{})
		}
		r.Data, r.Wire = t.frames[i%len(t.frames)], t.wire[i%len(t.frames)]
		r.Number, r.Time = int64(i+1), 1e18+int64(i)*4000
		capture.Decode(&r, &p)
		e := tracker.Add(&p)
		n++
		labels += len(e.Findings)
	}
	b.ReportMetric(float64(n)/(cpuTime()-start).Seconds()/1e6, "Mpackets/cpu-s")
	b.ReportMetric(float64(labels)/float64(n), "labels/packet")
}

//go:build linux

package main

import (
	"encoding/binary"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"time"

	"dialtone/internet"
	"dialtone/link"
	"dialtone/observe/capture"
	"dialtone/transport"
	"dialtone/transport/tcp"
	"dialtone/transport/udp"
)

// made is what is known of a generated capture.
type made struct {
	bytes int64 // of the file
	again int64 // segments in it that were sent before
}

// generate writes a capture of that many packets, of which it has at most snap bytes
// each; 0 for all.
func generate(path string, packets, snap int) (m made, err error) {
	f, err := os.Create(path)
	if err != nil {
		return m, err
	}
	defer f.Close()
	w, err := capture.NewPcapWriter(f, capture.LinkEthernet)
	if err != nil {
		return m, err
	}
	e := newEncoder()
	began := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC).UnixNano()
	record := capture.Record{Link: capture.LinkEthernet}
	for i, p := range makeScript(packets) {
		record.Data = e.frame(&p)
		record.Number, record.Time, record.Wire = int64(i+1), began+int64(p.at), len(record.Data)
		if snap > 0 {
			record.Data = record.Data[:min(snap, len(record.Data))]
		}
		if err := w.Write(&record); err != nil {
			return m, fmt.Errorf("generate a capture: %w", err)
		}
		if p.again {
			m.again++
		}
	}
	if err := w.Flush(); err != nil {
		return m, err
	}
	m.bytes, err = f.Seek(0, io.SeekEnd)
	return m, err
}

// encoder makes frames of packets.
type encoder struct {
	payload []byte // what is cut from for every payload
	buf     []byte
}

func newEncoder() *encoder {
	e := &encoder{payload: make([]byte, 1<<16), buf: make([]byte, 0, 2048)}
	rand.NewChaCha8([32]byte{1}).Read(e.payload)
	return e
}

var (
	clientMAC = link.MAC{2, 0, 0, 0, 0, 1}
	serverMAC = link.MAC{2, 0, 0, 0, 0, 2}
)

// frame is valid until the next call. Every tenth conversation is over IPv6.
func (e *encoder) frame(p *packet) []byte {
	ether := link.Ethernet{Dst: serverMAC, Src: clientMAC, Type: link.TypeIPv4}
	if p.from == 1 {
		ether.Dst, ether.Src = clientMAC, serverMAC
	}
	six := p.talk%10 == 9
	if six {
		ether.Type = link.TypeIPv6
	}
	e.buf = ether.Append(e.buf[:0])
	start := len(e.buf)
	if six {
		e.packet6(p)
	} else {
		e.packet4(p)
		internet.FillIPv4(e.buf[start:])
	}
	return e.buf
}

func (p *packet) protocol() internet.Protocol {
	if p.udp {
		return internet.UDP
	}
	return internet.TCP
}

func (e *encoder) packet4(p *packet) {
	h := internet.IPv4{ID: p.id, Flags: 2, TTL: 64, Protocol: p.protocol(), Src: p.address4(0), Dst: p.address4(1)}
	e.buf = h.Append(e.buf)
	start := len(e.buf)
	e.transport(p)
	e.fill(p, start, transport.PseudoSum4(h.Src, h.Dst, h.Protocol, len(e.buf)-start))
}

func (e *encoder) packet6(p *packet) {
	h := internet.IPv6{NextHeader: p.protocol(), HopLimit: 64, Src: p.address6(0), Dst: p.address6(1)}
	at := len(e.buf)
	e.buf = h.Append(e.buf)
	start := len(e.buf)
	e.transport(p)
	binary.BigEndian.PutUint16(e.buf[at+4:], uint16(len(e.buf)-start)) // payload length
	e.fill(p, start, transport.PseudoSum6(h.Src, h.Dst, h.NextHeader, len(e.buf)-start))
}

func (e *encoder) fill(p *packet, start int, pseudo uint32) {
	if p.udp {
		udp.Fill(pseudo, e.buf[start:])
	} else {
		tcp.Fill(pseudo, e.buf[start:])
	}
}

// transport appends the transport header and the payload.
func (e *encoder) transport(p *packet) {
	src, dst := uint16(32768+p.talk%28000), uint16(443)
	if p.udp {
		dst = 53
	}
	if p.from == 1 {
		src, dst = dst, src
	}
	if p.udp {
		h := udp.Header{SrcPort: src, DstPort: dst, Length: 8 + p.size}
		e.buf = h.Append(e.buf)
	} else {
		var options [40]byte
		h := tcp.Header{SrcPort: src, DstPort: dst, Seq: tcp.Seq(p.seq), Ack: tcp.Seq(p.ack), Flags: p.flags, Window: p.window}
		h.Options = p.options(options[:0])
		e.buf = h.Append(e.buf)
	}
	from := int(p.seq) & 0x7fff
	e.buf = append(e.buf, e.payload[from:from+int(p.size)]...)
}

// options appends a segment's options as Linux lays them out.
func (p *packet) options(b []byte) []byte {
	if p.flags&tcp.SYN != 0 {
		b = append(b, 2, 4, 1460>>8, 1460&0xff, 4, 2) // MSS, SACK permitted
	} else {
		b = append(b, 1, 1)
	}
	b = append(b, 8, 10) // timestamps
	b = binary.BigEndian.AppendUint32(b, p.val)
	b = binary.BigEndian.AppendUint32(b, p.ecr)
	switch {
	case p.flags&tcp.SYN != 0:
		b = append(b, 1, 3, 3, 7) // window scale
	case p.sack != [2]uint32{}:
		b = append(b, 1, 1, 5, 10)
		b = binary.BigEndian.AppendUint32(b, p.sack[0])
		b = binary.BigEndian.AppendUint32(b, p.sack[1])
	}
	return b
}

// address4 is that of the sender (0) or the receiver (1).
func (p *packet) address4(end uint8) [4]byte {
	if end == p.from {
		return [4]byte{10, byte(p.talk >> 16), byte(p.talk >> 8), byte(p.talk)}
	}
	return [4]byte{192, 0, 2, byte(p.talk % 50)}
}

func (p *packet) address6(end uint8) [16]byte {
	a := p.address4(end)
	return [16]byte{0xfd, 0x77, 12: a[0], a[1], a[2], a[3]}
}

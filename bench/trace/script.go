//go:build linux

package main

import (
	"math/rand/v2"
	"slices"
	"time"

	"dialtone/transport/tcp"
)

// packet is a frame of the generated capture before it has bytes.
type packet struct {
	at       time.Duration // since the capture began
	talk     int32         // which conversation
	udp      bool
	again    bool  // sent before, here or where the capture does not see it
	from     uint8 // 0: the client
	id       uint16
	flags    tcp.Flags
	window   uint16
	size     uint16 // of the payload
	seq, ack uint32
	val, ecr uint32    // timestamps, milliseconds
	sack     [2]uint32 // a block; both 0: none
}

const (
	segmentSize = 1448 // MTU 1500 with timestamps
	lossEvery   = 400  // one data segment of so many is lost
	spread      = 10 * time.Second
)

// makeScript is that many packets of many conversations, in the order of a capture
// beside the clients. The same number gives the same packets everywhere.
func makeScript(packets int) []packet {
	script := make([]packet, 0, packets+packets/100)
	random := rand.New(rand.NewPCG(1, uint64(packets)))
	// The conversations begin over a time that grows with their number.
	over := int64(spread) * int64(packets) / 1_000_000
	for talk := int32(0); len(script) < packets; talk++ {
		c := conversation{
			script: script, random: random, talk: talk,
			at: time.Duration(random.Int64N(max(over, 1))), rtt: time.Millisecond + time.Duration(random.Int64N(int64(60*time.Millisecond))),
			seq: [2]uint32{random.Uint32(), random.Uint32()}, id: [2]uint16{uint16(random.Uint32()), uint16(random.Uint32())},
		}
		c.run()
		script = c.script
	}
	slices.SortStableFunc(script, func(a, b packet) int { return int(a.at - b.at) })
	return script[:packets]
}

// conversation writes one conversation, both of whose ends it plays.
type conversation struct {
	script []packet
	random *rand.Rand
	talk   int32
	at     time.Duration
	rtt    time.Duration
	seq    [2]uint32 // next of each end
	acked  [2]uint32 // of each end, by the other
	echo   [2]uint32 // timestamp that each end last had from the other
	id     [2]uint16
}

func (c *conversation) run() {
	switch kind := c.random.IntN(100); {
	case kind < 5:
		c.questions()
		return
	case kind < 65: // pages
		c.open()
		c.request()
		c.download(1000 + c.random.IntN(60_000))
	case kind < 80:
		c.open()
		c.request()
		c.download(200_000 + c.random.IntN(800_000))
	case kind < 95:
		c.open()
		c.upload(50_000 + c.random.IntN(450_000))
	default: // chat
		c.open()
		for range 20 {
			c.request()
			c.download(20 + c.random.IntN(500))
			c.at += time.Duration(c.random.Int64N(int64(200 * time.Millisecond)))
		}
	}
	c.close()
}

// send writes a segment of that end as it stands.
func (c *conversation) send(from int, flags tcp.Flags, size int) {
	c.write(from, flags, size, c.seq[from])
	c.seq[from] += uint32(size)
	if flags&(tcp.SYN|tcp.FIN) != 0 {
		c.seq[from]++
	}
}

// again sends what was lost.
func (c *conversation) again(from, size int, seq uint32) {
	c.write(from, tcp.ACK, size, seq)
	c.script[len(c.script)-1].again = true
}

// write writes a segment with that sequence number.
func (c *conversation) write(from int, flags tcp.Flags, size int, seq uint32) {
	val := uint32(c.at/time.Millisecond) + uint32(c.talk)*7
	c.id[from]++
	c.script = append(c.script, packet{
		at: c.at, talk: c.talk, from: uint8(from), id: c.id[from], flags: flags, window: 502,
		size: uint16(size), seq: seq, ack: c.acked[1-from], val: val, ecr: c.echo[from],
	})
	c.echo[1-from] = val
	c.at += 12 * time.Microsecond // 1 Gbit/s
}

// acknowledge has an end acknowledge everything.
func (c *conversation) acknowledge(from int) {
	c.acked[1-from] = c.seq[1-from]
	c.send(from, tcp.ACK, 0)
}

// report has it acknowledge up to a hole, and say what lies behind.
func (c *conversation) report(from int, hole, start, end uint32) {
	c.acked[1-from] = hole
	c.send(from, tcp.ACK, 0)
	c.script[len(c.script)-1].sack = [2]uint32{start, end}
}

func (c *conversation) open() {
	c.send(0, tcp.SYN, 0)
	c.at += c.rtt
	c.acked[0] = c.seq[0]
	c.send(1, tcp.SYN|tcp.ACK, 0)
	c.acknowledge(0)
}

func (c *conversation) close() {
	c.send(0, tcp.FIN|tcp.ACK, 0)
	c.at += c.rtt
	c.acked[0] = c.seq[0]
	c.send(1, tcp.FIN|tcp.ACK, 0)
	c.acknowledge(0)
}

func (c *conversation) request() {
	c.send(0, tcp.PSH|tcp.ACK, 200+c.random.IntN(600))
	c.at += c.rtt
	c.acknowledge(1)
}

// questions are datagrams, each answered.
func (c *conversation) questions() {
	for range 20 {
		for from, size := range []int{40 + c.random.IntN(20), 60 + c.random.IntN(200)} {
			c.send(from, 0, size)
			c.script[len(c.script)-1].udp = true
			c.at += c.rtt
		}
	}
}

// flights cuts so many bytes into growing flights of segments; hole is the one of a
// flight that is lost, -1 for none.
func (c *conversation) flights(bytes int, flight func(sizes []int, hole int)) {
	var sizes []int
	for window := 10; bytes > 0; window = min(window*2, 64) {
		sizes = sizes[:0]
		hole := -1
		for len(sizes) < window && bytes > 0 {
			sizes = append(sizes, min(bytes, segmentSize))
			bytes -= sizes[len(sizes)-1]
		}
		// Only where enough follows for a fast retransmission.
		if n := len(sizes) - 4; n > 0 && c.random.IntN(lossEvery) < n {
			hole = c.random.IntN(n)
		}
		flight(sizes, hole)
	}
}

// download: data comes from the server. What is lost is not in the capture before
// it comes again.
func (c *conversation) download(bytes int) {
	c.flights(bytes, func(sizes []int, hole int) {
		var lost, behind uint32
		for i, size := range sizes {
			if i == hole {
				lost, behind = c.seq[1], c.seq[1]+uint32(size)
				c.seq[1], c.id[1] = behind, c.id[1]+1
				continue
			}
			c.send(1, tcp.ACK, size)
			switch {
			case hole >= 0 && i > hole:
				c.report(0, lost, behind, c.seq[1])
			case i%2 == 1 || i == len(sizes)-1:
				c.acknowledge(0)
			}
		}
		c.at += c.rtt
		if hole >= 0 {
			c.again(1, sizes[hole], lost)
			c.acknowledge(0)
			c.at += c.rtt
		}
	})
}

// upload: data goes to the server. What is lost is in the capture twice.
func (c *conversation) upload(bytes int) {
	c.flights(bytes, func(sizes []int, hole int) {
		first := c.seq[0]
		for _, size := range sizes {
			c.send(0, tcp.ACK, size)
		}
		c.at += c.rtt
		var lost, behind uint32
		at := first
		for i, size := range sizes {
			if i == hole {
				lost, behind = at, at+uint32(size)
			}
			at += uint32(size)
			switch {
			case hole >= 0 && i > hole:
				c.report(1, lost, behind, at)
			case i != hole && (i%2 == 1 || i == len(sizes)-1):
				c.acked[0] = at
				c.send(1, tcp.ACK, 0)
			}
		}
		if hole >= 0 {
			c.again(0, sizes[hole], lost)
			c.at += c.rtt
			c.acknowledge(1)
		}
	})
}

package host

import "dialtone/internet"

// A count is one of the things that a host counts, beside what it drops.
type count uint8

const (
	countForwarded count = iota
	countFragmented
	countErrorsOut
	countErrorsIn
	countErrorsLimited
	countEchoed
	countDatagramsIn
	countDatagramsOut
	numCounts
)

func (h *Host) count(c count) { h.counts.total[c].Add(1) }

// Counters are what a host has counted since its beginning, in the words of netstat -s.
type Counters struct {
	Interfaces []InterfaceCounters // the loopback interface first

	Forwarded    uint64 // packets of others that were sent on
	Fragmented   uint64 // packets that were cut into fragments
	ErrorsOut    uint64 // ICMP errors sent
	ErrorsIn     uint64 // ICMP errors received
	ErrorsNot    uint64 // ICMP errors not sent for there were too many
	Echoed       uint64 // echo requests answered
	DatagramsIn  uint64 // of UDP, that came to a socket
	DatagramsOut uint64

	Fragments internet.ReassemblerStats // that came here, and what became of them

	Dropped map[Reason]uint64 // packets that went no further, by reason; those of 0 are not there
}

// InterfaceCounters are those of one interface.
type InterfaceCounters struct{ InFrames, InBytes, OutFrames, OutBytes uint64 }

// Counters returns what has been counted so far. What is under way meanwhile may be in
// one figure and not in another.
func (h *Host) Counters() Counters {
	of := func(c count) uint64 { return h.counts.total[c].Load() }
	c := Counters{
		Forwarded: of(countForwarded), Fragmented: of(countFragmented), Fragments: h.pieces.stats(),
		ErrorsOut: of(countErrorsOut), ErrorsIn: of(countErrorsIn), ErrorsNot: of(countErrorsLimited),
		Echoed: of(countEchoed), DatagramsIn: of(countDatagramsIn), DatagramsOut: of(countDatagramsOut),
		Dropped: map[Reason]uint64{},
	}
	for _, n := range h.nics {
		c.Interfaces = append(c.Interfaces, n.counts.read())
	}
	for why := range numReasons {
		if n := h.counts.drops[why].Load(); n > 0 {
			c.Dropped[why] = n
		}
	}
	return c
}

func (c *nicCounters) read() InterfaceCounters {
	return InterfaceCounters{c.inFrames.Load(), c.inBytes.Load(), c.outFrames.Load(), c.outBytes.Load()}
}

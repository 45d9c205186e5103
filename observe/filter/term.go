package filter

import (
	"fmt"
	"slices"

	"dialtone/observe/grammar"
)

// The words that begin a term about packets.
var (
	protocolWords  = []string{"ether", "ip", "ip6", "arp", "rarp", "tcp", "udp", "icmp", "icmp6", "igmp"}
	directionWords = []string{"src", "dst"}
	kindWords      = []string{"host", "net", "port", "portrange", "proto"}
	otherWords     = []string{"vlan", "less", "greater"}
)

// qualifiers are what stands before a value: a protocol, a direction, and what the
// value is.
type qualifiers struct {
	protocol  string // of protocolWords, or ""
	direction direction
	kind      string // of kindWords, or "" where the value shows what it is
}

// direction says which of a packet's two ends must be the one.
type direction uint8

const (
	dirNone   direction = iota // not said: like dirEither
	dirEither                  // src or dst
	dirSrc
	dirDst
	dirBoth // src and dst
)

func (d direction) holds(fromSrc, fromDst bool) bool {
	switch d {
	case dirSrc:
		return fromSrc
	case dirDst:
		return fromDst
	case dirBoth:
		return fromSrc && fromDst
	}
	return fromSrc || fromDst
}

// emit is holds for programs, of tests that jump to yes or no.
func (d direction) emit(a *assembler, fromSrc, fromDst func(yes, no label), yes, no label) {
	second := a.label()
	switch d {
	case dirSrc:
		fromSrc(yes, no)
	case dirDst:
		fromDst(yes, no)
	case dirBoth:
		fromSrc(second, no)
	default:
		fromSrc(yes, second)
	}
	a.place(second)
	if d != dirSrc && d != dirDst {
		fromDst(yes, no)
	}
}

func (d direction) String() string {
	return [...]string{"", "", "src ", "dst ", "src and dst "}[d]
}

// term reads a term about packets, or a value that takes the last term's qualifiers.
func (p *parser) term() (node, error) {
	if w, ok := p.Take(otherWords...); ok {
		p.last = nil
		return p.other(w)
	}
	start, _ := p.Peek()
	q := p.qualifiers()
	switch {
	case q == qualifiers{}:
		return p.bare(start)
	case q.protocol != "" && q.direction == dirNone && q.kind == "":
		p.last = nil
		return p.protocol(q.protocol)
	}
	if err := p.fits(start, q); err != nil {
		return nil, err
	}
	p.last = &q
	return p.Values(func() (node, error) { return p.single(q) })
}

// qualifiers reads those that stand at this place, in their order.
func (p *parser) qualifiers() (q qualifiers) {
	q.protocol, _ = p.Take(protocolWords...)
	q.direction = p.direction()
	q.kind, _ = p.Take(kindWords...)
	return q
}

// direction reads src or dst, or the two of them with and or or between.
func (p *parser) direction() direction {
	first, ok := p.Take(directionWords...)
	if !ok {
		return dirNone
	}
	if w, _ := p.Peek(); w.Operator() == "and" || w.Operator() == "or" {
		p.Skip()
		if second, ok := p.Take(directionWords...); ok && second != first {
			return map[string]direction{"and": dirBoth, "or": dirEither}[w.Operator()]
		}
		p.Back()
	}
	return map[string]direction{"src": dirSrc, "dst": dirDst}[first]
}

// fits checks that the qualifiers go together.
func (p *parser) fits(start grammar.Word, q qualifiers) error {
	var may []string
	switch q.kind {
	case "host", "":
		may = []string{"", "ip", "ip6", "arp", "rarp", "ether"}
	case "net":
		may = []string{"", "ip", "ip6", "arp", "rarp"}
	case "port", "portrange":
		may = []string{"", "tcp", "udp"}
	case "proto":
		may = []string{"", "ip", "ip6", "ether"}
		if q.direction != dirNone {
			return p.Fault(start, "proto has no direction")
		}
	}
	switch {
	case slices.Contains(may, q.protocol):
		return nil
	case q.kind == "" && (q.protocol == "tcp" || q.protocol == "udp"):
		w, _ := p.Peek()
		return p.Fault(w, "expected port or portrange")
	}
	kind := q.kind
	if kind == "" {
		kind = "host"
	}
	return p.Fault(start, fmt.Sprintf("%s does not go before %s: write %s and %[2]s", q.protocol, kind, q.protocol))
}

// bare reads a value that has no qualifiers of its own.
func (p *parser) bare(w grammar.Word) (node, error) {
	if p.last != nil {
		return p.single(*p.last)
	}
	if !grammar.IsAddress(w.Text) {
		return nil, p.Unknown(w, "a word of a filter", slices.Concat(protocolWords, directionWords, kindWords, otherWords, talkWords))
	}
	p.last = &qualifiers{}
	return p.single(*p.last)
}

// single reads one value.
func (p *parser) single(q qualifiers) (node, error) {
	switch q.kind {
	case "port", "portrange":
		return p.port(q)
	case "proto":
		return p.number(q)
	}
	if q.protocol == "ether" {
		return p.mac(q)
	}
	return p.address(q)
}

// other reads the terms that have no qualifiers.
func (p *parser) other(w string) (node, error) {
	if w == "vlan" {
		return p.vlan()
	}
	n, err := p.Integer("a length in bytes", 1<<31-1)
	return lengthTerm{w, n}, err
}

package filter_test

import (
	"encoding/binary"
	"net/netip"
	"strconv"
	"strings"

	"pgregory.net/rapid"
)

// The values that expressions and packets of the tests are made of: few, so that
// they meet.
var (
	addrs4 = []string{"10.0.0.1", "10.0.0.2", "10.1.0.1", "192.0.2.7"}
	addrs6 = []string{"2001:db8::1", "2001:db8::2", "2001:db8:0:1::1", "fe80::1"}
	ports  = []string{"80", "443", "53", "8000", "0", "65535"}
	macs   = []string{"02:00:00:00:00:01", "02:00:00:00:00:02", "ff:ff:ff:ff:ff:ff"}
)

// plain says which packets to make.
type plain struct {
	tags       int // VLAN tags, at most
	extensions int // IPv6 extension headers, at most
}

// drawFrame makes a well-formed Ethernet frame.
func drawFrame(t *rapid.T, p plain) []byte {
	b := append(mac(draw(t, macs)), mac(draw(t, macs))...)
	for range rapid.IntRange(0, p.tags).Draw(t, "tags") {
		b = append(b, rapid.SampledFrom([][]byte{{0x81, 0}, {0x88, 0xa8}, {0x91, 0}}).Draw(t, "tag")...)
		b = binary.BigEndian.AppendUint16(b, rapid.SampledFrom([]uint16{0, 5, 6, 0xe005, 4095}).Draw(t, "tci"))
	}
	packet, kind := drawPacket(t, p)
	b = binary.BigEndian.AppendUint16(b, kind)
	b = append(b, packet...)
	for rapid.Bool().Draw(t, "padded") && len(b) < 60 {
		b = append(b, 0)
	}
	return b
}

// drawPacket makes what a frame carries, and its EtherType.
func drawPacket(t *rapid.T, p plain) ([]byte, uint16) {
	switch kind := rapid.SampledFrom([]uint16{0x0800, 0x0800, 0x86dd, 0x86dd, 0x0806, 0x8035, 0x88cc}).Draw(t, "type"); kind {
	case 0x0800:
		return drawIPv4(t), kind
	case 0x86dd:
		return drawIPv6(t, p), kind
	case 0x88cc:
		return rapid.SliceOfN(rapid.Byte(), 0, 40).Draw(t, "payload"), kind
	default:
		b := []byte{0, 1, 8, 0, 6, 4, 0, byte(rapid.IntRange(1, 4).Draw(t, "op"))}
		b = append(append(b, mac(draw(t, macs))...), addr(draw(t, addrs4))...)
		return append(append(b, mac(draw(t, macs))...), addr(draw(t, addrs4))...), kind
	}
}

func drawIPv4(t *rapid.T) []byte {
	options := make([]byte, 4*rapid.IntRange(0, 2).Draw(t, "options"))
	frag := rapid.SampledFrom([]uint16{0, 0x4000, 0x2000, 0x2005, 0x0007}).Draw(t, "fragment")
	protocol := drawProtocol(t, 1)
	payload := drawTransport(t, protocol, frag&0x1fff == 0)
	b := []byte{byte(0x45 + len(options)/4), 0}
	b = binary.BigEndian.AppendUint16(b, uint16(20+len(options)+len(payload)))
	b = binary.BigEndian.AppendUint16(b, 7)
	b = binary.BigEndian.AppendUint16(b, frag)
	b = append(b, 64, protocol, 0, 0)
	b = append(append(b, addr(draw(t, addrs4))...), addr(draw(t, addrs4))...)
	return append(append(b, options...), payload...)
}

func drawIPv6(t *rapid.T, p plain) []byte {
	protocol := drawProtocol(t, 58)
	first := true // fragment, or whole
	chain, next := []byte(nil), protocol
	for range rapid.IntRange(0, p.extensions).Draw(t, "extensions") {
		kind := rapid.SampledFrom([]byte{0, 43, 60, 51, 44}).Draw(t, "extension")
		h := append([]byte{next, 0}, make([]byte, 6)...)
		switch more := rapid.IntRange(0, 2).Draw(t, "longer"); kind {
		case 44:
			if rapid.Bool().Draw(t, "later") && first && len(chain) == 0 {
				first, h[3] = false, 8
			}
		case 51:
			h[1] = byte(2*more + 2)
			h = append(h, make([]byte, 8*(more+1))...)
		default:
			h[1] = byte(more)
			h = append(h, make([]byte, 8*more)...)
		}
		chain, next = append(h, chain...), kind
	}
	payload := append(chain, drawTransport(t, protocol, first)...)
	b := binary.BigEndian.AppendUint16([]byte{0x60, 0, 0, 0}, uint16(len(payload)))
	b = append(b, next, 64)
	b = append(append(b, addr(draw(t, addrs6))...), addr(draw(t, addrs6))...)
	return append(b, payload...)
}

func drawProtocol(t *rapid.T, icmp byte) byte {
	return rapid.SampledFrom([]byte{6, 6, 17, 17, icmp, 2, 47}).Draw(t, "protocol")
}

// drawTransport makes what an IP packet carries, or what a later fragment does.
func drawTransport(t *rapid.T, protocol byte, first bool) []byte {
	payload := rapid.SliceOfN(rapid.Byte(), 1, 30).Draw(t, "payload")
	if !first || protocol != 6 && protocol != 17 {
		return append([]byte{8, 0, 0, 80, 0, 80, 0, 80}, payload...)
	}
	b := binary.BigEndian.AppendUint16(binary.BigEndian.AppendUint16(nil, drawPort(t)), drawPort(t))
	if protocol == 17 {
		b = binary.BigEndian.AppendUint16(b, uint16(8+len(payload)))
		return append(append(b, 0, 0), payload...)
	}
	options := make([]byte, 4*rapid.IntRange(0, 3).Draw(t, "options"))
	b = append(b, 0, 0, 0, 1, 0, 0, 0, 2, byte(5+len(options)/4)<<4, 0x10, 1, 0, 0, 0, 0, 0)
	return append(append(b, options...), payload...)
}

func drawPort(t *rapid.T) uint16 {
	n, err := strconv.Atoi(draw(t, ports))
	if err != nil {
		t.Fatal(err)
	}
	return uint16(n)
}

func draw(t *rapid.T, list []string) string { return rapid.SampledFrom(list).Draw(t, "value") }

func netAddr(s string) netip.Addr { return netip.MustParseAddr(s) }

func addr(s string) []byte { return netAddr(s).AsSlice() }

func mac(s string) (b []byte) {
	for part := range strings.SplitSeq(s, ":") {
		n, _ := strconv.ParseUint(part, 16, 8)
		b = append(b, byte(n))
	}
	return b
}

// drawExpr makes an expression; wide has the words in it that tcpdump means something
// else by.
func drawExpr(t *rapid.T, depth int, wide bool) string {
	kinds := []string{"host", "host", "host6", "net", "net6", "port", "port", "portrange", "word", "word", "proto", "mac", "type", "length"}
	if wide {
		kinds = append(kinds, "vlan", "vlan", "talk")
	}
	if depth > 0 {
		kinds = append(kinds, "and", "and", "or", "or", "not")
	}
	direction := draw(t, []string{"", "", "src ", "dst ", "src and dst ", "src or dst "})
	switch draw(t, kinds) {
	case "host":
		return draw(t, []string{"", "", "ip ", "arp ", "rarp "}) + direction + "host " + draw(t, addrs4)
	case "host6":
		return draw(t, []string{"", "ip6 "}) + direction + "host " + draw(t, addrs6)
	case "net":
		return draw(t, []string{"", "ip ", "arp "}) + direction + "net " + draw(t, []string{"10.0.0.0/8", "10.0.0.0/31", "10.0", "0.0.0.0/0", "192.0.2.7/32"})
	case "net6":
		return draw(t, []string{"", "ip6 "}) + direction + "net " + draw(t, []string{"2001:db8::/32", "2001:db8::/63", "2001:db8::/127", "fe80::/10"})
	case "port":
		return draw(t, []string{"", "tcp ", "udp "}) + direction + "port " + draw(t, ports)
	case "portrange":
		return draw(t, []string{"", "tcp ", "udp "}) + direction + "portrange " + draw(t, []string{"80-443", "53-80", "0-65535", "8000-8000"})
	case "word":
		return draw(t, []string{"ip", "ip6", "arp", "rarp", "tcp", "udp", "icmp", "icmp6", "igmp"})
	case "proto":
		return draw(t, []string{"ip proto 47", "ip6 proto 58", "ip proto 6", "ip6 proto 17"})
	case "mac":
		return "ether " + direction + "host " + draw(t, macs)
	case "type":
		return "ether proto " + draw(t, []string{"0x88cc", "0x0800", `\arp`, "0x86dd"})
	case "length":
		return draw(t, []string{"less ", "greater "}) + draw(t, []string{"60", "64", "70", "0", "1000"})
	case "vlan":
		return "vlan" + draw(t, []string{"", " 5", " 6", " 0", " 4095"})
	case "talk":
		return draw(t, []string{"state established", "label zero-window", "stream 3", "closed-by rst"})
	case "not":
		return "not " + drawExpr(t, 0, wide)
	case "and":
		return "(" + drawExpr(t, depth-1, wide) + " and " + drawExpr(t, depth-1, wide) + ")"
	default:
		return "(" + drawExpr(t, depth-1, wide) + " or " + drawExpr(t, depth-1, wide) + ")"
	}
}

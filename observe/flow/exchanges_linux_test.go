package flow_test

import (
	"bytes"
	"errors"
	"fmt"
	"net"
	"sync"
	"time"

	"golang.org/x/sys/unix"

	"dialtone/link/cable"
	"dialtone/observe/flow"
)

// An exchange is something that real kernels are made to do, and what it shows.
type exchange struct {
	name string // of the capture
	what string // a line of its README
	mtu  int
	// judges are made new for every run.
	there, back func() cable.Judge
	delay       time.Duration                // of each direction; 0: 5 ms
	beside      int                          // the end whose sniffer makes the capture
	keep        func(i int, s sighting) bool // of the frames seen; nil: all
	trunk       string                       // tags that the sniffer's switches put behind the addresses
	device      string                       // of end A, captured in the cable's place; empty: the cable
	run         func(w *wire)
	labels      []flow.Label // all that its capture shows, beyond those of a plain conversation
	opened      flow.How     // of the last conversation; with closed both HowNot: handshake and four-way close
	closed      flow.How
}

const (
	clientAt = "10.77.0.1:40001"
	serverAt = "10.77.0.2:8000"
)

var exchanges = []exchange{
	{
		name: "handshake", what: "Three-way handshake, a line and its upper-cased answer, four-way close.",
		run: short,
	},
	{
		name: "refused", what: "A SYN to a port where nobody listens, answered by RST.",
		run: func(w *wire) {
			if _, err := w.dial(w.A, clientAt, serverAt); !errors.Is(err, unix.ECONNREFUSED) {
				w.t.Fatalf("dial: %v, want refused", err)
			}
		},
		labels: []flow.Label{flow.LabelRefused}, closed: flow.HowRefused,
	},
	{
		name: "half-close", what: "The client says all it has to say and closes its half; the server goes on talking for a while, then closes.",
		run: func(w *wire) {
			client, server := w.pair(clientAt, serverAt)
			w.say(client, "tell me everything\n")
			w.must(client.CloseWrite())
			w.hear(server, -1)
			for i := range 4 {
				time.Sleep(60 * time.Millisecond)
				w.say(server, fmt.Sprintf("thing %d\n", i))
			}
			w.must(server.Close())
			w.hear(client, -1)
			w.must(client.Close())
		},
		labels: []flow.Label{flow.LabelHalfClose},
	},
	{
		name: "three-segment-close", what: "The server closes at once when the client has: FIN, FIN+ACK, ACK.",
		run: func(w *wire) {
			client, server := w.pair(clientAt, serverAt)
			w.upper(client, server, "hello, wire\n")
			w.setOption(server, unix.IPPROTO_TCP, unix.TCP_QUICKACK, 0)
			w.must(client.CloseWrite())
			w.hear(server, -1)
			w.must(server.Close())
			w.hear(client, -1)
			w.must(client.Close())
		},
		opened: flow.HowHandshake, closed: flow.HowThreeWay,
	},
	{
		name: "simultaneous-close", what: "Both ends close while the other's FIN is on its way: CLOSING.", delay: 30 * time.Millisecond,
		run: func(w *wire) {
			client, server := w.pair(clientAt, serverAt)
			w.upper(client, server, "hello, wire\n")
			w.quiet(150 * time.Millisecond) // the last acknowledgement too
			var both sync.WaitGroup
			both.Go(func() { client.Close() })
			both.Go(func() { server.Close() })
			both.Wait()
		},
		labels: []flow.Label{flow.LabelCrossedFIN}, opened: flow.HowHandshake, closed: flow.HowBothAtOnce,
	},
	{
		name: "simultaneous-open", what: "Both ends connect to each other at the same time: the SYNs cross.", delay: 50 * time.Millisecond,
		run: func(w *wire) {
			var both sync.WaitGroup
			var a, b *net.TCPConn
			var errA, errB error
			both.Go(func() { a, errA = w.dial(w.A, clientAt, serverAt) })
			both.Go(func() { b, errB = w.dial(w.B, serverAt, clientAt) })
			both.Wait()
			w.must(errors.Join(errA, errB))
			w.upper(a, b, "hello, you too\n")
			w.closeInTurn(a, b, 200*time.Millisecond)
		},
		labels: []flow.Label{flow.LabelSimultaneous, flow.LabelDSACK}, opened: flow.HowSimultaneous, closed: flow.HowFourWay,
	},
	{
		name: "zero-window", mtu: 576,
		what: "The server does not read: its window fills and closes, the client probes it at growing intervals, the server reads and opens it.",
		run: func(w *wire) {
			client, server := w.pair(clientAt, serverAt, number(unix.SOL_SOCKET, unix.SO_RCVBUF, 4096))
			text := lines(9000)
			var writing sync.WaitGroup
			writing.Go(func() { client.Write([]byte(text)) })
			w.until(func(s segment) bool { return s.src == 8000 && s.flags == 0x10 && s.window == 0 }, 4)
			w.hear(server, len(text))
			writing.Wait()
			w.closeInTurn(client, server, 100*time.Millisecond)
		},
		labels: []flow.Label{
			flow.LabelWindowFull, flow.LabelZeroWindow, flow.LabelZeroWindowProbe, flow.LabelProbeACK, flow.LabelWindowUpdate,
			// The server answers late while its window shrinks: the client probes for a lost tail, too.
			flow.LabelRetransmission, flow.LabelTailLossProbe, flow.LabelSpurious, flow.LabelDSACK,
		},
	},
	{
		name: "keep-alive", what: "Nothing is said for two seconds; the client asks twice whether the server is still there.",
		run: func(w *wire) {
			client, server := w.pair(clientAt, serverAt)
			w.upper(client, server, "hello, wire\n")
			w.must(client.SetKeepAliveConfig(net.KeepAliveConfig{Enable: true, Idle: time.Second, Interval: time.Second, Count: 5}))
			time.Sleep(2500 * time.Millisecond)
			w.closeInTurn(client, server, 100*time.Millisecond)
		},
		labels: []flow.Label{flow.LabelKeepAlive, flow.LabelKeepAliveACK},
	},
	{
		name: "reset", what: "The server gives up while the client is talking: RST in mid-stream.",
		run: func(w *wire) {
			client, server := w.pair(clientAt, serverAt)
			w.upper(client, server, "hello, wire\n")
			w.say(client, "and now a long story\n")
			time.Sleep(20 * time.Millisecond)
			w.must(server.SetLinger(0))
			w.must(server.Close())
			time.Sleep(time.Millisecond)
			client.Write([]byte("that nobody hears\n")) // crosses the RST
			time.Sleep(50 * time.Millisecond)
		},
		labels: []flow.Label{flow.LabelReset}, opened: flow.HowHandshake, closed: flow.HowReset,
	},
	{
		name: "fast-retransmit", what: "The fifth data segment is lost; duplicate ACKs with SACK blocks have it sent again at once.", mtu: 576,
		there:  func() cable.Judge { return onData(drop, 5) },
		run:    func(w *wire) { w.bulk(10_000) },
		labels: []flow.Label{flow.LabelDupACK, flow.LabelSACK, flow.LabelRetransmission, flow.LabelFastRetransmission},
	},
	{
		name: "timeout", mtu: 576,
		what:  "A line is lost and sent again after the retransmission timeout; the next is lost twice, and the timeout doubles. Tail-loss probes are switched off.",
		there: func() cable.Judge { return onData(drop, 2, 4, 5) },
		run: func(w *wire) {
			w.set(w.A, "ipv4/tcp_early_retrans", "0")
			client, server := w.pair(clientAt, serverAt)
			for _, line := range []string{"first\n", "second\n", "third\n"} {
				w.upper(client, server, line)
				w.quiet(60 * time.Millisecond) // the acknowledgement goes alone
			}
			w.closeInTurn(client, server, 100*time.Millisecond)
		},
		labels: []flow.Label{flow.LabelRetransmission, flow.LabelTimeoutRetransmission},
	},
	{
		name: "tail-loss-probe", what: "The last two segments of a flight are lost; the probe after two round trips brings the SACK that repairs the other.", mtu: 576,
		there: func() cable.Judge { return onData(drop, 7, 8) },
		run:   func(w *wire) { w.bulk(8 * 524) },
		labels: []flow.Label{
			flow.LabelDupACK, flow.LabelSACK, flow.LabelRetransmission, flow.LabelTailLossProbe, flow.LabelFastRetransmission,
		},
	},
	{
		name: "spurious", what: "An acknowledgement takes half a second: what it acknowledges is sent again, and D-SACK says that it had arrived.",
		back: func() cable.Judge {
			held := false
			return func(n int, frame []byte) cable.Verdict {
				// The pure ACK of the request, which server sends apart from its answer.
				if s := dissect(frame); !held && n > 0 && s.flags == 0x10 && s.payload == 0 {
					held = true
					return cable.Verdict{Late: 500 * time.Millisecond}
				}
				return cable.Verdict{}
			}
		},
		run: func(w *wire) {
			client, server := w.pair(clientAt, serverAt)
			w.say(client, "did you get this?\n")
			w.hear(server, 18)
			time.Sleep(700 * time.Millisecond)
			w.say(server, "YES, TWICE\n")
			w.hear(client, 11)
			w.closeInTurn(client, server, 100*time.Millisecond)
		},
		labels: []flow.Label{
			flow.LabelRetransmission, flow.LabelTimeoutRetransmission, flow.LabelDSACK, flow.LabelSpurious, flow.LabelOutOfOrder,
		},
	},
	{
		name: "reordering", what: "The third data segment is overtaken by two others; nothing is lost and nothing sent again.", beside: 1, mtu: 576,
		there:  func() cable.Judge { return onData(cable.Verdict{Late: time.Millisecond}, 3) },
		run:    func(w *wire) { w.bulk(5 * 524) },
		labels: []flow.Label{flow.LabelDupACK, flow.LabelSACK, flow.LabelOutOfOrder},
	},
	{
		name: "duplicate", what: "The network delivers the second data segment twice; nobody sent anything again.", beside: 1,
		there: func() cable.Judge { return onData(cable.Verdict{Copies: []time.Duration{time.Millisecond}}, 2) },
		run: func(w *wire) {
			client, server := w.pair(clientAt, serverAt)
			for range 3 {
				w.upper(client, server, "hello, wire\n")
			}
			w.closeInTurn(client, server, 100*time.Millisecond)
		},
		labels: []flow.Label{flow.LabelDuplicate, flow.LabelDSACK},
	},
	{
		name: "port-reuse", what: "The server closes first; the client comes back from the same port while the server is in TIME_WAIT.",
		run: func(w *wire) {
			for range 2 {
				client, server := w.pair(clientAt, serverAt, number(unix.SOL_SOCKET, unix.SO_REUSEADDR, 1))
				w.upper(client, server, "hello, wire\n")
				w.closeInTurn(server, client, 100*time.Millisecond)
				w.quiet(50 * time.Millisecond)
			}
		},
		labels: []flow.Label{flow.LabelPortReuse},
	},
	{
		name: "time-wait", what: "The last ACK of a close is lost: the server sends its FIN again and is acknowledged from TIME_WAIT.",
		there: func() cable.Judge {
			fins, dropped := 0, false
			return func(_ int, frame []byte) cable.Verdict {
				s := dissect(frame)
				if s.flags&1 != 0 {
					fins++
				}
				if fins > 0 && s.flags == 0x10 && !dropped { // after its own FIN the client only acknowledges the server's
					dropped = true
					return drop
				}
				return cable.Verdict{}
			}
		},
		run: func(w *wire) {
			client, server := w.pair(clientAt, serverAt)
			w.upper(client, server, "hello, wire\n")
			w.closeInTurn(client, server, 100*time.Millisecond)
			time.Sleep(500 * time.Millisecond)
		},
		labels: []flow.Label{
			flow.LabelRetransmission, flow.LabelTimeoutRetransmission, flow.LabelSpurious, flow.LabelTimeWaitACK,
		},
	},
	{
		name: "unreachable-udp", what: "A datagram to a port where nobody listens, answered by ICMP port unreachable.",
		run: func(w *wire) {
			c := w.packets(w.A, clientAt)
			c.WriteToUDPAddrPort([]byte("anybody there?\n"), addrPort(serverAt))
		},
		labels: []flow.Label{flow.LabelUnreachable}, closed: flow.HowUnreachable,
	},
	{
		name: "unreachable-tcp", what: "A SYN to a host that the router between has no way to: ICMP host unreachable quotes it.",
		run: func(w *wire) {
			w.set(w.B, "ipv4/ip_forward", "1")
			w.ip(w.B, "route", "add", "unreachable", "10.99.0.1")
			w.ip(w.A, "route", "add", "10.99.0.0/16", "via", "10.77.0.2")
			if _, err := w.dial(w.A, clientAt, "10.99.0.1:8000"); err == nil {
				w.t.Fatal("connected to nobody")
			}
		},
		labels: []flow.Label{flow.LabelUnreachable}, closed: flow.HowUnreachable,
	},
	{
		name: "fragments-ipv4", what: "UDP datagrams of 4000 bytes there and back in IPv4 fragments.",
		run: func(w *wire) {
			unset := number(unix.IPPROTO_IP, unix.IP_MTU_DISCOVER, unix.IP_PMTUDISC_DONT)
			w.datagrams(clientAt, serverAt, 4000, unset)
		},
	},
	{
		name: "fragments-ipv6", what: "UDP datagrams of 4000 bytes there and back in IPv6 fragments.", keep: noNeighbours,
		run: func(w *wire) {
			w.ipv6()
			w.datagrams("[fd77::1]:40001", "[fd77::2]:8000", 4000)
		},
	},
	{
		name: "vlan", what: "A short conversation as seen on the trunk between two switches, in VLAN 5 (802.1Q). The switches are the sniffer's: the kernels are in the VLAN untagged.",
		trunk: "\x81\x00\x00\x05",
		run:   short,
	},
	{
		name: "qinq", what: "The same in VLAN 5 inside service VLAN 100 (802.1ad).",
		trunk: "\x88\xa8\x00\x64\x81\x00\x00\x05",
		run:   short,
	},
	{
		name: "ipv6", what: "A short conversation over IPv6, with the neighbour discovery before it.",
		run: func(w *wire) {
			w.ipv6()
			client, server := w.pair("[fd77::1]:40001", "[fd77::2]:8000")
			w.upper(client, server, "hello, wire\n")
			w.closeInTurn(client, server, 100*time.Millisecond)
		},
	},
	{
		name: "ipv6-extension", what: "The same with a hop-by-hop and a destination options header in front of every segment.", keep: noNeighbours,
		run: func(w *wire) {
			w.ipv6()
			const padding = "\x00\x00\x01\x04\x00\x00\x00\x00" // one PadN of six bytes
			client, server := w.pair("[fd77::1]:40001", "[fd77::2]:8000",
				text(unix.IPPROTO_IPV6, unix.IPV6_HOPOPTS, padding), text(unix.IPPROTO_IPV6, unix.IPV6_DSTOPTS, padding))
			w.upper(client, server, "hello, wire\n")
			w.closeInTurn(client, server, 100*time.Millisecond)
		},
	},
	{
		name: "arp", what: "Neither end knows the other's hardware address: ARP there, then the datagram, and ARP back.",
		run: func(w *wire) {
			for _, e := range []*cable.End{w.A, w.B} {
				w.ip(e, "neigh", "flush", "dev", "cable0", "nud", "permanent")
			}
			w.datagrams(clientAt, serverAt, 20)
		},
	},
	{
		name: "ping", what: "ICMP echo there and back, three times.",
		run: func(w *wire) { w.echoes(3) },
	},
	{
		name: "checksum", what: "The wire changes a byte of the second line: the server drops it, and it is sent again.", beside: 1,
		there: func() cable.Judge {
			spoil := onData(cable.Verdict{}, 2)
			data := 0
			return func(n int, frame []byte) cable.Verdict {
				v := spoil(n, frame)
				if dissect(frame).payload == 0 {
					return v
				}
				if data++; data == 2 {
					v.Edit = bytes.Clone(frame)
					v.Edit[len(frame)-2] ^= 0x20
				}
				return v
			}
		},
		run: func(w *wire) {
			client, server := w.pair(clientAt, serverAt)
			for _, line := range []string{"first\n", "second\n", "third\n"} {
				w.upper(client, server, line)
			}
			w.closeInTurn(client, server, 100*time.Millisecond)
		},
		labels: []flow.Label{flow.LabelChecksumBad, flow.LabelRetransmission, flow.LabelTimeoutRetransmission},
	},
	{
		name: "rarp", what: "A station that knows only its hardware address asks for its IP address (RFC 903). The frames are made by hand: no kernel of today speaks it.",
		run: func(w *wire) {
			station, server := []byte{2, 'c', 'a', 'b', 'l', 1}, []byte{2, 'c', 'a', 'b', 'l', 2}
			w.transmit(w.A, rarp(3, station, station, []byte{0, 0, 0, 0}, station, []byte{0, 0, 0, 0}))
			w.quiet(20 * time.Millisecond)
			w.transmit(w.B, rarp(4, server, server, []byte{10, 77, 0, 2}, station, []byte{10, 77, 0, 1}))
		},
	},
	{
		name: "offload", what: "A veth device whose kernel leaves segmentation and checksums to it: super-packets with partial checksums.", device: "veth0",
		run: func(w *wire) {
			w.ip(w.A, "link", "add", "veth0", "type", "veth", "peer", "name", "veth1", "netns", w.B.Netns())
			w.address(w.A, "veth0", "10.79.0.1/24")
			w.address(w.B, "veth1", "10.79.0.2/24")
			client, server := w.pair("10.79.0.1:40001", "10.79.0.2:8000")
			text := lines(12_000)
			w.say(client, text)
			w.hear(server, len(text))
			w.closeInTurn(client, server, 100*time.Millisecond)
		},
	},
	{
		name: "loopback", what: "A short conversation on lo: MTU 65536, checksums never filled in.", device: "lo",
		run: func(w *wire) {
			l := w.listen(w.A, "127.0.0.1:8000")
			client, err := w.dial(w.A, "127.0.0.1:40001", "127.0.0.1:8000")
			w.must(err)
			server, err := l.AcceptTCP()
			w.must(err)
			w.upper(client, server, "hello, wire\n")
			w.closeInTurn(client, server, 100*time.Millisecond)
		},
	},
	{
		name: "midstream", what: "The capture begins after the handshake and the first line.",
		keep: func(i int, _ sighting) bool { return i >= 7 },
		run: func(w *wire) {
			client, server := w.pair(clientAt, serverAt)
			for _, line := range []string{"first\n", "second\n", "third\n"} {
				w.upper(client, server, line)
			}
			w.closeInTurn(client, server, 100*time.Millisecond)
		},
		opened: flow.HowMidstream, closed: flow.HowFourWay,
	},
	{
		name: "not-captured", what: "The capture lacks the third data segment, which arrived: the server acknowledged it.", mtu: 576,
		keep:   lacking(3),
		run:    func(w *wire) { w.bulk(6 * 524) },
		labels: []flow.Label{flow.LabelNotCaptured},
	},
}

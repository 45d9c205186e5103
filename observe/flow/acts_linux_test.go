package flow_test

import (
	"encoding/binary"
	"fmt"
	"io"
	"net"
	"net/netip"
	"slices"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"dialtone/link/cable"
)

// What exchanges are made of: words of a script.

var drop = cable.Verdict{Drop: true}

// onData judges the segments of those numbers, counting the ones that carry data
// from 1, sent again or not.
func onData(v cable.Verdict, numbers ...int) cable.Judge {
	count := 0
	return func(_ int, frame []byte) cable.Verdict {
		if dissect(frame).payload == 0 {
			return cable.Verdict{}
		}
		if count++; slices.Contains(numbers, count) {
			return v
		}
		return cable.Verdict{}
	}
}

// lines is that many bytes of numbered lines.
func lines(bytes int) string {
	var b strings.Builder
	for i := 1; b.Len() < bytes; i++ {
		fmt.Fprintf(&b, "line %d of a text that is long enough to be cut into segments\n", i)
	}
	return b.String()[:bytes]
}

func (w *wire) say(c net.Conn, text string) {
	w.t.Helper()
	_, err := io.WriteString(c, text)
	w.must(err)
}

// hear reads that many bytes, or with -1 to the end.
func (w *wire) hear(c net.Conn, bytes int) string {
	w.t.Helper()
	var buf []byte
	var err error
	if bytes < 0 {
		buf, err = io.ReadAll(c)
	} else {
		buf = make([]byte, bytes)
		_, err = io.ReadFull(c, buf)
	}
	w.must(err)
	return string(buf)
}

// upper has the client send a line and the server answer in upper case.
func (w *wire) upper(client, server net.Conn, line string) {
	w.t.Helper()
	w.say(client, line)
	w.say(server, strings.ToUpper(w.hear(server, len(line))))
	w.hear(client, len(line))
}

// closeInTurn has one end close, and the other some time after it has heard so.
func (w *wire) closeInTurn(first, second *net.TCPConn, pause time.Duration) {
	w.t.Helper()
	time.Sleep(pause / 2) // the last acknowledgement goes alone
	w.must(first.CloseWrite())
	w.hear(second, -1)
	time.Sleep(pause)
	w.must(second.Close())
	w.hear(first, -1)
	w.must(first.Close())
}

// short is a whole conversation.
func short(w *wire) {
	client, server := w.pair(clientAt, serverAt)
	w.upper(client, server, "hello, wire\n")
	w.closeInTurn(client, server, 100*time.Millisecond)
}

// bulk has the client send that many bytes at once.
func (w *wire) bulk(bytes int) {
	w.t.Helper()
	client, server := w.pair(clientAt, serverAt)
	w.say(client, lines(bytes))
	w.hear(server, bytes)
	w.closeInTurn(client, server, 100*time.Millisecond)
}

// until waits, at most ten seconds, until a sniffer has seen so many such segments.
func (w *wire) until(is func(s segment) bool, count int) {
	w.t.Helper()
	for deadline := time.Now().Add(10 * time.Second); time.Now().Before(deadline); time.Sleep(5 * time.Millisecond) {
		n := 0
		for _, s := range w.seen[0].all() {
			if is(dissect(s.frame)) {
				n++
			}
		}
		if n >= count {
			return
		}
	}
	w.t.Fatalf("no %d such segments in ten seconds", count)
}

func (w *wire) setOption(c *net.TCPConn, level, name, value int) {
	w.t.Helper()
	raw, err := c.SyscallConn()
	w.must(err)
	w.must(raw.Control(func(fd uintptr) { err = number(level, name, value)(int(fd)) }))
	w.must(err)
}

func addrPort(text string) netip.AddrPort { return netip.MustParseAddrPort(text) }

// datagrams sends one of that size there, and the same one back.
func (w *wire) datagrams(from, to string, size int, options ...option) {
	w.t.Helper()
	a, b := w.packets(w.A, from, options...), w.packets(w.B, to, options...)
	buf := make([]byte, size)
	_, err := a.WriteToUDPAddrPort([]byte(lines(size)), addrPort(to))
	w.must(err)
	n, back, err := b.ReadFromUDPAddrPort(buf)
	w.must(err)
	_, err = b.WriteToUDPAddrPort([]byte(strings.ToUpper(string(buf[:n]))), back)
	w.must(err)
	_, _, err = a.ReadFromUDPAddrPort(buf)
	w.must(err)
}

// ipv6 gives both ends an IPv6 address; duplicate address detection is left out.
func (w *wire) ipv6() {
	w.t.Helper()
	for i, e := range []*cable.End{w.A, w.B} {
		w.set(e, "ipv6/conf/all/disable_ipv6", "0")
		w.set(e, "ipv6/conf/cable0/accept_dad", "0")
		w.set(e, "ipv6/conf/cable0/router_solicitations", "0")
		w.ip(e, "-6", "addr", "add", fmt.Sprintf("fd77::%d/64", i+1), "dev", "cable0", "nodad")
	}
	w.quiet(1500 * time.Millisecond) // of multicast listeners that report
}

// noNeighbours leaves ICMPv6 out of a capture.
func noNeighbours(_ int, s sighting) bool {
	f := s.frame
	if len(f) < 14+40+8 || binary.BigEndian.Uint16(f[12:]) != 0x86dd {
		return true
	}
	return f[20] != 58 && (f[20] != 0 || f[54] != 58)
}

// lacking leaves the data segment of that number out of a capture.
func lacking(number int) func(int, sighting) bool {
	count := 0
	return func(_ int, s sighting) bool {
		if dissect(s.frame).payload > 0 {
			count++
			return count != number
		}
		return true
	}
}

func (w *wire) address(e *cable.End, device, prefix string) {
	w.t.Helper()
	w.ip(e, "addr", "add", prefix, "dev", device)
	w.ip(e, "link", "set", device, "up")
}

// echoes has A ping B.
func (w *wire) echoes(count int) {
	w.t.Helper()
	var c net.PacketConn
	w.must(w.A.Do(func() (err error) {
		c, err = net.ListenPacket("ip4:icmp", "10.77.0.1")
		return err
	}))
	defer c.Close()
	c.SetDeadline(time.Now().Add(10 * time.Second))
	for i := range count {
		message := append([]byte{8, 0, 0, 0, 0x77, 0x01, 0, byte(i + 1)}, "are you there?"...)
		binary.BigEndian.PutUint16(message[2:], checksum(message))
		_, err := c.WriteTo(message, &net.IPAddr{IP: net.IPv4(10, 77, 0, 2)})
		w.must(err)
		_, _, err = c.ReadFrom(make([]byte, 100))
		w.must(err)
		time.Sleep(20 * time.Millisecond)
	}
}

// checksum is RFC 1071's, of an even number of bytes.
func checksum(b []byte) uint16 {
	sum := uint32(0)
	for i := 0; i < len(b); i += 2 {
		sum += uint32(binary.BigEndian.Uint16(b[i:]))
	}
	for sum > 0xffff {
		sum = sum>>16 + sum&0xffff
	}
	return ^uint16(sum)
}

// rarp is a frame of RFC 903: ARP's fields under another type.
func rarp(op byte, src, senderMAC, senderIP, targetMAC, targetIP []byte) []byte {
	f := slices.Concat([]byte{0xff, 0xff, 0xff, 0xff, 0xff, 0xff}, src, []byte{0x80, 0x35},
		[]byte{0, 1, 8, 0, 6, 4, 0, op}, senderMAC, senderIP, targetMAC, targetIP)
	if op == 4 {
		copy(f, targetMAC)
	}
	return append(f, make([]byte, 60-len(f))...) // as short as Ethernet allows
}

// transmit sends a frame as it is from the cable's device at an end.
func (w *wire) transmit(e *cable.End, frame []byte) {
	w.t.Helper()
	w.must(e.Do(func() error {
		device, err := net.InterfaceByName("cable0")
		if err != nil {
			return err
		}
		fd, err := unix.Socket(unix.AF_PACKET, unix.SOCK_RAW|unix.SOCK_CLOEXEC, 0)
		if err != nil {
			return err
		}
		defer unix.Close(fd)
		return unix.Sendto(fd, frame, 0, &unix.SockaddrLinklayer{Ifindex: device.Index})
	}))
}

package conversation

import (
	"fmt"
	"os"
	"time"

	"golang.org/x/sys/unix"

	"dialtone/internet"
	"dialtone/transport"
	"dialtone/transport/tcp"
)

// The addresses of both ends: ours is the kernel's.
var (
	ourAddr  = [4]byte{10, 9, 0, 1}
	peerAddr = [4]byte{10, 9, 0, 2}
)

// A kernel is a socket of the Linux kernel's in a network namespace of its own, whose
// only link is a TUN device that the peer holds the other end of.
type kernel struct {
	given      Given
	start      time.Time
	namespace  *os.File
	tun        *os.File
	table      *os.File // /proc/net/tcp of the namespace
	sent       chan *Sent
	fd, listen int // -1 for none
}

// NewKernel makes an end of the Linux kernel's; root only.
func NewKernel(s *Script) (_ End, err error) {
	k := &kernel{given: *s.Given(Linux), sent: make(chan *Sent, 10_000), fd: -1, listen: -1}
	if err := k.open(); err != nil {
		k.shut()
		return nil, fmt.Errorf("a kernel's end: %w", err)
	}
	k.start = time.Now()
	go k.watch()
	return k, nil
}

// watch takes what the kernel sends, and the time at once.
func (k *kernel) watch() {
	defer close(k.sent)
	b := make([]byte, 1<<16)
	for {
		n, err := k.tun.Read(b)
		if err != nil { // closed
			return
		}
		at := k.Now()
		ip, segment, err := internet.ParseIPv4(b[:n])
		if err != nil || ip.Protocol != internet.TCP {
			continue
		}
		segment = append([]byte(nil), segment...)
		if h, payload, err := tcp.Parse(segment); err == nil && h.DstPort == peerPort {
			k.sent <- &Sent{h, payload, at}
		}
	}
}

func (k *kernel) Now() time.Duration { return time.Since(k.start) }
func (k *kernel) Where() Where       { return Linux }

func (k *kernel) Next(until time.Duration) *Sent {
	timer := time.NewTimer(max(until-k.Now(), 0))
	defer timer.Stop()
	select { // what was sent already comes before the time
	case s := <-k.sent:
		return s
	default:
	}
	select {
	case s := <-k.sent:
		return s
	case <-timer.C:
		return nil
	}
}

func (k *kernel) Input(h *tcp.Header, payload []byte) {
	segment := append(h.Append(nil), payload...)
	tcp.Fill(transport.PseudoSum4(peerAddr, ourAddr, internet.TCP, len(segment)), segment)
	k.send(internet.TCP, segment)
}

// Unreachable quotes the segment as far as routers must: its IP header and 8 bytes.
func (k *kernel) Unreachable(m ICMP, about *tcp.Header) {
	ip := internet.IPv4{TTL: 64, Flags: internet.DontFragment, Protocol: internet.TCP, Src: ourAddr, Dst: peerAddr}
	quoted := about.Append(ip.Append(nil))
	internet.FillIPv4(quoted)
	h := internet.ICMPHeader{Type: m.Type, Code: m.Code, Rest: [4]byte{2: byte(m.MTU >> 8), 3: byte(m.MTU)}}
	msg := append(h.Append(nil), quoted...)
	internet.FillICMPv4(msg)
	k.send(internet.ICMP, msg)
}

func (k *kernel) send(proto internet.Protocol, payload []byte) {
	ip := internet.IPv4{TTL: 64, Protocol: proto, Src: peerAddr, Dst: ourAddr}
	packet := append(ip.Append(nil), payload...)
	internet.FillIPv4(packet)
	if _, err := k.tun.Write(packet); err != nil {
		panic(fmt.Sprintf("TUN device: %v", err)) // it takes all packets while it is up
	}
}

// Stop closes all, and waits until the namespace is out of use.
func (k *kernel) Stop() {
	k.shut()
	for range k.sent {
	}
}

func (k *kernel) shut() {
	for _, fd := range []int{k.fd, k.listen} {
		if fd >= 0 {
			unix.Close(fd)
		}
	}
	for _, f := range []*os.File{k.tun, k.table, k.namespace} {
		if f != nil {
			f.Close()
		}
	}
}

package tap_test

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"net"
	"net/netip"
	"os"
	"os/exec"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"dialtone/internet"
	"dialtone/link"
	"dialtone/link/netns"
	"dialtone/link/tap"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

var (
	ourMAC   = link.MAC{2, 0, 0, 0, 0, 9}
	ourIP    = netip.MustParseAddr("10.9.0.2")
	kernelIP = netip.MustParseAddr("10.9.0.1")
)

// open returns a device in a namespace of its own, and the namespace's name.
func open(t *testing.T, c tap.Config) (*tap.Device, string) {
	t.Helper()
	if os.Getuid() != 0 {
		t.Skip("a TAP device needs root")
	}
	if _, err := os.Stat("/dev/net/tun"); err != nil {
		t.Skip("no TAP devices here: ", err)
	}
	ns := fmt.Sprintf("sim-%d-%s", os.Getpid(), strings.ReplaceAll(strings.ToLower(t.Name()), "/", "-"))
	run(t, "ip", "netns", "add", ns)
	t.Cleanup(func() { run(t, "ip", "netns", "delete", ns) })
	c.Netns, c.Prefix = "/run/netns/"+ns, netip.PrefixFrom(kernelIP, 24)
	d, err := tap.Open(c)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { d.Close() })
	return d, ns
}

func run(t *testing.T, name string, args ...string) string {
	t.Helper()
	out, err := exec.Command(name, args...).CombinedOutput()
	if err != nil {
		t.Fatalf("%s %v: %v\n%s", name, args, err, out)
	}
	return string(out)
}

// responder is a station that does ARP and answers echo requests.
type responder struct {
	t         *testing.T
	device    *tap.Device
	mu        sync.Mutex
	neighbors *link.Neighbors
	out       []*link.Frame
	other     func(packet []byte, o link.Offload) // what is no echo request
}

func respond(t *testing.T, d *tap.Device) *responder {
	r := &responder{t: t, device: d, neighbors: link.NewNeighbors(ourMAC)}
	r.neighbors.Own(netip.PrefixFrom(ourIP, 24))
	d.Attach(r.input)
	return r
}

func (r *responder) input(frames []*link.Frame) {
	r.mu.Lock()
	for _, f := range frames {
		h, payload, err := link.ParseEthernet(f.Data)
		switch {
		case err != nil:
			r.t.Errorf("the kernel sent %x: %v", f.Data, err)
		case h.Type == link.TypeARP:
			p, _, _ := link.ParseARP(payload)
			r.neighbors.Input(0, h.Dst, &p, r)
		case h.Type == link.TypeIPv4 && payload[9] == 1 && payload[20] == 8:
			f.TrimFront(link.EthernetLen)
			r.echo(f)
			continue
		case h.Type == link.TypeIPv4 && r.other != nil:
			f.TrimFront(link.EthernetLen)
			r.other(f.Data, f.Offload)
		}
		f.Free()
	}
	out := r.out
	r.out = nil
	r.mu.Unlock()
	r.device.Send(out)
}

// echo turns a request into the answer: the sum of 8 and checksum does not change.
func (r *responder) echo(f *link.Frame) {
	ip := f.Data
	copy(ip[12:20], append(append([]byte{}, ip[16:20]...), ip[12:16]...))
	ip[20] = 0
	sum := uint32(binary.BigEndian.Uint16(ip[22:])) + 0x0800
	binary.BigEndian.PutUint16(ip[22:], uint16(sum+sum>>16))
	r.toKernel(f)
}

func (r *responder) toKernel(f *link.Frame) {
	if mac, ok := r.neighbors.Resolve(0, kernelIP, f, r); ok {
		r.Resolved(kernelIP, mac, []*link.Frame{f})
	}
}

func (r *responder) ARP(dst link.MAC, p *link.ARP) {
	f := link.NewFrame(link.ARPLen)
	p.Append(f.Data[:0])
	r.frame(dst, p.EtherType(), f)
}

func (r *responder) frame(dst link.MAC, t link.EtherType, f *link.Frame) {
	h := link.Ethernet{Dst: dst, Src: ourMAC, Type: t}
	h.Append(f.Prepend(link.EthernetLen)[:0])
	r.out = append(r.out, f)
}

func (r *responder) Resolved(_ netip.Addr, mac link.MAC, frames []*link.Frame) {
	for _, f := range frames {
		r.frame(mac, link.TypeIPv4, f)
	}
}

func (r *responder) Unreachable(ip netip.Addr, frames []*link.Frame) { link.FreeAll(frames) }
func (r *responder) Dropped(_ netip.Addr, f *link.Frame)             { f.Free() }
func (r *responder) Conflict(ip netip.Addr, mac link.MAC)            { r.t.Errorf("%v is at %v too", ip, mac) }
func (r *responder) Claimed(netip.Addr)                              {}

// ping sends an echo request of so many bytes with the kernel's IP and wants it back.
func ping(t *testing.T, ns string, size int) {
	t.Helper()
	conn, err := netns.Named(ns).ListenPacket(t.Context(), "ip4:icmp", kernelIP.String())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	conn.SetDeadline(time.Now().Add(30 * time.Second))
	request := make([]byte, size)
	for i := range request {
		request[i] = byte(i)
	}
	copy(request, []byte{8, 0, 0, 0, 0, 7, 0, 1})
	binary.BigEndian.PutUint16(request[2:], internet.Fold(internet.Sum(request, 0)))
	if _, err := conn.WriteTo(request, &net.IPAddr{IP: ourIP.AsSlice()}); err != nil {
		t.Fatal(err)
	}
	answer := make([]byte, 10_000)
	n, _, err := conn.ReadFrom(answer)
	if err != nil || n != size || answer[0] != 0 || !bytes.Equal(answer[4:n], request[4:]) || internet.Fold(internet.Sum(answer[:n], 0)) != 0 {
		t.Fatalf("%d bytes of %d came back, %v: %.40x", n, size, err, answer[:n])
	}
}

func TestKernelPingsUs(t *testing.T) {
	for _, mtu := range []int{576, 1500, 9000} {
		t.Run(fmt.Sprint(mtu), func(t *testing.T) {
			d, ns := open(t, tap.Config{Name: "tap-sim", MTU: mtu})
			if d.Name() != "tap-sim" || d.MTU() != mtu {
				t.Fatalf("%s with MTU %d", d.Name(), d.MTU())
			}
			respond(t, d)
			for _, size := range []int{8, 100, mtu - 20} {
				ping(t, ns, size)
			}
			if got := run(t, "ip", "-n", ns, "neigh"); !strings.Contains(got, ourMAC.String()) {
				t.Errorf("the kernel does not know us: %s", got)
			}
			if got := d.Counts(); got.Sent < 4 || got.Received < 4 || got.Refused+got.Malformed != 0 {
				t.Errorf("%+v", got)
			}
		})
	}
}

// TestKernelLeavesChecksumsToUs exchanges datagrams with a socket of the kernel's, whose
// checksums nobody has filled in.
func TestKernelLeavesChecksumsToUs(t *testing.T) {
	d, ns := open(t, tap.Config{})
	r := respond(t, d)
	got := make(chan string, 10)
	r.mu.Lock()
	r.other = func(packet []byte, o link.Offload) {
		if packet[9] != 17 {
			return
		}
		f := link.NewFrame(len(packet))
		copy(f.Data, packet)
		if f.Offload = o; o.Checksum != link.ChecksumPartial || o.SumStart != 20 || o.SumOffset != 6 {
			t.Errorf("%+v, want a checksum to be filled in", o)
		}
		f.Complete()
		if !pseudoSumGood(f.Data) {
			t.Errorf("checksum of %x is wrong", f.Data)
		}
		got <- string(f.Data[28:])
		ip := f.Data // back to the sender, with the pseudo-header's sum only
		copy(ip[12:20], append(append([]byte{}, ip[16:20]...), ip[12:16]...))
		copy(ip[20:24], append(append([]byte{}, ip[22:24]...), ip[20:22]...))
		binary.BigEndian.PutUint16(ip[26:], pseudoSum(ip))
		f.Offload = link.Offload{Checksum: link.ChecksumPartial, SumStart: 20, SumOffset: 6}
		r.toKernel(f)
	}
	r.mu.Unlock()
	conn, err := netns.Named(ns).DialContext(t.Context(), "udp", net.JoinHostPort(ourIP.String(), "7"))
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	conn.SetDeadline(time.Now().Add(30 * time.Second))
	if _, err := conn.Write([]byte("hello")); err != nil {
		t.Fatal(err)
	}
	back := make([]byte, 10)
	n, err := conn.Read(back)
	if err != nil || string(back[:n]) != "hello" {
		t.Errorf("%q came back, %v", back[:n], err)
	}
	if s := <-got; s != "hello" {
		t.Errorf("we got %q", s)
	}
}

// pseudoSum is the one's complement sum of a UDP packet's pseudo-header.
func pseudoSum(ip []byte) uint16 {
	b := append(append([]byte{}, ip[12:20]...), 0, 17)
	return ^internet.Fold(internet.Sum(binary.BigEndian.AppendUint16(b, uint16(len(ip)-20)), 0))
}

func pseudoSumGood(ip []byte) bool {
	b := append(append([]byte{}, ip[12:20]...), 0, 17)
	b = binary.BigEndian.AppendUint16(b, uint16(len(ip)-20))
	return internet.Fold(internet.Sum(append(b, ip[20:]...), 0)) == 0
}

func TestCloseWaits(t *testing.T) {
	d, ns := open(t, tap.Config{SuperFrames: true})
	respond(t, d)
	ping(t, ns, 1000)
	if err := d.Close(); err != nil {
		t.Fatal(err)
	}
	d.Send([]*link.Frame{link.NewFrame(60)}) // no panic, no other file written to
	if got := d.Counts().Refused; got != 1 {
		t.Errorf("%d refused", got)
	}
	if out := run(t, "ip", "-n", ns, "-br", "link"); strings.Contains(out, d.Name()) {
		t.Errorf("still there: %s", out)
	}
}

func TestOpenSaysWhatIsWrong(t *testing.T) {
	if os.Getuid() != 0 {
		t.Skip("a TAP device needs root")
	}
	for want, c := range map[string]tap.Config{
		"is not IPv4":      {Name: "tap-sim", Prefix: netip.MustParsePrefix("fe80::1/64")},
		"no such file":     {Name: "tap-sim", Netns: "/run/netns/there-is-none"},
		"invalid argument": {Name: "a-name-that-is-too-long"},
	} {
		if _, err := tap.Open(c); err == nil || !strings.Contains(err.Error(), want) || !strings.Contains(err.Error(), c.Name) {
			t.Errorf("%v, want %s", err, want)
		}
	}
}

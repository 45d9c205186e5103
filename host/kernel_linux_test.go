package host

import (
	"context"
	"fmt"
	"net"
	"net/netip"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"dialtone/internet"
	"dialtone/link/netns"
	"dialtone/link/tap"
)

const (
	kernelAddress = "10.9.0.1"
	hostAddress   = "10.9.0.2"
)

// newKernel returns a host on a TAP device, and the kernel's end of it.
func newKernel(t *testing.T, mtu int) (*Host, netns.Namespace) {
	t.Helper()
	if os.Getuid() != 0 {
		t.Skip("a TAP device needs root")
	}
	if _, err := os.Stat("/dev/net/tun"); err != nil {
		t.Skip("no TAP devices here: ", err)
	}
	name := fmt.Sprintf("net-%d-%s", os.Getpid(), strings.ToLower(strings.NewReplacer("/", "-", " ", "-").Replace(t.Name())))
	command(t, "ip", "netns", "add", name)
	t.Cleanup(func() { command(t, "ip", "netns", "delete", name) })
	ns := netns.Named(name)
	command(t, "ip", "-n", name, "link", "set", "lo", "up")
	d, err := tap.Open(tap.Config{Netns: string(ns), MTU: mtu, Prefix: netip.PrefixFrom(netip.MustParseAddr(kernelAddress), 24)})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { d.Close() })
	return newHost(t, "h", Attach(d, hostAddress+"/24")), ns
}

func command(t *testing.T, name string, args ...string) string {
	t.Helper()
	out, err := exec.Command(name, args...).CombinedOutput()
	if err != nil {
		t.Fatalf("%s %v: %v\n%s", name, args, err, out)
	}
	return string(out)
}

// The same UDP as between two hosts, with the kernel at one end: fragments, refusals
// and all.
func TestUDPWithTheKernel(t *testing.T) {
	h, kernel := newKernel(t, 1500)
	for _, on := range []struct {
		name           string
		client, server sockets
		address        string
	}{
		{"to the kernel", h, kernel, kernelAddress},
		{"from the kernel", kernel, h, hostAddress},
	} {
		for _, test := range udpTests {
			t.Run(on.name+"/"+test.name, func(t *testing.T) {
				test.run(&udpTest{t, on.client, on.server, on.address})
			})
		}
	}
	// ARP both ways: each end knows the other.
	n := h.nics[1]
	n.mu.Lock()
	defer n.mu.Unlock()
	if all := n.neighbors.All(h.now()); len(all) != 1 || all[0].IP.String() != kernelAddress {
		t.Errorf("the host knows %+v", all)
	}
	if out := command(t, "ip", "-n", strings.TrimPrefix(string(kernel), "/run/netns/"), "neigh"); !strings.Contains(out, hostAddress) || !strings.Contains(out, n.mac.String()) {
		t.Errorf("the kernel knows %s", out)
	}
}

func TestPingTheKernel(t *testing.T) {
	for _, mtu := range []int{576, 1500, 9000} {
		t.Run(fmt.Sprint("MTU ", mtu), func(t *testing.T) {
			h, _ := newKernel(t, mtu)
			for _, size := range []int{0, 100, 2000, 65507} {
				ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
				pong, err := h.Ping(ctx, kernelAddress, Ping{Size: size, MayBeCut: true})
				if cancel(); err != nil || pong.From.String() != kernelAddress || pong.TTL != 64 {
					t.Errorf("%d bytes: %+v %v", size, pong, err)
				}
			}
		})
	}
}

func TestTheKernelPings(t *testing.T) {
	_, kernel := newKernel(t, 1500)
	c, err := kernel.ListenPacket(t.Context(), "ip4:icmp", "0.0.0.0")
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	c.SetDeadline(time.Now().Add(20 * time.Second))
	for seq, size := range []int{0, 100, 2000, 65500} {
		m := internet.ICMPHeader{Type: internet.ICMPv4Echo}
		m.SetEcho(7, uint16(seq))
		b := append(m.Append(nil), make([]byte, size)...)
		internet.FillICMPv4(b)
		if _, err := c.WriteTo(b, &net.IPAddr{IP: net.ParseIP(hostAddress)}); err != nil {
			t.Fatal(err)
		}
		buffer := make([]byte, 1<<16)
		n, from, err := c.ReadFrom(buffer)
		if err != nil {
			t.Fatalf("%d bytes: %v", size, err)
		}
		m, data, err := internet.ParseICMP(buffer[:n])
		if _, got := m.Echo(); err != nil || m.Type != internet.ICMPv4EchoReply || int(got) != seq || len(data) != size || from.String() != hostAddress {
			t.Errorf("%d bytes: %+v, %d bytes from %v", size, m, len(data), from)
		}
	}
}

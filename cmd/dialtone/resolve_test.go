package main

import (
	"encoding/json"
	"errors"
	"net"
	"net/netip"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"

	"dialtone/app/address"
	"dialtone/observe/routes"
	"dialtone/observe/sockets"
	"dialtone/transport/tcp"

	"github.com/rogpeppe/go-internal/testscript"
)

// TestResolveScripts runs scripts beside sockets that this process owns: TCP
// and UDP are their ports, PID is ours.
func TestResolveScripts(t *testing.T) {
	if _, err := sockets.Owners("tcp", 1); errors.Is(err, errors.ErrUnsupported) {
		t.Skip("who owns a port:", err)
	}
	testscript.Run(t, testscript.Params{
		Dir: "testdata/resolve", RequireExplicitExec: true,
		Setup: func(env *testscript.Env) error {
			l, err := net.Listen("tcp", "127.0.0.1:0")
			if err != nil {
				return err
			}
			env.Defer(func() { l.Close() })
			p, err := net.ListenPacket("udp", "127.0.0.1:0")
			if err != nil {
				return err
			}
			env.Defer(func() { p.Close() })
			env.Setenv("TCP", strconv.Itoa(l.Addr().(*net.TCPAddr).Port))
			env.Setenv("UDP", strconv.Itoa(p.LocalAddr().(*net.UDPAddr).Port))
			env.Setenv("PID", strconv.Itoa(os.Getpid()))
			return nil
		},
	})
}

func TestDigitsAreSplitBetweenNetworkAndHost(t *testing.T) {
	for _, c := range []struct {
		ip      string
		width   int
		network int
		want    string
		labels  string
	}{
		{"192.0.2.7", 1, 24, "11000000.00000000.00000010│00000111", "network, 24 bits          │host, 8 bits"},
		{"192.0.2.7", 1, 20, "11000000.00000000.0000│0010.00000111", "network, 20 bits      │host, 12 bits"},
		{"10.0.0.1", 1, 8, "00001010│00000000.00000000.00000001", "network │host, 24 bits"},
		{"10.0.0.1", 1, 4, "0000│1010.00000000.00000000.00000001", "net │host, 28 bits"},
		{"10.0.0.1", 1, 2, "00│001010.00000000.00000000.00000001", "  │host, 30 bits"},
		{"10.0.0.1", 1, 31, "00001010.00000000.00000000.0000000│1", "network, 31 bits                  │host, 1 bit"},
		{"10.0.0.1", 1, 32, "00001010.00000000.00000000.00000001", "network, all 32 bits"},
		{"10.0.0.1", 1, 0, "00001010.00000000.00000000.00000001", "host, 32 bits"},
		{"10.0.0.1", 1, -1, "00001010.00000000.00000000.00000001", ""},
		{"2001:db8::7", 4, 64, "2001:0db8:0000:0000│0000:0000:0000:0007", "network, 64 bits   │host, 64 bits"},
		{"2001:db8::7", 4, 60, "2001:0db8:0000:000│0:0000:0000:0000:0007", "network, 60 bits  │host, 68 bits"},
		{"2001:db8::7", 4, 30, "2001:0db(10│00):0000:0000:0000:0000:0000:0007", "network    │host, 98 bits"},
	} {
		ip := netip.MustParseAddr(c.ip)
		got := splitDigits(ip, c.width, c.network)
		if got != c.want {
			t.Errorf("%s/%d in digits of %d bits:\n got %s\nwant %s", c.ip, c.network, c.width, got, c.want)
		}
		if labels := splitLabels(got, c.network, ip.BitLen()); labels != c.labels {
			t.Errorf("%s/%d: labels %q, want %q", c.ip, c.network, labels, c.labels)
		}
	}
}

func TestIPv6InBinaryIsTwoRowsOf64Digits(t *testing.T) {
	for _, network := range []int{-1, 0, 1, 48, 63, 64, 65, 127, 128} {
		rows := splitRows(splitDigits(netip.MustParseAddr("2001:db8::7"), 1, network))
		if len(rows) != 2 {
			t.Fatalf("/%d: %d rows", network, len(rows))
		}
		for _, row := range rows {
			if n := strings.Count(row, "0") + strings.Count(row, "1"); n != 64 {
				t.Errorf("/%d: %d digits in row %q", network, n, row)
			}
		}
	}
}

func TestSpecialRangesAreNamed(t *testing.T) {
	for ip, want := range map[string]string{
		"127.0.0.1": "RFC 1122 §3.2.1.3", "10.1.2.3": "RFC 1918", "172.31.255.255": "RFC 1918", "172.32.0.0": "",
		"192.168.1.1": "RFC 1918", "169.254.1.1": "RFC 3927", "100.64.0.1": "RFC 6598", "198.51.100.1": "RFC 5737",
		"224.0.0.1": "RFC 5771", "230.0.0.1": "RFC 1112", "255.255.255.255": "RFC 919", "8.8.8.8": "",
		"::1": "RFC 4291 §2.5.3", "fe80::1%eth0": "RFC 4291 §2.5.6", "fd00::1": "RFC 4193", "2001:db8::1": "RFC 3849",
		"ff02::1": "RFC 4291 §2.7", "64:ff9b::1": "RFC 6052", "2606:4700::1": "RFC 4291 §2.5.4", "4000::": "RFC 4291 §2.4",
	} {
		if got := kindOfAddress(netip.MustParseAddr(ip)); got.rfc != want || got.name == "" {
			t.Errorf("%s is %+v, want %q", ip, got, want)
		}
	}
}

func TestAddressesAreInTheOrderOfDialing(t *testing.T) {
	var ips []netip.Addr
	for _, s := range []string{"2001:db8::1", "192.0.2.1", "2001:db8::2", "192.0.2.2"} {
		ips = append(ips, netip.MustParseAddr(s))
	}
	if got := dialOrder(address.Address{Scheme: "udp"}, slices.Clone(ips)); !slices.Equal(got, ips) {
		t.Errorf("udp: %v", got)
	}
	want := []netip.Addr{ips[0], ips[2], ips[1], ips[3]}
	if got := dialOrder(address.Address{Scheme: "tcp"}, slices.Clone(ips)); !slices.Equal(got, want) {
		t.Errorf("tcp: %v, want %v", got, want)
	}
}

func TestServicesAreFoundByNumber(t *testing.T) {
	const list = "# comment\nhttp 80/tcp www # the web\nbroken\nhttp-odd 80/udp\nlate 80/tcp\n"
	for _, c := range []struct {
		port    uint16
		network string
		want    string
	}{{80, "tcp", "http"}, {80, "udp", "http-odd"}, {81, "tcp", ""}} {
		if got := findService(strings.NewReader(list), c.port, c.network); got != c.want {
			t.Errorf("%d/%s = %q, want %q", c.port, c.network, got, c.want)
		}
	}
	if got := findService(strings.NewReader(commonServices), 443, "tcp"); got != "https" {
		t.Errorf("443/tcp on a machine without a list = %q", got)
	}
}

func FuzzFindService(f *testing.F) {
	f.Add("http 80/tcp www\n", uint16(80))
	f.Add("# x\n\t80/tcp\nhttp\t80/tcp # y", uint16(80))
	f.Fuzz(func(t *testing.T, list string, port uint16) {
		if name := findService(strings.NewReader(list), port, "tcp"); name != "" && strings.ContainsAny(name, " \n#") {
			t.Errorf("name %q", name)
		}
	})
}

// FuzzParseTarget: what is accepted has an IP scheme, and errors are usage errors.
func FuzzParseTarget(f *testing.F) {
	for _, s := range []string{"localhost", "::1", "[::1]", "[::1]:80", "fe80::1%lo", "udp://h", "h:", "ws://h/p", "://", "[", "]:", "unix:x", "1.2.3.4:0"} {
		f.Add(s, "")
		f.Add(s, "udp6")
	}
	f.Fuzz(func(t *testing.T, text, network string) {
		a, _, err := parseTarget(text, network)
		var wrong *address.Error
		var use *usageError
		if err != nil && !errors.As(err, &wrong) && !errors.As(err, &use) {
			t.Errorf("parseTarget(%q, %q): %v is not a usage error", text, network, err)
		}
		if err == nil && !slices.Contains(ipSchemes(), a.Scheme) {
			t.Errorf("parseTarget(%q, %q) = %+v", text, network, a)
		}
	})
}

func TestResolveTextIsForReading(t *testing.T) {
	ip, mac := netip.MustParseAddr, net.HardwareAddr{2, 0, 0, 0, 0, 5}
	eth := routes.Interface{Index: 2, Name: "eth\x1b0", HardwareAddr: mac}
	from := func(s string) routes.Route {
		return routes.Route{Kind: routes.Unicast, Interface: eth, Source: netip.MustParsePrefix(s), Holder: eth.Name}
	}
	far := from("192.0.2.2/24")
	far.NextHop = ip("192.0.2.1")
	r := resolved{
		asked: "example.com:8000", hasPort: true, service: "http-alt",
		target: address.Address{Scheme: "tls", Host: "example.com", Port: 8000},
		sockets: []sockets.Socket{
			{Local: netip.MustParseAddrPort("[::]:8000"), State: sockets.State(tcp.Listen), Inode: 1, UID: 4111111111, Hidden: true},
			{
				Local: netip.MustParseAddrPort("127.0.0.1:8000"), State: sockets.Bound, Inode: 2, UID: 4111111111,
				Processes: []sockets.Process{{PID: 7, Name: "a\x1b[2J"}, {PID: 8, Name: "b"}, {PID: 9, Name: "c"}, {PID: 10}, {PID: 11}},
			},
		},
		addrs: []resolvedAddr{
			{ip: ip("2001:db8::7"), route: from("2001:db8::2/64"), neighbor: &routes.Neighbor{State: routes.Failed}},
			{ip: ip("198.51.100.7"), route: far, neighbor: &routes.Neighbor{State: routes.Reachable, HardwareAddr: mac, Router: true}},
		},
	}
	const want = `example.com:8000
  protocol  tls over tcp
  port      8000, a user port (1024–49151, RFC 6335)
  service   http-alt
  owner     on this machine: a process that is not ours to look into, user 4111111111, listens on [::]:8000 (IPv4 too)
            on this machine: a\x1b[2J (pid 7), b (pid 8), c (pid 9), 2 more, user 4111111111, is bound to 127.0.0.1:8000 and does not listen
  address   2, in the order in which they are tried
            IPv4 joins in when IPv6 takes long (Happy Eyeballs, RFC 8305)

2001:db8::7  IPv6
  kind      documentation, RFC 3849
  full      2001:0db8:0000:0000│0000:0000:0000:0007
  source    2001:0db8:0000:0000│0000:0000:0000:0002  2001:db8::2/64 on eth\x1b0
            network, 64 bits   │host, 64 bits
  binary    0010000000000001:0000110110111000:0000000000000000:0000000000000000│
            0000000000000000:0000000000000000:0000000000000000:0000000000000111
  next hop  itself, on eth\x1b0: the network parts are equal
  MAC       unknown, FAILED: did not answer

198.51.100.7  IPv4
  kind      documentation (TEST-NET-2), RFC 5737
  binary    11000110.00110011.01100100│00000111
  source    11000000.00000000.00000010│00000010  192.0.2.2/24 on eth\x1b0
            network, 24 bits          │host, 8 bits
  next hop  192.0.2.1, a router on eth\x1b0: the network parts differ
  MAC       02:00:00:00:00:05, REACHABLE: confirmed not long ago; a router, by its own word
`
	if got := resolveText(r, false); got != want {
		t.Errorf("got:\n%s\nwant:\n%s", got, want)
	}
	if strings.Contains(resolveText(r, false), "\x1b") || !strings.Contains(resolveText(r, true), "\x1b[36m") {
		t.Error("colours are where they must not be, or missing")
	}
}

func TestJSONCarriesNamesWithoutRawControls(t *testing.T) {
	name := "a\x1b\u009b\u202e\U000e0041é"
	r := resolved{asked: "x:80", hasPort: true, sockets: []sockets.Socket{{Processes: []sockets.Process{{PID: 1, Name: name}}}}}
	var b strings.Builder
	if err := writeJSON(&b, r.toJSON()); err != nil {
		t.Fatal(err)
	}
	if strings.ContainsAny(b.String(), "\x1b\u009b\u202e\U000e0041") {
		t.Errorf("raw controls in %q", b.String())
	}
	var back resolveJSON
	if err := json.Unmarshal([]byte(b.String()), &back); err != nil || back.Port.Owners[0].Processes[0].Name != name {
		t.Errorf("read back %+v, %v", back, err)
	}
}

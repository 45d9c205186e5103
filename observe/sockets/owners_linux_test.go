package sockets

import (
	"fmt"
	"net"
	"net/netip"
	"os"
	"slices"
	"testing"

	"dialtone/transport/tcp"
)

// owned returns the sockets with the local address at: other programs may have
// the same port elsewhere.
func owned(t *testing.T, network, at string) []Socket {
	t.Helper()
	want := netip.MustParseAddrPort(at)
	list, err := Owners(network, want.Port())
	if err != nil {
		t.Fatal(err)
	}
	return slices.DeleteFunc(list, func(s Socket) bool { return s.Local != want })
}

// holdsIt reports whether this process has s open.
func holdsIt(s Socket) bool {
	return slices.ContainsFunc(s.Processes, func(p Process) bool { return p.PID == os.Getpid() && p.Name != "" })
}

func TestAListenerIsFoundWithItsProcess(t *testing.T) {
	for network, at := range map[string]string{"tcp4": "127.0.0.1:0", "tcp6": "[::1]:0", "tcp": ":0"} {
		l, err := net.Listen(network, at)
		if err != nil {
			t.Fatal(err)
		}
		defer l.Close()
		list := owned(t, "tcp", l.Addr().String())
		if len(list) != 1 || list[0].State != State(tcp.Listen) || !holdsIt(list[0]) || list[0].UID != uint32(os.Getuid()) {
			t.Errorf("%s %s: %+v, want one listener of this process", network, l.Addr(), list)
		}
		if slices.ContainsFunc(owned(t, "udp", l.Addr().String()), holdsIt) {
			t.Errorf("a TCP listener is shown as UDP")
		}
	}
}

func TestADualStackListenerTakesBothFamilies(t *testing.T) {
	for network, takes4 := range map[string]bool{"tcp": true, "tcp6": false} {
		l, err := net.Listen(network, "[::]:0")
		if err != nil {
			t.Fatal(err)
		}
		defer l.Close()
		list := owned(t, "tcp", l.Addr().String())
		if len(list) != 1 || !list[0].Takes(netip.IPv6Loopback()) || list[0].Takes(netip.MustParseAddr("127.0.0.1")) != takes4 {
			t.Errorf("%s: %+v, want IPv4 too: %v", network, list, takes4)
		}
	}
}

func TestUDPSocketsAreFoundConnectedOrNot(t *testing.T) {
	a, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer a.Close()
	b, err := net.Dial("udp", a.LocalAddr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer b.Close()
	for addr, want := range map[string]State{a.LocalAddr().String(): Unconnected, b.LocalAddr().String(): Connected} {
		list := owned(t, "udp", addr)
		if len(list) != 1 || list[0].State != want || !holdsIt(list[0]) {
			t.Errorf("%s: %+v, want one %s", addr, list, want)
		}
	}
}

func TestConnectionsShowOnlyWhereNobodyListens(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	c, list := dialFromPortOfItsOwn(t, l.Addr().String())
	if !slices.ContainsFunc(list, func(s Socket) bool {
		return s.State == State(tcp.Established) && s.Remote.String() == l.Addr().String() && holdsIt(s)
	}) {
		t.Errorf("the client's port %s: %+v, want its connection", c.LocalAddr(), list)
	}
	if list := owned(t, "tcp", l.Addr().String()); len(list) != 1 || list[0].State != State(tcp.Listen) {
		t.Errorf("the listener's port: %+v, want the listener alone", list)
	}
}

// dialFromPortOfItsOwn dials until nobody listens on the connection's port, as
// another program may do on another address.
func dialFromPortOfItsOwn(t *testing.T, target string) (net.Conn, []Socket) {
	t.Helper()
	for range 20 {
		c, err := net.Dial("tcp", target)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { c.Close() })
		all, err := Owners("tcp", netip.MustParseAddrPort(c.LocalAddr().String()).Port())
		if err != nil {
			t.Fatal(err)
		}
		if !slices.ContainsFunc(all, func(s Socket) bool { return s.State == State(tcp.Listen) || s.State == Bound }) {
			return c, owned(t, "tcp", c.LocalAddr().String())
		}
	}
	t.Fatal("no connection whose port nobody else has")
	return nil, nil
}

func TestAFreePortHasNoOwner(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	l.Close()
	if list := owned(t, "tcp", l.Addr().String()); slices.ContainsFunc(list, holdsIt) {
		t.Errorf("closed port %s: %+v", l.Addr(), list)
	}
	if _, err := Owners("sctp", 1); err == nil {
		t.Error("sctp: no error")
	}
}

func TestStatesHaveTheNamesOfTheRFC(t *testing.T) {
	for n, want := range map[uint8]string{1: "ESTABLISHED", 6: "TIME_WAIT", 10: "LISTEN", 12: "SYN_RCVD", 13: "BOUND", 99: "unknown"} {
		if got := kernelState("tcp", n).String(); got != want {
			t.Errorf("state %d = %s, want %s", n, got, want)
		}
	}
	for _, s := range States() {
		if again, err := ParseState(s.String()); err != nil || again != s {
			t.Errorf("%s reads as %s, %v", s, again, err)
		}
	}
}

func TestSocketLinksAreRead(t *testing.T) {
	for link, want := range map[string]uint32{
		"socket:[4711]": 4711, "socket:[4711": 0, "socket:[-1]": 0, "pipe:[1]": 0, "socket:[99999999999]": 0, "/dev/null": 0, "": 0,
	} {
		if n, ok := socketInode([]byte(link)); n != want || ok != (want != 0) {
			t.Errorf("socketInode(%q) = %d, %v; want %d", link, n, ok, want)
		}
	}
}

func ExampleOwners() {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		fmt.Println(err)
		return
	}
	defer l.Close()
	list, err := Owners("tcp", uint16(l.Addr().(*net.TCPAddr).Port))
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, s := range list {
		if s.Local.String() == l.Addr().String() {
			fmt.Println(s.Network, s.State, s.Local.Addr(), s.Processes[0].PID == os.Getpid())
		}
	}
	// Output: tcp LISTEN 127.0.0.1 true
}

package serve_test

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"io"
	"net"
	"net/netip"
	"strings"
	"testing"
	"time"

	"dialtone/app/serve"
)

// proxyV2 builds a version 2 header: command 0 is LOCAL, 1 PROXY.
func proxyV2(command, family byte, body ...[]byte) []byte {
	all := bytes.Join(body, nil)
	out := append([]byte("\r\n\r\n\x00\r\nQUIT\n"), 0x20|command, family)
	return append(binary.BigEndian.AppendUint16(out, uint16(len(all))), all...)
}

func proxyAddrs(source, destination string) []byte {
	s, d := netip.MustParseAddrPort(source), netip.MustParseAddrPort(destination)
	out := append(s.Addr().AsSlice(), d.Addr().AsSlice()...)
	return binary.BigEndian.AppendUint16(binary.BigEndian.AppendUint16(out, s.Port()), d.Port())
}

// proxyHeaders are good ones, with the client that they name.
func proxyHeaders() map[string]string {
	tlv := []byte{0x04, 0, 3, 'x', 'y', 'z'} // a NOOP
	return map[string]string{
		"PROXY TCP4 192.0.2.1 192.0.2.2 1234 80\r\n":                                               "192.0.2.1:1234",
		"PROXY TCP6 2001:db8::1 2001:db8::2 65535 0\r\n":                                           "[2001:db8::1]:65535",
		"PROXY UNKNOWN\r\n":                                                                        "",
		"PROXY UNKNOWN ffff::1 ffff::2 1 2 and what ever\r\n":                                      "",
		string(proxyV2(1, 0x11, proxyAddrs("192.0.2.1:1234", "192.0.2.2:80"))):                     "192.0.2.1:1234",
		string(proxyV2(1, 0x21, proxyAddrs("[2001:db8::1]:9", "[2001:db8::2]:80"))):                "[2001:db8::1]:9",
		string(proxyV2(1, 0x11, proxyAddrs("192.0.2.1:1234", "192.0.2.2:80"), tlv)):                "192.0.2.1:1234",
		string(proxyV2(1, 0x11, proxyAddrs("192.0.2.1:1", "192.0.2.2:8"), bytes.Repeat(tlv, 200))): "192.0.2.1:1",
		string(proxyV2(0, 0)):                       "", // LOCAL
		string(proxyV2(0, 0x11, tlv)):               "", // its addresses are to be ignored
		string(proxyV2(1, 0)):                       "", // AF_UNSPEC
		string(proxyV2(1, 0x31, make([]byte, 216))): "", // AF_UNIX
	}
}

func badProxyHeaders() []string {
	return []string{
		"GET / HTTP/1.1\r\nHost: x\r\n\r\n", "PROXY TCP4 192.0.2.1 192.0.2.2 1234\r\n", "PROXY TCP4 2001:db8::1 192.0.2.2 1 2\r\n",
		"PROXY TCP6 192.0.2.1 192.0.2.2 1 2\r\n", "PROXY TCP4 192.0.2.1 192.0.2.2 1 65536\r\n", "PROXY TCP4 192.0.2.1 192.0.2.2 01 2\r\n",
		"PROXY TCP4  192.0.2.1 192.0.2.2 1 2\r\n", "PROXY TCP4 192.0.2.1 192.0.2.2 1 2 \r\n", "PROXY TCP6 fe80::1%eth0 ::1 1 2\r\n",
		"PROXY UDP4 192.0.2.1 192.0.2.2 1 2\r\n", "PROXY TCP4 " + strings.Repeat("1", 200) + "\r\n", "proxy TCP4 192.0.2.1 192.0.2.2 1 2\r\n",
		"PROXY TCP4 192.0.2.1 192.0.2.2 1 2\n" + strings.Repeat("x", 200), "PROXY TCP4 192.0.2.1 192.0.2.2 -1 2\r\n", "PROXY TCP4\r\n\r\n",
		string(proxyV2(1, 0x11, make([]byte, 11))), string(proxyV2(1, 0x21, make([]byte, 35))), string(proxyV2(2, 0x11, make([]byte, 12))),
		"\r\n\r\n\x00\r\nQUIT\n\x11\x11\x00\x0c" + strings.Repeat("x", 12), string(proxyV2(1, 0x11, make([]byte, 5000))),
		"\r\n\r\n\x00\r\nQUIT\x00\x21\x11\x00\x0c" + strings.Repeat("x", 12),
	}
}

func TestProxyHeaderSplitAnywhereNamesTheClientAndNothingBehindItIsTaken(t *testing.T) {
	for header, want := range proxyHeaders() {
		for cut := range header {
			if len(header) > 200 && cut%97 != 0 {
				continue
			}
			in := strings.NewReader(header + "the rest")
			h, err := serve.ReadProxyHeader(io.MultiReader(io.LimitReader(in, int64(cut)), in))
			if err != nil {
				t.Fatalf("%.60q: %v", header, err)
			}
			if got := h.Source; got.IsValid() != (want != "") || got.IsValid() && got.String() != want {
				t.Errorf("%.60q: %v, want %s", header, got, want)
			}
			if rest, _ := io.ReadAll(in); string(rest) != "the rest" {
				t.Fatalf("%.60q: left %q", header, rest)
			}
		}
	}
}

func TestProxyHeaderThatIsNoneOrCutShortIsAnError(t *testing.T) {
	for _, bad := range badProxyHeaders() {
		if h, err := serve.ReadProxyHeader(strings.NewReader(bad)); err == nil {
			t.Errorf("%.60q: %+v", bad, h)
		}
	}
	for header := range proxyHeaders() {
		for cut := range header {
			if h, err := serve.ReadProxyHeader(strings.NewReader(header[:cut])); err == nil || strings.HasSuffix(err.Error(), ": EOF") {
				t.Fatalf("%.60q cut at %d: %+v, %v", header, cut, h, err)
			}
		}
	}
}

// FuzzReadProxyHeader holds that nothing behind the header is taken, and that a
// version 1 header that is accepted reads the same when written again.
func FuzzReadProxyHeader(f *testing.F) {
	for header := range proxyHeaders() {
		f.Add([]byte(header + "rest"))
	}
	for _, bad := range badProxyHeaders() {
		f.Add([]byte(bad))
	}
	f.Fuzz(func(t *testing.T, in []byte) {
		r := bytes.NewReader(in)
		h, err := serve.ReadProxyHeader(r)
		if err != nil {
			return
		}
		taken := in[:len(in)-r.Len()]
		switch h.Version {
		case 1:
			if i := bytes.Index(in, []byte("\r\n")); i+2 != len(taken) {
				t.Fatalf("%q taken of a line of %d bytes", taken, i+2)
			}
			if !h.Source.IsValid() {
				return
			}
			family := map[bool]string{true: "TCP4", false: "TCP6"}[h.Source.Addr().Is4()]
			line := fmt.Sprintf("PROXY %s %s %s %d %d\r\n", family, h.Source.Addr(), h.Destination.Addr(), h.Source.Port(), h.Destination.Port())
			again, err := serve.ReadProxyHeader(strings.NewReader(line))
			if err != nil || again != h {
				t.Fatalf("%q: %+v; as %q: %+v, %v", taken, h, line, again, err)
			}
		case 2:
			if want := 16 + int(binary.BigEndian.Uint16(in[14:])); want != len(taken) {
				t.Fatalf("%d bytes taken of a header of %d", len(taken), want)
			}
		default:
			t.Fatalf("version %d", h.Version)
		}
	})
}

func TestProxyHeadersClientIsThePeerOfLogsLimitsAndServices(t *testing.T) {
	log := newJournal()
	server := &serve.Server{
		Service: serve.Echo(), Log: log.log(), ProxyProtocol: true,
		Limits: serve.Limits{MaxPerAddr: 1, Deny: []netip.Prefix{netip.MustParsePrefix("192.0.2.9/32")}, Handshake: soon},
	}
	addr := start(t, server)
	open := func(header string) *net.TCPConn {
		c := dial(t, addr)
		c.Write([]byte(header + "hello"))
		return c
	}
	for header, client := range proxyHeaders() {
		c := open(header)
		hear(t, c, "hello")
		if client != "" {
			log.wait(t, event{"msg": "accepted", "peer": client})
		}
		if strings.HasPrefix(client, "192.0.2.1:") {
			hearReset(t, open("PROXY TCP4 192.0.2.1 192.0.2.2 99 80\r\n")) // its second
			log.wait(t, event{"msg": "refused", "peer": "192.0.2.1:99", "reason": "too many connections from this address"})
		}
		abort(c)
		eventually(t, "it is gone", func() bool { return server.Open() == 0 })
	}
	hearReset(t, open("PROXY TCP4 192.0.2.9 192.0.2.2 7 80\r\n"))
	log.wait(t, event{"msg": "refused", "peer": "192.0.2.9:7", "reason": "not allowed"})
	hearReset(t, open("no header at all"))
	log.wait(t, event{"msg": "refused", "reason": "handshake"})
	if len(server.Limits.Deny) != 1 || server.Open() != 0 {
		t.Error("somebody got in")
	}
}

func TestProxyHeaderInSegmentsComesBeforeTLS(t *testing.T) {
	log := newJournal()
	addr := start(t, &serve.Server{Service: serve.Upper(), Log: log.log(), ProxyProtocol: true}, identity(t).Wrap())
	c := dial(t, addr)
	header := proxyV2(1, 0x11, proxyAddrs("192.0.2.1:1234", "192.0.2.2:80"))
	for _, part := range [][]byte{header[:5], header[5:14], header[14:]} {
		c.Write(part)
		time.Sleep(10 * time.Millisecond)
	}
	s := clientTLS(t, c)
	say(t, s, "hello")
	hear(t, s, "HELLO")
	log.wait(t, event{"msg": "accepted", "peer": "192.0.2.1:1234"})
}

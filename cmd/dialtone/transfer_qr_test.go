package main

import (
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"
	"rsc.io/qr"
)

// TestQRHoldsTheLink compares what is drawn, character by character, with the
// modules of the code.
func TestQRHoldsTheLink(t *testing.T) {
	text := linkText(netip.MustParseAddrPort("192.168.178.123:7020"), "99-elephant-mountain")
	lines := qrLines(text, 80, 20, false)
	if len(lines) == 0 {
		t.Fatal("it does not fit a terminal of 80×24")
	}
	code, err := qr.Encode(text, qr.L)
	if err != nil {
		t.Fatal(err)
	}
	for y := range code.Size {
		row := []rune(lines[(y+qrMargin)/2])
		for x := range code.Size {
			lower := (y+qrMargin)%2 == 1
			light := strings.ContainsRune(map[bool]string{false: "█▀", true: "█▄"}[lower], row[x+qrMargin])
			if light == code.Black(x, y) {
				t.Fatalf("module %d,%d is drawn light=%v", x, y, light)
			}
		}
	}
	if qrLines(text, 30, 40, false) != nil || qrLines(text, 80, 12, false) != nil {
		t.Error("it is drawn where it does not fit")
	}
}

func TestPlaces(t *testing.T) {
	for text, want := range map[string]string{
		"192.0.2.7":              "tcp://192.0.2.7:7020",
		"192.0.2.7:80":           "tcp://192.0.2.7:80",
		"anna":                   "tcp://anna:7020",
		"anna.example:9":         "tcp://anna.example:9",
		"2001:db8::7":            "tcp://[2001:db8::7]:7020",
		"[2001:db8::7]":          "tcp://[2001:db8::7]:7020",
		"[2001:db8::7]:7021":     "tcp://[2001:db8::7]:7021",
		"tcp4://anna":            "tcp4://anna:7020",
		"dialtone://anna#1-b-c":  "tcp://anna:7020 1-b-c",
		"dialtone://[::1]:9#1-b": "tcp://[::1]:9 1-b",
		"udp://anna:9":           "usage",
		"anna:0":                 "usage",
		"":                       "usage",
		"a b":                    "usage",
	} {
		p, err := parsePlace(text)
		got := strings.TrimSpace(p.addr.String() + " " + p.code)
		if err != nil {
			got = "usage"
		}
		if got != want {
			t.Errorf("parsePlace(%q) = %s, want %s (%v)", text, got, want, err)
		}
	}
}

// TestLinksComeBack: what an announcement says is what parsePlace reads.
func TestLinksComeBack(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		at := netip.AddrPortFrom(netip.AddrFrom4([4]byte(rapid.SliceOfN(rapid.Byte(), 4, 4).Draw(t, "v4"))), rapid.Uint16Min(1).Draw(t, "port"))
		if rapid.Bool().Draw(t, "six") {
			at = netip.AddrPortFrom(netip.AddrFrom16([16]byte(rapid.SliceOfN(rapid.Byte(), 16, 16).Draw(t, "v6"))).Unmap(), at.Port())
		}
		for _, text := range []string{linkText(at, "7-copper-lantern"), strings.Trim(placeText(at), "'")} {
			p, err := parsePlace(text)
			if err != nil || p.addr.Target() != at.String() {
				t.Fatalf("%s is read as %s (%v), want %s", text, p.addr, err, at)
			}
		}
	})
}

func TestWhereToIsTheLastArgument(t *testing.T) {
	dir := t.TempDir()
	t.Chdir(dir)
	for _, name := range []string{"notes.txt", "host", "10.0.0.1"} {
		if err := os.WriteFile(filepath.Join(dir, name), nil, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for _, c := range []struct{ args, want string }{
		{"", "dialtone send needs something to send and where to"},
		{"notes.txt", "notes.txt would go nowhere: there is no address"},
		{"192.0.2.7", "dialtone send needs something to send and where to, and got one argument"},
		{"notes.txt host", "the last argument, host, is a file here and no address"},
		{"notes.txt host:7020", "tcp://host:7020"},
		{"notes.txt 10.0.0.1", "tcp://10.0.0.1:7020"},
		{"- anna", "tcp://anna:7020"},
		{"notes.txt -", "the last argument, -, is a file here and no address"},
	} {
		_, to, err := splitSendArgs(strings.Fields(c.args))
		got := to.addr.String()
		if err != nil {
			got = err.Error()
		}
		if got != c.want {
			t.Errorf("send %s: %s, want %s", c.args, got, c.want)
		}
	}
}

func TestAnnouncement(t *testing.T) {
	at := &net.TCPAddr{IP: net.IPv4(192, 0, 2, 7), Port: 7020}
	var out strings.Builder
	for _, f := range []trustFlags{{}, {noAuth: true, plain: true}, {trust: true}, {codeFile: "code.txt"}, {ca: "ca.pem"}} {
		code := "7-copper-lantern"
		if f.noAuth || f.ca != "" {
			code = ""
		}
		a := f.announce(at, "dialtone send PATH...", code)
		out.WriteString(strings.Join(a.lines(), "\n") + "\n" + a.link() + "\n")
		a.event(&jsonOutput{w: &out, now: func() time.Time { return time.Time{} }})
	}
	golden(t, "announcement.txt", out.String())
}

// TestAnnouncedAddressesAreUsable: what is announced can be used from another machine.
func TestAnnouncedAddressesAreUsable(t *testing.T) {
	for _, p := range new(netFlags).usableAddresses(&net.TCPAddr{IP: net.IPv6unspecified, Port: 1}) {
		if p.Addr().IsLinkLocalUnicast() || p.Addr().IsUnspecified() || p.Port() != 1 {
			t.Errorf("%s is announced", p)
		}
	}
}

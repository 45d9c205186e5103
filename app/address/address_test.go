package address

import (
	"errors"
	"fmt"
	"net"
	"strings"
	"testing"
)

func TestParseReadsEveryForm(t *testing.T) {
	for text, want := range map[string]Address{
		"127.0.0.1:8000":                {"tcp", "127.0.0.1", 8000, ""},
		":8000":                         {"tcp", "", 8000, ""},
		"tcp4://10.0.0.1:0":             {"tcp4", "10.0.0.1", 0, ""},
		"tcp6://[fe80::1%eth0]:8000":    {"tcp6", "fe80::1%eth0", 8000, ""},
		"udp://[::1]:53":                {"udp", "::1", 53, ""},
		"example.com:http":              {"tcp", "example.com", 80, ""},
		"tls://example.com:65535":       {"tls", "example.com", 65535, ""},
		"unix:///run/a.sock":            {"unix", "", 0, "/run/a.sock"},
		"unix:a.sock":                   {"unix", "", 0, "a.sock"},
		"unix:@abstract":                {"unix", "", 0, "@abstract"},
		"ws://localhost:8000/chat?room": {"ws", "localhost", 8000, "/chat?room"},
		"ws://localhost:8000":           {"ws", "localhost", 8000, "/"},
		"wss://[::1]/":                  {"wss", "::1", 443, "/"},
		"wss://example.com?q=1":         {"wss", "example.com", 443, "/?q=1"},
	} {
		got, err := Parse(text)
		if err != nil || got != want {
			t.Errorf("Parse(%q) = %+v, %v; want %+v", text, got, err, want)
		}
	}
}

func TestParseErrorsSayWhatAndHow(t *testing.T) {
	for text, want := range map[string]string{
		"":                         `empty`,
		"8000":                     `missing port (write 127.0.0.1:8000 for this machine, or :8000 for every interface)`,
		"localhost":                `missing port (write localhost:8000)`,
		"::1":                      `an IPv6 address needs brackets (write [::1]:8000)`,
		"::1:8000":                 `an IPv6 address needs brackets (write [::1]:8000)`,
		"2001:db8::1":              `an IPv6 address needs brackets (write [2001:db8::1]:8000)`,
		"[::1]":                    `missing port (write [::1]:8000)`,
		"[::1":                     `missing ']'`,
		"[::1]x:80":                `unexpected "x:80" after ']'`,
		"[127.0.0.1]:80":           `brackets are for IPv6 addresses`,
		"[fe80::z]:80":             `"fe80::z" is not an IPv6 address`,
		"host:70000":               `port 70000 is above 65535`,
		"host:-1":                  `port -1 is not between 0 and 65535`,
		"host:+80":                 `port +80 is not between 0 and 65535`,
		"host:nosuchservice":       `unknown service name "nosuchservice"`,
		"1.2.3:80":                 `"1.2.3" is not an IPv4 address`,
		"1.2.3.256:80":             `"1.2.3.256" is not an IPv4 address`,
		"gopher://host:70":         `unknown network "gopher"`,
		"tcp6://1.2.3.4:80":        `1.2.3.4 is not an IPv6 address (use tcp4)`,
		"udp4://[::1]:80":          `::1 is not an IPv4 address (use udp6)`,
		"a b:80":                   `"a b" is not a host name`,
		"host\x1b[2J:80":           `cannot be printed`,
		"unix:":                    `no path`,
		"unix:" + longPath:         `path of 200 bytes`,
		"tcp://host/path:80":       `"host/path" is not a host name`,
		strings.Repeat("a", 10000): `longer than 8192 bytes`,
	} {
		_, err := Parse(text)
		var e *Error
		if !errors.As(err, &e) {
			t.Errorf("Parse(%.40q): error %v, want an *Error", text, err)
			continue
		}
		if got := fmt.Sprintf("%v (%s)", e.Err, e.Hint); !strings.Contains(got, want) {
			t.Errorf("Parse(%.40q): %s; want %s", text, got, want)
		}
	}
}

var longPath = strings.Repeat("p", 200)

func TestAtTakesWhatTheListenerGot(t *testing.T) {
	a, _ := Parse("ws://localhost:0/chat")
	got := a.At(&net.TCPAddr{IP: net.IPv4(127, 0, 0, 1), Port: 4711})
	if got.String() != "ws://127.0.0.1:4711/chat" {
		t.Errorf("At = %s", got)
	}
}

// FuzzParse: whatever is accepted comes back from its own String.
func FuzzParse(f *testing.F) {
	for _, s := range []string{
		"127.0.0.1:8000", ":0", "udp://[fe80::1%lo]:53", "unix:///a", "unix:@a", "ws://h:1/p?q", "wss://h", "h:http",
		"[::ffff:1.2.3.4]:1", "tcp4://[::ffff:1.2.3.4]:1", "8000", "::1", "[", "a://b", "tcp://", "ws://?", "unix://unix:x",
	} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		a, err := Parse(s)
		if err != nil {
			var e *Error
			if !errors.As(err, &e) || e.Err == nil {
				t.Fatalf("Parse(%q): %#v is not a whole *Error", s, err)
			}
			return
		}
		b, err := Parse(a.String())
		if err != nil || a != b {
			t.Fatalf("Parse(%q) = %+v; its String %q parses to %+v, %v", s, a, a.String(), b, err)
		}
		if a.Network() == "" || a.Target() == "" {
			t.Fatalf("Parse(%q) = %+v has no network or target", s, a)
		}
	})
}

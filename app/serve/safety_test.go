package serve_test

import (
	"bytes"
	"crypto/tls"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"unicode"

	"dialtone/app/serve"

	"github.com/gorilla/websocket"
)

// evil holds what must not reach a terminal or forge a line of a log: ESC, CR,
// LF, NUL, a C1 control, bidirectional controls, a line separator.
const evil = "\x1b]0;owned\x07\x1b[2J\rfake\nlevel=INFO msg=forged\x00\u009b31m\u202eevil\u2066\u2069\u200f\u2028"

// harmless fails the test when a line holds anything that is not printable.
func harmless(t *testing.T, what, text string) {
	t.Helper()
	for _, line := range strings.Split(text, "\n") {
		for _, r := range line {
			if r == unicode.ReplacementChar || !unicode.IsPrint(r) || unicode.Is(unicode.Cf, r) {
				t.Errorf("%s shows %q raw: %q", what, r, line)
				break
			}
		}
		if strings.HasPrefix(line, "level=INFO msg=forged") {
			t.Errorf("%s: a line is forged", what)
		}
	}
}

// logs asks for both formats of what was logged.
func (j *journal) harmless(t *testing.T) {
	t.Helper()
	harmless(t, "the log", strings.Join(j.lines(), "\n"))
}

func TestViewShowsNothingRaw(t *testing.T) {
	for _, hex := range []bool{false, true} {
		out, log := new(shown), newJournal()
		server := &serve.Server{Service: serve.Echo(), View: &serve.View{W: out, Hex: hex}, Log: log.log()}
		c := dial(t, start(t, server))
		say(t, c, evil)
		hear(t, c, evil)
		c.CloseWrite()
		hearEnd(t, c)
		log.wait(t, event{"msg": "closed"})
		u := dialUDP(t, startPacket(t, server, "127.0.0.1:0").String())
		say(t, u, evil)
		hearDatagram(t, u, evil)
		harmless(t, "the view", out.String())
		log.harmless(t)
		for _, want := range []string{c.LocalAddr().String() + ` > \x1b]0;owned`, c.LocalAddr().String() + ` < \x1b]0;owned`, u.LocalAddr().String() + ` > \x1b]0;`} {
			if !strings.Contains(out.String(), want) {
				t.Errorf("no %q in %q", want, out)
			}
		}
		if strings.Contains(out.String(), "00000000  1b 5d 30") != hex {
			t.Errorf("hex dump %v: %q", hex, out)
		}
	}
}

func TestNamesInClientCertificatesAreNotLoggedRaw(t *testing.T) {
	ca := newAuthority(t)
	file := filepath.Join(t.TempDir(), "ca.pem")
	ca.save(t, file)
	d := &serve.Identity{ClientCAFile: file}
	must(t, d.Load())
	log := newJournal()
	addr := start(t, &serve.Server{Service: serve.Echo(), Log: log.log()}, d.Wrap())
	// Signed by a key that only claims to be the authority, and by a CA whose
	// name is the evil one: both names end up in errors.
	bad := newAuthority(t)
	bad.cert.Subject.CommonName = evil
	cert := bad.sign(t, evil)
	show := func(*tls.CertificateRequestInfo) (*tls.Certificate, error) { return &cert, nil }
	if _, err := handshake(t, addr, &tls.Config{InsecureSkipVerify: true, GetClientCertificate: show}); err == nil {
		t.Fatal("it got in")
	}
	log.wait(t, event{"msg": "refused", "reason": "handshake"})
	log.harmless(t)
}

func TestGarbageInHandshakesIsNotLoggedRaw(t *testing.T) {
	for _, x := range []struct {
		name   string
		server *serve.Server
		wraps  []serve.Wrap
		say    string
	}{
		{"PROXY", &serve.Server{ProxyProtocol: true}, nil, evil},
		{"PROXY v1", &serve.Server{ProxyProtocol: true}, nil, "PROXY TCP4 " + strings.ReplaceAll(evil, "\n", "") + "\r\n"},
		{"PROXY v1 address", &serve.Server{ProxyProtocol: true}, nil, "PROXY TCP4 \x1b[2J\u202e 192.0.2.1 1 2\r\n"},
		{"PROXY v1 port", &serve.Server{ProxyProtocol: true}, nil, "PROXY TCP4 192.0.2.1 192.0.2.1 \x1b[2J\u202e 2\r\n"},
		{"TLS", &serve.Server{}, []serve.Wrap{identity(t).Wrap()}, evil},
		{"WebSocket", &serve.Server{}, []serve.Wrap{serve.WebSocket("/")}, evil + "\r\n\r\n"},
		{"WebSocket path", &serve.Server{}, []serve.Wrap{serve.WebSocket("/")}, "GET /\x9b\u202e\u2066 HTTP/1.1\r\nHost: x\r\n\r\n"},
		{"WebSocket header", &serve.Server{}, []serve.Wrap{serve.WebSocket("/")}, "GET / HTTP/1.1\r\nHost: \x1b[2J\u202e\r\nUpgrade\x1b: x\r\n\r\n"},
	} {
		t.Run(x.name, func(t *testing.T) {
			log := newJournal()
			x.server.Service, x.server.Log = serve.Echo(), log.log()
			c := dial(t, start(t, x.server, x.wraps...))
			say(t, c, x.say)
			c.CloseWrite()
			log.wait(t, event{"msg": "refused", "reason": "handshake"})
			log.harmless(t)
		})
	}
}

func TestAddressesOfUnixClientsAreNotShownRaw(t *testing.T) {
	log, out := newJournal(), new(shown)
	server := &serve.Server{Service: serve.Chat(), Log: log.log(), View: &serve.View{W: out}}
	ln := listenUnix(t)
	serveOn(t, server, ln)
	dir := filepath.Dir(ln.Addr().String())
	a, err := net.Dial("unix", ln.Addr().String())
	must(t, err)
	defer a.Close()
	hear(t, a, "* you are unix; others here: 0\n")
	name := filepath.Join(dir, "\x1b[2J\u202e\nlevel=INFO msg=forged")
	b, err := net.DialUnix("unix", &net.UnixAddr{Name: name, Net: "unix"}, ln.Addr().(*net.UnixAddr))
	must(t, err)
	defer os.Remove(name)
	say(t, b, "hello\n")
	b.Close()
	eventually(t, "both events are logged", func() bool { return len(log.find(event{"msg": "closed"})) == 1 })
	log.harmless(t)
	harmless(t, "the view", out.String())
	a.(*net.UnixConn).CloseWrite()
	var heard bytes.Buffer
	heard.ReadFrom(a)
	harmless(t, "the chat", heard.String())
	if !strings.Contains(heard.String(), `\x1b[2J\u202e\n`) {
		t.Errorf("heard %q", heard.String())
	}
}

func TestChatPassesNothingRawToOthers(t *testing.T) {
	addr := start(t, &serve.Server{Service: serve.Chat()})
	a := enter(t, addr, 0)
	b := enter(t, addr, 1)
	hear(t, a, "* "+b.LocalAddr().String()+" joined\n")
	say(t, b, "\x1b[2J\u202e\x00\r!\n")
	hear(t, a, "<"+b.LocalAddr().String()+"> \\x1b[2J\\u202e\\x00\\r!\n")
}

func TestStandardErrorOfProcessesIsNotLoggedRaw(t *testing.T) {
	needShell(t)
	log := newJournal()
	service := serve.Exec(log.log(), "sh", "-c", "cat >&2")
	c := dial(t, start(t, &serve.Server{Service: service, Log: log.log()}))
	say(t, c, evil+"\nthe last line has no end"+strings.Repeat("x", 2000))
	c.CloseWrite()
	hearEnd(t, c)
	log.wait(t, event{"msg": "closed"})
	log.harmless(t)
	lines := log.find(event{"msg": "stderr"})
	if len(lines) != 3 {
		t.Fatalf("%d lines: %v", len(lines), lines)
	}
	for i, want := range []string{`\x1b]0;owned\a\x1b[2J\rfake`, `level=INFO msg=forged\x00`, "the last line has no end" + strings.Repeat("x", 976) + "… (+1024 bytes)"} {
		if !strings.HasPrefix(lines[i]["line"].(string), want) {
			t.Errorf("line %d is %q, want %q", i, lines[i]["line"], want)
		}
	}
	for _, e := range lines {
		if e["peer"] != c.LocalAddr().String() || len(e["line"].(string)) > 1100 {
			t.Errorf("%v", e)
		}
	}
}

func TestWebSocketMessagesAreShownEscaped(t *testing.T) {
	out := new(shown)
	addr := start(t, &serve.Server{Service: serve.Echo(), View: &serve.View{W: out}, Log: slog.New(slog.DiscardHandler)}, serve.WebSocket("/"))
	c := dialWS(t, "ws://"+addr+"/", websocket.TextMessage)
	say(t, c, evil)
	hear(t, c, evil)
	harmless(t, "the view", out.String())
}

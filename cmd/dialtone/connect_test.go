package main

import (
	"bufio"
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/hex"
	"encoding/pem"
	"fmt"
	"io"
	"log"
	"math/big"
	"net"
	"net/http"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/gorilla/websocket"
	"github.com/rogpeppe/go-internal/testscript"
)

// TestConnectScripts runs dialtone connect against the classic servers below,
// which know package net only. A script starts one:
//
//	server NAME         listens on loopback and sets ADDR, host and port, and PORT
//	tlsserver NAME      the same over TLS; writes ca.pem, client.pem and client.key, sets FINGERPRINT
//	wsserver PATH [tls] one that upper-cases, over WebSocket
//	udpserver NAME      the same with datagrams
//	nobody NETWORK      sets ADDR to where nobody listens
//
// EXIT is the line that ends a classic conversation.
func TestConnectScripts(t *testing.T) {
	testscript.Run(t, testscript.Params{
		Dir:                 "testdata/connect",
		RequireExplicitExec: true,
		Setup: func(env *testscript.Env) error {
			env.Setenv("EXIT", "exit\n") // scripts cannot write a line feed
			return nil
		},
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"server":    func(ts *testscript.TestScript, _ bool, args []string) { startServer(ts, listenTCP(ts), args[0]) },
			"tlsserver": startTLSServer,
			"wsserver":  startWebSocketServer,
			"udpserver": startUDPServer,
			"nobody":    nobody,
		},
	})
}

// classicServers hold one conversation each.
var classicServers = map[string]func(net.Conn){
	"fixed": func(c net.Conn) { // answers the same, whatever comes
		buf := make([]byte, 4096)
		for {
			if _, err := c.Read(buf); err != nil {
				return
			}
			io.WriteString(c, "This is Server")
		}
	},
	"upper": func(c net.Conn) {
		buf := make([]byte, 4096)
		for {
			n, err := c.Read(buf)
			c.Write(bytes.ToUpper(buf[:n]))
			if err != nil {
				return
			}
		}
	},
	"exit": func(c net.Conn) { // echoes lines, and closes at exit
		for s := bufio.NewScanner(c); s.Scan() && s.Text() != "exit"; {
			fmt.Fprintf(c, "%s\n", s.Text())
		}
	},
	"after-eof": func(c net.Conn) {
		all, _ := io.ReadAll(c)
		c.Write(all)
	},
	"greeting": func(c net.Conn) { // ends first, but hears the client out: no reset
		io.WriteString(c, "welcome\n")
		c.(*net.TCPConn).CloseWrite()
		io.Copy(io.Discard, c)
	},
	"silent": func(c net.Conn) { io.Copy(io.Discard, c) },
	"reset": func(c net.Conn) {
		c.Read(make([]byte, 1))
		c.(*net.TCPConn).SetLinger(0)
		c.Close()
	},
	"cut": func(c net.Conn) {
		io.WriteString(c, "half")
		c.(*tls.Conn).NetConn().(*net.TCPConn).CloseWrite()
		io.Copy(io.Discard, c)
	},
	"hostile": func(c net.Conn) { io.WriteString(c, hostile) },
	"peer": func(c net.Conn) {
		fmt.Fprintln(c, c.RemoteAddr())
		if c, ok := c.(*tls.Conn); ok {
			fmt.Fprintln(c, len(c.ConnectionState().PeerCertificates), c.ConnectionState().NegotiatedProtocol, c.ConnectionState().ServerName)
		}
	},
}

// hostile moves a terminal's cursor, sets its title and turns text around.
const hostile = "a\x1b[2J\x1b]0;title\x07b\rc\x00\u202ed\u009bm\n"

func listenTCP(ts *testscript.TestScript) net.Listener {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	ts.Check(err)
	return l
}

func startServer(ts *testscript.TestScript, l net.Listener, name string) {
	serve, ok := classicServers[name]
	if !ok {
		ts.Fatalf("no server %q", name)
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			go func() { serve(c); hangUp(c) }()
		}
	}()
	ts.Defer(func() { l.Close(); <-done })
	setAddr(ts, l.Addr())
}

// hangUp ends a server's side and hears the client out: a close with something
// unread, be it only TLS's goodbye, would be a reset. Who wants one closes first.
func hangUp(c net.Conn) {
	defer c.Close()
	if t, ok := c.(*tls.Conn); ok {
		t.CloseWrite()
		c = t.NetConn()
	}
	if t, ok := c.(*net.TCPConn); ok && t.CloseWrite() == nil {
		t.SetReadDeadline(time.Now().Add(2 * time.Second))
		io.Copy(io.Discard, t)
	}
}

func setAddr(ts *testscript.TestScript, a net.Addr) {
	_, port, err := net.SplitHostPort(a.String())
	ts.Check(err)
	ts.Setenv("ADDR", a.String())
	ts.Setenv("PORT", port)
}

func startTLSServer(ts *testscript.TestScript, _ bool, args []string) {
	name := "dialtone.test"
	if args[0] == "hostile-name" {
		name, args[0] = hostile, "upper"
	}
	c := &tls.Config{Certificates: []tls.Certificate{selfSigned(ts, name)}, NextProtos: []string{"one", "two"}}
	if len(args) > 1 && args[1] == "mutual" {
		c.ClientAuth = tls.RequireAnyClientCert
	}
	startServer(ts, tls.NewListener(listenTCP(ts), c), args[0])
}

// selfSigned makes a certificate for name, writes its files and sets FINGERPRINT.
func selfSigned(ts *testscript.TestScript, name string) tls.Certificate {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	ts.Check(err)
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1),
		Subject:      pkix.Name{CommonName: name},
		NotAfter:     time.Now().Add(time.Hour),
		ExtKeyUsage:  []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth},
		IsCA:         true, BasicConstraintsValid: true,
	}
	if name != hostile {
		template.DNSNames = []string{name}
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	ts.Check(err)
	pkcs8, err := x509.MarshalPKCS8PrivateKey(key)
	ts.Check(err)
	for file, block := range map[string]*pem.Block{
		"ca.pem":     {Type: "CERTIFICATE", Bytes: der},
		"client.pem": {Type: "CERTIFICATE", Bytes: der},
		"client.key": {Type: "PRIVATE KEY", Bytes: pkcs8},
	} {
		ts.Check(os.WriteFile(ts.MkAbs(file), pem.EncodeToMemory(block), 0o600))
	}
	sum := sha256.Sum256(der)
	ts.Setenv("FINGERPRINT", hex.EncodeToString(sum[:]))
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}
}

func startWebSocketServer(ts *testscript.TestScript, _ bool, args []string) {
	l := listenTCP(ts)
	setAddr(ts, l.Addr())
	if len(args) > 1 {
		l = tls.NewListener(l, &tls.Config{Certificates: []tls.Certificate{selfSigned(ts, "dialtone.test")}})
	}
	h := func(w http.ResponseWriter, r *http.Request) {
		var u websocket.Upgrader
		c, err := u.Upgrade(w, r, nil)
		if err != nil {
			return
		}
		defer c.Close()
		for {
			kind, p, err := c.ReadMessage()
			if err != nil || string(p) == "exit\n" {
				c.WriteControl(websocket.CloseMessage, websocket.FormatCloseMessage(1000, ""), time.Now().Add(time.Second))
				return
			}
			c.WriteMessage(kind, bytes.ToUpper(p))
		}
	}
	mux := http.NewServeMux()
	mux.HandleFunc("/"+args[0], h)
	s := &http.Server{Handler: mux, ErrorLog: log.New(io.Discard, "", 0)}
	done := make(chan struct{})
	go func() { defer close(done); s.Serve(l) }()
	ts.Defer(func() { s.Close(); <-done })
}

func startUDPServer(ts *testscript.TestScript, _ bool, args []string) {
	answer := map[string]func([]byte) []byte{
		"fixed":  func([]byte) []byte { return []byte("This is Server\n") },
		"upper":  bytes.ToUpper,
		"length": func(p []byte) []byte { return fmt.Appendln(nil, len(p)) },
		"silent": func([]byte) []byte { return nil },
	}[args[0]]
	if answer == nil {
		ts.Fatalf("no server %q", args[0])
	}
	pc, err := net.ListenPacket("udp", "127.0.0.1:0")
	ts.Check(err)
	done := make(chan struct{})
	go func() {
		defer close(done)
		buf := make([]byte, 65536)
		for {
			n, peer, err := pc.ReadFrom(buf)
			if err != nil {
				return
			}
			if a := answer(buf[:n]); a != nil {
				pc.WriteTo(a, peer)
			}
		}
	}()
	ts.Defer(func() { pc.Close(); <-done })
	setAddr(ts, pc.LocalAddr())
}

// nobody finds a port that was free a moment ago.
func nobody(ts *testscript.TestScript, _ bool, args []string) {
	if strings.HasPrefix(args[0], "udp") {
		pc, err := net.ListenPacket("udp", "127.0.0.1:0")
		ts.Check(err)
		pc.Close()
		setAddr(ts, pc.LocalAddr())
		return
	}
	l := listenTCP(ts)
	l.Close()
	setAddr(ts, l.Addr())
}

package main

import (
	"crypto/tls"
	"fmt"
	"io"
	"net"
	"os"
	"time"

	"dialtone/app/connect"
	"dialtone/app/escape"

	"golang.org/x/term"
)

// openScreen puts between the conversation and the standard files what they
// need: line editing when somebody types and reads, escaping when somebody reads,
// nothing on pipes. leave may be called again.
func (s *session) openScreen() (in io.Reader, leave func(), err error) {
	in = s.input()
	shown := term.IsTerminal(int(os.Stdout.Fd()))
	switch {
	case in == os.Stdin && shown && term.IsTerminal(int(os.Stdin.Fd())):
		t, err := openTerminal(os.Stdin, os.Stdout, s.address.Datagram())
		if err != nil {
			return nil, nil, err
		}
		s.show, s.events, in, leave = t, t.notes(), t, t.close
		if term.IsTerminal(int(os.Stderr.Fd())) {
			s.notes = t.notes()
		}
	case shown:
		p := newPage(os.Stdout)
		s.show, leave = p, p.close
	default:
		leave = func() {}
	}
	return s.lineEnds(in), leave, nil
}

// input returns what is said.
func (s *session) input() io.Reader {
	switch {
	case s.replaying != nil:
		return s.replaying
	case s.every > 0:
		return &connect.Ticker{Text: []byte(s.send), Every: s.every, Count: s.count}
	case s.sendSet:
		return &connect.Ticker{Text: []byte(s.send), Count: 1}
	}
	return os.Stdin
}

// lineEnds makes the lines of in what the server wants.
func (s *session) lineEnds(in io.Reader) io.Reader {
	switch {
	case s.crlf:
		return connect.CRLF(in)
	case s.address.Datagram() && s.fromKeyboard():
		return connect.Lines(in)
	}
	return in
}

func (s *session) fromKeyboard() bool {
	return s.replaying == nil && !s.sendSet && term.IsTerminal(int(os.Stdin.Fd()))
}

// answers returns where the server's bytes go.
func (s *session) answers() io.Writer {
	var list []io.Writer
	if !s.json {
		list = append(list, s.show)
	}
	if s.comparer != nil {
		list = append(list, s.comparer)
	}
	return io.MultiWriter(list...)
}

// datagramSize is 0 for streams. What is not read from a pipe has its size already.
func (s *session) datagramSize() int {
	switch {
	case !s.address.Datagram():
		return 0
	case s.replaying != nil || s.sendSet:
		return connect.MaxDatagram
	}
	return s.datagram
}

// patience is --wait, whose 0 is no wait at all.
func (s *session) patience() time.Duration {
	if s.wait == 0 {
		return -1
	}
	return s.wait
}

// greet says with whom we speak: to people only, but what is not verified to everybody.
func (s *session) greet(conn net.Conn) {
	state, secure := connect.Connection(conn)
	if s.tls.insecure {
		fmt.Fprintln(os.Stderr, red(os.Stderr, "warning: --insecure: the server is not verified, anybody on the way can read and change this conversation"))
	}
	if s.input() != os.Stdin || !term.IsTerminal(int(os.Stdin.Fd())) || !term.IsTerminal(int(os.Stderr.Fd())) {
		return
	}
	fmt.Fprintf(os.Stderr, "connected to %s; Ctrl-D ends the input, Ctrl-C leaves\n", s.address)
	if secure {
		fmt.Fprintln(os.Stderr, describeTLS(state))
	}
}

// describeTLS is one line; the names in it are the server's own words.
func describeTLS(state tls.ConnectionState) string {
	leaf := state.PeerCertificates[0]
	text := fmt.Sprintf("%s, certificate of %s, SHA-256 %s", tls.VersionName(state.Version),
		escape.String(leaf.Subject.String()), connect.FingerprintOf(leaf))
	if state.NegotiatedProtocol != "" {
		text += ", protocol " + escape.String(state.NegotiatedProtocol)
	}
	return text
}

// red colours text where people look and do not object (https://no-color.org).
func red(f *os.File, text string) string {
	if os.Getenv("NO_COLOR") != "" || os.Getenv("TERM") == "dumb" || !term.IsTerminal(int(f.Fd())) {
		return text
	}
	return "\x1b[31m" + text + "\x1b[0m"
}

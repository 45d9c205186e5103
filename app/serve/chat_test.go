package serve_test

import (
	"bufio"
	"fmt"
	"net"
	"strconv"
	"strings"
	"testing"
	"time"

	"dialtone/app/serve"
)

// enter joins a chat in which others are already.
func enter(t *testing.T, addr string, others int) *net.TCPConn {
	t.Helper()
	c := dial(t, addr)
	hear(t, c, fmt.Sprintf("* you are %s; others here: %d\n", c.LocalAddr(), others))
	return c
}

func TestChatTellsEverybodyWhatIsSaidAndWhoComesAndGoes(t *testing.T) {
	addr := start(t, &serve.Server{Service: serve.Chat()})
	a := enter(t, addr, 0)
	b := enter(t, addr, 1)
	hear(t, a, "* "+b.LocalAddr().String()+" joined\n")
	c := enter(t, addr, 2)
	for _, x := range []*net.TCPConn{a, b} {
		hear(t, x, "* "+c.LocalAddr().String()+" joined\n")
	}
	say(t, b, "hello, ")
	say(t, b, "wörld\r\n\n")
	for _, x := range []*net.TCPConn{a, c} {
		hear(t, x, "<"+b.LocalAddr().String()+"> hello, wörld\n")
	}
	say(t, c, "exit\n")
	hearEnd(t, c)
	for _, x := range []*net.TCPConn{a, b} {
		hear(t, x, "* "+c.LocalAddr().String()+" left\n")
	}
	say(t, a, "the last words have no end") // and count
	a.CloseWrite()
	hear(t, b, "<"+a.LocalAddr().String()+"> the last words have no end\n")
	hear(t, b, "* "+a.LocalAddr().String()+" left\n")
	abort(b)
}

func TestChatNeverWaitsForAMemberWhoDoesNotReadAndTellsItWhatItMissed(t *testing.T) {
	const lines = 2000
	server := &serve.Server{Service: serve.Chat()}
	ln := listen(t)
	serveOn(t, server, smallBuffers{ln})
	addr := ln.Addr().String()
	stuck := enter(t, addr, 0)
	stuck.SetReadBuffer(4096)
	talker := enter(t, addr, 1)
	listener := enter(t, addr, 2)
	hear(t, stuck, "* "+talker.LocalAddr().String()+" joined\n")
	hear(t, stuck, "* "+listener.LocalAddr().String()+" joined\n")
	hear(t, talker, "* "+listener.LocalAddr().String()+" joined\n")
	name := talker.LocalAddr().String()
	in := bufio.NewReaderSize(listener, 1<<16)
	text := strings.Repeat("x", 500)
	for i := range lines { // one at a time: the listener must miss none
		say(t, talker, fmt.Sprintf("%d %s\n", i, text))
		heard, err := in.ReadString('\n')
		if want := fmt.Sprintf("<%s> %d %s\n", name, i, text); err != nil || heard != want {
			t.Fatalf("line %d: %.60q, %v", i, heard, err)
		}
	}
	// The stuck one reads again: heard or missed, every line is accounted for.
	heard, missed := 0, 0
	rest := bufio.NewReaderSize(stuck, 1<<16)
	stuck.SetReadDeadline(time.Now().Add(soon))
	for heard+missed < lines {
		line, err := rest.ReadString('\n')
		must(t, err)
		switch {
		case strings.HasPrefix(line, "<"+name):
			if want := fmt.Sprintf("<%s> %d ", name, heard+missed); !strings.HasPrefix(line, want) {
				t.Fatalf("heard %.40q after %d lines heard and %d missed", line, heard, missed)
			}
			heard++
		case strings.HasPrefix(line, "* you missed "):
			n, err := strconv.Atoi(strings.Fields(line)[3])
			must(t, err)
			missed += n
		default:
			t.Fatalf("heard %q", line)
		}
	}
	if heard+missed != lines || missed < lines/4 {
		t.Errorf("%d lines heard, %d missed, of %d", heard, missed, lines)
	}
	say(t, talker, "and on\n")
	if line, err := rest.ReadString('\n'); err != nil || line != "<"+name+"> and on\n" {
		t.Errorf("then %q, %v", line, err)
	}
}

// smallBuffers is a listener whose connections have little room in the kernel.
type smallBuffers struct{ net.Listener }

func (l smallBuffers) Accept() (net.Conn, error) {
	c, err := l.Listener.Accept()
	if err == nil {
		c.(*net.TCPConn).SetWriteBuffer(4096)
	}
	return c, err
}

func (l smallBuffers) SetDeadline(t time.Time) error {
	return l.Listener.(*net.TCPListener).SetDeadline(t)
}

func TestChatEndsALineThatIsTooLong(t *testing.T) {
	for _, limit := range []int{0, 100} {
		log := newJournal()
		addr := start(t, &serve.Server{Service: serve.Chat(), Log: log.log(), Limits: serve.Limits{MaxLine: limit}})
		c := enter(t, addr, 0)
		say(t, c, strings.Repeat("x", max(limit, 4096)+1))
		hearEnd(t, c)
		c.Close()
		log.wait(t, event{"msg": "closed", "by": "server", "how": "line too long"})
	}
}

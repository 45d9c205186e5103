package serve_test

import (
	"bytes"
	"crypto/tls"
	"errors"
	"io"
	"math/rand/v2"
	"net"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"dialtone/app/serve"

	"github.com/gorilla/websocket"
)

// A road is a way to reach a server.
type road struct {
	name string
	open func(t *testing.T, s *serve.Server) (dial func() halfCloser)
}

// halfCloser is a stream whose output can end alone.
type halfCloser interface {
	io.ReadWriteCloser
	CloseWrite() error
}

// roads are all the kinds of stream.
func roads() []road {
	return []road{
		{"tcp", func(t *testing.T, s *serve.Server) func() halfCloser {
			addr := start(t, s)
			return func() halfCloser { return dial(t, addr) }
		}},
		{"unix", func(t *testing.T, s *serve.Server) func() halfCloser {
			ln := listenUnix(t)
			serveOn(t, s, ln)
			return func() halfCloser {
				c, err := net.Dial("unix", ln.Addr().String())
				must(t, err)
				t.Cleanup(func() { c.Close() })
				c.SetDeadline(time.Now().Add(soon))
				return c.(*net.UnixConn)
			}
		}},
		{"tls", func(t *testing.T, s *serve.Server) func() halfCloser {
			addr := start(t, s, identity(t).Wrap())
			return func() halfCloser {
				c := tls.Client(dial(t, addr), &tls.Config{InsecureSkipVerify: true})
				must(t, c.Handshake())
				return c
			}
		}},
		{"ws", func(t *testing.T, s *serve.Server) func() halfCloser {
			addr := start(t, s, serve.WebSocket("/"))
			return func() halfCloser { return dialWS(t, "ws://"+addr+"/", websocket.BinaryMessage) }
		}},
	}
}

// randomText returns lines of letters and other runes, size bytes at least.
func randomText(seed uint64, size int) []byte {
	r := rand.New(rand.NewPCG(seed, 1))
	out := make([]byte, 0, size+8)
	for len(out) < size {
		out = append(out, []string{"a", "b", "q", "z", "exit", " ", "\n", "é", "€", "😀", "Z"}[r.IntN(11)]...)
	}
	return out
}

func TestHalfCloseOf8MiBComesBackWholeToALateReader(t *testing.T) {
	for _, road := range roads() {
		for _, service := range []serve.Service{serve.Echo(), serve.Upper()} {
			t.Run(road.name+"/"+service.Name, func(t *testing.T) {
				t.Parallel()
				c := road.open(t, &serve.Server{Service: service})()
				sent := bytes.ReplaceAll(randomText(8, 8<<20), []byte("exit"), []byte("Exit"))
				want := sent
				if service.Name == "upper" {
					want = bytes.ToUpper(sent)
				}
				wrote := make(chan error, 1)
				go func() {
					_, err := c.Write(sent)
					wrote <- errors.Join(err, c.CloseWrite())
				}()
				time.Sleep(time.Second)
				got, err := io.ReadAll(c) // nil only after a FIN
				if err != nil || !bytes.Equal(got, want) {
					t.Fatalf("%d bytes of %d came back, equal %v, then %v", len(got), len(want), bytes.Equal(got, want), err)
				}
				must(t, <-wrote)
			})
		}
	}
}

func TestThousandConnectionsWith64KiBInFlightAreAnsweredFairly(t *testing.T) {
	const count = 1000
	addr := start(t, &serve.Server{Service: serve.Upper()})
	text := bytes.Repeat([]byte("abcdefg\n"), 8<<10)
	want := bytes.ToUpper(text)
	conns := make([]*net.TCPConn, count)
	for i := range conns {
		conns[i] = dial(t, addr)
	}
	first := make([]time.Duration, count)
	var all sync.WaitGroup
	begin := time.Now()
	for i, c := range conns {
		all.Go(func() {
			if _, err := c.Write(text); err != nil {
				t.Error(err)
			}
			got := make([]byte, len(text))
			n, err := io.ReadAtLeast(c, got, 1)
			first[i] = time.Since(begin)
			if err == nil {
				_, err = io.ReadFull(c, got[n:])
			}
			if err != nil || !bytes.Equal(got, want) {
				t.Errorf("connection %d: %v, equal %v", i, err, bytes.Equal(got, want))
			}
		})
	}
	all.Wait()
	slices.Sort(first)
	median, slowest := first[count/2], first[count-1]
	t.Logf("first answer: median %v, slowest %v", median, slowest)
	if slowest > 10*median+50*time.Millisecond {
		t.Errorf("the slowest first answer took %v, the median %v", slowest, median)
	}
}

func TestFiveThousandConversationsAtOnceKeepEveryByte(t *testing.T) {
	const count, rounds = 5000, 4
	server := &serve.Server{Service: serve.Upper()}
	ln := listenUnix(t) // both ends in one process: 10,000 descriptors, and no port runs out
	tcp := listen(t)
	serveOn(t, server, ln)
	serveOn(t, server, tcp)
	conns := make([]halfCloser, count)
	for i := range conns {
		l := ln
		if i%2 == 0 {
			l = tcp
		}
		c, err := net.Dial(l.Addr().Network(), l.Addr().String())
		must(t, err)
		defer c.Close()
		c.SetDeadline(time.Now().Add(3 * soon))
		conns[i] = c.(halfCloser)
	}
	eventually(t, "all conversations are open", func() bool { return server.Open() == count })
	var all sync.WaitGroup
	for i, c := range conns {
		all.Go(func() {
			var want []byte
			for round := range rounds {
				text := randomText(uint64(i*rounds+round), 500)
				text = append(bytes.ReplaceAll(text, []byte("exit"), []byte("Exit")), "end\n"...)
				want = bytes.ToUpper(text)
				if _, err := c.Write(text); err != nil {
					t.Errorf("conversation %d: %v", i, err)
				}
				got := make([]byte, len(want))
				if _, err := io.ReadFull(c, got); err != nil || !bytes.Equal(got, want) {
					t.Errorf("conversation %d, round %d: %v, equal %v", i, round, err, bytes.Equal(got, want))
					return
				}
			}
			if err := c.CloseWrite(); err != nil {
				t.Error(err)
			}
			if rest, err := io.ReadAll(c); err != nil || len(rest) > 0 {
				t.Errorf("conversation %d ended with %d bytes more, %v", i, len(rest), err)
			}
		})
	}
	all.Wait()
}

func TestExitSplitOverThreeSegmentsEndsTheConversation(t *testing.T) {
	addr := start(t, &serve.Server{Service: serve.Upper()})
	for _, parts := range [][3]string{{"e", "xi", "t\n"}, {"exit", "\r", "\n"}, {"ex", "it", "\n"}, {"hello\ne", "xi", "t\r\n"}} {
		c := dial(t, addr)
		for i, part := range parts {
			if i > 0 {
				time.Sleep(10 * time.Millisecond) // a segment of its own
			}
			say(t, c, part)
			if strings.HasPrefix(part, "hello") {
				hear(t, c, "HELLO\n")
			}
		}
		hearEnd(t, c)
	}
}

func TestRuneSplitOverTwoSegmentsIsOneRune(t *testing.T) {
	addr := start(t, &serve.Server{Service: serve.Upper()})
	for _, text := range []string{"é", "ı", "ɐ", "ⱥ", "€", "😀"} {
		for cut := 1; cut < len(text); cut++ {
			c := dial(t, addr)
			say(t, c, "a"+text[:cut])
			hear(t, c, "A")
			time.Sleep(10 * time.Millisecond)
			say(t, c, text[cut:]+"b\n")
			hear(t, c, strings.ToUpper(text)+"B\n")
		}
	}
}

func TestLongLineIsAnsweredBeforeItsEnd(t *testing.T) {
	for _, road := range roads() {
		t.Run(road.name, func(t *testing.T) {
			c := road.open(t, &serve.Server{Service: serve.Upper()})()
			say(t, c, strings.Repeat("x", 64<<10)) // and no line feed
			hear(t, c, strings.Repeat("X", 64<<10))
			say(t, c, "y\n")
			hear(t, c, "Y\n")
		})
	}
}

func TestExitAtTheEndOfTheStreamIsUnanswered(t *testing.T) {
	c := dial(t, start(t, &serve.Server{Service: serve.Upper()}))
	say(t, c, "a\nexit")
	hear(t, c, "A\n")
	c.CloseWrite()
	hearEnd(t, c)
}

func TestWhatWasHeldBackIsAnsweredAtTheEnd(t *testing.T) {
	c := dial(t, start(t, &serve.Server{Service: serve.Upper()}))
	say(t, c, "a\nexi")
	c.CloseWrite()
	hear(t, c, "A\nEXI")
	hearEnd(t, c)
}

func TestPeerThatResetsInMidWriteIsLoggedAndLeavesNothing(t *testing.T) {
	log := newJournal()
	server := &serve.Server{Service: serve.Echo(), Log: log.log()}
	addr := start(t, server)
	c := dial(t, addr)
	var sent atomic.Int64
	stopped := make(chan struct{})
	go func() { // until the server's answers have nowhere to go
		defer close(stopped)
		for p := make([]byte, 64<<10); ; {
			n, err := c.Write(p)
			sent.Add(int64(n))
			if err != nil {
				return
			}
		}
	}()
	last := int64(-1)
	eventually(t, "the server is in the middle of a write", func() bool {
		now := sent.Load()
		still := now == last && now > 0
		last = now
		time.Sleep(20 * time.Millisecond)
		return still
	})
	abort(c)
	<-stopped
	log.wait(t, event{"msg": "closed", "by": "peer", "how": "RST"})
	eventually(t, "nobody is left", func() bool { return server.Open() == 0 })
	next := dial(t, addr)
	say(t, next, "hello")
	hear(t, next, "hello")
}

func TestClosedSaysWhoEndedAndHowMuchWasSaid(t *testing.T) {
	log := newJournal()
	addr := start(t, &serve.Server{Service: serve.Upper(), Log: log.log()})
	for _, end := range []struct {
		do      func(c *net.TCPConn)
		by, how string
		in, out int
	}{
		{func(c *net.TCPConn) { c.CloseWrite(); hearEnd(t, c) }, "peer", "FIN", 6, 6},
		{func(c *net.TCPConn) { say(t, c, "exit\n"); hearEnd(t, c) }, "server", "FIN", 11, 6},
		{abort, "peer", "RST", 6, 6},
	} {
		c := dial(t, addr)
		say(t, c, "hello\n")
		hear(t, c, "HELLO\n")
		peer := c.LocalAddr().String()
		end.do(c)
		c.Close()
		log.wait(t, event{"msg": "accepted", "peer": peer, "local": addr, "service": "upper"})
		e := log.wait(t, event{"msg": "closed", "peer": peer})
		if e["by"] != end.by || e["how"] != end.how || e["in"] != int64(end.in) || e["out"] != int64(end.out) {
			t.Errorf("logged %v; want %s %s, %d in, %d out", e, end.by, end.how, end.in, end.out)
		}
		if _, ok := e["duration"].(time.Duration); !ok {
			t.Errorf("no duration in %v", e)
		}
	}
}

func TestPortIsServedAgainAtOnceWhileConnectionsAreInTimeWait(t *testing.T) {
	server := &serve.Server{Service: serve.Time()} // closes first
	ln := listen(t)
	serveOn(t, server, ln)
	addr := ln.Addr().String()
	for range 20 {
		c := dial(t, addr)
		if _, err := io.ReadAll(c); err != nil {
			t.Fatal(err)
		}
		c.Close()
	}
	eventually(t, "all have ended", func() bool { return server.Open() == 0 })
	server.Close()
	if n := timeWaits(t, ln.Addr().(*net.TCPAddr).Port); n == 0 {
		t.Skip("the kernel has no room for TIME_WAIT at the moment (net.ipv4.tcp_max_tw_buckets): this proves nothing")
	}
	again, err := net.Listen("tcp", addr)
	must(t, err)
	serveOn(t, &serve.Server{Service: serve.Echo()}, again)
	c := dial(t, addr)
	say(t, c, "hello")
	hear(t, c, "hello")
}

func TestServicesOverEveryKindOfStream(t *testing.T) {
	for _, road := range roads() {
		for _, x := range []struct {
			service    serve.Service
			sent, want string
		}{
			{serve.Upper(), "grüße\n", "GRÜSSE\n"},
			{serve.Echo(), "a\x00b\xff", "a\x00b\xff"},
			{serve.Discard(), "anything", ""},
			{serve.Reply("This is Server"), "one\ntwo\n", "This is ServerThis is Server"},
		} {
			t.Run(road.name+"/"+x.service.Name, func(t *testing.T) {
				want := x.want
				if x.service.Name == "upper" {
					want = "GRÜßE\n" // rune by rune, as unicode.ToUpper has it
				}
				c := road.open(t, &serve.Server{Service: x.service})()
				say(t, c, x.sent)
				must(t, c.CloseWrite())
				hear(t, c, want)
				hearEnd(t, c)
			})
		}
	}
}

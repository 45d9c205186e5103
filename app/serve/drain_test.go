package serve_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"dialtone/app/serve"

	"github.com/gorilla/websocket"
)

// drainOver is a drain that has no time at all.
func drainOver() context.Context {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	return ctx
}

// shutdown shuts s down beside the test, and returns how to wait for it.
func shutdown(t *testing.T, s *serve.Server, drain time.Duration) (ended func() int) {
	ctx, cancel := context.WithTimeout(context.Background(), drain)
	if drain == 0 {
		cancel()
		ctx = drainOver()
	}
	n := make(chan int, 1)
	go func() { n <- s.Shutdown(ctx) }()
	t.Cleanup(cancel)
	return func() int {
		t.Helper()
		select {
		case n := <-n:
			return n
		case <-time.After(soon):
			t.Fatal("Shutdown does not return")
			return 0
		}
	}
}

func TestShutdownLosesNoByteOf100Conversations(t *testing.T) {
	const count = 100
	text := strings.Repeat("some text\n", 2000)
	for _, drain := range []time.Duration{0, 300 * time.Millisecond} {
		for _, road := range roads() {
			t.Run(fmt.Sprint(road.name, "/drain=", drain), func(t *testing.T) {
				server := &serve.Server{Service: serve.Upper()}
				open := road.open(t, server)
				conns := make([]halfCloser, count)
				for i := range conns {
					conns[i] = open()
				}
				eventually(t, "all are in", func() bool { return server.Open() == count })
				for _, c := range conns {
					say(t, c, text)
				}
				ended := shutdown(t, server, drain)
				for _, c := range conns {
					hear(t, c, strings.ToUpper(text))
					hearEnd(t, c)
					c.Close()
				}
				if n := ended(); n != count {
					t.Errorf("Shutdown says that it ended %d conversations, want %d", n, count)
				}
			})
		}
	}
}

// lateListener is one whose accept loop is busy elsewhere until the server wants
// to stop: connections queue up in the kernel.
type lateListener struct {
	*net.TCPListener
	entered, stop chan struct{}
	once, last    sync.Once
}

func newLateListener(t *testing.T) *lateListener {
	return &lateListener{TCPListener: listen(t).(*net.TCPListener), entered: make(chan struct{}), stop: make(chan struct{})}
}

func (l *lateListener) Accept() (net.Conn, error) {
	l.once.Do(func() { close(l.entered) })
	<-l.stop
	return l.TCPListener.Accept()
}

func (l *lateListener) SetDeadline(at time.Time) error {
	err := l.TCPListener.SetDeadline(at)
	l.last.Do(func() { close(l.stop) })
	return err
}

func TestShutdownAnswersConnectionsThatAreStillInTheAcceptQueue(t *testing.T) {
	for _, drain := range []time.Duration{0, 300 * time.Millisecond} {
		t.Run(fmt.Sprint("drain=", drain), func(t *testing.T) {
			server := &serve.Server{Service: serve.Upper()}
			ln := newLateListener(t)
			serveOn(t, server, ln)
			<-ln.entered
			var conns []*net.TCPConn
			for range 100 {
				c := dial(t, ln.Addr().String())
				say(t, c, "hello\n")
				conns = append(conns, c)
			}
			ended := shutdown(t, server, drain)
			for _, c := range conns {
				hear(t, c, "HELLO\n")
				hearEnd(t, c)
				c.Close()
			}
			ended()
		})
	}
}

func TestShutdownLetsConversationsFinishAndLetsNobodyIn(t *testing.T) {
	log := newJournal()
	server := &serve.Server{Service: serve.Upper(), Log: log.log()}
	addr := start(t, server)
	c := dial(t, addr)
	say(t, c, "one\n")
	hear(t, c, "ONE\n")
	ended := shutdown(t, server, soon)
	eventually(t, "new connections are refused", func() bool {
		late, err := net.Dial("tcp", addr)
		if err == nil {
			late.Close()
		}
		return errors.Is(err, syscall.ECONNREFUSED)
	})
	say(t, c, "two\n")
	hear(t, c, "TWO\n")
	c.CloseWrite()
	hearEnd(t, c)
	if n := ended(); n != 0 {
		t.Errorf("Shutdown says that it ended %d", n)
	}
	log.wait(t, event{"msg": "closed", "peer": c.LocalAddr(), "by": "peer", "how": "FIN"})
}

func TestConversationsThatOutlastTheDrainAreEndedByTheServer(t *testing.T) {
	log := newJournal()
	server := &serve.Server{Service: serve.Upper(), Log: log.log()}
	c := dial(t, start(t, server))
	say(t, c, "held back: exi\nexi")
	hear(t, c, "HELD BACK: EXI\n")
	ended := shutdown(t, server, 0)
	hear(t, c, "EXI")
	hearEnd(t, c)
	c.Close()
	if n := ended(); n != 1 {
		t.Errorf("Shutdown says that it ended %d, want 1", n)
	}
	log.wait(t, event{"msg": "closed", "by": "server", "how": "drain"})
}

func TestShutdownReturnsAlthoughAPeerDoesNotRead(t *testing.T) {
	log := newJournal()
	server := &serve.Server{Service: serve.Echo(), Log: log.log()}
	c := dial(t, start(t, server))
	c.SetWriteDeadline(time.Now().Add(500 * time.Millisecond))
	io.Copy(c, endless{}) // until nothing moves
	shutdown(t, server, 0)()
	log.wait(t, event{"msg": "closed", "by": "server", "how": "drain"})
	hearReset(t, c)
}

// endless reads as zeros without end.
type endless struct{}

func (endless) Read(p []byte) (int, error) { clear(p); return len(p), nil }

func TestCloseResetsEveryConversationNow(t *testing.T) {
	for _, road := range roads() {
		t.Run(road.name, func(t *testing.T) {
			log := newJournal()
			server := &serve.Server{Service: serve.Echo(), Log: log.log()}
			open := road.open(t, server)
			c := open()
			say(t, c, "hello")
			hear(t, c, "hello")
			server.Close()
			log.wait(t, event{"msg": "closed", "by": "server", "how": "abort"})
			_, err := io.ReadAll(c)
			if road.name == "unix" { // has no resets
				return
			}
			if err == nil {
				t.Error("the conversation ended as if all was well")
			}
		})
	}
}

func TestServerEndsInAFloodOfNewConnections(t *testing.T) {
	for _, end := range []struct {
		name string
		do   func(*serve.Server)
	}{
		{"Close", (*serve.Server).Close},
		{"Shutdown", func(s *serve.Server) { s.Shutdown(drainOver()) }},
	} {
		t.Run(end.name, func(t *testing.T) {
			server := &serve.Server{Service: serve.Echo()}
			addr := start(t, server)
			var flood sync.WaitGroup
			var stop atomic.Bool
			var conns atomic.Int64
			for range 8 {
				flood.Go(func() {
					for !stop.Load() {
						if c, err := net.Dial("tcp", addr); err == nil {
							conns.Add(1)
							abort(c.(*net.TCPConn))
						}
					}
				})
			}
			defer flood.Wait()
			defer stop.Store(true)
			eventually(t, "the flood is on", func() bool { return conns.Load() > 200 })
			done := make(chan struct{})
			go func() { end.do(server); close(done) }()
			select {
			case <-done:
			case <-time.After(soon):
				stop.Store(true) // or nothing ever ends
				<-done
				t.Error("did not return while new connections came in")
			}
		})
	}
}

func TestServeReturnsTheErrorOfItsContextAndClosesTheServer(t *testing.T) {
	server := &serve.Server{Service: serve.Echo()}
	ln := listen(t)
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- server.Serve(ctx, ln) }()
	c := dial(t, ln.Addr().String())
	say(t, c, "hello")
	hear(t, c, "hello")
	cancel()
	if err := <-done; !errors.Is(err, context.Canceled) {
		t.Errorf("Serve: %v", err)
	}
	hearReset(t, c)
	server.Close()
}

func TestServeAfterShutdownClosesItsListener(t *testing.T) {
	server := &serve.Server{Service: serve.Echo()}
	server.Shutdown(drainOver())
	ln := listen(t)
	if err := server.Serve(context.Background(), ln); err != nil {
		t.Errorf("Serve: %v", err)
	}
	if _, err := ln.Accept(); !errors.Is(err, net.ErrClosed) {
		t.Errorf("the listener is still open: %v", err)
	}
}

func TestShutdownAndCloseMayBeCalledTogetherAndAgain(t *testing.T) {
	server := &serve.Server{Service: serve.Echo()}
	addr := start(t, server)
	for range 10 {
		say(t, dial(t, addr), "hello")
	}
	var all sync.WaitGroup
	for range 4 {
		all.Go(func() { server.Shutdown(drainOver()) })
		all.Go(server.Close)
	}
	all.Wait()
	server.Close()
	if n := server.Open(); n != 0 {
		t.Errorf("%d conversations are still open", n)
	}
}

// gate is a service that waits before it answers.
func gate(asked chan<- struct{}, open <-chan struct{}) serve.Service {
	var once sync.Once
	return serve.Service{Name: "gate", Talk: func() serve.Talk {
		return gated{wait: func() { once.Do(func() { asked <- struct{}{}; <-open }) }}
	}}
}

type gated struct{ wait func() }

func (gated) Begin(dst []byte) ([]byte, bool) { return dst, true }
func (gated) End(dst []byte) []byte           { return dst }

func (g gated) Answer(_, p []byte) ([]byte, []byte, bool) {
	g.wait()
	return bytes.ToUpper(p), nil, true
}

func TestShutdownAnswersTheDatagramsThatHaveArrived(t *testing.T) {
	asked, open := make(chan struct{}, 1), make(chan struct{})
	server := &serve.Server{Service: gate(asked, open)}
	c := dialUDP(t, startPacket(t, server, "127.0.0.1:0").String())
	const count = 100 // several batches
	for i := range count {
		say(t, c, fmt.Sprint("datagram ", i))
		if i == 0 {
			<-asked
		}
	}
	ended := shutdown(t, server, soon)
	time.Sleep(20 * time.Millisecond) // Shutdown has told the loop by now
	close(open)
	p := make([]byte, 100)
	for i := range count {
		n, err := c.Read(p)
		if want := fmt.Sprint("DATAGRAM ", i); err != nil || string(p[:n]) != want {
			t.Fatalf("answer %q, %v; want %q", p[:n], err, want)
		}
	}
	ended()
}

func TestSessionsOfDatagramsGoOnWhileTheServerDrains(t *testing.T) {
	server := &serve.Server{Service: serve.Chat()}
	addr := startPacket(t, server, "127.0.0.1:0").String()
	a, b := dialUDP(t, addr), dialUDP(t, addr)
	say(t, a, "here")
	hearDatagram(t, a, "* you are "+a.LocalAddr().String()+"; others here: 0\n")
	say(t, b, "here")
	hearDatagram(t, b, "* you are "+b.LocalAddr().String()+"; others here: 1\n")
	hearDatagram(t, a, "* "+b.LocalAddr().String()+" joined\n")
	hearDatagram(t, a, "<"+b.LocalAddr().String()+"> here\n")
	ended := shutdown(t, server, soon)
	time.Sleep(20 * time.Millisecond)
	say(t, b, "still here")
	hearDatagram(t, a, "<"+b.LocalAddr().String()+"> still here\n")
	say(t, a, "exit")
	hearDatagram(t, b, "* "+a.LocalAddr().String()+" left\n")
	say(t, b, "exit")
	if n := ended(); n != 0 {
		t.Errorf("Shutdown ended %d", n)
	}
}

// hearDatagram reads exactly one.
func hearDatagram(t testing.TB, c net.Conn, want string) {
	t.Helper()
	p := make([]byte, 1<<16)
	n, err := c.Read(p)
	if err != nil || string(p[:n]) != want {
		t.Fatalf("heard %.80q, %v; want %.80q", p[:n], err, want)
	}
}

func TestServerEndsWhileNewSessionsOfDatagramsBegin(t *testing.T) {
	deaf := serve.Service{Name: "deaf", Hold: func(ctx context.Context, _ *serve.Conn) error {
		<-ctx.Done()
		return ctx.Err()
	}}
	for range 20 {
		server := &serve.Server{Service: deaf}
		addr := startPacket(t, server, "127.0.0.1:0").String()
		var flood sync.WaitGroup
		var stop atomic.Bool
		for range 4 {
			flood.Go(func() {
				for !stop.Load() {
					if c, err := net.Dial("udp", addr); err == nil {
						c.Write([]byte("hello"))
						c.Close()
					}
				}
			})
		}
		eventually(t, "sessions begin", func() bool { return server.Open() > 20 })
		done := make(chan struct{})
		go func() { server.Close(); close(done) }()
		select {
		case <-done:
		case <-time.After(soon):
			panic("Close is stuck") // with all stacks: nothing can be cleaned up
		}
		stop.Store(true)
		flood.Wait()
	}
}

func TestMembersOfAChatHearEverythingBeforeTheServerEndsIt(t *testing.T) {
	server := &serve.Server{Service: serve.Chat()}
	addr := start(t, server, serve.WebSocket("/"))
	c := dialWS(t, "ws://"+addr+"/", websocket.TextMessage)
	if _, p, err := c.ReadMessage(); err != nil || !bytes.HasPrefix(p, []byte("* you are")) {
		t.Fatalf("heard %q, %v", p, err)
	}
	ended := shutdown(t, server, 0)
	hearEnd(t, c)
	if n := ended(); n != 1 {
		t.Errorf("%d ended", n)
	}
}

package serve_test

import (
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/netip"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"dialtone/app/serve"
)

// drip sends a byte of text every 20 ms until the connection is cut off.
func drip(c io.Writer, text string) (sent int, err error) {
	for ; ; sent++ {
		if _, err := io.WriteString(c, text[sent%len(text):][:1]); err != nil {
			return sent, err
		}
		time.Sleep(20 * time.Millisecond)
	}
}

func TestSlowLorisIsCutOffWhileOthersAreServed(t *testing.T) {
	hello := "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" // a ClientHello of 512 bytes begins so
	for _, x := range []struct {
		name, text string
		server     *serve.Server
		wraps      []serve.Wrap
		good       func(t *testing.T, c *net.TCPConn) io.ReadWriter
	}{
		{"TLS", hello, &serve.Server{}, []serve.Wrap{identity(t).Wrap()}, func(t *testing.T, c *net.TCPConn) io.ReadWriter {
			return tls.Client(c, &tls.Config{InsecureSkipVerify: true})
		}},
		{"WebSocket", "GET / HTTP/1.1\r\n" + strings.Repeat("X: y\r\n", 1000), &serve.Server{}, []serve.Wrap{serve.WebSocket("/")}, func(t *testing.T, c *net.TCPConn) io.ReadWriter {
			return dialWS(t, "ws://"+c.RemoteAddr().String()+"/", 2)
		}},
		{"PROXY", "PROXY TCP4 " + strings.Repeat("1", 90), &serve.Server{ProxyProtocol: true}, nil, func(t *testing.T, c *net.TCPConn) io.ReadWriter {
			say(t, c, "PROXY TCP4 192.0.2.1 192.0.2.2 1 2\r\n")
			return c
		}},
	} {
		t.Run(x.name, func(t *testing.T) {
			log := newJournal()
			server := x.server
			server.Service, server.Log = serve.Echo(), log.log()
			server.Limits.Handshake = 150 * time.Millisecond
			addr := start(t, server, x.wraps...)
			slow := dial(t, addr)
			cut := make(chan int, 1)
			go func() { n, _ := drip(slow, x.text); cut <- n }()
			for range 3 {
				c := x.good(t, dial(t, addr))
				say(t, c, "hello")
				hear(t, c, "hello")
			}
			if n := <-cut; n > 90 {
				t.Errorf("it was cut off after %d bytes, with time for 8", n)
			}
			log.wait(t, event{"msg": "refused", "peer": slow.LocalAddr(), "reason": "handshake"})
			say(t, x.good(t, dial(t, addr)), "still here")
		})
	}
}

func TestPeerThatSaysNothingIsCutOffByTheFirstByteLimitAlone(t *testing.T) {
	log := newJournal()
	addr := start(t, &serve.Server{Service: serve.Echo(), Log: log.log(), Limits: serve.Limits{FirstByte: 200 * time.Millisecond}})
	silent, talking := dial(t, addr), dial(t, addr)
	say(t, talking, "hello")
	hear(t, talking, "hello")
	hearEnd(t, silent)
	silent.Close()
	log.wait(t, event{"msg": "closed", "peer": silent.LocalAddr(), "by": "server", "how": "first byte timeout"})
	say(t, talking, "hello")
	hear(t, talking, "hello")
}

func TestIdleLimitEndsConversationsInWhichNothingMoves(t *testing.T) {
	for _, road := range roads() {
		t.Run(road.name, func(t *testing.T) {
			log := newJournal()
			open := road.open(t, &serve.Server{Service: serve.Echo(), Log: log.log(), Limits: serve.Limits{Idle: 500 * time.Millisecond}})
			quiet, busy := open(), open()
			say(t, quiet, "hello")
			hear(t, quiet, "hello")
			ended := make(chan struct{})
			go func() { hearEnd(t, quiet); close(ended) }()
			for over := false; !over; {
				say(t, busy, "x")
				hear(t, busy, "x")
				select {
				case <-ended:
					over = true
				case <-time.After(50 * time.Millisecond):
				}
			}
			say(t, busy, "still here")
			hear(t, busy, "still here")
			quiet.Close()
			log.wait(t, event{"msg": "closed", "by": "server", "how": "idle timeout"})
		})
	}
}

func TestPeerThatDoesNotReadIsResetWhenIdle(t *testing.T) {
	log := newJournal()
	server := &serve.Server{Service: serve.Echo(), Log: log.log(), Limits: serve.Limits{Idle: 300 * time.Millisecond}}
	c := dial(t, start(t, server))
	if _, err := io.Copy(c, endless{}); !errors.Is(err, syscall.ECONNRESET) && !errors.Is(err, syscall.EPIPE) {
		t.Errorf("writing ended with %v, want a reset", err)
	}
	log.wait(t, event{"msg": "closed", "by": "server", "how": "idle timeout"})
}

func TestLineBeyondTheLimitEndsTheConversation(t *testing.T) {
	for _, road := range roads() {
		t.Run(road.name, func(t *testing.T) {
			log := newJournal()
			open := road.open(t, &serve.Server{Service: serve.Upper(), Log: log.log(), Limits: serve.Limits{MaxLine: 10}})
			c := open()
			say(t, c, "0123456789\n01234\n")
			hear(t, c, "0123456789\n01234\n")
			say(t, c, "01234")
			hear(t, c, "01234")
			say(t, c, "567890")
			hearEnd(t, c)
			c.Close()
			log.wait(t, event{"msg": "closed", "by": "server", "how": "line too long"})
		})
	}
}

func TestRateHoldsAConversationBackAndNoOther(t *testing.T) {
	const rate, size = 400 << 10, 800 << 10
	addr := start(t, &serve.Server{Service: serve.Echo(), Limits: serve.Limits{Rate: rate}})
	slow := dial(t, addr)
	go func() {
		slow.Write(make([]byte, size))
		slow.CloseWrite()
	}()
	begin := time.Now()
	got, err := io.Copy(io.Discard, slow)
	took := time.Since(begin)
	if err != nil || got != size {
		t.Fatalf("%d bytes of %d, %v", got, size, err)
	}
	// One second's worth goes at once. It can never be faster than the rate.
	if most := rate + rate*took.Seconds(); float64(got) > 1.05*most+64<<10 {
		t.Errorf("%d bytes in %v, at most %.0f are allowed", got, took, most)
	}
	other := dial(t, addr)
	say(t, other, "hello")
	hear(t, other, "hello")
}

func TestIdleLimitDoesNotEndAConversationThatTheRateHoldsBack(t *testing.T) {
	log := newJournal()
	const size = 160 << 10 // 64 KiB at once, and three seconds for the rest
	server := &serve.Server{Service: serve.Echo(), Log: log.log(), Limits: serve.Limits{Rate: 32 << 10, Idle: 600 * time.Millisecond}}
	c := dial(t, start(t, server))
	say(t, c, strings.Repeat("x", size))
	c.CloseWrite()
	if got, err := io.Copy(io.Discard, c); err != nil || got != size {
		t.Errorf("%d bytes of %d, %v\n%s", got, size, err, log)
	}
}

func TestShutdownDoesNotWaitForTheRate(t *testing.T) {
	const size = 160 << 10
	server := &serve.Server{Service: serve.Echo(), Limits: serve.Limits{Rate: 1000}} // it would take minutes
	c := dial(t, start(t, server))
	say(t, c, strings.Repeat("x", size))
	ended := shutdown(t, server, 0)
	if got, err := io.Copy(io.Discard, c); err != nil || got != size {
		t.Errorf("%d bytes of %d, %v", got, size, err)
	}
	c.Close()
	ended()
}

func TestFloodBeyondALimitIsResetAndTheNextClientIsServed(t *testing.T) {
	for _, x := range []struct {
		reason string
		limits serve.Limits
		in     int // how many get in
	}{
		{"too many connections", serve.Limits{Max: 10}, 10},
		{"too many connections from this address", serve.Limits{MaxPerAddr: 10}, 10},
		{"too many new connections a second", serve.Limits{AcceptRate: 10}, 10},
	} {
		t.Run(x.reason, func(t *testing.T) {
			const flood = 1000
			log, metrics := newJournal(), serve.NewMetrics()
			server := &serve.Server{Service: serve.Echo(), Limits: x.limits, Log: log.log(), Metrics: metrics}
			addr := start(t, server)
			var held []*net.TCPConn
			for range x.in {
				c := dial(t, addr)
				say(t, c, "hello")
				hear(t, c, "hello")
				held = append(held, c)
			}
			var all sync.WaitGroup
			for range 10 {
				all.Go(func() {
					for range flood / 10 {
						c, err := net.Dial("tcp", addr)
						if err != nil {
							continue // reset before Dial was done with it
						}
						c.SetDeadline(time.Now().Add(soon))
						_, err = c.Write([]byte("?")) // answered at once, if it gets in after all
						if err == nil {
							_, err = c.Read(make([]byte, 1))
						}
						if err != nil && !errors.Is(err, syscall.ECONNRESET) {
							t.Errorf("refused with %v, want a reset", err)
						}
						c.Close()
					}
				})
			}
			all.Wait()
			opened := sample(t, metrics, `dialtone_connections_total{service="echo"}`)
			if x.limits.AcceptRate == 0 && opened != float64(x.in) {
				t.Errorf("%g got in", opened)
			}
			eventually(t, "all counted", func() bool { // a reset may arrive before it is counted
				refused := sample(t, metrics, fmt.Sprintf(`dialtone_connections_refused_total{service="echo",reason=%q}`, x.reason))
				return refused+opened == flood+float64(x.in)
			})
			if n := len(log.find(event{"msg": "refused"})); n == 0 || n > flood/2 {
				t.Errorf("%d refusals have a line of their own", n)
			}
			for _, c := range held {
				say(t, c, "still here")
				hear(t, c, "still here")
				c.Close()
			}
			eventually(t, "the next client is served", func() bool {
				c, err := net.Dial("tcp", addr)
				if err != nil { // reset before Dial was done with it
					return false
				}
				defer c.Close()
				c.SetDeadline(time.Now().Add(soon))
				c.Write([]byte("next"))
				p := make([]byte, 4)
				_, err = io.ReadFull(c, p)
				return err == nil && string(p) == "next"
			})
			server.Close()
			logged := 0
			for _, e := range log.find(event{"msg": "refused"}) {
				if e["reason"] != nil {
					logged++
				}
				if n, ok := e["unlogged"].(int64); ok {
					logged += int(n)
				}
			}
			if total := sample(t, metrics, fmt.Sprintf(`dialtone_connections_refused_total{service="echo",reason=%q}`, x.reason)); float64(logged) != total {
				t.Errorf("the log accounts for %d refusals, the metrics for %g", logged, total)
			}
		})
	}
}

func TestAllowAndDenyDecideByAddress(t *testing.T) {
	loopback, home := netip.MustParsePrefix("127.0.0.0/8"), netip.MustParsePrefix("127.0.0.2/32")
	for _, x := range []struct {
		limits serve.Limits
		from   string
		in     bool
	}{
		{serve.Limits{Allow: []netip.Prefix{loopback}}, "127.0.0.1", true},
		{serve.Limits{Allow: []netip.Prefix{home}}, "127.0.0.1", false},
		{serve.Limits{Allow: []netip.Prefix{home}}, "127.0.0.2", true},
		{serve.Limits{Deny: []netip.Prefix{home}}, "127.0.0.1", true},
		{serve.Limits{Deny: []netip.Prefix{home}}, "127.0.0.2", false},
		{serve.Limits{Allow: []netip.Prefix{loopback}, Deny: []netip.Prefix{home}}, "127.0.0.2", false},
	} {
		log := newJournal()
		addr := start(t, &serve.Server{Service: serve.Echo(), Limits: x.limits, Log: log.log()})
		from := net.Dialer{LocalAddr: &net.TCPAddr{IP: net.ParseIP(x.from)}}
		c, err := from.Dial("tcp", addr)
		if errors.Is(err, syscall.EADDRNOTAVAIL) {
			t.Skip("the machine has no address ", x.from, ": ", err)
		}
		if err == nil { // else reset before Dial was done with it
			c.SetDeadline(time.Now().Add(soon))
			c.Write([]byte("hello"))
			_, err = io.ReadFull(c, make([]byte, 5))
			c.Close()
		}
		if x.in != (err == nil) {
			t.Errorf("%+v: from %s %v", x.limits, x.from, err)
		}
		if !x.in {
			log.wait(t, event{"msg": "refused", "reason": "not allowed"})
		}
	}
}

func TestMaxPerAddrCountsEachAddressForItself(t *testing.T) {
	addr := start(t, &serve.Server{Service: serve.Echo(), Limits: serve.Limits{MaxPerAddr: 1}})
	for _, from := range []string{"127.0.0.1", "127.0.0.2", "127.0.0.3"} {
		d := net.Dialer{LocalAddr: &net.TCPAddr{IP: net.ParseIP(from)}}
		c, err := d.Dial("tcp", addr)
		if errors.Is(err, syscall.EADDRNOTAVAIL) {
			t.Skip("the machine has no address ", from, ": ", err)
		}
		must(t, err)
		defer c.Close()
		c.SetDeadline(time.Now().Add(soon))
		say(t, c, "hello")
		hear(t, c, "hello")
		if second, err := d.Dial("tcp", addr); err == nil {
			second.SetDeadline(time.Now().Add(soon))
			hearReset(t, second)
			second.Close()
		}
	}
}

package serve_test

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/netip"
	"runtime"
	"strings"
	"testing"
	"time"

	"dialtone/app/serve"
)

// plainPackets hides what a UDP socket can do beyond net.PacketConn.
type plainPackets struct{ net.PacketConn }

// eachPacketConn runs test over the batches of a UDP socket and over any other
// packet connection.
func eachPacketConn(t *testing.T, test func(t *testing.T, open func(*serve.Server) string)) {
	for _, plain := range []bool{false, true} {
		t.Run(fmt.Sprint("plain=", plain), func(t *testing.T) {
			test(t, func(s *serve.Server) string {
				pc, err := net.ListenPacket("udp", "127.0.0.1:0")
				must(t, err)
				addr := pc.LocalAddr().String()
				if plain {
					pc = plainPackets{pc}
				}
				servePackets(t, s, pc)
				return addr
			})
		})
	}
}

func TestDatagramsAreAnsweredInBatchesAndInOrder(t *testing.T) {
	eachPacketConn(t, func(t *testing.T, open func(*serve.Server) string) {
		c := dialUDP(t, open(&serve.Server{Service: serve.Upper()}))
		for round := range 20 {
			for i := range 40 {
				say(t, c, fmt.Sprintf("datagram %d of round %d, ıé", i, round))
			}
			for i := range 40 {
				hearDatagram(t, c, fmt.Sprintf("DATAGRAM %d OF ROUND %d, IÉ", i, round))
			}
		}
	})
}

func TestEmptyDatagramIsAnsweredWithOne(t *testing.T) {
	eachPacketConn(t, func(t *testing.T, open func(*serve.Server) string) {
		c := dialUDP(t, open(&serve.Server{Service: serve.Echo()}))
		sendDatagram(t, c, "")
		hearDatagram(t, c, "")
		say(t, c, "next")
		hearDatagram(t, c, "next")
	})
}

func TestEachDatagramIsAConversationOfItsOwn(t *testing.T) {
	eachPacketConn(t, func(t *testing.T, open func(*serve.Server) string) {
		c := dialUDP(t, open(&serve.Server{Service: serve.Upper()}))
		for sent, want := range map[string]string{"exi": "EXI", "cut rune \xc3": "CUT RUNE \xc3", "a\nexit": "A\n"} {
			say(t, c, sent)
			hearDatagram(t, c, want)
		}
		for _, leave := range []string{"exit", "exit\n", "exit\r\n"} {
			say(t, c, leave) // unanswered
			say(t, c, "after "+leave)
			hearDatagram(t, c, "AFTER "+strings.ToUpper(leave))
		}
	})
}

func TestDatagramBeyondTheLimitIsReportedAndNotAnsweredInPart(t *testing.T) {
	eachPacketConn(t, func(t *testing.T, open func(*serve.Server) string) {
		log := newJournal()
		c := dialUDP(t, open(&serve.Server{Service: serve.Echo(), Log: log.log(), Limits: serve.Limits{Datagram: 100}}))
		long := strings.Repeat("x", 101)
		say(t, c, long)
		say(t, c, long[:100])
		hearDatagram(t, c, long[:100])
		log.wait(t, event{"msg": "datagram truncated", "peer": c.LocalAddr(), "limit": 100})
	})
}

func TestAnswerThatIsNoDatagramIsReportedAndTheNextIsAnswered(t *testing.T) {
	eachPacketConn(t, func(t *testing.T, open func(*serve.Server) string) {
		log := newJournal()
		c := dialUDP(t, open(&serve.Server{Service: serve.Upper(), Log: log.log()}))
		say(t, c, strings.Repeat("ɐ", 65506/2)) // 2 bytes become 3
		log.wait(t, event{"msg": "answer not sent"})
		say(t, c, "next")
		hearDatagram(t, c, "NEXT")
		say(t, c, strings.Repeat("x", 65507))
		hearDatagram(t, c, strings.Repeat("X", 65507))
	})
	log := newJournal()
	c := dialUDP(t, startPacket(t, &serve.Server{Service: serve.Reply(strings.Repeat("x", 1000)), Log: log.log()}, "127.0.0.1:0").String())
	say(t, c, strings.Repeat("\n", 1000))
	log.wait(t, event{"msg": "answer not sent"})
	say(t, c, "once")
	hearDatagram(t, c, strings.Repeat("x", 1000))
}

func TestSessionsEndAfterTheirTimeoutAndOthersGoOn(t *testing.T) {
	eachPacketConn(t, func(t *testing.T, open func(*serve.Server) string) {
		log := newJournal()
		echo := serve.Service{Name: "echo in a session", Hold: func(_ context.Context, c *serve.Conn) error {
			_, err := io.Copy(struct{ io.Writer }{c}, struct{ io.Reader }{c})
			return err
		}}
		server := &serve.Server{Service: echo, Log: log.log(), Limits: serve.Limits{Session: 600 * time.Millisecond}}
		addr := open(server)
		quiet, busy := dialUDP(t, addr), dialUDP(t, addr)
		say(t, quiet, "here")
		log.wait(t, event{"msg": "accepted", "peer": quiet.LocalAddr()})
		eventually(t, "the quiet one's session ends", func() bool {
			say(t, busy, "x")
			hearDatagram(t, busy, "x")
			return len(log.find(event{"msg": "closed", "peer": quiet.LocalAddr(), "how": "idle timeout"})) > 0
		})
		if n := len(log.find(event{"msg": "closed"})); n != 1 || server.Open() != 1 {
			t.Errorf("%d have ended, %d go on", n, server.Open())
		}
	})
}

func TestSessionsAreLimitedByNumberAndAddress(t *testing.T) {
	for _, limits := range []serve.Limits{{Max: 2}, {MaxPerAddr: 2}} {
		log := newJournal()
		server := &serve.Server{Service: serve.Chat(), Log: log.log(), Limits: limits}
		addr := startPacket(t, server, "127.0.0.1:0").String()
		for range 20 {
			say(t, dialUDP(t, addr), "hello")
		}
		eventually(t, "the others are refused", func() bool { return len(log.find(event{"msg": "refused"})) == 18 })
		if server.Open() != 2 {
			t.Errorf("%d sessions", server.Open())
		}
	}
}

func TestDatagramsOfDeniedAddressesAreNotAnswered(t *testing.T) {
	eachPacketConn(t, func(t *testing.T, open func(*serve.Server) string) {
		log := newJournal()
		c := dialUDP(t, open(&serve.Server{Service: serve.Echo(), Log: log.log(), Limits: serve.Limits{Deny: []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}}}))
		say(t, c, "hello")
		log.wait(t, event{"msg": "refused", "peer": c.LocalAddr(), "reason": "not allowed"})
		c.SetReadDeadline(time.Now().Add(20 * time.Millisecond))
		if n, err := c.Read(make([]byte, 10)); err == nil {
			t.Errorf("%d bytes came back", n)
		}
	})
}

func TestWildcardSocketAnswersFromTheAddressThatWasAsked(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("only Linux has all of 127.0.0.0/8, and is told the address")
	}
	for _, service := range []serve.Service{serve.Echo(), serve.Forward(nil), serve.Chat()} {
		for _, wildcard := range []string{"0.0.0.0:0", "[::]:0"} {
			t.Run(service.Name+"/"+wildcard, func(t *testing.T) {
				if service.Name == "forward" {
					service = serve.Forward(to("udp", startPacket(t, &serve.Server{Service: serve.Echo()}, "127.0.0.1:0").String()))
				}
				port := startPacket(t, &serve.Server{Service: service}, wildcard).Port
				asked := []string{"127.0.0.1", "127.0.0.2"}
				if wildcard == "[::]:0" {
					asked = append(asked, "::1")
				}
				for _, host := range asked {
					c := dialUDP(t, net.JoinHostPort(host, fmt.Sprint(port))) // connected: takes answers from there alone
					say(t, c, "hello")
					c.SetReadDeadline(time.Now().Add(soon / 5))
					p := make([]byte, 100)
					n, err := c.Read(p)
					if want := map[string]string{"chat": "* you are "}[service.Name]; err != nil || !strings.HasPrefix(string(p[:n]), want) || want == "" && string(p[:n]) != "hello" {
						t.Errorf("at %s: %q, %v", host, p[:n], err)
					}
				}
			})
		}
	}
}

func TestDatagramsOverIPv6(t *testing.T) {
	pc, err := net.ListenPacket("udp", "[::1]:0")
	if err != nil {
		t.Skip("no IPv6 here: ", err)
	}
	log := newJournal()
	servePackets(t, &serve.Server{Service: serve.Upper(), Log: log.log(), Limits: serve.Limits{Datagram: 50}}, pc)
	c := dialUDP(t, pc.LocalAddr().String())
	say(t, c, "hello")
	hearDatagram(t, c, "HELLO")
	say(t, c, strings.Repeat("x", 51))
	log.wait(t, event{"msg": "datagram truncated", "peer": c.LocalAddr()})
}

func TestDatagramsAreAnsweredWithoutAllocation(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("batches are Linux's")
	}
	for _, service := range []serve.Service{serve.Echo(), serve.Upper()} {
		c := dialUDP(t, startPacket(t, &serve.Server{Service: service, Metrics: serve.NewMetrics()}, "127.0.0.1:0").String())
		sent, got := []byte("hello, wörld"), make([]byte, 100)
		allocs := testing.AllocsPerRun(2000, func() {
			c.Write(sent)
			c.Read(got)
		})
		if allocs != 0 {
			t.Errorf("%s: %g allocations per datagram", service.Name, allocs)
		}
	}
}

func TestDatagramsAreCountedAndShown(t *testing.T) {
	metrics, out := serve.NewMetrics(), new(shown)
	c := dialUDP(t, startPacket(t, &serve.Server{Service: serve.Upper(), Metrics: metrics, View: &serve.View{W: out}}, "127.0.0.1:0").String())
	say(t, c, "hello")
	hearDatagram(t, c, "HELLO")
	eventually(t, "it is counted", func() bool { return sample(t, metrics, `dialtone_answer_seconds_count{service="upper"}`) == 1 })
	if in, sent := sample(t, metrics, `dialtone_received_bytes_total{service="upper"}`), sample(t, metrics, `dialtone_sent_bytes_total{service="upper"}`); in != 5 || sent != 5 {
		t.Errorf("%g bytes in, %g out", in, sent)
	}
	peer := c.LocalAddr().String()
	if want := peer + " > hello\n" + peer + " < HELLO\n"; out.String() != want {
		t.Errorf("shown %q, want %q", out, want)
	}
}

package interop

import (
	"fmt"
	"net"
	"sync"
	"testing"
	"time"
	_ "unsafe" // for go:linkname

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"
)

// TestNATS runs a NATS server and clients: a request is answered, and what is published
// comes to every subscriber in order, and to one of a queue group.
func TestNATS(t *testing.T) { everywhere(t, testNATS) }

func testNATS(t *testing.T, n network) {
	ln := n.listen(t)
	stop := serveNATS(t, ln)
	defer stop()
	subscriber, publisher := dialNATS(t, n, ln), dialNATS(t, n, ln)
	defer subscriber.Close()
	defer publisher.Close()

	const messages = 10_000
	received := make(chan *nats.Msg, 2*messages)
	for subscribe := range 2 {
		if _, err := subscriber.Subscribe("all", func(m *nats.Msg) { received <- m }); err != nil {
			t.Fatal(subscribe, err)
		}
	}
	if _, err := subscriber.QueueSubscribe("upper", "workers", func(m *nats.Msg) { m.Respond([]byte("LOUD")) }); err != nil {
		t.Fatal(err)
	}
	if err := subscriber.Flush(); err != nil {
		t.Fatal(err)
	}

	if answer, err := publisher.Request("upper", []byte("loud"), time.Minute); err != nil || string(answer.Data) != "LOUD" {
		t.Errorf("request: %v, %v", answer, err)
	}
	for i := range messages {
		if err := publisher.Publish("all", fmt.Appendf(nil, "%d", i)); err != nil {
			t.Fatal(err)
		}
	}
	if err := publisher.Flush(); err != nil {
		t.Fatal(err)
	}
	next := map[*nats.Subscription]int{}
	for range 2 * messages {
		m := <-received
		if string(m.Data) != fmt.Sprint(next[m.Sub]) {
			t.Fatalf("message %s, want %d", m.Data, next[m.Sub])
		}
		next[m.Sub]++
	}
}

// serveNATS lets a server serve a listener of ours. The server has no way to be given
// one, only to be given single connections, and that only by itself.
func serveNATS(t *testing.T, ln net.Listener) (stop func()) {
	t.Helper()
	s, err := server.NewServer(&server.Options{DontListen: true, NoSigs: true, NoLog: true})
	if err != nil {
		t.Fatal(err)
	}
	s.Start()
	var all sync.WaitGroup
	all.Go(func() {
		for {
			c, err := ln.Accept()
			if err != nil {
				return
			}
			createClient(s, c)
		}
	})
	return func() {
		ln.Close()
		all.Wait()
		s.Shutdown()
		s.WaitForShutdown()
	}
}

// createClient is what the server does with a connection that it has accepted.
//
//go:linkname createClient github.com/nats-io/nats-server/v2/server.(*Server).createClient
func createClient(s *server.Server, conn net.Conn) *struct{}

func dialNATS(t *testing.T, n network, ln net.Listener) *nats.Conn {
	t.Helper()
	c, err := nats.Connect("nats://"+ln.Addr().String(), nats.SetCustomDialer(natsDialer{n.client, t}), nats.NoReconnect())
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// natsDialer is nats.CustomDialer.
type natsDialer struct {
	machine
	t *testing.T
}

func (d natsDialer) Dial(network, address string) (net.Conn, error) {
	return d.DialContext(d.t.Context(), network, address)
}

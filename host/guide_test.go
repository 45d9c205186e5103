package host_test

// What doc/testing-with-dialtone.md shows.

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"dialtone/host"
	"dialtone/link/sim"
	"dialtone/observe/capture"
	"dialtone/observe/flow"
)

// Two hosts on a cable, with package net's calls; no bubble, so that time is real.
func Example() {
	ctx := context.Background()
	cable := sim.NewCable(sim.Config{Delay: time.Millisecond, Loss: 0.01, Seed: 7})
	a := host.New("a", host.Attach(cable.A(), "10.0.0.1/24"))
	b := host.New("b", host.Attach(cable.B(), "10.0.0.2/24"))
	defer a.Close()
	defer b.Close()

	ln, err := b.Listen(ctx, "tcp", ":8000")
	if err != nil {
		fmt.Println(err)
		return
	}
	go func() {
		c, err := ln.Accept()
		if err != nil {
			return
		}
		io.Copy(c, c)
		c.Close()
	}()
	conn, err := a.DialContext(ctx, "tcp", "10.0.0.2:8000")
	if err != nil {
		fmt.Println(err)
		return
	}
	defer conn.Close()
	io.WriteString(conn, "hello")
	conn.(*host.TCPConn).CloseWrite()
	got, err := io.ReadAll(conn)
	fmt.Println(string(got), err, conn.RemoteAddr())
	// Output: hello <nil> 10.0.0.2:8000
}

// An http.Server, as it comes, on a host.
func Example_http() {
	cable := sim.NewCable(sim.Config{Delay: time.Millisecond})
	server := host.New("server", host.Attach(cable.A(), "10.0.0.1/24"))
	client := host.New("client", host.Attach(cable.B(), "10.0.0.2/24"))
	defer server.Close()
	defer client.Close()
	ln, err := server.Listen(context.Background(), "tcp", ":80")
	if err != nil {
		fmt.Println(err)
		return
	}
	go http.Serve(ln, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		peer, _, _ := net.SplitHostPort(r.RemoteAddr)
		fmt.Fprintf(w, "hello %s, here is %s", peer, r.Host)
	}))

	web := &http.Client{Transport: &http.Transport{DialContext: client.DialContext}}
	r, err := web.Get("http://10.0.0.1/")
	if err != nil {
		fmt.Println(err)
		return
	}
	defer r.Body.Close()
	io.Copy(printer{}, r.Body)
	// Output: hello 10.0.0.2, here is 10.0.0.1
}

type printer struct{}

func (printer) Write(p []byte) (int, error) { return fmt.Println(string(p)) }

// pair puts a server and a client at the ends of a cable.
func pair(t *testing.T, cable *sim.Cable) (client *host.Host, ln net.Listener) {
	t.Helper()
	server := host.New("server", host.Seed(1), host.Attach(cable.A(), "10.0.0.1/24"))
	client = host.New("client", host.Seed(1), host.Attach(cable.B(), "10.0.0.2/24"))
	t.Cleanup(func() {
		client.Close()
		server.Close()
		cable.Close()
	})
	ln, err := server.Listen(t.Context(), "tcp", ":80")
	if err != nil {
		t.Fatal(err)
	}
	return client, ln
}

// count says how many bytes it was sent.
func count(w http.ResponseWriter, r *http.Request) {
	n, err := io.Copy(io.Discard, r.Body)
	fmt.Fprint(w, n, " bytes, ", err)
}

func TestUploadUnderLoss(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		client, ln := pair(t, sim.NewCable(sim.Config{Delay: 10 * time.Millisecond, Loss: 0.05, Seed: 1}))
		go http.Serve(ln, http.HandlerFunc(count))
		web := &http.Client{Transport: &http.Transport{DialContext: client.DialContext}, Timeout: time.Minute}
		r, err := web.Post("http://10.0.0.1/", "text/plain", strings.NewReader(strings.Repeat("x", 1<<20)))
		if err != nil {
			t.Fatal(err)
		}
		defer r.Body.Close()
		if got, err := io.ReadAll(r.Body); string(got) != "1048576 bytes, <nil>" {
			t.Errorf("%q, %v", got, err)
		}
	})
}

func TestARequestTakesThreeRoundTrips(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		client, ln := pair(t, sim.NewCable(sim.Config{Delay: 150 * time.Millisecond}))
		go http.Serve(ln, http.HandlerFunc(count))
		web := &http.Client{Transport: &http.Transport{DialContext: client.DialContext}}
		start := time.Now()
		r, err := web.Get("http://10.0.0.1/")
		if err != nil {
			t.Fatal(err)
		}
		defer r.Body.Close()
		// ARP, the handshake, the request: in a bubble time is exact.
		if took := time.Since(start).Round(time.Millisecond); took != 900*time.Millisecond {
			t.Error(took)
		}
	})
}

func TestAPartitionOfAMinuteIsSurvived(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		cable := sim.NewCable(sim.Config{Delay: 10 * time.Millisecond})
		client, ln := pair(t, cable)
		go echo(ln)
		conn, err := client.DialContext(t.Context(), "tcp", "10.0.0.1:80")
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
		cable.Cut()
		time.AfterFunc(time.Minute, cable.Restore)
		io.WriteString(conn, "are you there?")       // waits in the send buffer
		_, err = io.ReadFull(conn, make([]byte, 14)) // comes with a retransmission after the minute
		if err != nil {
			t.Error(err)
		}
	})
}

func TestAnAnswerComesAfterAHalfClose(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		client, ln := pair(t, sim.NewCable(sim.Config{Delay: 10 * time.Millisecond}))
		go echo(ln)
		conn, err := client.DialContext(t.Context(), "tcp", "10.0.0.1:80")
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
		io.WriteString(conn, "that is all")
		conn.(*host.TCPConn).CloseWrite()
		if got, err := io.ReadAll(conn); string(got) != "that is all" || err != nil {
			t.Errorf("%q, %v", got, err)
		}
	})
}

// echo serves one connection.
func echo(ln net.Listener) {
	c, err := ln.Accept()
	if err != nil {
		return
	}
	defer c.Close()
	io.Copy(c, c)
}

// TestTrioElectsAnother: of three nodes the first leads; when its cable is cut the
// second does, and the first knows that it no longer leads; mended, it leads again.
func TestTrioElectsAnother(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		var all sync.WaitGroup
		lan := sim.NewSwitch()
		var nodes [3]*node
		var cables [3]*sim.Cable
		for i := range nodes {
			cables[i] = lan.Cable(sim.Config{Delay: 2 * time.Millisecond, Seed: uint64(i)})
			h := host.New(fmt.Sprint("node", i), host.Seed(1), host.Attach(cables[i].A(), address(i)+"/24"))
			nodes[i] = newNode(i, h)
			all.Go(func() { nodes[i].serve(t) })
			all.Go(func() { nodes[i].ask(ctx) })
		}
		expect := func(when string, leaders ...int) {
			t.Helper()
			time.Sleep(2 * time.Second)
			for i, want := range leaders {
				if got := nodes[i].leader(); got != want {
					t.Errorf("%s node %d follows %d, want %d", when, i, got, want)
				}
			}
		}
		expect("at first", 0, 0, 0)
		cables[0].Cut()
		expect("behind a cut cable", none, 1, 1)
		cables[0].Restore()
		expect("mended", 0, 0, 0)

		cancel()
		for i := range nodes {
			nodes[i].host.Close()
			cables[i].Close()
		}
		all.Wait()
	})
}

// A node follows the lowest number that it hears of, where it hears of a majority. It
// knows nothing of simulations.
type node struct {
	number int
	host   interface {
		DialContext(ctx context.Context, network, address string) (net.Conn, error)
		Listen(ctx context.Context, network, address string) (net.Listener, error)
		Close() error
	}
	mu    sync.Mutex
	heard [3]time.Time
}

const none = -1

func newNode(number int, h *host.Host) *node { return &node{number: number, host: h} }

func address(i int) string { return fmt.Sprintf("10.0.0.%d", i+1) }

// serve answers who asks.
func (n *node) serve(t *testing.T) {
	ln, err := n.host.Listen(context.Background(), "tcp", ":80")
	if err != nil {
		t.Error(err)
		return
	}
	http.Serve(ln, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		json.NewEncoder(w).Encode(n.number)
	}))
}

// ask asks the others ten times a second whether they are there.
func (n *node) ask(ctx context.Context) {
	transport := &http.Transport{DialContext: n.host.DialContext}
	defer transport.CloseIdleConnections()
	web := &http.Client{Transport: transport, Timeout: 300 * time.Millisecond}
	for ctx.Err() == nil {
		for i := range n.heard {
			go func() {
				if n.number == i || n.isThere(web, i) {
					n.mu.Lock()
					n.heard[i] = time.Now()
					n.mu.Unlock()
				}
			}()
		}
		select {
		case <-ctx.Done():
		case <-time.After(100 * time.Millisecond):
		}
	}
}

func (n *node) isThere(web *http.Client, i int) bool {
	r, err := web.Get("http://" + address(i) + "/")
	if err != nil {
		return false
	}
	defer r.Body.Close()
	var number int
	return json.NewDecoder(r.Body).Decode(&number) == nil && number == i
}

func (n *node) leader() int {
	n.mu.Lock()
	defer n.mu.Unlock()
	lowest, alive := none, 0
	for i, at := range n.heard {
		if time.Since(at) > 500*time.Millisecond {
			continue
		}
		if alive++; lowest == none {
			lowest = i
		}
	}
	if alive < 2 {
		return none
	}
	return lowest
}

func TestWhatWasOnTheWire(t *testing.T) {
	path := filepath.Join(t.TempDir(), "cable.pcapng")
	synctest.Test(t, func(t *testing.T) {
		file, err := os.Create(path)
		if err != nil {
			t.Fatal(err)
		}
		defer file.Close()
		w, err := capture.NewPcapngWriter(file, "my test")
		if err != nil {
			t.Fatal(err)
		}
		defer w.Flush()
		recorder := capture.NewRecorder(func(r *capture.Record) { w.Write(r) })
		defer recorder.Close() // then the file is flushed
		client, ln := pair(t, sim.NewCable(sim.Config{Delay: 10 * time.Millisecond, Loss: 0.1, Seed: 1, TapB: recorder.Tap(0)}))
		go http.Serve(ln, http.HandlerFunc(count))
		web := &http.Client{Transport: &http.Transport{DialContext: client.DialContext, DisableKeepAlives: true}}
		r, err := web.Post("http://10.0.0.1/", "text/plain", strings.NewReader(strings.Repeat("x", 1<<16)))
		if err != nil {
			t.Fatal(err)
		}
		r.Body.Close()
		time.Sleep(time.Minute) // until all is closed
	})
	seen, err := capture.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer seen.Close()
	again, labels := flow.New(flow.Config{}), map[flow.Label]int{}
	var packet capture.Packet
	for {
		r, err := seen.Next()
		if err != nil {
			break
		}
		capture.Decode(r, &packet)
		if e := again.Add(&packet); e != nil {
			for _, f := range e.Findings {
				labels[f.Label]++
			}
		}
	}
	if labels[flow.LabelSYN] != 1 || labels[flow.LabelRetransmission] == 0 || labels[flow.LabelChecksumBad] > 0 {
		t.Errorf("labels %v", labels)
	}
}

package serve_test

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"net"
	"net/http"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/gorilla/websocket"
)

// This file runs the command as a process of its own, whose memory and file
// descriptors are the server's alone.

// command builds the command, without the race detector.
func command(t *testing.T) string {
	t.Helper()
	bin := filepath.Join(t.TempDir(), "dialtone")
	if out, err := exec.Command("go", "build", "-o", bin, "dialtone/cmd/dialtone").CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	return bin
}

// child is a server in a process of its own.
type child struct {
	*exec.Cmd
	addrs   []string // as it prints them, in the order asked for
	metrics string   // URL

	mu  sync.Mutex
	log []map[string]any
}

// spawn starts argv, which runs serve with --log json and some addresses.
func spawn(t *testing.T, addrs int, argv ...string) *child {
	t.Helper()
	c := &child{Cmd: exec.Command(argv[0], argv[1:]...)}
	stdout, err := c.StdoutPipe()
	must(t, err)
	stderr, err := c.StderrPipe()
	must(t, err)
	must(t, c.Start())
	metrics := make(chan string, 1)
	var read sync.WaitGroup
	read.Go(func() { c.readLog(stderr, metrics) })
	t.Cleanup(func() {
		c.Process.Signal(syscall.SIGKILL)
		read.Wait()
		c.Wait()
	})
	in := bufio.NewReader(stdout)
	for range addrs {
		line, err := in.ReadString('\n')
		must(t, err)
		_, addr, _ := strings.Cut(strings.TrimSpace(line), "://")
		c.addrs = append(c.addrs, addr)
	}
	for _, arg := range argv {
		if strings.Contains(arg, "--metrics") {
			c.metrics = <-metrics
		}
	}
	return c
}

func (c *child) readLog(r io.Reader, metrics chan<- string) {
	lines := bufio.NewScanner(r)
	for lines.Scan() {
		if url, ok := strings.CutPrefix(lines.Text(), "metrics on "); ok {
			metrics <- url
		}
		var e map[string]any
		if json.Unmarshal(lines.Bytes(), &e) == nil {
			c.mu.Lock()
			c.log = append(c.log, e)
			c.mu.Unlock()
		}
	}
}

// logged counts the events with this message that have the attribute.
func (c *child) logged(msg, attr string) (n int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, e := range c.log {
		if e["msg"] == msg && e[attr] != nil {
			n++
		}
	}
	return n
}

func (c *child) sample(t *testing.T, name string) float64 {
	t.Helper()
	answer, err := http.Get(c.metrics)
	must(t, err)
	defer answer.Body.Close()
	var body bytes.Buffer
	body.ReadFrom(answer.Body)
	return parseMetrics(t, body.String())[name]
}

// offer writes up to 1 GiB to c while a byte is read now and then, until nothing
// is taken for a while.
func offer(c io.ReadWriter, deadline func(time.Time) error) (taken int64) {
	stop := make(chan struct{})
	var slow sync.WaitGroup
	slow.Go(func() {
		for one := make([]byte, 1); ; {
			select {
			case <-stop:
				return
			case <-time.After(time.Second):
				c.Read(one)
			}
		}
	})
	for p := bytes.Repeat([]byte("slow\n"), 20<<10); taken < 1<<30; {
		deadline(time.Now().Add(3 * time.Second))
		n, err := c.Write(p)
		taken += int64(n)
		if err != nil {
			break
		}
	}
	close(stop)
	slow.Wait()
	return taken
}

func TestSlowReaderOf1GiBDoesNotGrowTheServer(t *testing.T) {
	needProc(t)
	bin := command(t)
	big := endlessUpstream(t)
	for _, service := range [][]string{{"echo"}, {"upper"}, {"exec", "--", "cat"}, {"forward"}} {
		t.Run(service[0], func(t *testing.T) {
			t.Parallel()
			args := []string{bin, "serve", "--log", "json", "tcp://127.0.0.1:0", "tls://127.0.0.1:0", "ws://127.0.0.1:0/", "--service", service[0]}
			if service[0] == "forward" {
				args = append(args, big)
			}
			server := spawn(t, 3, append(args, service[1:]...)...)
			plain, secure, ws := dial(t, server.addrs[0]), clientTLS(t, dial(t, server.addrs[1])), dialWS(t, "ws://"+server.addrs[2], websocket.BinaryMessage)
			if service[0] == "upper" || service[0] == "echo" { // everything has been used once
				for _, c := range []io.ReadWriter{plain, secure, ws} {
					say(t, c, "HELLO\n")
					hear(t, c, "HELLO\n")
				}
			}
			before := status(t, server.Process.Pid, "VmRSS")
			var all sync.WaitGroup
			all.Go(func() { offerLess(t, plain, plain.SetWriteDeadline) })
			all.Go(func() { offerLess(t, secure, secure.SetWriteDeadline) })
			all.Go(func() { offerLess(t, ws, ws.SetWriteDeadline) })
			all.Wait()
			if after := status(t, server.Process.Pid, "VmRSS"); after > before+8<<10 {
				t.Errorf("the server has grown from %d KiB to %d", before, after)
			}
		})
	}
}

func offerLess(t *testing.T, c io.ReadWriter, deadline func(time.Time) error) {
	if taken := offer(c, deadline); taken >= 1<<30 {
		t.Error("all was taken, though hardly anything was read")
	}
}

// endlessUpstream sends zeros without end to whoever connects, and reads nothing.
func endlessUpstream(t *testing.T) string {
	ln := listen(t)
	var all sync.WaitGroup
	all.Go(func() {
		for {
			c, err := ln.Accept()
			if err != nil {
				return
			}
			t.Cleanup(func() { c.Close() })
			all.Go(func() { io.Copy(c, endless{}) })
		}
	})
	t.Cleanup(func() { ln.Close(); all.Wait() })
	return ln.Addr().String()
}

func TestServerWithoutFileDescriptorsRefusesAndServesOn(t *testing.T) {
	needProc(t)
	needShell(t)
	const limit, clients = 40, 100
	server := spawn(t, 1, "sh", "-c", `ulimit -n 40 && exec "$0" serve tcp://127.0.0.1:0 --service echo --log json --metrics 127.0.0.1:0`, command(t))
	addr := server.addrs[0]
	first := dial(t, addr)
	say(t, first, "hello")
	hear(t, first, "hello")
	web, err := http.Get(server.metrics) // its connection stays open, for later
	must(t, err)
	io.Copy(io.Discard, web.Body)
	web.Body.Close()

	var in []*net.TCPConn
	refused := 0
	for range clients {
		c, err := net.Dial("tcp", addr)
		if err == nil {
			c.SetDeadline(time.Now().Add(soon))
			if _, err = c.Write([]byte("hello")); err == nil {
				_, err = io.ReadFull(c, make([]byte, 5))
			}
		}
		switch {
		case err == nil:
			in = append(in, c.(*net.TCPConn))
			defer c.Close()
		case errors.Is(err, syscall.ECONNRESET), errors.Is(err, syscall.EPIPE):
			refused++
		default:
			t.Fatalf("neither served nor refused: %v", err)
		}
	}
	if len(in) == 0 || len(in) >= limit || refused != clients-len(in) {
		t.Errorf("%d were served, %d refused", len(in), refused)
	}
	say(t, first, "still here")
	hear(t, first, "still here")
	counted := server.sample(t, `dialtone_connections_refused_total{service="echo",reason="too many open files"}`)
	attempts := server.sample(t, `dialtone_accept_errors_total{service="echo"}`)
	if counted != float64(refused) {
		t.Errorf("%d were refused, the metrics say %g", refused, counted)
	}
	// Each refusal begins with an attempt that fails. Those that find nobody
	// waiting come 50 times a second at most, however long this took.
	if attempts < counted {
		t.Errorf("%g refused in %g failed attempts", counted, attempts)
	}
	begin, ticks := time.Now(), attempts
	time.Sleep(500 * time.Millisecond)
	if more := server.sample(t, `dialtone_accept_errors_total{service="echo"}`) - ticks; more > 2*100*time.Since(begin).Seconds() {
		t.Errorf("%g attempts failed in %v: it spins", more, time.Since(begin))
	}
	if n := server.logged("accept", "error"); n != 1 {
		t.Errorf("%d lines about it, want one a burst", n)
	}
	for _, c := range in {
		c.Close()
	}
	eventually(t, "the next client is served", func() bool {
		c, err := net.Dial("tcp", addr)
		if err != nil {
			return false
		}
		defer c.Close()
		c.SetDeadline(time.Now().Add(soon))
		c.Write([]byte("hello"))
		_, err = io.ReadFull(c, make([]byte, 5))
		return err == nil
	})
	eventually(t, "the end of the burst is logged once, with its count", func() bool { return server.logged("accept", "refused") == 1 })
}

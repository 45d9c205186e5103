package serve_test

import (
	"bufio"
	"bytes"
	"context"
	"io"
	"net"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"testing"
	"time"

	"dialtone/app/serve"
)

// needShell skips a test where there is no Unix shell to run.
func needShell(t testing.TB) {
	t.Helper()
	if runtime.GOOS == "windows" {
		t.Skip("needs a Unix shell")
	}
	if _, err := exec.LookPath("sh"); err != nil {
		t.Skip("needs a Unix shell: ", err)
	}
}

// family is a process that tells its pid and its child's, which both ignore
// SIGTERM and their input.
const family = `trap "" TERM; sleep 1000 & echo $$ $!; wait`

// pids reads what family says.
func pids(t *testing.T, c io.Reader) (list []int) {
	t.Helper()
	line, err := bufio.NewReader(c).ReadString('\n')
	must(t, err)
	for _, f := range strings.Fields(line) {
		pid, err := strconv.Atoi(f)
		must(t, err)
		list = append(list, pid)
	}
	if len(list) != 2 || !alive(list[0]) || !alive(list[1]) {
		t.Fatalf("%q: they are not alive", line)
	}
	return list
}

func TestProcessesAreKilledWithTheirGroupAndReaped(t *testing.T) {
	needShell(t)
	needProc(t)
	for _, end := range []struct {
		name string
		do   func(t *testing.T, s *serve.Server, c *net.TCPConn, cancel func())
	}{
		{"the peer resets", func(_ *testing.T, _ *serve.Server, c *net.TCPConn, _ func()) { abort(c) }},
		{"Close", func(_ *testing.T, s *serve.Server, _ *net.TCPConn, _ func()) { s.Close() }},
		{"the context ends", func(_ *testing.T, _ *serve.Server, _ *net.TCPConn, cancel func()) { cancel() }},
		{"Shutdown", func(_ *testing.T, s *serve.Server, _ *net.TCPConn, _ func()) { s.Shutdown(drainOver()) }},
		{"FIN, then reset", func(t *testing.T, _ *serve.Server, c *net.TCPConn, _ func()) {
			c.CloseWrite()
			time.Sleep(20 * time.Millisecond)
			abort(c)
		}},
	} {
		t.Run(end.name, func(t *testing.T) {
			t.Parallel()
			server := &serve.Server{Service: serve.Exec(nil, "sh", "-c", family)}
			ln := listen(t)
			ctx, cancel := context.WithCancel(context.Background())
			done := make(chan struct{})
			go func() { defer close(done); server.Serve(ctx, ln) }()
			c := dial(t, ln.Addr().String())
			family := pids(t, c)
			end.do(t, server, c, cancel)
			eventually(t, "nobody of the family is left, not as a zombie either", func() bool {
				return !alive(family[0]) && !alive(family[1])
			})
			eventually(t, "the conversation is over", func() bool { return server.Open() == 0 })
			server.Close()
			cancel()
			<-done
		})
	}
}

func TestManyShortProcessesLeaveNoZombie(t *testing.T) {
	needShell(t)
	needProc(t)
	server := &serve.Server{Service: serve.Exec(nil, "sh", "-c", "echo hello")}
	addr := start(t, server)
	for range 30 {
		c := dial(t, addr)
		hear(t, c, "hello\n")
		hearEnd(t, c)
		c.Close()
	}
	eventually(t, "all have ended", func() bool { return server.Open() == 0 })
	if z := zombies(t); len(z) > 0 {
		t.Errorf("zombies %v", z)
	}
}

func TestProcessHearsTheEndAndItsLaterOutputArrives(t *testing.T) {
	needShell(t)
	for _, road := range roads() {
		t.Run(road.name, func(t *testing.T) {
			c := road.open(t, &serve.Server{Service: serve.Exec(nil, "sh", "-c", "cat; sleep 0.2; echo later")})()
			text := randomText(3, 1<<20)
			go func() { c.Write(text); c.CloseWrite() }()
			got := make([]byte, len(text))
			if _, err := io.ReadFull(c, got); err != nil || !bytes.Equal(got, text) {
				t.Fatalf("%v, equal %v", err, bytes.Equal(got, text))
			}
			hear(t, c, "later\n")
			hearEnd(t, c)
		})
	}
}

func TestLastOutputArrivesAlthoughThePeerStillTalks(t *testing.T) {
	needShell(t)
	for _, road := range roads() {
		t.Run(road.name, func(t *testing.T) {
			c := road.open(t, &serve.Server{Service: serve.Exec(nil, "sh", "-c", "read x; seq 20000; echo bye")})()
			say(t, c, "go\n"+strings.Repeat("nobody reads this\n", 2000))
			got, err := io.ReadAll(c)
			if err != nil || !bytes.HasSuffix(got, []byte("\n20000\nbye\n")) {
				t.Fatalf("%d bytes end in %.20q, %v", len(got), got[max(0, len(got)-20):], err)
			}
		})
	}
}

func TestOutputOfAChildThatOutlivesTheProcessArrives(t *testing.T) {
	needShell(t)
	c := dial(t, start(t, &serve.Server{Service: serve.Exec(nil, "sh", "-c", "(sleep 0.3; echo child) & echo parent")}))
	hear(t, c, "parent\nchild\n")
	hearEnd(t, c)
}

func TestProcessKnowsWhoIsThere(t *testing.T) {
	needShell(t)
	addr := start(t, &serve.Server{Service: serve.Exec(nil, "sh", "-c", "echo $PROTO $TCPREMOTEIP $TCPREMOTEPORT $TCPLOCALIP $TCPLOCALPORT")})
	c := dial(t, addr)
	fields := func(a string) string { return strings.Replace(a, ":", " ", 1) }
	hear(t, c, "TCP "+fields(c.LocalAddr().String())+" "+fields(addr)+"\n")
}

func TestProcessThatCannotStartIsLoggedAndTheServerGoesOn(t *testing.T) {
	log := newJournal()
	addr := start(t, &serve.Server{Service: serve.Exec(log.log(), filepath.Join(t.TempDir(), "nothing")), Log: log.log()})
	for range 2 {
		c := dial(t, addr)
		hearEnd(t, c)
		c.Close()
	}
	eventually(t, "both are logged", func() bool { return len(log.find(event{"msg": "closed", "how": "service failed"})) == 2 })
}

func TestProcessOfDatagramsIsASession(t *testing.T) {
	needShell(t)
	server := &serve.Server{Service: serve.Exec(nil, "cat"), Limits: serve.Limits{Session: time.Second}}
	c := dialUDP(t, startPacket(t, server, "127.0.0.1:0").String())
	for _, text := range []string{"one", "two"} {
		say(t, c, text)
		hearDatagram(t, c, text)
	}
	if server.Open() != 1 {
		t.Errorf("%d sessions", server.Open())
	}
	eventually(t, "the session has ended", func() bool { return server.Open() == 0 })
	say(t, c, "a new one")
	hearDatagram(t, c, "a new one")
}

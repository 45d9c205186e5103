package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"

	"dialtone/link/netns"

	"github.com/creack/pty"
)

// observer sits before dialtone watch in a network namespace of its own.
type observer struct {
	*person
	ns            netns.Namespace
	width, height int
	from          int // what was written before has another size
}

// observe starts dialtone watch with args.
func observe(t *testing.T, args ...string) *observer {
	t.Helper()
	name := fmt.Sprintf("watch-%d", os.Getpid())
	if out, err := exec.Command("ip", "netns", "add", name).CombinedOutput(); err != nil {
		t.Skipf("a network namespace needs root: %v %s", err, out)
	}
	t.Cleanup(func() { _ = exec.Command("ip", "netns", "del", name).Run() })
	if out, err := exec.Command("ip", "-n", name, "link", "set", "lo", "up").CombinedOutput(); err != nil {
		t.Fatalf("%v %s", err, out)
	}
	self := dialtone(t)
	cmd := exec.Command("ip", append([]string{"netns", "exec", name, "bash", "-c", `exec -a dialtone "$0" watch "$@"`, self.Path}, args...)...)
	cmd.Env = append(self.Env, "TERM=vt100", "LC_ALL=C.UTF-8", "GORACE="+raceOptions)
	return &observer{sitAt(t, cmd, &syscall.SysProcAttr{Setsid: true, Setctty: true}), netns.Named(name), 80, 24, 0}
}

// screen is what the observer sees.
func (o *observer) screen() string { return screenAfter(o.raw()[o.from:], o.width, o.height) }

// sees waits until texts, regular expressions, are on the screen.
func (o *observer) sees(texts ...string) {
	o.t.Helper()
	for _, text := range texts {
		want := regexp.MustCompile(text)
		found, drawn := false, -1
		for range 2000 {
			if n := len(o.raw()); n != drawn {
				if found, drawn = want.MatchString(o.screen()), n; found {
					break
				}
			}
			time.Sleep(10 * time.Millisecond)
		}
		if !found {
			o.t.Fatalf("%s never came to the screen:\n%s", text, o.screen())
		}
	}
}

// rests waits until nothing more is drawn.
func (o *observer) rests() {
	for n := -1; n != len(o.raw()); time.Sleep(300 * time.Millisecond) {
		n = len(o.raw())
	}
}

// resize makes the terminal another size; what is drawn from then on is for that.
func (o *observer) resize(width, height int) {
	o.t.Helper()
	o.from, o.width, o.height = len(o.raw()), width, height
	if err := pty.Setsize(o.tty, &pty.Winsize{Rows: uint16(height), Cols: uint16(width)}); err != nil {
		o.t.Fatal(err)
	}
}

// TestWatchOnATerminal: somebody watches a connection of real sockets come, talk and go.
func TestWatchOnATerminal(t *testing.T) {
	o := observe(t)
	server, err := o.ns.Listen(context.Background(), "tcp", "127.0.0.1:8731")
	if err != nil {
		t.Fatal(err)
	}
	defer server.Close()
	o.sees("changes by", "LISTEN +127.0.0.1:8731", "1 socket:  LISTEN 1", "Enter open")

	client, err := o.ns.DialContext(context.Background(), "tcp", "127.0.0.1:8731")
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	accepted, err := server.Accept()
	if err != nil {
		t.Fatal(err)
	}
	defer accepted.Close()
	o.sees(`\* *(tcp *)?ESTABLISHED +127.0.0.1:8731 +127`, "ESTABLISHED 2")

	o.types("/local port 87x")
	o.sees("87x: expected a port", "filter: local port 87x")
	o.types("\x7f31 and state established\r")
	o.sees("1 of 3 sockets:  ESTABLISHED 1", "dialtone watch  local port 8731")
	o.types("\r")
	o.sees("tcp 127.0.0.1:8731 → 127.0.0.1:", "window +(TCP_INFO|tcp_probe)", "cwnd .* kB", "[0-9]+ more lines beneath")
	o.types("t")
	o.sees("from now on")
	if _, err := io.WriteString(client, "good morning\n"); err != nil {
		t.Fatal(err)
	}
	o.sees(`"good morning\\n"`)
	o.types("\x1b")
	o.sees("window")

	o.resize(60, 20)
	o.sees("tcp 127.0.0.1:8731 → 127.0.0.1:", "srtt")
	if _, err := io.ReadFull(accepted, make([]byte, len("good morning\n"))); err != nil {
		t.Fatal(err) // what is unread would make the end an RST
	}
	accepted.Close()
	o.sees("FIN_WAIT_2")
	client.Close()
	o.sees("TIME_WAIT for")
	o.types("\x1b")
	o.sees("no socket matches the filter", "0 of ")
	o.types("q")
	o.leaves(0)
	if !strings.Contains(o.raw(), "\x1b[?1049l") {
		t.Error("the terminal was not given back")
	}
}

// TestWatchOnATerminalThatBecomesWider leaves nothing on it of what stood there before.
func TestWatchOnATerminalThatBecomesWider(t *testing.T) {
	o := observe(t)
	server, err := o.ns.Listen(context.Background(), "tcp", "127.0.0.1:8731")
	if err != nil {
		t.Fatal(err)
	}
	defer server.Close()
	client, err := o.ns.DialContext(context.Background(), "tcp", "127.0.0.1:8731")
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	o.sees("ESTABLISHED 2")
	o.types("j")
	o.resize(160, 50)
	o.types("\r")
	o.sees("cwnd [0-9]", "transitions")
	cleared := func() int { return strings.Count(o.raw()[o.from:], "\x1b[2J") }
	for range 2000 {
		if cleared() >= 3 {
			break // for the size, and what is drawn anew after it
		}
		time.Sleep(10 * time.Millisecond)
	}
	o.types(" ")
	o.sees("PAUSED")
	o.rests()
	_, before, _ := strings.Cut(o.screen(), "\n")
	o.types("\x0c") // draws everything anew
	for range 1000 {
		if _, after, _ := strings.Cut(o.screen(), "\n"); after == before && cleared() >= 4 {
			return
		}
		time.Sleep(10 * time.Millisecond)
	}
	t.Errorf("the screen was\n%s\nand is\n%s", before, o.screen())
}

// TestWatchEndsWithASignal, and gives the terminal back.
func TestWatchEndsWithASignal(t *testing.T) {
	o := observe(t)
	o.sees("Enter open")
	if err := o.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	o.leaves(0)
	for _, sequence := range []string{"\x1b[?1049l", "\x1b[?25h"} {
		if !strings.Contains(o.raw(), sequence) {
			t.Errorf("%q was not written", sequence)
		}
	}
}

// TestWatchWithoutATerminalItCanDrawOn prints the table once.
func TestWatchWithoutATerminalItCanDrawOn(t *testing.T) {
	for name, cmd := range map[string]*exec.Cmd{"TERM=dumb": dialtone(t, "watch", "port", "1"), "--once": dialtone(t, "watch", "--once", "port", "1"), "--width": dialtone(t, "watch", "--width", "60", "port", "1")} {
		if name == "TERM=dumb" {
			cmd.Env = append(cmd.Env, name)
		}
		p := sitAt(t, cmd, &syscall.SysProcAttr{Setsid: true, Setctty: true})
		p.leaves(0)
		if strings.Contains(p.raw(), "\x1b") || !strings.Contains(p.raw(), "no socket matches the filter port 1") {
			t.Errorf("%s: %q", name, p.raw())
		}
	}
}

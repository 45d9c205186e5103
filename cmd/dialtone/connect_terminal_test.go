//go:build unix

package main

import (
	"bytes"
	"errors"
	"io"
	"net"
	"net/http/httptest"
	"os"
	"os/exec"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/creack/pty"
	"golang.org/x/sys/unix"
)

// person sits at a terminal with dialtone connect on it.
type person struct {
	t    *testing.T
	cmd  *exec.Cmd
	tty  *os.File // the keyboard and the screen
	done chan struct{}

	mu  sync.Mutex
	saw bytes.Buffer // everything that came to the screen
}

// sit starts dialtone with args on a terminal of 80 columns.
func sit(t *testing.T, args ...string) *person {
	t.Helper()
	return sitAt(t, dialtone(t, args...), &syscall.SysProcAttr{Setsid: true, Setctty: true})
}

// sitAt starts cmd with attr on a terminal, as far as cmd's files are not set.
func sitAt(t *testing.T, cmd *exec.Cmd, attr *syscall.SysProcAttr) *person {
	t.Helper()
	p := &person{t: t, cmd: cmd, done: make(chan struct{})}
	var err error
	if p.tty, err = pty.StartWithAttrs(p.cmd, &pty.Winsize{Rows: 24, Cols: 80}, attr); err != nil {
		t.Fatal(err)
	}
	go p.look()
	t.Cleanup(func() { p.cmd.Process.Kill(); p.tty.Close(); <-p.done })
	return p
}

// dialtone makes the test binary the real command (see TestMain).
func dialtone(t *testing.T, args ...string) *exec.Cmd {
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(self)
	cmd.Args = append([]string{"dialtone"}, args...)
	cmd.Env = append(os.Environ(), "TERM=xterm", "NO_COLOR=")
	return cmd
}

func (p *person) look() {
	defer close(p.done)
	buf := make([]byte, 4096)
	for {
		n, err := p.tty.Read(buf)
		p.mu.Lock()
		p.saw.Write(buf[:n])
		p.mu.Unlock()
		if err != nil {
			return
		}
	}
}

// raw returns all bytes that came to the screen.
func (p *person) raw() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.saw.String()
}

// screen returns what a person sees.
func (p *person) screen() string { return screenOf(p.raw()) }

// screenOf returns the lines as they stand after the cursor movements that the
// line editor and the view of a transfer use, without colours.
func screenOf(rest string) string {
	lines, x, y := [][]rune{nil}, 0, 0
	sequence := regexp.MustCompile(`^\x1b\[([\d;]*)([A-Za-z])`)
	for rest != "" {
		if m := sequence.FindStringSubmatch(rest); m != nil {
			n, _ := strconv.Atoi(m[1])
			switch m[2] {
			case "A":
				y -= max(n, 1)
			case "B":
				y += max(n, 1)
			case "C":
				x += max(n, 1)
			case "D":
				x -= max(n, 1)
			case "K":
				lines[y] = lines[y][:min(x, len(lines[y]))]
			case "J":
				lines = lines[:y+1]
				lines[y] = lines[y][:min(x, len(lines[y]))]
			}
			rest = rest[len(m[0]):]
			continue
		}
		r, size := utf8.DecodeRuneInString(rest)
		rest = rest[size:]
		switch r {
		case '\r':
			x = 0
		case '\n':
			if y++; y == len(lines) {
				lines = append(lines, nil)
			}
		default:
			for len(lines[y]) <= x {
				lines[y] = append(lines[y], ' ')
			}
			lines[y][x] = r
			x++
		}
	}
	var text []string
	for _, l := range lines {
		text = append(text, string(l))
	}
	return strings.Join(text, "\n")
}

func (p *person) types(keys string) { io.WriteString(p.tty, keys) }

// sees waits until text has come to the screen.
func (p *person) sees(text string) {
	p.t.Helper()
	for range 2000 {
		if strings.Contains(p.screen(), text) {
			return
		}
		time.Sleep(5 * time.Millisecond)
	}
	p.t.Fatalf("%q did not come to the screen:\n%q", text, p.screen())
}

// leaves waits for the end and checks the exit code, and that the terminal is
// as it was: it echoes and has lines.
func (p *person) leaves(code int) {
	p.t.Helper()
	late := time.AfterFunc(30*time.Second, func() { p.cmd.Process.Kill() })
	defer late.Stop()
	p.cmd.Wait()
	<-p.done // the screen has shown everything
	if got := p.cmd.ProcessState.ExitCode(); got != code {
		p.t.Errorf("exit code %d, want %d\n%q", got, code, p.screen())
	}
	now, err := unix.IoctlGetTermios(int(p.tty.Fd()), getTermios)
	if err != nil {
		p.t.Fatal(err)
	}
	if now.Lflag&unix.ECHO == 0 || now.Lflag&unix.ICANON == 0 || now.Cc[unix.VQUIT] == 0 {
		p.t.Error("the terminal was left raw")
	}
}

// serveOne serves one connection of a classic server.
func serveOne(t *testing.T, serve func(net.Conn)) (addr string) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		if c, err := l.Accept(); err == nil {
			serve(c)
			c.Close()
		}
	}()
	t.Cleanup(func() { l.Close(); <-done })
	return l.Addr().String()
}

func TestTerminalConversation(t *testing.T) {
	p := sit(t, "connect", serveOne(t, classicServers["exit"]))
	p.sees("Ctrl-D ends the input, Ctrl-C leaves")
	p.sees("> ")
	p.types("hellp\x7fo\r") // a slip of the finger, corrected
	p.sees("> hello\nhello\n> ")
	p.types("\x1b[A\r") // the last line again
	p.sees("> hello\nhello\n> hello\nhello\n> ")
	p.types("exit\r")
	p.sees("the server closed the conversation")
	p.leaves(0)
}

func TestTerminalEndOfInput(t *testing.T) {
	p := sit(t, "connect", serveOne(t, classicServers["after-eof"]))
	p.sees("> ")
	p.types("one\r\x04")
	p.leaves(0)
	if s := p.screen(); !strings.HasSuffix(s, "\n> one\none\n") {
		t.Errorf("screen %q", s)
	}
}

// What comes while a line is typed appears above it, and the line is drawn again.
func TestTerminalLineIsNotTorn(t *testing.T) {
	now := make(chan struct{})
	p := sit(t, "connect", serveOne(t, func(c net.Conn) {
		<-now
		io.WriteString(c, "news: ")
		io.WriteString(c, "rain\nlogin:")
		io.Copy(io.Discard, c)
	}))
	p.sees("> ")
	p.types("half a li")
	p.sees("half a li")
	close(now)
	p.sees("news: rain\n> half a li")
	p.sees("rain\nlogin:\n> half a li") // without a line feed, after a moment
	p.types("ne\r\x04")
	p.leaves(0)
	if s := p.screen(); !strings.HasSuffix(s, "\nnews: rain\nlogin:\n> half a line\n") {
		t.Errorf("screen %q", s)
	}
}

func TestTerminalShowsNothingRaw(t *testing.T) {
	p := sit(t, "connect", serveOne(t, classicServers["hostile"]))
	p.leaves(0)
	want := `a\x1b[2J\x1b]0;title\ab\rc\x00\u202ed\u009bm`
	if s := p.raw(); !strings.Contains(s, want) || strings.ContainsAny(s, "\x07\x00\u202e\u009b") || strings.Contains(s, "\x1b[2J") {
		t.Errorf("screen %q", s)
	}
}

func TestTerminalInterrupt(t *testing.T) {
	for name, before := range map[string]string{"while typing": "half", "after the end of input": "half\r\x04"} {
		t.Run(name, func(t *testing.T) {
			release := make(chan struct{})
			p := sit(t, "connect", serveOne(t, func(net.Conn) { <-release }))
			defer close(release)
			p.sees("> ")
			p.types(before)
			p.sees("half")
			p.types("\x03")
			p.leaves(exitInterrupted)
		})
	}
}

func TestTerminalIsRestoredAfterATermination(t *testing.T) {
	p := sit(t, "connect", serveOne(t, classicServers["silent"]))
	p.sees("> ")
	p.cmd.Process.Signal(syscall.SIGTERM)
	p.leaves(exitFailed)
	if s := p.screen(); !strings.Contains(s, "error: stopped by the signal") {
		t.Errorf("screen %q", s)
	}
}

func TestTerminalFollowsTheWindow(t *testing.T) {
	p := sit(t, "connect", serveOne(t, classicServers["silent"]))
	p.sees("> ")
	if err := pty.Setsize(p.tty, &pty.Winsize{Rows: 24, Cols: 20}); err != nil {
		t.Fatal(err)
	}
	// The line editor breaks a line itself, after what fits beside the prompt.
	p.types(strings.Repeat("x", 18) + "yz")
	p.sees(strings.Repeat("x", 18) + "\nyz")
	p.types("\x03")
	p.leaves(exitInterrupted)
}

func TestTerminalDatagramsAreLines(t *testing.T) {
	pc, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		buf := make([]byte, 100)
		for {
			n, peer, err := pc.ReadFrom(buf)
			if err != nil {
				return
			}
			pc.WriteTo(append([]byte("1:"), buf[:n]...), peer)
			pc.WriteTo([]byte("2"), peer)
		}
	}()
	defer func() { pc.Close(); <-done }()
	p := sit(t, "connect", "udp://"+pc.LocalAddr().String(), "--wait", "300ms")
	p.sees("> ")
	p.types("hi\r")
	p.sees("> hi\n1:hi\n2\n> ")
	p.types("\x04")
	p.leaves(0)
}

// What --json and --hex show goes above the line being typed, too.
func TestTerminalEvents(t *testing.T) {
	p := sit(t, "connect", serveOne(t, classicServers["exit"]), "--json", "--hex")
	p.sees(`"event":"connected"`)
	p.types("hi\r")
	p.sees(`"event":"received","bytes":3,"text":"hi\n"}`)
	p.sees("|hi.|\n> ")
	if s := p.screen(); strings.Contains(s, "\nhi\n") {
		t.Errorf("the answer itself is on the screen: %q", s)
	}
	p.types("\x03")
	p.leaves(exitInterrupted)
}

// A terminal that only shows: standard input is a pipe.
func TestTerminalAsOutputOnly(t *testing.T) {
	cmd := dialtone(t, "connect", serveOne(t, func(c net.Conn) {
		io.WriteString(c, "a\x1b[2Jb")
		c.(*net.TCPConn).CloseWrite()
		io.Copy(io.Discard, c)
	}))
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	defer in.Close()
	p := sitAt(t, cmd, nil)
	p.leaves(0)
	if got, want := p.screen(), "a\\x1b[2Jb\nthe server closed the conversation\n"; got != want {
		t.Errorf("screen %q, want %q", got, want)
	}
}

func TestTerminalWarnsInRed(t *testing.T) {
	server := httptest.NewTLSServer(nil)
	defer server.Close()
	p := sit(t, "connect", "tls://"+server.Listener.Addr().String(), "--insecure")
	p.sees("\nTLS 1.3, certificate of O=Acme Co, SHA-256 ")
	p.types("\x03")
	p.leaves(exitInterrupted)
	if s := p.raw(); !strings.Contains(s, "\x1b[31mwarning: --insecure: the server is not verified, anybody") {
		t.Errorf("screen %q", s)
	}
}

// TestInterruptOnPipes: the exit code of a shell's Ctrl-C, whatever is stuck.
func TestInterruptOnPipes(t *testing.T) {
	for name, serve := range map[string]func(net.Conn){
		"idle":               classicServers["silent"],
		"nobody reads ours":  func(c net.Conn) { io.Copy(c, zeroReader{}) },
		"server reads never": func(c net.Conn) { c.Write([]byte("x")); time.Sleep(2 * time.Second) },
	} {
		t.Run(name, func(t *testing.T) {
			cmd := dialtone(t, "connect", serveOne(t, serve), "--hex")
			in, err := cmd.StdinPipe()
			if err != nil {
				t.Fatal(err)
			}
			if _, err := cmd.StdoutPipe(); err != nil { // which nobody reads
				t.Fatal(err)
			}
			log, err := cmd.StderrPipe()
			if err != nil {
				t.Fatal(err)
			}
			if err := cmd.Start(); err != nil {
				t.Fatal(err)
			}
			go io.Copy(in, zeroReader{})
			if _, err := io.ReadFull(log, make([]byte, 100)); err != nil { // it talks
				t.Fatal(err)
			}
			cmd.Process.Signal(os.Interrupt)
			go io.Copy(io.Discard, log)
			var exit *exec.ExitError
			if err := cmd.Wait(); !errors.As(err, &exit) || exit.ExitCode() != exitInterrupted {
				t.Errorf("%v, want exit code %d", err, exitInterrupted)
			}
		})
	}
}

func TestInterruptWhileConnecting(t *testing.T) {
	accepted := make(chan struct{})
	addr := serveOne(t, func(c net.Conn) { close(accepted); io.Copy(io.Discard, c) })
	cmd := dialtone(t, "connect", "tls://"+addr)
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	<-accepted
	cmd.Process.Signal(os.Interrupt)
	if cmd.Wait(); cmd.ProcessState.ExitCode() != exitInterrupted {
		t.Errorf("%v, want exit code %d", cmd.ProcessState, exitInterrupted)
	}
}

type zeroReader struct{}

func (zeroReader) Read(p []byte) (int, error) { return len(p), nil }

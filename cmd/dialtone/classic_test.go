package main

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"net"
	"os/exec"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// The classic clients, as beginners write them with nothing but package net,
// against the real command. They know nothing of Dialtone.

// startRealServe runs dialtone serve as a process of its own, and returns the
// host:port of each of its n addresses. The test's end stops it; it must end well.
func startRealServe(t *testing.T, n int, args ...string) (addrs []string) {
	t.Helper()
	cmd := exec.Command("dialtone", append([]string{"serve"}, args...)...)
	cmd.Env = append(cmd.Environ(), "GORACE="+raceOptions)
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		cmd.Process.Signal(syscall.SIGTERM)
		if err := cmd.Wait(); err != nil || t.Failed() {
			t.Errorf("dialtone serve: %v\n%s", err, &stderr)
		}
	})
	for lines := bufio.NewScanner(stdout); len(addrs) < n; {
		if !lines.Scan() {
			t.Fatalf("listens on %q only", addrs)
		}
		_, addr, _ := strings.Cut(lines.Text(), "://")
		addrs = append(addrs, addr)
	}
	return addrs
}

// dialReal connects, and gives up when the test has waited for far too long.
func dialReal(t *testing.T, network, addr string) net.Conn {
	t.Helper()
	c, err := net.Dial(network, addr)
	if err != nil {
		t.Fatal(err)
	}
	c.SetDeadline(time.Now().Add(patience))
	t.Cleanup(func() { c.Close() })
	return c
}

// tickInterval is a second in the classic client; its test has less time.
var tickInterval = 20 * time.Millisecond

// tickingClient says hello every tickInterval and prints up to 4096 bytes of
// what comes back.
func tickingClient(conn net.Conn, times int, print io.Writer) error {
	for range times {
		if _, err := conn.Write([]byte("hello socket")); err != nil {
			return err
		}
		buf := make([]byte, 4096)
		n, err := conn.Read(buf)
		if err != nil {
			return err
		}
		fmt.Fprintf(print, "server: %s\n", buf[:n])
		time.Sleep(tickInterval)
	}
	return nil
}

func TestClassicTickingClient(t *testing.T) {
	for service, want := range map[string]string{"upper": "HELLO SOCKET", "echo": "hello socket", "reply": "This is Server"} {
		t.Run(service, func(t *testing.T) {
			addr := startRealServe(t, 1, "127.0.0.1:0", "--service", service)[0]
			var printed strings.Builder
			if err := tickingClient(dialReal(t, "tcp", addr), 3, &printed); err != nil {
				t.Fatal(err)
			}
			if want := strings.Repeat("server: "+want+"\n", 3); printed.String() != want {
				t.Errorf("printed %q, want %q", &printed, want)
			}
		})
	}
}

// keyboardClient sends what is typed, line by line, and prints what comes at
// the same time. It returns when the server has closed.
func keyboardClient(conn net.Conn, keyboard io.Reader, screen io.Writer) {
	go func() {
		in := bufio.NewReader(keyboard)
		for {
			line, err := in.ReadString('\n')
			if err != nil {
				return
			}
			conn.Write([]byte(line))
		}
	}()
	buf := make([]byte, 4096)
	for {
		n, err := conn.Read(buf)
		if err != nil {
			return
		}
		screen.Write(buf[:n])
	}
}

func TestClassicKeyboardClient(t *testing.T) {
	addr := startRealServe(t, 1, "127.0.0.1:0")[0]
	keyboard, typist := io.Pipe()
	defer typist.Close()
	shown, screen := io.Pipe()
	var client sync.WaitGroup
	client.Go(func() {
		keyboardClient(dialReal(t, "tcp", addr), keyboard, screen)
		screen.Close()
	})
	lines := bufio.NewReader(shown)
	for _, text := range []string{"hello", "exit now", "grün"} { // typed when the last is answered
		fmt.Fprintln(typist, text)
		if got, err := lines.ReadString('\n'); got != strings.ToUpper(text)+"\n" {
			t.Fatalf("typed %q, shown %q, %v", text, got, err)
		}
	}
	fmt.Fprintln(typist, "exit") // the server closes, which ends the client
	if rest, err := io.ReadAll(lines); len(rest) > 0 || err != nil {
		t.Errorf("shown after exit: %q, %v", rest, err)
	}
	client.Wait()
}

// TestClassicLineClient ends its lines with CR LF, and the conversation with exit.
func TestClassicLineClient(t *testing.T) {
	conn := dialReal(t, "tcp", startRealServe(t, 1, "127.0.0.1:0")[0])
	in := bufio.NewReader(conn)
	for _, line := range []string{"hello", "how are you?"} {
		fmt.Fprintf(conn, "%s\r\n", line)
		if got, err := in.ReadString('\n'); got != strings.ToUpper(line)+"\r\n" {
			t.Fatalf("sent %q, read %q, %v", line, got, err)
		}
	}
	fmt.Fprint(conn, "exit\r\n")
	if rest, err := io.ReadAll(in); len(rest) > 0 || err != nil {
		t.Errorf("after exit: %q, %v; want the end alone", rest, err)
	}
}

// TestClassicNetcatLines sends lines with LF, all at once, then the end of its
// input, and reads to the end, as nc does.
func TestClassicNetcatLines(t *testing.T) {
	conn := dialReal(t, "tcp", startRealServe(t, 1, "127.0.0.1:0")[0])
	fmt.Fprint(conn, "one\ntwo\nthree without its end")
	if err := conn.(*net.TCPConn).CloseWrite(); err != nil {
		t.Fatal(err)
	}
	got, err := io.ReadAll(conn)
	if err != nil || string(got) != "ONE\nTWO\nTHREE WITHOUT ITS END" {
		t.Errorf("read %q, %v", got, err)
	}
}

func TestClassicUDPClient(t *testing.T) {
	addrs := startRealServe(t, 2, "127.0.0.1:0", "udp://127.0.0.1:0")
	conn := dialReal(t, "udp", addrs[1])
	buf := make([]byte, 65535)
	for _, text := range []string{"hello socket", "hello again\n", strings.Repeat("large ", 10000)} {
		if _, err := conn.Write([]byte(text)); err != nil {
			t.Fatal(err)
		}
		n, err := conn.Read(buf)
		if err != nil || string(buf[:n]) != strings.ToUpper(text) {
			t.Errorf("sent %.20q, read %.20q of %d bytes, %v", text, buf[:n], n, err)
		}
	}
	var printed strings.Builder
	if err := tickingClient(conn, 3, &printed); err != nil {
		t.Fatal(err)
	}
	if want := strings.Repeat("server: HELLO SOCKET\n", 3); printed.String() != want {
		t.Errorf("printed %q, want %q", &printed, want)
	}
}

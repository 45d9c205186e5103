//go:build linux

package main

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"os/signal"
	"strconv"
	"strings"
	"syscall"
	"time"

	"dialtone/bench/report"
	"dialtone/observe/sockets"
)

// work is what this program does in a process of its own.
func work(kind, arg string) error {
	n, _ := strconv.Atoi(arg)
	switch kind {
	case "hold":
		return holdOpen(n)
	case "read":
		return readAgain(arg)
	case "churn":
		return makeConnections(n)
	case "count":
		return countChanges()
	}
	return fmt.Errorf("no worker of kind %q", kind)
}

// holdOpen makes connections with itself and keeps them until its input ends.
func holdOpen(connections int) error {
	l, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		return err
	}
	var open []net.Conn
	for range connections {
		c, err := net.Dial("tcp4", l.Addr().String())
		if err != nil {
			return err
		}
		s, err := l.Accept()
		if err != nil {
			return err
		}
		open = append(open, c, s)
	}
	l.Close()
	fmt.Println("ready")
	_, err = io.Copy(io.Discard, os.Stdin)
	for _, c := range open { // without TIME_WAIT
		c.(*net.TCPConn).SetLinger(0)
		c.Close()
	}
	return err
}

// readAgain prints what one more reading took after a few.
func readAgain(what string) error {
	t, err := sockets.Open(sockets.Config{})
	if err != nil {
		return err
	}
	defer t.Close()
	q := sockets.Query{Networks: []string{"tcp"}, Info: what == "info", Owners: what == "owners"}
	for range 3 {
		if _, err := t.Read(q); err != nil {
			return err
		}
	}
	began, used := time.Now(), processor()
	if _, err := t.Read(q); err != nil {
		return err
	}
	_, err = fmt.Println(int64(time.Since(began)), int64(processor()-used))
	return err
}

// processor is the time that this process used.
func processor() time.Duration {
	var r syscall.Rusage
	if syscall.Getrusage(syscall.RUSAGE_SELF, &r) != nil {
		return 0
	}
	return time.Duration(r.Utime.Nano() + r.Stime.Nano())
}

// makeConnections makes connections one after the other and aborts each.
func makeConnections(n int) error {
	l, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		return err
	}
	defer l.Close()
	one := make([]byte, 1)
	began := time.Now()
	for range n {
		c, err := net.Dial("tcp4", l.Addr().String())
		if err != nil {
			return err
		}
		s, err := l.Accept()
		if err != nil {
			return err
		}
		c.(*net.TCPConn).SetLinger(0)
		c.Close()
		s.Read(one) // the RST
		s.Close()
	}
	fmt.Println(int64(time.Since(began)))
	return nil
}

// countChanges counts what the best source tells until it is interrupted.
func countChanges() error {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	n, ready := 0, false
	w, err := sockets.Watch(sockets.WatchConfig{
		Tell: func(sockets.Transition) { n++ },
		Looked: func(time.Time, []*sockets.Socket) error {
			if !ready {
				ready = true
				fmt.Println("ready")
			}
			return nil
		},
	})
	if err != nil {
		return err
	}
	defer w.Close()
	began := time.Now()
	if err := w.Run(ctx); err != nil {
		return err
	}
	fmt.Println(n, w.Lost(), int64(processor()), int64(time.Since(began)), w.Sight().Name)
	return nil
}

// changes is the table of changes that were counted while connections were made.
func (p *plan) changes() (string, error) {
	counter := exec.Command(p.self, "-worker", "count")
	out, err := counter.StdoutPipe()
	if err != nil {
		return "", err
	}
	if err := counter.Start(); err != nil {
		return "", err
	}
	lines := bufio.NewReader(out)
	if _, err := lines.ReadString('\n'); err != nil {
		return "", fmt.Errorf("count changes: %w", counter.Wait())
	}
	made, err := exec.Command(p.self, "-worker", "churn", strconv.Itoa(p.churn)).Output()
	if err != nil {
		return "", err
	}
	time.Sleep(500 * time.Millisecond)
	_ = counter.Process.Signal(os.Interrupt)
	text, _ := lines.ReadString('\n')
	if err := counter.Wait(); err != nil {
		return "", err
	}
	var seen, lost int
	var used, watched, took time.Duration
	if _, err := fmt.Sscan(text, &seen, &lost, &used, &watched); err != nil {
		return "", fmt.Errorf("count changes: %q: %w", text, err)
	}
	if _, err := fmt.Sscan(string(made), &took); err != nil {
		return "", err
	}
	source := strings.Join(strings.Fields(text)[4:], " ")
	want := 6*p.churn + 2 // three of each end, two of the listener
	verdict := fmt.Sprintf("missed: %s of %s", report.Thousands(seen), report.Thousands(want))
	if seen == want && lost == 0 {
		verdict = "met: every one"
	}
	return fmt.Sprintf("### Changes of state while connections come and go (source: %s)\n\n%s\n%s\n", source, report.Grid([][]string{
		{"connections/s", "changes", "counted", "lost", "CPU µs a change"},
		{
			report.Thousands(int(float64(p.churn) / took.Seconds())), report.Thousands(want), report.Thousands(seen), report.Thousands(lost),
			report.Digits(float64(used.Microseconds()) / float64(max(1, seen))),
		},
	}), report.Grid([][]string{{"target", "reached"}, {"the exact count, none lost", verdict}})), nil
}

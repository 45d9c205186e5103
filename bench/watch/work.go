//go:build linux

package main

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/netip"
	"os"
	"os/signal"
	"strconv"
	"syscall"
	"time"

	"dialtone/observe/sockets"
)

// work is what this program does in a process of its own.
func work(kind, arg, more string) error {
	n, _ := strconv.Atoi(arg)
	switch kind {
	case "hold":
		return holdOpen(n)
	case "read":
		return readAgain(arg)
	case "churn":
		return makeConnections(n)
	case "count":
		return countChanges(arg, more)
	}
	return fmt.Errorf("no worker of kind %q", kind)
}

// holdOpen makes connections with itself and keeps them until its input ends. They send no
// probes: those of thousands at once would have no room on the loopback device.
func holdOpen(connections int) error {
	quiet := net.ListenConfig{KeepAlive: -1}
	l, err := quiet.Listen(context.Background(), "tcp4", "127.0.0.1:0")
	if err != nil {
		return err
	}
	var open []net.Conn
	for range connections {
		c, err := (&net.Dialer{KeepAlive: -1}).Dial("tcp4", l.Addr().String())
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

// readAgain prints what one more reading took after a few: the mean of eight, as each time
// an eighth of the processes is looked at anew.
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
	const turns = 8
	began, used := time.Now(), processor()
	for range turns {
		if _, err := t.Read(q); err != nil {
			return err
		}
	}
	_, err = fmt.Println(int64(time.Since(began)/turns), int64((processor()-used)/turns))
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

// countChanges counts what a source tells until it is interrupted.
func countChanges(source, tracefs string) error {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	n, ready := 0, false
	w, err := sockets.Watch(sockets.WatchConfig{
		Source: source, Tracefs: tracefs,
		Tell: func(t sockets.Transition) {
			if at := netip.AddrFrom4(churnAddr); t.Local.Addr() == at || t.Remote.Addr() == at {
				n++
			}
		},
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
	if err := w.Run(ctx); err != nil {
		return err
	}
	fmt.Println(n, w.Lost(), int64(processor()))
	return nil
}

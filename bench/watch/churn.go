//go:build linux

package main

import (
	"bufio"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"time"

	"dialtone/bench/report"
	"dialtone/observe/sockets"

	"golang.org/x/sys/unix"
)

// churnAddr is nobody else's: some sources see the connections of other namespaces, too.
var churnAddr = [4]byte{127, 77, 0, 1}

// makeConnections makes connections one after the other and aborts each. It calls the
// kernel itself: package net would take half of the time.
func makeConnections(n int) error {
	listener, err := unix.Socket(unix.AF_INET, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return err
	}
	defer unix.Close(listener)
	if err := unix.Bind(listener, &unix.SockaddrInet4{Addr: churnAddr}); err != nil {
		return err
	}
	if err := unix.Listen(listener, 16); err != nil {
		return err
	}
	at, err := unix.Getsockname(listener)
	if err != nil {
		return err
	}
	began := time.Now()
	for range n {
		if err := makeConnection(listener, at); err != nil {
			return err
		}
	}
	_, err = fmt.Println(int64(time.Since(began)))
	return err
}

func makeConnection(listener int, at unix.Sockaddr) error {
	c, err := unix.Socket(unix.AF_INET, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return err
	}
	if err := unix.Connect(c, at); err != nil {
		return err
	}
	var one [1]byte
	s, _, err := unix.Accept4(listener, unix.SOCK_CLOEXEC)
	if err != nil {
		return err
	}
	if err := unix.SetsockoptLinger(c, unix.SOL_SOCKET, unix.SO_LINGER, &unix.Linger{Onoff: 1}); err != nil {
		return err
	}
	unix.Close(c)
	if _, err := unix.Read(s, one[:]); err != unix.ECONNRESET {
		return fmt.Errorf("read: %w, not a reset", err)
	}
	return unix.Close(s)
}

// changes is the table of changes that were counted while processes made connections.
func (p *plan) changes() (string, error) {
	tracefs, err := mountTracefs()
	defer func() {
		if tracefs != "" {
			_ = unix.Unmount(tracefs, 0)
			_ = os.Remove(tracefs)
		}
	}()
	p.say("tracefs: %q, %v", tracefs, err)
	lines := [][]string{{"source", "processes", "connections/s", "changes", "counted", "lost", "CPU µs a change"}}
	var goals [][]string
	for _, source := range []string{sockets.RawTracepoint, sockets.Tracepoint} {
		for churners := 1; churners <= 2; churners++ {
			c, err := p.count(source, tracefs, churners)
			if err != nil {
				lines = append(lines, []string{source, strconv.Itoa(churners), "not available: " + err.Error(), "", "", "", ""})
				continue
			}
			lines = append(lines, []string{
				source, strconv.Itoa(churners), report.Thousands(int(c.rate)), report.Thousands(c.made), report.Thousands(c.seen), report.Thousands(c.lost),
				report.Digits(float64(c.used.Microseconds()) / float64(max(1, c.seen))),
			})
			if churners == 1 {
				goals = append(goals, []string{source + ": the exact count at 20,000 connections/s or more, none lost", c.verdict()})
			}
		}
	}
	goals = append([][]string{{"target", "reached"}}, goals...)
	return fmt.Sprintf("### Changes of state while connections come and go\n\n%s\n%s\n", report.Grid(lines), report.Grid(goals)), nil
}

// mountTracefs mounts tracefs in a folder of its own.
func mountTracefs() (string, error) {
	dir, err := os.MkdirTemp("", "watch-tracefs")
	if err != nil {
		return "", err
	}
	if err := unix.Mount("tracefs", dir, "tracefs", unix.MS_RDONLY, ""); err != nil {
		return "", errors.Join(err, os.Remove(dir))
	}
	return dir, nil
}

// counted is what one source told of one churn.
type counted struct {
	rate             float64 // connections a second
	made, seen, lost int     // changes
	used             time.Duration
}

func (c counted) verdict() string {
	switch {
	case c.seen != c.made || c.lost != 0:
		return fmt.Sprintf("missed: %s of %s", report.Thousands(c.seen), report.Thousands(c.made))
	case c.rate < 20_000:
		return fmt.Sprintf("missed: every one, at %s/s", report.Thousands(int(c.rate)))
	}
	return fmt.Sprintf("met: every one, at %s/s", report.Thousands(int(c.rate)))
}

// count lets one process count what others make.
func (p *plan) count(source, tracefs string, churners int) (c counted, err error) {
	counter := exec.Command(p.self, "-worker", "count", source, tracefs)
	out, err := counter.StdoutPipe()
	if err != nil {
		return c, err
	}
	var complaint strings.Builder
	counter.Stderr = &complaint
	if err := counter.Start(); err != nil {
		return c, err
	}
	lines := bufio.NewReader(out)
	if _, err := lines.ReadString('\n'); err != nil {
		return c, errors.Join(errors.New(strings.TrimSpace(complaint.String())), counter.Wait())
	}
	c.rate, c.made, err = p.churnAll(churners)
	time.Sleep(500 * time.Millisecond)
	_ = counter.Process.Signal(os.Interrupt)
	text, _ := lines.ReadString('\n')
	if err := errors.Join(err, counter.Wait()); err != nil {
		return c, err
	}
	_, err = fmt.Sscan(text, &c.seen, &c.lost, &c.used)
	return c, err
}

// churnAll lets processes make all connections at once, and returns how many a second, and
// how many changes that makes.
func (p *plan) churnAll(churners int) (rate float64, changes int, err error) {
	each := p.churn / churners
	outputs, running := make([]strings.Builder, churners), make([]*exec.Cmd, churners)
	for i := range running { // by this thread, as its namespace is the one
		running[i] = exec.Command(p.self, "-worker", "churn", strconv.Itoa(each))
		running[i].Stdout, running[i].Stderr = &outputs[i], os.Stderr
		err = errors.Join(err, running[i].Start())
	}
	for i, cmd := range running {
		var took time.Duration
		err = errors.Join(err, cmd.Wait())
		if _, scanned := fmt.Sscan(outputs[i].String(), &took); scanned != nil {
			err = errors.Join(err, scanned)
			continue
		}
		rate += float64(each) / took.Seconds()
	}
	const ofConnection, ofListener = 6, 2 // three of each end
	return rate, churners * (each*ofConnection + ofListener), err
}

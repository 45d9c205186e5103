//go:build linux

package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// sample is one run of a contender.
type sample struct {
	seconds float64 // from its start to its end
	cpu     float64 // user and system seconds
	memory  int64   // peak of anonymous memory, bytes: what a mapped file takes is not in it
	called  called  // what it said of segments
	note    string  // why there is no figure
}

// lines hands what is written to it to each, a line at a time; nil drops it.
type lines struct {
	each func(line string)
	rest []byte
}

func (l *lines) Write(b []byte) (int, error) {
	n := len(b)
	if l.each == nil {
		return n, nil
	}
	for {
		line, after, whole := bytes.Cut(b, []byte("\n"))
		if !whole {
			l.rest = append(l.rest, b...)
			return n, nil
		}
		l.rest = append(l.rest, line...)
		l.each(string(l.rest))
		l.rest, b = l.rest[:0], after
	}
}

// called counts what a contender called segments.
type called struct{ again, outOfOrder int64 }

// run runs a program on one CPU to its end, and hands each line of its output to
// each, if that is not nil.
func run(ctx context.Context, cpu int, each func(string), argv ...string) sample {
	cmd := exec.CommandContext(ctx, argv[0], argv[1:]...)
	var last string
	cmd.Stdout, cmd.Stderr = &lines{each: each}, &lines{each: func(line string) { last = line }}
	began := time.Now()
	if err := startOn(cpu, cmd); err != nil {
		return sample{note: "not available: " + err.Error()}
	}
	over, peak := make(chan struct{}), make(chan int64, 1)
	go func() { peak <- watchMemory(cmd.Process.Pid, over) }()
	err := cmd.Wait()
	s := sample{seconds: time.Since(began).Seconds()}
	close(over)
	s.memory = <-peak
	if err != nil {
		s.note = fmt.Sprintf("failed: %v: %s", err, last)
		return s
	}
	if r, ok := cmd.ProcessState.SysUsage().(*syscall.Rusage); ok {
		s.cpu = time.Duration(r.Utime.Nano() + r.Stime.Nano()).Seconds()
	}
	return s
}

// startOn starts a command that may use one CPU only; when its context ends it is
// killed with all that it forked.
func startOn(cpu int, cmd *exec.Cmd) error {
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) }
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	var before, one unix.CPUSet
	if err := unix.SchedGetaffinity(0, &before); err != nil {
		return err
	}
	one.Set(cpu)
	if err := unix.SchedSetaffinity(0, &one); err != nil {
		return err
	}
	err := cmd.Start() // inherits this thread's
	return errors.Join(err, unix.SchedSetaffinity(0, &before))
}

// watchMemory looks every few milliseconds, until a process is over.
func watchMemory(pid int, over <-chan struct{}) (most int64) {
	for {
		most = max(most, anonymous(pid))
		select {
		case <-over:
			return most
		case <-time.After(3 * time.Millisecond):
		}
	}
}

// anonymous is a process's resident memory that belongs to no file, in bytes.
func anonymous(pid int) int64 {
	text, _ := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	for line := range strings.Lines(string(text)) {
		if rest, ok := strings.CutPrefix(line, "RssAnon:"); ok {
			kib, _ := strconv.ParseInt(strings.Fields(rest)[0], 10, 64)
			return kib << 10
		}
	}
	return 0
}

// rows starts a program and returns how long it took until it had printed so many
// lines; then it is killed.
func rows(ctx context.Context, cpu, count int, argv ...string) (time.Duration, error) {
	ctx, cancel := context.WithTimeout(ctx, 2*time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, argv[0], argv[1:]...)
	out, err := cmd.StdoutPipe()
	if err != nil {
		return 0, err
	}
	var last string
	cmd.Stderr = &lines{each: func(line string) { last = line }}
	began := time.Now()
	if err := startOn(cpu, cmd); err != nil {
		return 0, err
	}
	took, err := untilLines(out, count, began)
	cancel()
	io.Copy(io.Discard, out)
	if failed := cmd.Wait(); err != nil && failed != nil {
		return 0, fmt.Errorf("%w: %s", err, last)
	}
	return took, err
}

func untilLines(out io.Reader, count int, began time.Time) (time.Duration, error) {
	buf := make([]byte, 64<<10)
	for {
		n, err := out.Read(buf)
		count -= bytes.Count(buf[:n], []byte("\n"))
		if count <= 0 {
			return time.Since(began), nil
		}
		if err != nil {
			return 0, fmt.Errorf("it ended %d lines too early", count)
		}
	}
}

// median takes the median of each figure. One failed run spoils them.
func median(list []sample) sample {
	if i := slices.IndexFunc(list, func(s sample) bool { return s.note != "" }); i >= 0 {
		return list[i]
	}
	of := func(figure func(sample) float64) float64 {
		var values []float64
		for _, s := range list {
			values = append(values, figure(s))
		}
		slices.Sort(values)
		return (values[(len(values)-1)/2] + values[len(values)/2]) / 2
	}
	m := list[0]
	m.seconds = of(func(s sample) float64 { return s.seconds })
	m.cpu = of(func(s sample) float64 { return s.cpu })
	for _, s := range list {
		m.memory = max(m.memory, s.memory)
	}
	return m
}

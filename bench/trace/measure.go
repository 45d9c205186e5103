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
	output  []byte  // the end of what it printed
	note    string  // why there is no figure
}

// keptOutput is how much of what a contender prints is kept, from the end.
const keptOutput = 64 << 10

// tail keeps the last bytes that are written to it.
type tail struct{ bytes.Buffer }

func (t *tail) Write(b []byte) (int, error) {
	if t.Len() > 2*keptOutput {
		t.Next(t.Len() - keptOutput)
	}
	return t.Buffer.Write(b)
}

// run runs a program on one CPU to its end.
func run(ctx context.Context, cpu int, argv ...string) sample {
	cmd := exec.CommandContext(ctx, argv[0], argv[1:]...)
	var out, errs tail
	cmd.Stdout, cmd.Stderr = &out, &errs
	began := time.Now()
	if err := startOn(cpu, cmd); err != nil {
		return sample{note: "not available: " + err.Error()}
	}
	over, peak := make(chan struct{}), make(chan int64, 1)
	go func() { peak <- watchMemory(cmd.Process.Pid, over) }()
	err := cmd.Wait()
	s := sample{seconds: time.Since(began).Seconds(), output: out.Bytes()}
	close(over)
	s.memory = <-peak
	if err != nil {
		s.note = fmt.Sprintf("failed: %v: %s", err, lastLine(errs.String()))
		return s
	}
	if r, ok := cmd.ProcessState.SysUsage().(*syscall.Rusage); ok {
		s.cpu = time.Duration(r.Utime.Nano() + r.Stime.Nano()).Seconds()
	}
	return s
}

// startOn starts a command that may use one CPU only; it is killed when this
// process ends.
func startOn(cpu int, cmd *exec.Cmd) error {
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
func rows(ctx context.Context, cpu, lines int, argv ...string) (time.Duration, error) {
	ctx, cancel := context.WithTimeout(ctx, 2*time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, argv[0], argv[1:]...)
	out, err := cmd.StdoutPipe()
	if err != nil {
		return 0, err
	}
	var errs tail
	cmd.Stderr = &errs
	began := time.Now()
	if err := startOn(cpu, cmd); err != nil {
		return 0, err
	}
	took, err := untilLines(out, lines, began)
	cancel()
	io.Copy(io.Discard, out)
	if failed := cmd.Wait(); err != nil && failed != nil {
		return 0, fmt.Errorf("%w: %s", err, lastLine(errs.String()))
	}
	return took, err
}

func untilLines(out io.Reader, lines int, began time.Time) (time.Duration, error) {
	buf := make([]byte, 64<<10)
	for {
		n, err := out.Read(buf)
		lines -= bytes.Count(buf[:n], []byte("\n"))
		if lines <= 0 {
			return time.Since(began), nil
		}
		if err != nil {
			return 0, fmt.Errorf("it ended %d lines too early", lines)
		}
	}
}

func lastLine(text string) string {
	lines := strings.Split(strings.TrimSpace(text), "\n")
	return lines[len(lines)-1]
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

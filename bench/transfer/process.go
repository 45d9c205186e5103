//go:build linux

package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// side is where one end of a transfer runs: this machine, or an end of a cable.
type side struct {
	addr  string // where the other side reaches it
	start func(*exec.Cmd) error
}

// usage is what the processes of one side took.
type usage struct {
	cpu  time.Duration // user and system, with all children that were waited for
	rss  int64         // bytes; of the biggest process
	read int64         // bytes asked for by read and sendfile, sockets included
}

func (u *usage) add(v usage) {
	u.cpu += v.cpu
	u.rss = max(u.rss, v.rss)
	u.read += v.read
}

// process is a running program of a round.
type process struct {
	cmd  *exec.Cmd
	name string
	log  *os.File
	done chan struct{} // closed when it has ended, with usage and err set
	used usage
	err  error
}

// launch starts a program with its output in a file below dir.
func launch(ctx context.Context, s *side, dir string, env, argv []string) (*process, error) {
	log, err := os.CreateTemp(dir, filepath.Base(argv[0])+"-*.log")
	if err != nil {
		return nil, err
	}
	cmd := exec.CommandContext(ctx, argv[0], argv[1:]...)
	cmd.Stdout, cmd.Stderr, cmd.Env, cmd.Dir = log, log, append(os.Environ(), env...), dir
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true} // with the processes it forks
	cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) }
	if err := s.start(cmd); err != nil {
		log.Close()
		return nil, err
	}
	p := &process{cmd: cmd, name: filepath.Base(argv[0]), log: log, done: make(chan struct{})}
	go p.reap(peakOf("self"))
	return p, nil
}

// reap waits for the end. The kernel's peak of a process starts with what this
// one had used when it forked: up to that, the peak is the one that was seen, if
// the process lived long enough.
func (p *process) reap(floor int64) {
	defer close(p.done)
	defer p.log.Close()
	pid, over, seen := p.cmd.Process.Pid, make(chan struct{}), make(chan int64, 1)
	go func() { seen <- watchPeak(pid, over) }()
	// Its counters can be read between its end and its burial.
	for errors.Is(unix.Waitid(unix.P_PID, pid, nil, unix.WEXITED|unix.WNOWAIT, nil), unix.EINTR) {
	}
	close(over)
	p.used.rss, p.used.read = <-seen, bytesRead(pid)
	p.err = p.cmd.Wait()
	syscall.Kill(-pid, syscall.SIGKILL) // what it forked and forgot
	if r, ok := p.cmd.ProcessState.SysUsage().(*syscall.Rusage); ok {
		p.used.cpu = time.Duration(r.Utime.Nano() + r.Stime.Nano())
		if peak := r.Maxrss << 10; peak > floor || p.used.rss == 0 {
			p.used.rss = peak
		}
	}
}

// watchPeak looks at the peak memory of a process and those it started, ten
// times a second.
func watchPeak(pid int, over <-chan struct{}) (most int64) {
	for {
		for _, p := range append(children(pid), pid) {
			most = max(most, peakOf(strconv.Itoa(p)))
		}
		select {
		case <-over:
			return most
		case <-time.After(100 * time.Millisecond):
		}
	}
}

func children(pid int) (list []int) {
	text, _ := os.ReadFile(fmt.Sprintf("/proc/%[1]d/task/%[1]d/children", pid))
	for field := range strings.FieldsSeq(string(text)) {
		if child, err := strconv.Atoi(field); err == nil {
			list = append(list, child)
		}
	}
	return list
}

// bytesRead is rchar of /proc/PID/io, or 0.
func bytesRead(pid int) (n int64) {
	text, _ := os.ReadFile(fmt.Sprintf("/proc/%d/io", pid))
	fmt.Sscanf(string(text), "rchar: %d", &n)
	return n
}

// wait waits for its end, and makes an error of its last line where it failed.
func (p *process) wait() error {
	<-p.done
	if p.err == nil {
		return nil
	}
	text, _ := os.ReadFile(p.log.Name())
	if line := lastLine(text); line != "" {
		return fmt.Errorf("%s: %w: %s", p.name, p.err, line)
	}
	return fmt.Errorf("%s: %w", p.name, p.err)
}

// failure is what wait would say where it has ended by itself, within a second.
func (p *process) failure() error {
	select {
	case <-p.done:
		return p.wait()
	case <-time.After(time.Second):
		return nil
	}
}

// stop ends a server: politely, so that it waits for its own processes and their
// time is counted, then not.
func (p *process) stop() {
	p.cmd.Process.Signal(syscall.SIGTERM)
	select {
	case <-p.done:
	case <-time.After(3 * time.Second):
		syscall.Kill(-p.cmd.Process.Pid, syscall.SIGKILL)
		<-p.done
	}
}

// listening waits until the process, or one it started, listens on the port, at
// most 10 s.
func (p *process) listening(port int) error {
	for deadline := time.Now().Add(10 * time.Second); time.Now().Before(deadline); {
		if slices.ContainsFunc([]string{"tcp", "tcp6"}, func(table string) bool { return listens(p.cmd.Process.Pid, table, port) }) {
			return nil
		}
		select {
		case <-p.done:
			return errors.Join(fmt.Errorf("%s ended before it listened", p.name), p.wait())
		case <-time.After(10 * time.Millisecond):
		}
	}
	return fmt.Errorf("%s does not listen on port %d", p.name, port)
}

// listens looks into the table of the process's network namespace.
func listens(pid int, table string, port int) bool {
	text, _ := os.ReadFile(fmt.Sprintf("/proc/%d/net/%s", pid, table))
	for line := range strings.Lines(string(text)) {
		f := strings.Fields(line) // sl local remote st …
		if len(f) > 3 && f[3] == "0A" && strings.HasSuffix(f[1], fmt.Sprintf(":%04X", port)) {
			return true
		}
	}
	return false
}

// childless waits until a server has no process left for a connection, at most
// a second: only then their time is counted.
func (p *process) childless() {
	for range 100 {
		if len(children(p.cmd.Process.Pid)) == 0 {
			return
		}
		time.Sleep(10 * time.Millisecond)
	}
}

// lastLine is the last line of an output, or the last that calls itself an error.
func lastLine(text []byte) string {
	lines := strings.Split(strings.TrimSpace(string(text)), "\n")
	for _, line := range slices.Backward(lines) {
		if strings.HasPrefix(line, "error:") {
			return line
		}
	}
	return lines[len(lines)-1]
}

// peakOf is a process's peak resident memory in bytes, or 0.
func peakOf(pid string) int64 {
	text, _ := os.ReadFile("/proc/" + pid + "/status")
	for line := range strings.Lines(string(text)) {
		if rest, ok := strings.CutPrefix(line, "VmHWM:"); ok {
			kib, _ := strconv.ParseInt(strings.Fields(rest)[0], 10, 64)
			return kib << 10
		}
	}
	return 0
}

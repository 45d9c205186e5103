package main

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// server is a running peer.
type server struct {
	port int
	pid  int
	cmd  *exec.Cmd
	gone chan struct{} // closed when the process has ended
	log  *os.File      // what it printed
}

// address finds the port in what a server prints when it listens.
var address = regexp.MustCompile(`127\.0\.0\.1:([1-9][0-9]*)`)

// start starts the peer on the servers' CPU and waits until it listens, at most
// 10 s.
func (h *hall) start(ctx context.Context, p peer, network string) (*server, error) {
	out, err := os.CreateTemp(h.dir, p.name+"-*.log")
	if err != nil {
		return nil, err
	}
	argv := append([]string{"-c", h.serverCPU}, p.command(network)...)
	cmd := exec.CommandContext(ctx, "taskset", argv...)
	cmd.Stdout, cmd.Stderr = out, out
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true} // with the processes of its connections
	cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) }
	if err := cmd.Start(); err != nil {
		out.Close()
		return nil, err
	}
	s := &server{pid: cmd.Process.Pid, cmd: cmd, gone: make(chan struct{}), log: out}
	go func() {
		defer close(s.gone)
		cmd.Wait()
	}()
	if err := s.waitListening(); err != nil {
		s.stop()
		return nil, err
	}
	return s, nil
}

func (s *server) waitListening() error {
	for deadline := time.Now().Add(10 * time.Second); time.Now().Before(deadline); {
		text, err := os.ReadFile(s.log.Name())
		if err != nil {
			return err
		}
		if m := address.FindSubmatch(text); m != nil {
			s.port, err = strconv.Atoi(string(m[1]))
			return err
		}
		if s.port = listeningPort(s.pid); s.port != 0 { // says nothing, or says port 0
			return nil
		}
		select {
		case <-s.gone:
			return fmt.Errorf("ended at once: %s", lastLine(text))
		case <-time.After(20 * time.Millisecond):
		}
	}
	return fmt.Errorf("does not listen")
}

func lastLine(text []byte) string {
	lines := strings.Split(strings.TrimSpace(string(text)), "\n")
	return lines[len(lines)-1]
}

// stop kills the server with its connections' processes and waits for its end.
func (s *server) stop() {
	syscall.Kill(-s.pid, syscall.SIGKILL)
	<-s.gone
	s.log.Close()
	os.Remove(s.log.Name())
}

// listeningPort finds the TCP port on which a process listens, or 0.
func listeningPort(pid int) int {
	const listening = "0A"
	mine := map[string]bool{}
	links, _ := filepath.Glob(fmt.Sprintf("/proc/%d/fd/*", pid))
	for _, link := range links {
		if target, err := os.Readlink(link); err == nil {
			mine[target] = true
		}
	}
	table, _ := os.ReadFile("/proc/net/tcp")
	for line := range strings.Lines(string(table)) {
		f := strings.Fields(line)
		if len(f) < 10 || f[3] != listening || !mine["socket:["+f[9]+"]"] {
			continue
		}
		_, port, _ := strings.Cut(f[1], ":")
		if n, err := strconv.ParseUint(port, 16, 16); err == nil {
			return int(n)
		}
	}
	return 0
}

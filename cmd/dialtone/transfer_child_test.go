package main

import (
	"bytes"
	"crypto/sha256"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// The suites of what goes wrong run the real command as child processes, built
// once without the race detector, so that killing it and measuring it mean
// something. Their helpers are here.

// program is the command, and a folder for what a test needs.
type program struct {
	path string
	dir  string
}

// buildProgram builds the command.
func buildProgram(t *testing.T) program {
	t.Helper()
	dir := t.TempDir()
	if err := os.Chmod(filepath.Dir(dir), 0o755); err != nil { // other users come here too
		t.Fatal(err)
	}
	p := program{filepath.Join(dir, "dialtone"), dir}
	build := exec.Command("go", "build", "-o", p.path, ".")
	build.Env = append(os.Environ(), "CGO_ENABLED=0", "GOFLAGS=-race=false")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	return p
}

// child is the command while it runs.
type child struct {
	t       *testing.T
	name    string
	cmd     *exec.Cmd
	out     lockedText // both outputs
	over    chan struct{}
	peak    atomic.Int64 // most resident bytes seen
	mostFDs atomic.Int64
}

type lockedText struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (l *lockedText) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(p)
}

func (l *lockedText) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.String()
}

// start runs the command. change, when not nil, may alter how.
func (p program) start(t *testing.T, change func(*exec.Cmd), args ...string) *child {
	t.Helper()
	c := &child{t: t, name: args[0], cmd: exec.Command(p.path, args...), over: make(chan struct{})}
	c.cmd.Stdout, c.cmd.Stderr = &c.out, &c.out
	c.cmd.Env = append(os.Environ(), "HOME="+p.dir, "XDG_CONFIG_HOME="+p.dir)
	if change != nil {
		change(c.cmd)
	}
	if err := c.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	go func() { c.cmd.Wait(); close(c.over) }()
	t.Cleanup(func() { c.kill(); <-c.over })
	return c
}

// waitingEvent is what --json says instead of waitingFor.
var waitingEvent = regexp.MustCompile(`"event":"waiting","address":"([^"]+)"`)

// waits starts a verb that waits for the other end, and returns its address.
func (p program) waits(t *testing.T, change func(*exec.Cmd), args ...string) (*child, string) {
	t.Helper()
	c := p.start(t, change, append(args, "--listen", "127.0.0.1:0")...)
	end := time.Now().Add(patience)
	for time.Now().Before(end) {
		for _, says := range []*regexp.Regexp{waitingFor, waitingEvent} {
			if m := says.FindStringSubmatch(c.out.String()); m != nil {
				return c, m[1]
			}
		}
		select {
		case <-c.over:
			t.Fatalf("%s does not wait: %s", c.name, c.out.String())
		case <-time.After(2 * time.Millisecond):
		}
	}
	t.Fatalf("%s does not say where it waits: %s", c.name, c.out.String())
	return nil, ""
}

func (c *child) kill() { c.cmd.Process.Kill() }

// running reports whether c is there after d.
func (c *child) running(d time.Duration) bool {
	select {
	case <-c.over:
		return false
	case <-time.After(d):
		return true
	}
}

// end waits for c's end and returns its exit code.
func (c *child) end() int {
	c.t.Helper()
	select {
	case <-c.over:
	case <-time.After(patience):
		c.cmd.Process.Signal(os.Interrupt)
		c.running(time.Second)
		c.kill()
		<-c.over
		c.t.Errorf("%s does not end: %s", c.name, c.out.String())
	}
	return c.cmd.ProcessState.ExitCode()
}

// errors returns its error lines.
func (c *child) errors() (lines []string) {
	for line := range strings.Lines(c.out.String()) {
		if strings.HasPrefix(line, "error: ") {
			lines = append(lines, strings.TrimSpace(line))
		}
	}
	return lines
}

// failed waits for c's end with one clear error.
func (c *child) failed() {
	c.t.Helper()
	if code := c.end(); code != 1 || len(c.errors()) != 1 {
		c.t.Errorf("%s ends with %d and %d errors: %s", c.name, code, len(c.errors()), c.out.String())
	}
}

// went waits for c's end without an error.
func (c *child) went() {
	c.t.Helper()
	if code := c.end(); code != 0 || len(c.errors()) != 0 {
		c.t.Errorf("%s ends with %d: %s", c.name, code, c.out.String())
	}
}

// measure looks at c's memory and files until it ends.
func (c *child) measure() {
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for {
		c.peak.Store(max(c.peak.Load(), highWater(c.cmd.Process.Pid)))
		list, _ := os.ReadDir(fmt.Sprintf("/proc/%d/fd", c.cmd.Process.Pid))
		c.mostFDs.Store(max(c.mostFDs.Load(), int64(len(list))))
		select {
		case <-c.over:
			return
		case <-tick.C:
		}
	}
}

// highWater returns the most bytes that a process had resident, 0 when unknown.
func highWater(pid int) int64 {
	text, _ := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	for line := range strings.Lines(string(text)) {
		if rest, ok := strings.CutPrefix(line, "VmHWM:"); ok {
			n, _ := strconv.ParseInt(strings.Fields(rest)[0], 10, 64)
			return n << 10
		}
	}
	return 0
}

// treeOf describes all below root but the modes and times of folders in skip: a
// line for each name.
func treeOf(t *testing.T, root string) map[string]string {
	t.Helper()
	all := map[string]string{}
	err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		info, err := d.Info()
		if err != nil {
			return err
		}
		rel, _ := filepath.Rel(root, path)
		line := fmt.Sprint(info.Mode(), " ", info.ModTime().UnixNano())
		switch {
		case info.Mode().IsRegular():
			p, err := os.ReadFile(path)
			if err != nil {
				return err
			}
			line += fmt.Sprintf(" %d %x", len(p), sha256.Sum256(p))
		case info.Mode().Type() == fs.ModeSymlink:
			text, _ := os.Readlink(path)
			line = "-> " + text
		}
		all[rel] = line
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return all
}

// differences says how b differs from a.
func differences(a, b map[string]string) (all []string) {
	for name, line := range a {
		if other, ok := b[name]; !ok {
			all = append(all, "missing "+name)
		} else if other != line {
			all = append(all, fmt.Sprintf("%s: %s, not %s", name, other, line))
		}
	}
	for name := range b {
		if _, ok := a[name]; !ok {
			all = append(all, "more: "+name)
		}
	}
	return all
}

// wrongFiles returns the files below got, except hidden ones, that are not as in
// want: none may ever be there, even in the middle of a transfer.
func wrongFiles(want, got map[string]string) (all []string) {
	for name, line := range got {
		if strings.HasPrefix(filepath.Base(name), ".dialtone-") || strings.HasPrefix(line, "d") {
			continue
		}
		if want[name] != line {
			all = append(all, fmt.Sprintf("%s: %s, not %s", name, line, want[name]))
		}
	}
	return all
}

const testCode = "7-copper-lantern"

// transferOnce runs both ends and returns them when they have ended.
func (p program) transferOnce(t *testing.T, change func(receiver bool, c *exec.Cmd), pass func(int64, bool, []byte) fate, receive, send []string) (sender, receiver *child) {
	t.Helper()
	with := func(isReceiver bool) func(*exec.Cmd) {
		return func(c *exec.Cmd) {
			if change != nil {
				change(isReceiver, c)
			}
		}
	}
	receiver, addr := p.waits(t, with(true), append([]string{"receive", "--code", testCode}, receive...)...)
	l := newLine(t, addr, pass)
	sender = p.start(t, with(false), append(append([]string{"send"}, send...), l.addr(), "--code", testCode)...)
	sender.end()
	receiver.end()
	l.close()
	return sender, receiver
}

func writeFile(t *testing.T, path string, size int64) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	b := make([]byte, size)
	randomOf(filepath.Base(path)).Read(b)
	if err := os.WriteFile(path, b, 0o644); err != nil {
		t.Fatal(err)
	}
}

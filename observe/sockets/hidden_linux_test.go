package sockets

import (
	"errors"
	"net"
	"os"
	"os/exec"
	"syscall"
	"testing"
)

// TestOthersProcessesAreHiddenNotForgotten lets another process hold a listener
// and looks for it as root and as a user without rights.
func TestOthersProcessesAreHiddenNotForgotten(t *testing.T) {
	if os.Getuid() != 0 {
		t.Skip("becoming another user needs root")
	}
	at, pid := listenElsewhere(t)
	list := owned(t, "tcp", at)
	if len(list) != 1 || len(list[0].Processes) != 1 || list[0].Processes[0] != (Process{PID: pid, Name: "sleep"}) {
		t.Fatalf("as root: %+v, want sleep, %d", list, pid)
	}
	asNobody(t, func() { list = owned(t, "tcp", at) })
	if len(list) != 1 || len(list[0].Processes) != 0 || !list[0].Hidden || list[0].UID != 0 {
		t.Errorf("as nobody: %+v, want a hidden process of user 0", list)
	}
}

// TestProcessesThatShowOnlyNamesAreHidden: a process that may do what we may not lets us
// see that it has files open, and not which.
func TestProcessesThatShowOnlyNamesAreHidden(t *testing.T) {
	const child = "DIALTONE_TEST_LOOK_FOR"
	if at := os.Getenv(child); at != "" {
		list := owned(t, "tcp", at)
		if len(list) != 1 || len(list[0].Processes) != 0 || !list[0].Hidden {
			t.Errorf("%+v, want a hidden process", list)
		}
		return
	}
	if os.Getuid() != 0 {
		t.Skip("to have rights, and others fewer, needs root")
	}
	at, _ := listenElsewhere(t)
	cmd := exec.Command("setpriv", "--bounding-set=-sys_ptrace,-net_raw", os.Args[0], "-test.run=^TestProcessesThatShowOnlyNamesAreHidden$")
	cmd.Env = append(os.Environ(), child+"="+at)
	out, err := cmd.CombinedOutput()
	if errors.Is(err, exec.ErrNotFound) {
		t.Skip("needs the program setpriv:", err)
	}
	if err != nil {
		t.Errorf("%v\n%s", err, out)
	}
}

// listenElsewhere hands a listener over to a process that does nothing.
func listenElsewhere(t *testing.T) (at string, pid int) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	f, err := l.(*net.TCPListener).File()
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	cmd := exec.Command("sleep", "600")
	cmd.ExtraFiles = []*os.File{f}
	if err := cmd.Start(); err != nil {
		t.Skip("needs the program sleep:", err)
	}
	t.Cleanup(func() { _ = cmd.Process.Kill(); _ = cmd.Wait() })
	return l.Addr().String(), cmd.Process.Pid
}

// asNobody runs f while the process's effective user is 65534.
func asNobody(t *testing.T, f func()) {
	t.Helper()
	if err := syscall.Setresuid(-1, 65534, -1); err != nil {
		t.Skip("cannot become another user:", err)
	}
	defer func() {
		if err := syscall.Setresuid(-1, 0, -1); err != nil {
			t.Fatal("cannot become root again:", err)
		}
	}()
	f()
}

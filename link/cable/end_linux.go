package cable

import (
	"errors"
	"fmt"
	"net/netip"
	"os"
	"os/exec"
	"runtime"
	"syscall"

	"golang.org/x/sys/unix"
)

// End is one end of a cable: a network namespace of its own.
type End struct {
	Addr netip.Addr // of the end's only device, in 10.77.0.0/24

	tap  int // the device; -1 when closed
	jobs chan func()
	done chan struct{} // closed when the thread has left the namespace
	self *os.File      // the namespace
}

// openEnd makes namespace and device of end n, 1 or 2.
func openEnd(n byte, mtu int) (*End, error) {
	e := &End{Addr: addr(n), tap: -1, jobs: make(chan func()), done: make(chan struct{})}
	ready := make(chan error)
	go e.inhabit(ready)
	if err := <-ready; err != nil {
		return nil, err
	}
	err := e.Do(func() (err error) {
		e.tap, err = plugIn(n, mtu)
		return err
	})
	if err != nil {
		return nil, errors.Join(err, e.shut())
	}
	return e, nil
}

// inhabit is the end's thread: it makes the namespace, does jobs inside it, and
// goes home when there are no more.
func (e *End) inhabit(ready chan<- error) {
	defer close(e.done)
	runtime.LockOSThread()
	const path = "/proc/thread-self/ns/net"
	home, err := os.Open(path)
	if err != nil {
		runtime.UnlockOSThread()
		ready <- err
		return
	}
	defer home.Close()
	if err := unix.Unshare(unix.CLONE_NEWNET); err != nil {
		runtime.UnlockOSThread()
		ready <- fmt.Errorf("make a network namespace: %w", err)
		return
	}
	e.self, err = os.Open(path)
	ready <- err
	if err == nil {
		for job := range e.jobs {
			job()
		}
		e.self.Close()
	}
	// A thread that cannot go home stays locked and ends with this goroutine.
	if unix.Setns(int(home.Fd()), unix.CLONE_NEWNET) == nil {
		runtime.UnlockOSThread()
	}
}

// Do calls f on a thread inside the namespace: sockets that f makes belong to
// it ever after, and may be used anywhere. f must make them itself, not in
// another goroutine; net.Listen, and net.Dial of an IP address, do so.
func (e *End) Do(f func() error) error {
	result := make(chan error, 1)
	e.jobs <- func() { result <- f() }
	return <-result
}

// Start starts a command inside the namespace. It is killed when this process
// ends, however that happens.
func (e *End) Start(cmd *exec.Cmd) error {
	if cmd.SysProcAttr == nil {
		cmd.SysProcAttr = new(syscall.SysProcAttr)
	}
	cmd.SysProcAttr.Pdeathsig = syscall.SIGKILL
	return e.Do(cmd.Start)
}

// Netns is a path of the namespace, for nsenter --net=PATH and the like, while
// the cable is open.
func (e *End) Netns() string { return fmt.Sprintf("/proc/%d/fd/%d", os.Getpid(), e.self.Fd()) }

func (e *End) shut() (err error) {
	if e.tap >= 0 {
		err = unix.Close(e.tap)
		e.tap = -1
	}
	close(e.jobs)
	<-e.done
	return err
}

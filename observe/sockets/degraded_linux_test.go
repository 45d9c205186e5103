package sockets

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/netip"
	"os"
	"os/exec"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"dialtone/transport/tcp"

	"github.com/cilium/ebpf"
)

// TestWithoutRightsThereAreStillChanges: as a user without any, a worse source is taken,
// and it is said why. What it tells is true.
func TestWithoutRightsThereAreStillChanges(t *testing.T) {
	if os.Getuid() != 0 {
		t.Skip("becoming another user needs root")
	}
	var told []Transition
	var w *Watcher
	asNobody(t, func() {
		var err error
		if w, err = Watch(WatchConfig{Tell: func(t Transition) { told = append(told, t) }, Every: 10 * time.Millisecond}); err != nil {
			t.Fatal(err)
		}
	})
	defer w.Close()
	if s := w.Sight(); s.Exact || len(s.Blind) == 0 {
		t.Errorf("nobody sees everything: %+v", s)
	}
	if !slices.ContainsFunc(w.Denied(), func(err error) bool { return errors.Is(err, os.ErrPermission) }) {
		t.Errorf("denied for %v, want for lack of rights", w.Denied())
	}
	ctx, stop := context.WithCancel(t.Context())
	looks := 0
	var l net.Listener
	w.config.Looked = func(time.Time, []*Socket) (err error) {
		if looks++; looks == 2 {
			l, err = net.Listen("tcp4", "127.0.0.1:0")
		}
		if looks == 4 {
			l.Close()
		}
		if looks == 8 {
			stop()
		}
		return err
	}
	if err := w.Run(ctx); err != nil {
		t.Fatal(err)
	}
	var path []string
	for _, change := range told {
		if change.Local.String() == l.Addr().String() && !change.Remote.IsValid() {
			path = append(path, change.From.String()+" "+change.To.String())
		}
	}
	if want := []string{"CLOSED LISTEN", "LISTEN CLOSED"}; !slices.Equal(path, want) {
		t.Errorf("the listener went %v, want %v", path, want)
	}
}

// TestASourceThatIsNotThereIsAnError, and no worse one is taken in its place if it was
// asked for by name.
func TestASourceThatIsNotThereIsAnError(t *testing.T) {
	_, err := Watch(WatchConfig{Source: Tracepoint, Tracefs: t.TempDir()})
	if !errors.Is(err, os.ErrNotExist) {
		t.Errorf("without tracefs: %v, want that it does not exist", err)
	}
	if _, err := Watch(WatchConfig{Source: "crystal ball"}); err == nil || !strings.Contains(err.Error(), "crystal ball") {
		t.Errorf("an unknown source: %v", err)
	}
	if _, err := Watch(WatchConfig{Config: Config{Netns: "/no/such/namespace"}}); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("without the namespace: %v, want that it does not exist", err)
	}
}

// TestNothingIsLeftInTheKernel of a process that was killed.
func TestNothingIsLeftInTheKernel(t *testing.T) {
	const child = "DIALTONE_TEST_HOLD_TRACEPOINT"
	if os.Getenv(child) != "" {
		holdTracepoint()
		return
	}
	cmd := exec.Command(os.Args[0], "-test.run=^TestNothingIsLeftInTheKernel$")
	cmd.Env = append(os.Environ(), child+"=1")
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	var id uint32
	_, err = fmt.Fscanf(bufio.NewReader(out), "program %d\n", &id)
	if err == nil && !loaded(ebpf.ProgramID(id)) {
		t.Error("the program is not there to begin with")
	}
	_ = cmd.Process.Kill()
	_ = cmd.Wait()
	if err != nil {
		t.Skip("needs CAP_BPF and CAP_PERFMON")
	}
	for range 1000 {
		if !loaded(ebpf.ProgramID(id)) {
			return
		}
		time.Sleep(10 * time.Millisecond) // the kernel frees it when all processors have left it
	}
	t.Errorf("program %d is still there", id)
}

func loaded(id ebpf.ProgramID) bool {
	p, err := ebpf.NewProgramFromID(id)
	if err != nil {
		return false
	}
	p.Close()
	return true
}

// holdTracepoint is the process that is killed.
func holdTracepoint() {
	netns, err := netnsInode("")
	if err != nil {
		return
	}
	s, err := openBPF(netns)
	if err != nil {
		fmt.Println(err)
		return
	}
	info, err := s.program.Info()
	if err != nil {
		return
	}
	id, _ := info.ID()
	fmt.Printf("program %d\n", id)
	_ = s.read(time.Now().Add(time.Minute), func(*event) {})
}

// TestOwnersFollowTheirSockets: the cache of who has what open is right after a socket
// was closed and another opened, which leaves a process as many descriptors as before.
func TestOwnersFollowTheirSockets(t *testing.T) {
	table := openTable(t, Config{})
	for range 2 * turns {
		l, err := net.Listen("tcp4", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		at := netip.MustParseAddrPort(l.Addr().String())
		var found bool
		for _, s := range readTable(t, table, Query{Owners: true}) {
			found = found || s.Local == at && s.State == State(tcp.Listen) && holdsIt(*s)
		}
		if !found {
			t.Errorf("%v has no owner", at)
		}
		l.Close()
	}
}

// TestOwnersOfOthersThatEnd: a process that ends is forgotten.
func TestOwnersOfOthersThatEnd(t *testing.T) {
	l, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	file, err := l.(*net.TCPListener).File()
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	table := openTable(t, Config{})
	holders := func() (n int) {
		for _, s := range readTable(t, table, Query{Owners: true}) {
			if s.Local.String() == l.Addr().String() && s.State == State(tcp.Listen) {
				n = len(s.Processes)
			}
		}
		return n
	}
	cmd := exec.Command("cat") // until its input ends
	cmd.ExtraFiles = []*os.File{file}
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	cmd.Stdout = io.Discard
	if n := holders(); n != 1 {
		t.Errorf("%d processes, want this one", n)
	}
	if err := cmd.Start(); err != nil {
		t.Skip("needs the program cat:", err)
	}
	for n, tries := holders(), 0; n != 2 && tries < 1000; n, tries = holders(), tries+1 {
		time.Sleep(10 * time.Millisecond)
	}
	if n := holders(); n != 2 {
		t.Errorf("%d processes, want two", n)
	}
	in.Close()
	_ = cmd.Wait()
	if n := holders(); n != 1 {
		t.Errorf("%d processes after one ended, want this one", n)
	}
}

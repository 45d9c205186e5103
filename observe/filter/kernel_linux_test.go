package filter_test

import (
	"errors"
	"testing"

	"dialtone/observe/capture"

	"golang.org/x/net/bpf"
	"golang.org/x/sys/unix"
	"pgregory.net/rapid"
)

// kernel is a program that the kernel runs: a socket's filter, with a peer to send to it.
type kernel struct{ in, out int }

func newKernel(t *testing.T) kernel {
	t.Helper()
	fds, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_DGRAM|unix.SOCK_NONBLOCK|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { unix.Close(fds[0]); unix.Close(fds[1]) })
	return kernel{fds[0], fds[1]}
}

func (k kernel) attach(t fataler, program []bpf.RawInstruction) {
	t.Helper()
	list := make([]unix.SockFilter, len(program))
	for i, ins := range program {
		list[i] = unix.SockFilter{Code: ins.Op, Jt: ins.Jt, Jf: ins.Jf, K: ins.K}
	}
	prog := unix.SockFprog{Len: uint16(len(list)), Filter: &list[0]}
	if err := unix.SetsockoptSockFprog(k.out, unix.SOL_SOCKET, unix.SO_ATTACH_FILTER, &prog); err != nil {
		t.Fatalf("the kernel refuses the program: %v", err)
	}
}

func (k kernel) takes(t fataler, frame []byte) bool {
	t.Helper()
	if err := unix.Sendto(k.in, frame, 0, nil); err != nil {
		t.Fatalf("%v", err)
	}
	b := make([]byte, len(frame)+1)
	n, _, err := unix.Recvfrom(k.out, b, 0)
	if errors.Is(err, unix.EAGAIN) {
		return false
	}
	if err != nil || n != len(frame) {
		t.Fatalf("%d of %d bytes came: %v", n, len(frame), err)
	}
	return true
}

// TestKernelRunsProgramsAsTheVirtualMachineDoes also shows that the kernel's checks
// pass every program, those for packet sockets too.
func TestKernelRunsProgramsAsTheVirtualMachineDoes(t *testing.T) {
	k := newKernel(t)
	rapid.Check(t, func(t *rapid.T) {
		e := parse(t, drawExpr(t, 3, true))
		for _, link := range []capture.LinkType{capture.LinkEthernet, capture.LinkRaw, capture.LinkSLL2} {
			p, err := e.Kernel(link)
			if err != nil {
				t.Fatalf("%v", err)
			}
			k.attach(t, p)
		}
		p, err := e.Program(capture.LinkEthernet)
		if err != nil {
			t.Fatalf("%v", err)
		}
		k.attach(t, p)
		vm := load(t, p)
		for range 20 {
			frame := drawFrame(t, plain{tags: 3, extensions: 3})
			frame = frame[:rapid.IntRange(0, len(frame)).Draw(t, "cut")]
			if len(frame) == 0 {
				continue
			}
			if got, want := k.takes(t, frame), vm.takes(t, frame); got != want {
				t.Fatalf("%s takes % x: %v in the kernel, %v in the virtual machine", e, frame, got, want)
			}
		}
	})
}

package filter_test

import (
	"bufio"
	"bytes"
	"fmt"
	"os/exec"
	"strings"
	"testing"

	"dialtone/observe/capture"
	"dialtone/observe/filter"

	"golang.org/x/net/bpf"
	"pgregory.net/rapid"
)

// fataler is a *testing.T or a *rapid.T.
type fataler interface {
	Helper()
	Fatalf(format string, args ...any)
}

// machine is a program in x/net's virtual machine.
type machine struct{ *bpf.VM }

func load(t fataler, program []bpf.RawInstruction) machine {
	t.Helper()
	list, ok := bpf.Disassemble(program)
	if !ok {
		t.Fatalf("an instruction is none: %v", list)
	}
	vm, err := bpf.NewVM(list)
	if err != nil {
		t.Fatalf("%v", err)
	}
	return machine{vm}
}

func (m machine) takes(t fataler, frame []byte) bool {
	t.Helper()
	n, err := m.Run(frame)
	if err != nil {
		t.Fatalf("%v", err)
	}
	return n > 0
}

func program(t fataler, e *filter.Expr, link capture.LinkType) machine {
	t.Helper()
	p, err := e.Program(link)
	if err != nil {
		t.Fatalf("%s: %v", e, err)
	}
	return load(t, p)
}

// tcpdump compiles an expression as tcpdump does; false where it finds that nothing
// can match.
func tcpdump(t fataler, expr string) (machine, bool) {
	t.Helper()
	out, err := exec.Command("tcpdump", "-ddd", "-y", "EN10MB", expr).CombinedOutput()
	if bytes.Contains(out, []byte("rejects all packets")) {
		return machine{}, false
	}
	if err != nil {
		t.Fatalf("tcpdump %q: %v\n%s", expr, err, out)
	}
	var list []bpf.RawInstruction
	lines := bufio.NewScanner(bytes.NewReader(out))
	for lines.Scan() {
		var r bpf.RawInstruction
		if n, _ := fmt.Sscan(lines.Text(), &r.Op, &r.Jt, &r.Jf, &r.K); n == 4 {
			list = append(list, r)
		}
	}
	return load(t, list), true
}

// TestProgramsAgreeWithTcpdump on well-formed packets without tags and extension
// headers, where the two mean the same.
func TestProgramsAgreeWithTcpdump(t *testing.T) {
	if _, err := exec.LookPath("tcpdump"); err != nil {
		t.Skip("tcpdump is not installed")
	}
	rapid.Check(t, func(t *rapid.T) {
		text := drawExpr(t, 3, false)
		e, err := filter.Parse(text)
		if err != nil {
			t.Fatalf("%v", err)
		}
		ours := program(t, e, capture.LinkEthernet)
		theirs, some := tcpdump(t, text)
		for range 50 {
			frame := drawFrame(t, plain{})
			if got, want := ours.takes(t, frame), some && theirs.takes(t, frame); got != want {
				t.Fatalf("%s takes % x: %v, tcpdump: %v", e, frame, got, want)
			}
		}
	})
}

// TestProgramsFitAndReachFar: jumps over more than 255 instructions.
func TestProgramsFitAndReachFar(t *testing.T) {
	var list []string
	for i := range 200 {
		list = append(list, fmt.Sprintf("port %d", 2*i))
	}
	e := parse(t, "tcp and ("+strings.Join(list, " or ")+") and not host 10.0.0.1")
	m := program(t, e, capture.LinkEthernet)
	for port, want := range map[byte]bool{0: true, 1: false, 2: true, 3: false, 200: true, 201: false} {
		frame := []byte{0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 2, 8, 0, 0x45, 0, 0, 40, 0, 0, 0, 0, 64, 6, 0, 0, 10, 0, 0, 2, 10, 0, 0, 3}
		frame = append(frame, 0xff, 0xff, 0, port, 0, 0, 0, 0, 0, 0, 0, 0, 0x50, 0, 0, 0, 0, 0, 0, 0)
		if got := m.takes(t, frame); got != want {
			t.Errorf("port %d: %v", port, got)
		}
		frame[29] = 1
		if m.takes(t, frame) {
			t.Errorf("port %d of the host that is left out was taken", port)
		}
	}
	var all []string
	for i := range 250 {
		all = append(all, fmt.Sprintf("src and dst net 2001:db8:%x::/48", i))
	}
	if _, err := parse(t, strings.Join(all, " or ")).Kernel(capture.LinkEthernet); err == nil || !strings.Contains(err.Error(), "too long for the kernel") {
		t.Errorf("a program of many thousand instructions: %v", err)
	}
}

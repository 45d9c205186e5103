package main

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// TestFaults is what goes wrong between honest ends, and that the next run of
// the same command puts it right.
func TestFaults(t *testing.T) {
	p := buildProgram(t)
	src := sampleOf(t, filepath.Join(p.dir, "tree"))
	t.Run("kills", func(t *testing.T) { testKills(t, p, src) })
	t.Run("lines", func(t *testing.T) { testLines(t, p, src) })
	t.Run("flips", func(t *testing.T) { testFlips(t, p, src) })
}

// sampleOf makes a tree of two large files, many small ones, links and folders.
func sampleOf(t *testing.T, root string) string {
	t.Helper()
	write := func(name string, size int64) {
		path := filepath.Join(root, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		p := make([]byte, size)
		randomOf(name).Read(p)
		if err := os.WriteFile(path, p, 0o640); err != nil {
			t.Fatal(err)
		}
	}
	write("big", 5<<20+77)
	write("large/two chunks", 1<<20+1)
	write("taken", 2000)
	for i := range 80 {
		write(fmt.Sprintf("d%d/f%d", i%5, i), int64(i*577))
	}
	if err := os.Symlink("../big", filepath.Join(root, "d1/link")); err != nil {
		t.Fatal(err)
	}
	if err := os.MkdirAll(filepath.Join(root, "empty/er"), 0o700); err != nil {
		t.Fatal(err)
	}
	old := time.Unix(1_111_111_111, 1)
	if err := os.Chtimes(filepath.Join(root, "d2"), old, old); err != nil {
		t.Fatal(err)
	}
	return root
}

// trial is one target folder, and the ends that work on it.
type trial struct {
	t      *testing.T
	p      program
	src    string
	dir    string   // the target folder
	flags  []string // of both ends
	fetch  bool     // the receiver dials
	expect map[string]string
}

// newTrial makes a target that has a file of its own under one of the names.
func newTrial(t *testing.T, p program, src string, flags ...string) *trial {
	t.Helper()
	x := &trial{t: t, p: p, src: src, dir: t.TempDir(), flags: flags}
	in := filepath.Join(x.dir, filepath.Base(src))
	if err := os.Mkdir(in, 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(in, "taken"), []byte("mine"), 0o600); err != nil {
		t.Fatal(err)
	}
	mine := treeOf(t, in)["taken"]
	x.expect = treeOf(t, src)
	x.expect["taken (2)"], x.expect["taken"] = x.expect["taken"], mine
	return x
}

// run starts both ends over a line and returns them when both are there.
func (x *trial) run(pass func(*trialEnds) func(int64, bool, []byte) fate) *trialEnds {
	x.t.Helper()
	e := &trialEnds{}
	receive := append([]string{"receive", "--dir", x.dir}, x.flags...)
	if !x.fetch {
		var addr string
		e.receiver, addr = x.p.waits(x.t, nil, receive...)
		e.begin(x, addr, pass)
		e.sender = x.p.start(x.t, nil, append([]string{"send", x.src, e.line.addr()}, x.flags...)...)
	} else {
		var addr string
		e.sender, addr = x.p.waits(x.t, nil, append([]string{"send", "--wait", x.src}, x.flags...)...)
		e.begin(x, addr, pass)
		e.receiver = x.p.start(x.t, nil, append(receive, "--from", e.line.addr())...)
	}
	close(e.ready)
	return e
}

// trialEnds are the two ends of one run.
type trialEnds struct {
	sender, receiver *child
	line             *line
	ready            chan struct{}
}

func (e *trialEnds) begin(x *trial, addr string, pass func(*trialEnds) func(int64, bool, []byte) fate) {
	e.ready = make(chan struct{})
	var f func(int64, bool, []byte) fate
	if pass != nil {
		f = pass(e)
	}
	e.line = newLine(x.t, addr, f)
}

// sound looks at the target in the middle: nothing half-done has a name.
func (x *trial) sound() {
	x.t.Helper()
	if wrong := wrongFiles(x.expect, treeOf(x.t, filepath.Join(x.dir, filepath.Base(x.src)))); len(wrong) > 0 {
		x.t.Errorf("there is %s", strings.Join(wrong, "; "))
	}
}

// completes runs the same command without a fault, and looks at what came of it.
func (x *trial) completes() {
	x.t.Helper()
	e := x.run(nil)
	e.sender.went()
	e.receiver.went()
	e.line.close()
	got := treeOf(x.t, filepath.Join(x.dir, filepath.Base(x.src)))
	want := maps.Clone(x.expect)
	delete(got, ".")  // the folder that was there has the time that
	delete(want, ".") // its last name gave it
	if diff := differences(want, got); len(diff) > 0 {
		x.t.Errorf("after the next run: %s", strings.Join(diff, "; "))
	}
	list, _ := os.ReadDir(x.dir)
	if len(list) != 1 {
		x.t.Errorf("in the target are %v", list)
	}
}

// kinds are how the ends can know each other.
var trialFlags = [][]string{
	{"--code", "7-copper-lantern"},
	{"--plain", "--no-auth"},
	{"--plain", "--code", "7-copper-lantern"},
}

// size returns how many bytes a whole transfer puts on the line.
func (x *trial) size() int64 {
	x.t.Helper()
	e := x.run(nil)
	e.sender.went()
	e.receiver.went()
	return e.line.passed.Load()
}

// points returns a number of random points, fewer in a short run.
func points(n int) int {
	if testing.Short() {
		return n / 10
	}
	return n
}

// together runs f(0) to f(n-1), a few at a time.
func together(t *testing.T, n int, f func(t *testing.T, i int)) {
	var group sync.WaitGroup
	var next atomic.Int64
	for range 3 {
		group.Go(func() {
			for i := int(next.Add(1)) - 1; i < n; i = int(next.Add(1)) - 1 {
				t.Run(fmt.Sprint(i), func(t *testing.T) { f(t, i) })
			}
		})
	}
	group.Wait()
}

// testKills kills one of the ends, up to three times in a row, at random points
// of what passes between them.
func testKills(t *testing.T, p program, src string) {
	total := newTrial(t, p, src, trialFlags[0]...).size()
	var kills, complete, late atomic.Int64
	began := time.Now()
	together(t, 400, func(t *testing.T, i int) {
		if kills.Load() >= int64(points(200)) {
			return
		}
		r := rand.New(rand.NewPCG(3, uint64(i)))
		x := newTrial(t, p, src, trialFlags[i%len(trialFlags)]...)
		x.fetch = r.IntN(4) == 0
		for range 1 + r.IntN(3) {
			if !x.killOnce(r, total) {
				late.Add(1)
				break
			}
			kills.Add(1)
			x.sound()
		}
		x.completes()
		complete.Add(1)
		if t.Failed() {
			t.Logf("trial %d, fetching: %v, %q", i, x.fetch, x.flags)
		}
	})
	t.Logf("faults: %d kills, %d points were too late, %d next runs complete, in %.0f s", kills.Load(), late.Load(), complete.Load(), time.Since(began).Seconds())
	if !t.Failed() && kills.Load() < int64(points(200)) {
		t.Errorf("only %d kills", kills.Load())
	}
}

// killOnce kills an end when a random number of bytes has passed. It reports
// whether that was before the transfer's end.
func (x *trial) killOnce(r *rand.Rand, total int64) bool {
	x.t.Helper()
	at := r.Int64N(total)
	if r.IntN(10) == 0 {
		at = r.Int64N(10_000) // in the greeting
	}
	killReceiver := r.IntN(2) == 0
	killed := false
	e := x.run(func(e *trialEnds) func(int64, bool, []byte) fate {
		return after(at, forward, func() {
			<-e.ready
			if killReceiver {
				e.receiver.kill()
			} else {
				e.sender.kill()
			}
			killed = true
		})
	})
	victim, other := e.sender, e.receiver
	if killReceiver {
		victim, other = other, victim
	}
	victim.end()
	if !victim.cmd.ProcessState.Success() && other.running(300*time.Millisecond) && !strings.Contains(other.out.String(), "connected to ") {
		other.kill() // the greeting was not over: it rightly waits for another
	}
	other.end()
	e.line.close()
	if killed && !victim.cmd.ProcessState.Success() && !strings.Contains(other.out.String(), "connected to ") {
		return true
	}
	if killed && other.cmd.ProcessState.ExitCode() == 1 && len(other.errors()) != 1 {
		x.t.Errorf("%s says %q", other.name, other.out.String())
	}
	return killed && !victim.cmd.ProcessState.Success()
}

// testLines breaks the line at random points.
func testLines(t *testing.T, p program, src string) {
	total := newTrial(t, p, src, trialFlags[0]...).size()
	for _, c := range []struct {
		name   string
		fate   fate
		trials int
	}{{"resets", reset, 40}, {"stalls", stall, 20}, {"half-open", swallow, 20}} {
		var faults atomic.Int64
		together(t, points(c.trials), func(t *testing.T, i int) {
			r := rand.New(rand.NewPCG(uint64(c.fate), uint64(i)))
			x := newTrial(t, p, src, append([]string{"--timeout", "1s"}, trialFlags[i%len(trialFlags)]...)...)
			x.fetch = r.IntN(4) == 0
			at := 10_000 + r.Int64N(total-200_000)
			e := x.run(func(*trialEnds) func(int64, bool, []byte) fate { return after(at, c.fate, nil) })
			e.sender.failed()
			e.receiver.failed()
			e.line.close()
			faults.Add(1)
			x.sound()
			x.completes()
			if t.Failed() {
				t.Logf("%s at %d: %q and %q", c.name, at, e.sender.errors(), e.receiver.errors())
			}
			if i == 0 {
				t.Logf("%s: %q and %q", c.name, e.sender.errors(), e.receiver.errors())
			}
		})
		t.Logf("faults: %d %s, both ends say so, next runs complete", faults.Load(), c.name)
	}
}

// testFlips flips one bit of what passes.
func testFlips(t *testing.T, p program, src string) {
	flags := []string{"--plain", "--no-auth", "--timeout", "1s"}
	total := newTrial(t, p, src, flags...).size()
	var flips, repaired, ended, unseen atomic.Int64
	together(t, points(100), func(t *testing.T, i int) {
		r := rand.New(rand.NewPCG(5, uint64(i)))
		x := newTrial(t, p, src, flags...)
		at, bit := r.Int64N(total-1000), byte(1)<<r.IntN(8)
		if i%4 == 0 {
			at = r.Int64N(12_000) // in the greeting and the names
		}
		flipped := false
		e := x.run(func(*trialEnds) func(int64, bool, []byte) fate {
			return func(from int64, _ bool, b []byte) fate {
				if from <= at && at < from+int64(len(b)) {
					b[at-from] ^= bit
					flipped = true
				}
				return forward
			}
		})
		codes := [2]int{e.sender.end(), 0}
		if !strings.Contains(e.receiver.out.String(), "connected to ") && e.receiver.running(300*time.Millisecond) &&
			!strings.Contains(e.receiver.out.String(), "connected to ") {
			e.receiver.kill() // the greeting was damaged: it waits for a better one
		}
		codes[1] = e.receiver.end()
		e.line.close()
		said := strings.Contains(e.receiver.out.String(), "repaired")
		switch {
		case !flipped:
		case said && codes == [2]int{}:
			repaired.Add(1)
		case codes[0] == 1 && codes[1] != 0:
			ended.Add(1)
			if n, m := len(e.sender.errors()), len(e.receiver.errors()); n != 1 || codes[1] == 1 && m != 1 {
				t.Errorf("%s\n%s", e.sender.out.String(), e.receiver.out.String())
			}
		case codes == [2]int{} && at < 2000:
			unseen.Add(1) // a name in the greeting, which is only shown
		default:
			t.Errorf("bit %d of byte %d: %v\n%s\n%s", bit, at, codes, e.sender.out.String(), e.receiver.out.String())
		}
		if flipped {
			flips.Add(1)
		}
		x.sound()
		x.completes()
	})
	t.Logf("faults: %d flips: %d repaired, %d ended the transfer, %d only in the other end's name; next runs complete", flips.Load(), repaired.Load(), ended.Load(), unseen.Load())
}

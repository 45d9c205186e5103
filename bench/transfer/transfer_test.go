//go:build linux

package main

import (
	"context"
	"errors"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"dialtone/bench/report"
)

// newPlan is a run of small loads with the stand-in as dialtone.
func newPlan(t *testing.T, how string) plan {
	t.Helper()
	t.Setenv(asDialtone, how)
	t.Setenv("GORACE", "atexit_sleep_ms=0") // else the stand-in takes a second to end
	t.Chdir("..")                           // where the run starts: the module's folder
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	y, err := newYard(self)
	if err != nil {
		t.Skipf("needs /dev/shm: %v", err)
	}
	t.Cleanup(func() {
		if err := y.remove(); err != nil {
			t.Error(err)
		}
	})
	if err := y.build(t.Context()); err != nil {
		t.Fatal(err)
	}
	any := regexp.MustCompile("")
	return plan{
		yard: y, scenes: any, peers: any, rounds: 1, far: 1, many: 2000,
		scale: scale{file: 4 << 20, files: 120, part: 256}, say: t.Logf,
	}
}

// onLoopback is a scene of every contender.
func onLoopback(t *testing.T, p plan, l *load) *scene {
	t.Helper()
	s := &scene{
		name: "test", title: "Test", load: l, limit: 20 * time.Second,
		contenders: slices.Sorted(maps.Keys(allContenders())),
	}
	if err := s.open(p.yard); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.ends.close() })
	return s
}

// TestContendersMoveFileAndTree has every byte of every contender compared; one
// that is not installed has to say so.
func TestContendersMoveFileAndTree(t *testing.T) {
	p := newPlan(t, "good")
	for _, l := range []*load{{name: "file", files: 1, bytes: 3<<20 + 17}, {name: "tree", files: 120}} {
		s := onLoopback(t, p, l)
		cells := s.measure(t.Context(), p)
		for _, name := range s.contenders {
			cell, ok := cells[name]
			switch {
			case !ok:
				t.Errorf("%s, %s: no cell", l.name, name)
			case name == "aria2" && l.files > 1: // takes no trees, and is in no such scene
			case strings.HasPrefix(cell.note, "not available: "):
				t.Logf("%s: %s", name, cell.note)
			case name == "croc" && cell.note != "": // its relay now and then ends a transfer with EOF
				t.Logf("%s, croc: %s", l.name, cell.note)
			case cell.note != "":
				t.Errorf("%s, %s: %s", l.name, name, cell.note)
			case cell.mbs <= 0 || cell.cpu <= 0 || cell.from <= 0:
				t.Errorf("%s, %s: figures missing: %+v", l.name, name, cell)
			}
		}
	}
}

// TestRowsThatFail has each kind of failure end as a row, and the run go on.
func TestRowsThatFail(t *testing.T) {
	for how, want := range map[string]string{
		"wrong":  "failed: wrong bytes",
		"silent": "failed: ",
	} {
		t.Run(how, func(t *testing.T) {
			p := newPlan(t, how)
			s := onLoopback(t, p, &load{name: "file", files: 1, bytes: 1 << 20})
			s.contenders = []string{"dialtone", "cp"}
			cells := s.measure(t.Context(), p)
			if got := cells["dialtone"].note; !strings.HasPrefix(got, want) {
				t.Errorf("note %q, want %q…", got, want)
			}
			if cells["cp"].note != "" {
				t.Errorf("cp after it: %s", cells["cp"].note)
			}
		})
	}
	t.Run("missing", func(t *testing.T) {
		p := newPlan(t, "good")
		p.yard.own["dialtone"] = "/nowhere/dialtone"
		s := onLoopback(t, p, &load{name: "file", files: 1, bytes: 1 << 20})
		s.contenders = []string{"dialtone"}
		text := s.report(s.measure(t.Context(), p))
		if !strings.Contains(text, "not available: dialtone is not built") {
			t.Errorf("the report does not say so:\n%s", text)
		}
	})
}

// TestCutRowsHaveTheRateSoFar stops a stream in the middle of a slow cable.
func TestCutRowsHaveTheRateSoFar(t *testing.T) {
	p := newPlan(t, "good")
	s := &scene{
		name: "test", title: "Test", load: &load{name: "file", files: 1, bytes: 8 << 20},
		path: &path{rate: 8e6, rtt: 2 * time.Millisecond, queue: 50 * time.Millisecond}, limit: time.Second,
		contenders: []string{"bare-cubic"},
	}
	if err := s.open(p.yard); err != nil {
		t.Skipf("no cable: %v", err)
	}
	defer s.ends.close()
	cell := s.measure(t.Context(), p)["bare-cubic"]
	if !cell.cut || cell.note != "" || cell.mbs <= 0 || cell.mbs > 1 {
		t.Errorf("%+v, want a cut row of at most the line's 1 MB/s", cell)
	}
}

// TestExtras runs the tree of many files and the resume with the stand-in,
// which resumes to the byte.
func TestExtras(t *testing.T) {
	p := newPlan(t, "good")
	text := p.extras(t.Context())
	if strings.Contains(text, "failed") || strings.Contains(text, "not measured") {
		t.Errorf("extras:\n%s", text)
	}
	if !regexp.MustCompile(`met: [0-9.]+ MiB sent again`).MatchString(text) {
		t.Errorf("resume is not met:\n%s", text)
	}
	t.Log(text)
}

// TestInterruptLeavesNothing ends a run in its first round.
func TestInterruptLeavesNothing(t *testing.T) {
	p := newPlan(t, "good")
	ctx, cancel := context.WithCancel(t.Context())
	p.say = func(string, ...any) { cancel() }
	p.rounds = 1000
	if err := p.start(ctx, p.yard.own["dialtone"], ""); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v, want canceled", err)
	}
	left, _ := filepath.Glob(yards)
	for _, dir := range left { // another run's is locked
		if lock, err := lockFolder(dir, 0); err == nil {
			lock.Close()
			t.Errorf("left behind: %s", dir)
		}
	}
}

// TestKilledRunIsClearedAway finds the folder of a run that is no more, and
// leaves one that is, and one that no run made.
func TestKilledRunIsClearedAway(t *testing.T) {
	live, err := newYard("")
	if err != nil {
		t.Skipf("needs /dev/shm: %v", err)
	}
	defer live.remove()
	killed, err := newYard("")
	if err != nil {
		t.Fatal(err)
	}
	killed.lock.Close()
	orphan, err := launch(t.Context(), &side{start: (*exec.Cmd).Start}, t.TempDir(), []string{"HOME=" + killed.path("log")}, []string{"sleep", "1000"})
	if err != nil {
		t.Fatal(err)
	}
	strange, err := os.MkdirTemp(filepath.Split(yards))
	if err != nil {
		t.Fatal(err)
	}
	defer os.Remove(strange)
	next, err := newYard("")
	if err != nil {
		t.Fatal(err)
	}
	defer next.remove()
	if _, err := os.Stat(killed.dir); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("the killed run's folder: %v", err)
	}
	<-orphan.done
	for _, dir := range []string{live.dir, strange} {
		if _, err := os.Stat(dir); err != nil {
			t.Errorf("another's folder: %v", err)
		}
	}
}

func TestVerdicts(t *testing.T) {
	for _, test := range []struct {
		name  string
		goal  goal
		cells map[string]sample
		want  string
	}{
		{"just met", atLeast("dialtone", 0.9, "cp"), map[string]sample{"dialtone": {mbs: 90}, "cp": {mbs: 100}}, "met: 90.0 MB/s of 90.0"},
		{"missed", atLeast("dialtone", 1, "rsync", "scp"), map[string]sample{"dialtone": {mbs: 90}, "rsync": {mbs: 120}, "scp": {mbs: 10}}, "missed by 25 %: 90.0 MB/s of 120"},
		{"hardly missed", atLeast("dialtone", 1, "cp"), map[string]sample{"dialtone": {mbs: 999.9}, "cp": {mbs: 1000}}, "missed by 1 %: 1000 MB/s of 1000"},
		{"no peer", atLeast("dialtone", 1, "croc"), map[string]sample{"dialtone": {mbs: 90}, "croc": {note: "not available"}}, "not measured"},
		{"no figure", atLeast("dialtone", 1, "cp"), map[string]sample{"cp": {mbs: 90}}, "not measured"},
		{"memory", inMemory, map[string]sample{"dialtone": {from: 10 << 20, to: 64 << 20}, "rsync": {to: 1 << 30}}, "met: 64.0 MiB, 64.0 allowed"},
		{"too much", inMemory, map[string]sample{"dialtone-plain": {from: 96 << 20}, "dialtone": {to: 1}}, "missed by 50 %: 96.0 MiB, 64.0 allowed"},
	} {
		if got := test.goal.check(test.cells); got != test.want {
			t.Errorf("%s: %q, want %q", test.name, got, test.want)
		}
	}
}

// TestScenesAreWhole has every contender and goal that a scene names exist.
func TestScenesAreWhole(t *testing.T) {
	all := allContenders()
	for _, s := range scenes(scale{1 << 20, 10, 1}) {
		for _, name := range s.contenders {
			if _, ok := all[name]; !ok {
				t.Errorf("%s: nobody is called %q", s.name, name)
			}
		}
		cells := map[string]sample{}
		for _, name := range s.contenders {
			cells[name] = sample{mbs: 1, from: 1, to: 1}
		}
		for _, g := range s.goals {
			if g.check(cells) == report.NotMeasured {
				t.Errorf("%s: %q needs somebody who does not take part", s.name, g.text)
			}
		}
	}
}

func TestReportIsRectangular(t *testing.T) {
	s := scenes(scale{1 << 20, 10, 1})[0]
	cells := map[string]sample{"dialtone": {note: "not available"}, "cp": {mbs: 1, from: 1}, "bare": {mbs: 2, cut: true}}
	blocks := strings.Split(strings.TrimSpace(s.report(cells)), "\n\n")
	if len(blocks) != 3 {
		t.Fatalf("%d blocks, want heading, table and targets", len(blocks))
	}
	for _, block := range blocks[1:] {
		var bars []int
		for line := range strings.Lines(block) {
			bars = append(bars, strings.Count(line, "|"))
		}
		if len(slices.Compact(bars)) != 1 {
			t.Errorf("bars in each line differ:\n%s", block)
		}
	}
}

package main

import (
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
)

// TestCrowds is a great many of everything in bounded memory. DIALTONE_LONG=1 has
// the full numbers of it, which take minutes.
func TestCrowds(t *testing.T) {
	p := buildProgram(t)
	t.Run("senders", func(t *testing.T) { testManySenders(t, p) })
	t.Run("files", func(t *testing.T) { testManyFiles(t, p) })
	t.Run("holes", func(t *testing.T) { testHoles(t, p) })
}

func long() bool { return os.Getenv("DIALTONE_LONG") != "" }

// inMemory returns a folder on a tmpfs, where there is one with room.
func inMemory(t *testing.T, bytes uint64) string {
	t.Helper()
	var st syscall.Statfs_t
	if syscall.Statfs("/dev/shm", &st) == nil && st.Bavail*uint64(st.Bsize) > bytes {
		if dir, err := os.MkdirTemp("/dev/shm", "dialtone-test-"); err == nil {
			t.Cleanup(func() { os.RemoveAll(dir) })
			return dir
		}
	}
	return t.TempDir()
}

// testManySenders has 200 of them send to one receiver at once.
func testManySenders(t *testing.T, p program) {
	senders := 200
	if testing.Short() {
		senders = 40
	}
	const most = 400 << 20
	root := inMemory(t, 1<<30)
	dir, src, code := filepath.Join(root, "in"), filepath.Join(root, "src"), filepath.Join(root, "code")
	if err := os.WriteFile(code, []byte(testCode+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for i := range senders {
		name := filepath.Join(src, fmt.Sprint("from ", i))
		writeFile(t, filepath.Join(name, fmt.Sprint("large ", i)), 1<<20+int64(i))
		for k := range 5 {
			writeFile(t, filepath.Join(name, fmt.Sprint("small ", k)), int64(i*k))
		}
	}
	r, addr := p.waits(t, nil, "receive", "--keep", "--code-file", code, "--dir", dir)
	go r.measure()
	var group sync.WaitGroup
	var bad atomic.Int64
	for i := range senders {
		group.Go(func() {
			c := exec.Command(p.path, "send", filepath.Join(src, fmt.Sprint("from ", i)), addr, "--code-file", code, "--quiet")
			c.Env = append(os.Environ(), "GOMAXPROCS=2")
			if out, err := c.CombinedOutput(); err != nil && bad.Add(1) < 4 {
				t.Errorf("%v: %s", err, out)
			}
		})
	}
	group.Wait()
	peak, files := max(r.peak.Load(), highWater(r.cmd.Process.Pid)), r.mostFDs.Load()
	r.cmd.Process.Signal(syscall.SIGINT)
	r.end()
	if n := bad.Load(); n > 0 {
		t.Errorf("%d senders failed", n)
	}
	if diff := differences(treeOf(t, src), treeOf(t, dir)); len(diff) > 1 || len(diff) == 1 && !strings.HasPrefix(diff[0], ".:") {
		t.Error(len(diff), diff[0])
	}
	if peak > most || files > int64(senders)*20 {
		t.Errorf("%d MiB, %d files", peak>>20, files)
	}
	t.Logf("crowds: %d senders at once: the receiver had at most %d MiB and %d open files", senders, peak>>20, files)
}

// testManyFiles sends very many small files.
func testManyFiles(t *testing.T, p program) {
	n := 100_000
	switch {
	case long():
		n = 1_000_000
	case testing.Short():
		n = 20_000
	}
	root := inMemory(t, uint64(n)*20_000)
	src, dir := filepath.Join(root, "src"), filepath.Join(root, "in")
	text := []byte("a small file, as there are many of\n")
	for i := range n {
		if i%500 == 0 {
			if err := os.MkdirAll(filepath.Join(src, fmt.Sprint(i/500)), 0o755); err != nil {
				t.Fatal(err)
			}
		}
		if err := os.WriteFile(filepath.Join(src, fmt.Sprint(i/500), fmt.Sprint(i)), text[:i%len(text)], 0o644); err != nil {
			t.Fatal(err)
		}
	}
	for _, again := range []string{"first", "again"} {
		r, addr := p.waits(t, nil, "receive", "--code", testCode, "--dir", dir, "--max-files", fmt.Sprint(2*n))
		s := p.start(t, nil, "send", src, addr, "--code", testCode)
		var group sync.WaitGroup
		group.Go(r.measure)
		group.Go(s.measure)
		<-s.over
		s.went()
		r.went()
		group.Wait()
		for _, c := range []*child{s, r} {
			if c.peak.Load() > smallMemory {
				t.Errorf("%s: %d MiB", c.name, c.peak.Load()>>20)
			}
		}
		t.Logf("crowds: %d files, %s: send %d MiB and %d open files, receive %d MiB and %d open files", n, again,
			s.peak.Load()>>20, s.mostFDs.Load(), r.peak.Load()>>20, r.mostFDs.Load())
	}
	for i := range n {
		b, err := os.ReadFile(filepath.Join(dir, "src", fmt.Sprint(i/500), fmt.Sprint(i)))
		if err != nil || string(b) != string(text[:i%len(text)]) {
			t.Fatalf("file %d: %v %q", i, err, b)
		}
	}
}

// testHoles sends a file that is nearly all hole.
func testHoles(t *testing.T, p program) {
	size := int64(10 << 30)
	if long() {
		size *= 10
	}
	root := t.TempDir()
	src, dir := filepath.Join(root, "holes"), filepath.Join(root, "in")
	f, err := os.Create(src)
	if err != nil {
		t.Fatal(err)
	}
	data := map[int64]string{0: "at the beginning", size/3 + 17: "in the midst", size - 9: "at an end"}
	for off, text := range data {
		if _, err := f.WriteAt([]byte(text), off); err != nil {
			t.Skip("this file system has no file of ", size, " bytes: ", err)
		}
	}
	f.Close()
	if blocksOf(t, src) > 1<<20 {
		t.Skip("this file system has no holes")
	}
	r, addr := p.waits(t, nil, "receive", "--code", testCode, "--dir", dir, "--keep-free", "0")
	s := p.start(t, nil, "send", src, addr, "--code", testCode)
	var group sync.WaitGroup
	group.Go(r.measure)
	group.Go(s.measure)
	<-s.over
	s.went()
	r.went()
	group.Wait()
	got := filepath.Join(dir, "holes")
	for _, c := range []*child{s, r} {
		if c.peak.Load() > smallMemory {
			t.Errorf("%s: %d MiB", c.name, c.peak.Load()>>20)
		}
	}
	info, err := os.Stat(got)
	if err != nil || info.Size() != size {
		t.Fatal(err)
	}
	if n := blocksOf(t, got); n > 4<<20 {
		t.Errorf("the copy takes %d bytes", n)
	}
	g, err := os.Open(got)
	if err != nil {
		t.Fatal(err)
	}
	defer g.Close()
	for off, text := range data {
		b := make([]byte, len(text))
		if _, err := g.ReadAt(b, off); (err != nil && err != io.EOF) || string(b) != text[:min(int64(len(text)), size-off)] {
			t.Errorf("at %d: %q %v", off, b, err)
		}
	}
	t.Logf("crowds: a file of %d GiB, nearly all hole: send %d MiB, receive %d MiB, %d KiB on the disk", size>>30,
		s.peak.Load()>>20, r.peak.Load()>>20, blocksOf(t, got)>>10)
}

func blocksOf(t *testing.T, path string) int64 {
	t.Helper()
	var st syscall.Stat_t
	if err := syscall.Stat(path, &st); err != nil {
		t.Fatal(err)
	}
	return st.Blocks * 512
}

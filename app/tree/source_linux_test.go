package tree_test

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"

	"dialtone/app/tree"

	"golang.org/x/sys/unix"
)

func TestSpecialFilesAreLeftOutAndSaid(t *testing.T) {
	dir := grow(t, "t/file")
	t.Chdir(dir) // a socket's name is short
	must(t, unix.Mkfifo("t/pipe", 0o644))
	ln, err := net.Listen("unix", "t/socket")
	must(t, err)
	defer ln.Close()
	var notes said
	wantWalk(t, source(t, tree.SourceOptions{Notice: notes.notice}, "t"), "t/", "t/file", "^t")
	want := said{"t/pipe: is a pipe: left out", "t/socket: is a socket: left out"}
	if !slices.Equal(notes, want) {
		t.Errorf("said %q, want %q", notes, want)
	}
	for _, path := range []string{"t/pipe", "t/socket", "/dev/null"} {
		if _, err := tree.NewSource([]string{path}, tree.SourceOptions{}); err == nil || !strings.Contains(err.Error(), "neither file nor folder") {
			t.Errorf("%s as an argument: %v", path, err)
		}
	}
}

// TestPipeSwappedIn: nobody waits for a writer.
func TestPipeSwappedIn(t *testing.T) {
	dir := grow(t, "t/file", "alone")
	s := source(t, tree.SourceOptions{}, dir+"/t", dir+"/alone")
	for _, path := range []string{"t/file", "alone"} {
		e := find(t, s, path)
		must(t, os.Remove(filepath.Join(dir, path)))
		must(t, unix.Mkfifo(filepath.Join(dir, path), 0o644))
		if _, err := s.Open(e); !errors.Is(err, tree.ErrChanged) {
			t.Errorf("Open: %v", err)
		}
		if _, err := s.ReadSmall(e, make([]byte, 100)); !errors.Is(err, tree.ErrChanged) {
			t.Errorf("ReadSmall: %v", err)
		}
	}
}

// TestDeepTrees: deeper than descriptors are held, and longer than PATH_MAX.
func TestDeepTrees(t *testing.T) {
	const depth = 1200
	top := filepath.Join(t.TempDir(), "t")
	must(t, os.Mkdir(top, 0o755))
	fd, err := unix.Open(top, unix.O_RDONLY|unix.O_DIRECTORY, 0)
	must(t, err)
	for i := range depth { // two folders and a file at every level
		for _, name := range []string{"folder", "other"} {
			must(t, unix.Mkdirat(fd, name, 0o755))
		}
		file, err := unix.Openat(fd, "file", unix.O_CREAT|unix.O_WRONLY, 0o644)
		must(t, err)
		_, err = unix.Write(file, fmt.Append(nil, i, "file"))
		must(t, err)
		unix.Close(file)
		next, err := unix.Openat(fd, "folder", unix.O_RDONLY|unix.O_DIRECTORY, 0)
		must(t, err)
		unix.Close(fd)
		fd = next
	}
	unix.Close(fd)
	for _, plain := range []bool{false, true} {
		s := source(t, tree.SourceOptions{Notice: func(path, what string) { t.Errorf("%.40s: %s", path, what) }}, top)
		if plain {
			tree.WithoutOpenat2(s)
		}
		counts := map[tree.Kind]int{}
		most := 0
		for _, e := range walkCounting(t, s, &most) {
			counts[e.Kind]++
			if e.Kind != tree.File || counts[tree.File]%100 != 0 {
				continue
			}
			wantContent(t, s, e)
		}
		if want := (map[tree.Kind]int{tree.File: depth, tree.Dir: 2*depth + 1, tree.Leave: 2*depth + 1}); fmt.Sprint(counts) != fmt.Sprint(want) {
			t.Errorf("walked %v, want %v", counts, want)
		}
		if most > 100 {
			t.Errorf("%d descriptors were open", most)
		}
	}
}

// walkCounting finds out how many descriptors are open at most.
func walkCounting(t testing.TB, s *tree.Source, most *int) (all []tree.Entry) {
	must(t, s.Walk(t.Context(), func(e tree.Entry) error {
		all = append(all, e)
		if len(all)%100 == 0 {
			open, err := os.ReadDir("/proc/self/fd")
			must(t, err)
			*most = max(*most, len(open))
		}
		return nil
	}))
	return all
}

// TestFoldersMovedWhileTheyAreRead: the way back from a deep folder leads
// elsewhere, and so does the way from the top.
func TestFoldersMovedWhileTheyAreRead(t *testing.T) {
	down := func(n int) string { return strings.Repeat("/d", n) }
	dir := grow(t, "t"+down(60)+"/file", "t"+down(10)+"/x/", "t"+down(28)+"/x/", "away/")
	var notes said
	s := source(t, tree.SourceOptions{Notice: notes.notice}, dir+"/t")
	var seen []string
	must(t, s.Walk(t.Context(), func(e tree.Entry) error {
		if e.Kind == tree.File { // at the bottom, when the upper folders are parked
			must(t, os.Rename(dir+"/t"+down(29), dir+"/away/29"))
			must(t, os.Rename(dir+"/t"+down(28), dir+"/away/28"))
		}
		seen = append(seen, show([]tree.Entry{e})...)
		return nil
	}))
	if want := (said{"t" + down(28) + ": was moved while it was read: the rest of it is left out"}); !slices.Equal(notes, want) {
		t.Errorf("said %.200q, want %q", notes, want)
	}
	if !slices.Contains(seen, "t"+down(10)+"/x/") || slices.Contains(seen, "t"+down(28)+"/x/") || seen[len(seen)-1] != "^t" {
		t.Errorf("saw %.200q … %.200q", seen, seen[len(seen)-10:])
	}
}

func TestHolesAreFound(t *testing.T) {
	dir := shm(t)
	path := filepath.Join(dir, "sparse")
	const mib = 1 << 20
	f, err := os.Create(path)
	must(t, err)
	for _, at := range []int64{2 * mib, 5 * mib} {
		_, err = f.WriteAt(bytes.Repeat([]byte("x"), mib), at)
		must(t, err)
	}
	must(t, f.Truncate(100*mib+1))
	must(t, f.Close())
	s := source(t, tree.SourceOptions{}, path)
	e := find(t, s, "sparse")
	if !e.Sparse {
		t.Fatal("not called sparse")
	}
	src, err := s.Open(e)
	must(t, err)
	defer src.Close()
	for _, c := range []struct{ off, start, end int64 }{
		{0, 2 * mib, 3 * mib},
		{2*mib + 5, 2*mib + 5, 3 * mib},
		{3 * mib, 5 * mib, 6 * mib},
	} {
		if start, end, err := src.Data(c.off); err != nil || start != c.start || end != c.end {
			t.Errorf("Data(%d) is %d, %d, %v; want %d, %d", c.off, start, end, err, c.start, c.end)
		}
	}
	for _, off := range []int64{6 * mib, 100*mib + 1, 200 * mib} {
		if _, _, err := src.Data(off); err != io.EOF {
			t.Errorf("Data(%d): %v, want EOF", off, err)
		}
	}
	if src.File() == nil {
		t.Error("it is no file of the kernel")
	}
}

func TestDataOfAFileWithoutHoles(t *testing.T) {
	s := source(t, tree.SourceOptions{}, grow(t, "file")+"/file")
	f, err := s.Open(find(t, s, "file"))
	must(t, err)
	defer f.Close()
	if start, end, err := f.Data(1); start != 1 || end != 4 || err != nil {
		t.Errorf("Data(1) is %d, %d, %v", start, end, err)
	}
	if _, _, err := f.Data(4); err != io.EOF {
		t.Errorf("Data(4): %v", err)
	}
}

// TestSizesThatMeanNothing: proc(5) says 0 of every file.
func TestSizesThatMeanNothing(t *testing.T) {
	want, err := os.ReadFile("/proc/version")
	if err != nil {
		t.Skip(err)
	}
	s := source(t, tree.SourceOptions{}, "/proc/version", "/proc/sys/kernel/random")
	for path, want := range map[string]int{"version": len(want), "random/boot_id": 37} {
		e := find(t, s, path)
		if e.Size != -1 {
			t.Errorf("%s: size %d", path, e.Size)
		}
		n, err := s.ReadSmall(e, make([]byte, 4096))
		if n != want || err != nil {
			t.Errorf("%s: read %d bytes of %d: %v", path, n, want, err)
		}
		if _, err := s.ReadSmall(e, make([]byte, 5)); !errors.Is(err, io.ErrShortBuffer) {
			t.Errorf("%s: read into 5 bytes: %v", path, err)
		}
	}
}

func TestXAttrsAreRead(t *testing.T) {
	dir := grow(t, "t/file", "t/plain")
	for _, path := range []string{dir + "/t", dir + "/t/file"} {
		if err := unix.Setxattr(path, "user.colour", []byte("blue\x00!"), 0); err != nil {
			t.Skip(err)
		}
	}
	must(t, unix.Setxattr(dir+"/t/file", "user.empty", nil, 0))
	s := source(t, tree.SourceOptions{XAttrs: true}, dir+"/t")
	blue := tree.XAttr{Name: "user.colour", Value: []byte("blue\x00!")}
	for path, want := range map[string][]tree.XAttr{
		"t": {blue}, "t/file": {blue, {Name: "user.empty"}}, "t/plain": nil,
	} {
		got := find(t, s, path).XAttrs
		slices.SortFunc(got, func(a, b tree.XAttr) int { return strings.Compare(a.Name, b.Name) })
		if !slices.EqualFunc(got, want, func(a, b tree.XAttr) bool { return a.Name == b.Name && bytes.Equal(a.Value, b.Value) }) {
			t.Errorf("%s has %q, want %q", path, got, want)
		}
	}
	if got := find(t, source(t, tree.SourceOptions{XAttrs: true}, dir+"/t/file"), "file").XAttrs; len(got) != 2 {
		t.Errorf("as an argument it has %q", got)
	}
	if got := find(t, source(t, tree.SourceOptions{}, dir+"/t"), "t/file").XAttrs; got != nil {
		t.Errorf("not asked for, there is %q", got)
	}
}

func TestOneFileSystem(t *testing.T) {
	var dev, shm unix.Stat_t
	if unix.Stat("/dev", &dev) != nil || unix.Stat("/dev/shm", &shm) != nil || dev.Dev == shm.Dev {
		t.Skip("/dev/shm is no file system of its own here")
	}
	var notes said
	s := source(t, tree.SourceOptions{OneFileSystem: true, Exclude: []string{"/*", "!/shm"}, Notice: notes.notice}, "/dev")
	wantWalk(t, s, "dev/", "dev/shm/", "^dev/shm", "^dev")
	if len(notes) != 1 || !strings.HasPrefix(notes[0], "dev/shm: is on another file system") {
		t.Errorf("said %q", notes)
	}
}

// TestUnreadable runs itself again as nobody.
func TestUnreadable(t *testing.T) {
	if dir := os.Getenv("TREE_UNREADABLE"); dir != "" {
		unreadable(t, dir)
		return
	}
	dir, err := os.MkdirTemp("/var/tmp", "tree") // all may go there
	must(t, err)
	t.Cleanup(func() { os.RemoveAll(dir) })
	for _, name := range []string{"t/closed/x", "t/file", "t/no", "t/z/y"} {
		plant(t, dir, name)
	}
	must(t, os.Chmod(dir, 0o755))
	must(t, os.Chmod(dir+"/t/closed", 0))
	must(t, os.Chmod(dir+"/t/no", 0))
	must(t, os.Chmod(dir+"/t/z", 0o744)) // names, but nothing more
	if os.Geteuid() != 0 {
		unreadable(t, dir)
		return
	}
	exe, err := os.ReadFile("/proc/self/exe")
	must(t, err)
	must(t, os.WriteFile(dir+"/test", exe, 0o755))
	cmd := exec.Command(dir+"/test", "-test.run=^TestUnreadable$")
	cmd.Env = append(os.Environ(), "TREE_UNREADABLE="+dir)
	cmd.Dir = dir
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: 65534, Gid: 65534}}
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Errorf("as nobody: %v\n%s", err, out)
	}
}

func unreadable(t *testing.T, dir string) {
	var notes said
	s := source(t, tree.SourceOptions{Notice: notes.notice}, dir+"/t")
	wantWalk(t, s, "t/", "t/file", "t/no", "t/z/", "^t/z", "^t")
	want := said{"t/closed: cannot be read: permission denied", "t/z/y: cannot be read: permission denied"}
	if !slices.Equal(notes, want) {
		t.Errorf("said %q, want %q", notes, want)
	}
	if _, err := s.Open(find(t, s, "t/no")); !errors.Is(err, fs.ErrPermission) {
		t.Errorf("Open: %v", err)
	}
	for _, path := range []string{"/t/no", "/t/closed", "/t/closed/x"} {
		if _, err := tree.NewSource([]string{dir + path}, tree.SourceOptions{}); !errors.Is(err, fs.ErrPermission) {
			t.Errorf("%s as an argument: %v", path, err)
		}
	}
}

// TestLeasedFile: a file server that holds a lease is asked to give it back.
func TestLeasedFile(t *testing.T) {
	dir := grow(t, "t/file")
	s := source(t, tree.SourceOptions{}, dir+"/t")
	e := find(t, s, "t/file")
	asked := make(chan os.Signal, 1)
	signal.Notify(asked, unix.SIGIO)
	defer signal.Stop(asked)
	f, err := os.OpenFile(dir+"/t/file", os.O_RDWR, 0)
	must(t, err)
	defer f.Close()
	if _, err := unix.FcntlInt(f.Fd(), unix.F_SETLEASE, unix.F_WRLCK); err != nil {
		t.Skip(err)
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		<-asked
		unix.FcntlInt(f.Fd(), unix.F_SETLEASE, unix.F_UNLCK)
	}()
	wantContent(t, s, e)
	<-done
}

func TestReadSmallAllocatesNothing(t *testing.T) {
	s := source(t, tree.SourceOptions{}, grow(t, "t/sub/file")+"/t")
	e := find(t, s, "t/sub/file")
	buf := make([]byte, 4096)
	read := func() {
		_, err := s.ReadSmall(e, buf)
		must(t, err)
	}
	if n := testing.AllocsPerRun(100, read); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

func TestWithoutOpenat2(t *testing.T) {
	dir := grow(t, "t/a/b/c", "secret/c")
	s := source(t, tree.SourceOptions{}, dir+"/t")
	tree.WithoutOpenat2(s)
	e := find(t, s, "t/a/b/c")
	wantContent(t, s, e)
	must(t, os.Rename(dir+"/t/a/b", dir+"/t/b"))
	must(t, os.Symlink("../b", dir+"/t/a/b"))
	for _, path := range []string{"t/a/b/c", "t/../secret/c"} {
		e.Path = path
		if _, err := s.Open(e); !errors.Is(err, tree.ErrChanged) {
			t.Errorf("%s: %v", path, err)
		}
	}
}

package main

import (
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// TestTroubles is what the machines at both ends do to a transfer: full disks,
// files that cannot be read or change, folders that cannot be written, odd clocks.
func TestTroubles(t *testing.T) {
	p := buildProgram(t)
	for name, f := range map[string]func(*testing.T, program){
		"disk full":         testDiskFull,
		"unreadable":        testUnreadable,
		"read-only target":  testReadOnlyTarget,
		"source changes":    testSourceChanges,
		"clocks that jump":  testOddTimes,
		"swapped in flight": testSwappedFolder,
	} {
		t.Run(name, func(t *testing.T) { f(t, p) })
	}
}

// smallDisk is a tmpfs in a mount namespace of its own.
type smallDisk struct {
	pid int
	dir string // its path in there
}

func newSmallDisk(t *testing.T, size string) smallDisk {
	t.Helper()
	d := smallDisk{dir: t.TempDir()}
	holder := exec.Command("unshare", "--user", "--map-root-user", "--mount", "sh", "-c",
		`mount -t tmpfs -o size=`+size+` none "$1" && echo ready && exec sleep 600`, "sh", d.dir)
	out, err := holder.StdoutPipe()
	if err == nil {
		err = holder.Start()
	}
	if err != nil {
		t.Skip("needs unshare with user and mount namespaces: ", err)
	}
	t.Cleanup(func() { holder.Process.Kill(); holder.Wait() })
	ready := make([]byte, 5)
	if n, _ := out.Read(ready); n < 5 {
		t.Skip("this machine lets no user mount a tmpfs of its own")
	}
	d.pid = holder.Process.Pid
	return d
}

// in makes c run where the disk is.
func (d smallDisk) in(c *exec.Cmd) {
	args := []string{"nsenter", "-t", fmt.Sprint(d.pid), "-U", "-m", "--preserve-credentials", "--"}
	if path, err := exec.LookPath("nsenter"); err == nil {
		c.Args, c.Path = append(args, append([]string{c.Path}, c.Args[1:]...)...), path
	}
}

func (d smallDisk) seen() string { return fmt.Sprintf("/proc/%d/root%s", d.pid, d.dir) }

func testDiskFull(t *testing.T, p program) {
	d := newSmallDisk(t, "6m")
	src := filepath.Join(t.TempDir(), "src")
	writeFile(t, filepath.Join(src, "a"), 1000)
	writeFile(t, filepath.Join(src, "big"), 9<<20)
	for i := range 100 {
		writeFile(t, filepath.Join(src, fmt.Sprint("small", i)), 20_000)
	}
	inside := func(receiver bool, c *exec.Cmd) {
		if receiver {
			d.in(c)
		}
	}
	for _, keep := range []string{"0", "4MB"} {
		sender, receiver := p.transferOnce(t, inside, nil, []string{"--dir", d.dir, "--keep-free", keep}, []string{src})
		sender.failed()
		receiver.failed()
		for _, c := range []*child{sender, receiver} {
			if text := strings.Join(c.errors(), " "); !strings.Contains(text, "space") && !strings.Contains(text, "free") {
				t.Errorf("%s says %q", c.name, text)
			}
			t.Logf("faults: disk full, --keep-free %s: %s says %q", keep, c.name, c.errors())
		}
		if wrong := wrongFiles(treeOf(t, src), treeOf(t, filepath.Join(d.seen(), "src"))); len(wrong) > 0 {
			t.Error(wrong)
		}
	}
	grow := exec.Command("mount", "-o", "remount,size=64m", d.dir)
	d.in(grow)
	if out, err := grow.CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	sender, receiver := p.transferOnce(t, inside, nil, []string{"--dir", d.dir, "--keep-free", "0"}, []string{src})
	sender.went()
	receiver.went()
	if diff := differences(treeOf(t, src), treeOf(t, filepath.Join(d.seen(), "src"))); len(diff) > 0 {
		t.Error(diff)
	}
}

// asNobody makes c another user's, if we may.
func asNobody(t *testing.T) func(*exec.Cmd) {
	t.Helper()
	if os.Geteuid() != 0 {
		return func(*exec.Cmd) {} // we are nobody special already
	}
	return func(c *exec.Cmd) {
		c.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: 65534, Gid: 65534}}
	}
}

func openTo(t *testing.T, dir string) string {
	t.Helper()
	for _, path := range []string{dir, filepath.Dir(dir)} {
		if err := os.Chmod(path, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

func testUnreadable(t *testing.T, p program) {
	src := filepath.Join(openTo(t, t.TempDir()), "src")
	for _, name := range []string{"a", "secret", "locked/x", "z"} {
		writeFile(t, filepath.Join(src, name), 3000)
	}
	if err := os.Chmod(filepath.Join(src, "secret"), 0); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(filepath.Join(src, "locked"), 0); err != nil {
		t.Fatal(err)
	}
	defer os.Chmod(filepath.Join(src, "locked"), 0o755)
	nobody := asNobody(t)
	dir := t.TempDir()
	sender, receiver := p.transferOnce(t, func(receiver bool, c *exec.Cmd) {
		if !receiver {
			nobody(c)
		}
	}, nil, []string{"--dir", dir}, []string{src})
	if sender.end() != 1 || !strings.Contains(sender.out.String(), "permission denied") || len(sender.errors()) != 1 {
		t.Errorf("the sender ends with %d: %s", sender.end(), sender.out.String())
	}
	if receiver.end() != 1 || len(receiver.errors()) != 1 {
		t.Errorf("the receiver ends with %d: %s", receiver.end(), receiver.out.String())
	}
	for name, want := range map[string]bool{"a": true, "z": true, "secret": false, "locked/x": false} {
		if _, err := os.Stat(filepath.Join(dir, "src", name)); (err == nil) != want {
			t.Errorf("%s is there: %v", name, err == nil)
		}
	}
	os.Chmod(filepath.Join(src, "locked"), 0o755)
	os.Chmod(filepath.Join(src, "secret"), 0o644)
	sender, receiver = p.transferOnce(t, nil, nil, []string{"--dir", dir}, []string{src})
	sender.went()
	receiver.went()
}

func testReadOnlyTarget(t *testing.T, p program) {
	root := openTo(t, t.TempDir())
	src := filepath.Join(root, "src")
	writeFile(t, filepath.Join(src, "a"), 3000)
	writeFile(t, filepath.Join(src, "big"), 3<<20)
	dir := filepath.Join(root, "in")
	if err := os.Mkdir(dir, 0o555); err != nil {
		t.Fatal(err)
	}
	nobody := asNobody(t)
	sender, receiver := p.transferOnce(t, func(_ bool, c *exec.Cmd) { nobody(c) }, nil, []string{"--dir", dir}, []string{src})
	for _, c := range []*child{sender, receiver} {
		c.failed()
		if !strings.Contains(c.out.String(), "permission denied") {
			t.Errorf("%s says %s", c.name, c.out.String())
		}
		t.Logf("faults: read-only target: %s says %q", c.name, c.errors())
	}
	if list, _ := os.ReadDir(dir); len(list) != 0 {
		t.Errorf("there is %v", list)
	}
}

// testSourceChanges changes a large file when a part of it is on its way.
func testSourceChanges(t *testing.T, p program) {
	const size = 40 << 20
	for name, change := range map[string]func(path string) error{
		"append": func(path string) error {
			f, err := os.OpenFile(path, os.O_APPEND|os.O_WRONLY, 0)
			if err != nil {
				return err
			}
			defer f.Close()
			_, err = f.WriteString("more")
			return err
		},
		"truncate": func(path string) error { return os.Truncate(path, size/4) },
		"rewrite": func(path string) error {
			f, err := os.OpenFile(path, os.O_WRONLY, 0)
			if err != nil {
				return err
			}
			defer f.Close()
			_, err = f.WriteAt(make([]byte, 1<<20), size/2)
			return err
		},
		"replace": func(path string) error {
			if err := os.WriteFile(path+".new", []byte("new"), 0o644); err != nil {
				return err
			}
			return os.Rename(path+".new", path)
		},
		"remove": os.Remove,
	} {
		t.Run(name, func(t *testing.T) {
			src := filepath.Join(t.TempDir(), "src")
			big := filepath.Join(src, "big")
			writeFile(t, big, size)
			writeFile(t, filepath.Join(src, "other"), 1000)
			dir := t.TempDir()
			var once sync.Once
			var changed error
			sender, receiver := p.transferOnce(t, nil, func(at int64, _ bool, _ []byte) fate {
				if at > 2<<20 {
					once.Do(func() { changed = change(big) })
				}
				return forward
			}, []string{"--dir", dir}, []string{src, "--limit", "100MB"})
			if changed != nil {
				t.Fatal(changed)
			}
			got := treeOf(t, dir)
			if name == "remove" || name == "replace" { // it was open: the file as it was is the right one
				if sender.end() == 0 {
					if info, err := os.Stat(filepath.Join(dir, "src/big")); err != nil || info.Size() != size {
						t.Errorf("%v", err)
					}
				}
			} else {
				sender.failed()
				receiver.failed()
				if !strings.Contains(sender.out.String(), "changed") || !strings.Contains(sender.out.String(), "big") {
					t.Error(sender.out.String())
				}
				if _, there := got["src/big"]; there {
					t.Error("a mixture is there")
				}
			}
			if _, there := got["src/other"]; !there {
				t.Error("the other file is not there")
			}
			if name == "remove" {
				return
			}
			sender, receiver = p.transferOnce(t, nil, nil, []string{"--dir", dir, "--on-conflict", "overwrite"}, []string{src})
			sender.went()
			receiver.went()
			want, now := treeOf(t, src), treeOf(t, filepath.Join(dir, "src"))
			if diff := differences(want, now); len(diff) > 0 {
				t.Error(diff)
			}
		})
	}
	t.Log("faults: a source appended to, truncated, rewritten, replaced, removed while it is sent: never a mixture")
}

// testOddTimes sends times that a clock that jumps leaves behind.
func testOddTimes(t *testing.T, p program) {
	src := filepath.Join(t.TempDir(), "src")
	for name, when := range map[string]time.Time{
		"1901": time.Date(1902, 1, 1, 0, 0, 0, 1, time.UTC), "1969": time.Unix(-1, 999_999_999), "1970": time.Unix(0, 0),
		"now": time.Now(), "tomorrow": time.Now().Add(24 * time.Hour), "2038": time.Unix(1<<31, 5), "2200": time.Date(2200, 1, 1, 0, 0, 0, 0, time.UTC),
	} {
		path := filepath.Join(src, name)
		writeFile(t, path, 1000)
		if err := os.Chtimes(path, when, when); err != nil {
			t.Fatal(err)
		}
	}
	dir := t.TempDir()
	for _, again := range []bool{false, true} {
		sender, receiver := p.transferOnce(t, nil, nil, []string{"--dir", dir}, []string{src})
		sender.went()
		receiver.went()
		if diff := differences(treeOf(t, src), treeOf(t, filepath.Join(dir, "src"))); len(diff) > 0 {
			t.Error(again, diff)
		}
	}
	// A receiver whose own file is from the future, with the same content, is not
	// given another.
	future := time.Now().Add(1000 * time.Hour)
	if err := os.Chtimes(filepath.Join(dir, "src/now"), future, future); err != nil {
		t.Fatal(err)
	}
	sender, receiver := p.transferOnce(t, nil, nil, []string{"--dir", dir}, []string{src})
	sender.went()
	receiver.went()
	if list, _ := os.ReadDir(filepath.Join(dir, "src")); len(list) != 7 {
		t.Error(list)
	}
}

// testSwappedFolder has another process on the receiver's machine put links in
// the place of folders all the time.
func testSwappedFolder(t *testing.T, p program) {
	root := t.TempDir()
	src, dir, outside := filepath.Join(root, "src"), filepath.Join(root, "in"), filepath.Join(root, "outside")
	for i := range 300 {
		writeFile(t, filepath.Join(src, "d", fmt.Sprint(i)), 2000)
	}
	writeFile(t, filepath.Join(src, "d", "big"), 8<<20)
	if err := os.MkdirAll(filepath.Join(dir, "src/d"), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.Mkdir(outside, 0o755); err != nil {
		t.Fatal(err)
	}
	stop, stopped := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(stopped)
		d, aside := filepath.Join(dir, "src/d"), filepath.Join(dir, "aside")
		for {
			select {
			case <-stop:
				return
			default:
			}
			if os.Rename(d, aside) == nil {
				os.Symlink(outside, d)
				os.Remove(d)
				os.Rename(aside, d)
			}
		}
	}()
	p.transferOnce(t, nil, nil, []string{"--dir", dir, "--on-conflict", "overwrite"}, []string{src})
	close(stop)
	<-stopped
	filepath.WalkDir(outside, func(path string, _ fs.DirEntry, _ error) error {
		if path != outside {
			t.Errorf("outside is now %s", path)
		}
		return nil
	})
}

package tree_test

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"

	"dialtone/app/tree"

	"golang.org/x/sys/unix"
)

// TestSymlinkRace: while a tree arrives, somebody swaps its folders for symbolic
// links that lead outside and into another folder, and back. Whatever fails,
// nothing is written there.
func TestSymlinkRace(t *testing.T) {
	each(t, func(t *testing.T, open opener) {
		base := t.TempDir()
		root, outside := filepath.Join(base, "root"), filepath.Join(base, "outside")
		inside := filepath.Join(root, "inside")
		for _, d := range []string{root, outside, inside} {
			if err := os.Mkdir(d, 0o755); err != nil {
				t.Fatal(err)
			}
		}
		stop := make(chan struct{})
		var attacker sync.WaitGroup
		attacker.Go(func() { swap(root, []string{outside, "inside"}, stop) })
		for range 40 {
			receiveUnderAttack(t, open, root)
		}
		close(stop)
		attacker.Wait()
		for _, d := range []string{outside, inside} {
			if got := snapshot(t, d); len(got) > 0 {
				t.Errorf("in %s there is %v", d, got)
			}
		}
	})
}

// swap puts links in the place of root/a and root/a/b until it is stopped.
func swap(root string, to []string, stop chan struct{}) {
	for i := 0; ; i++ {
		select {
		case <-stop:
			return
		default:
		}
		for _, name := range []string{"a/b", "a"} {
			p, aside := filepath.Join(root, name), filepath.Join(root, "aside")
			if os.Rename(p, aside) != nil {
				continue
			}
			target := to[i%len(to)]
			if !filepath.IsAbs(target) {
				target = filepath.Join(root, target)
			}
			_ = os.Symlink(target, p)
			_ = os.Remove(p)
			if os.Rename(aside, p) != nil { // a new one was made meanwhile
				_ = os.RemoveAll(aside)
			}
		}
	}
}

// receiveUnderAttack receives a tree of which anything may fail.
func receiveUnderAttack(t *testing.T, open opener, root string) {
	target, err := open(root, tree.TargetOptions{OnConflict: tree.Overwrite, NoSync: true})
	if err != nil {
		t.Fatal(err)
	}
	for _, a := range []arrival{
		dir("a"), file("a/x", "x"), dir("a/b"), file("a/b/x", "x"), file("a/b/y", text(3*chunk, 1)),
		link("a/b/z", "a/x"), symlink("a/b/s", "x"), leave("a/b"), leave("a"), link("l", "a/b/y"),
	} {
		target.ShutHandles()
		in, _, _ := target.Begin(a.Entry, chunk)
		switch {
		case in == nil:
		case a.Kind == tree.Link:
			in.Commit(0, func(string, error) {})
		case len(a.content) <= chunk:
			in.WriteWhole([]byte(a.content), func(string, error) {})
		default:
			_ = write(in, a.content, -1)
			in.Commit(int64(len(a.content)), func(string, error) {})
		}
	}
	_ = target.Close()
}

func TestExtendedAttributesAreKept(t *testing.T) {
	each(t, func(t *testing.T, open opener) {
		if strings.HasSuffix(t.Name(), "root") {
			t.Skip("os.Root has no extended attributes")
		}
		root := t.TempDir()
		probe := filepath.Join(t.TempDir(), "probe")
		put(t, probe, "", t1)
		if err := unix.Setxattr(probe, "user.x", []byte("y"), 0); err != nil {
			t.Skipf("there are no extended attributes here: %v", err)
		}
		var lost []string
		o := tree.TargetOptions{XAttrs: true, Notice: func(path, what string) { lost = append(lost, path+" "+what) }}
		attrs := []tree.XAttr{{Name: "user.a", Value: []byte("b\x00c")}, {Name: "trusted.x", Value: []byte("no")}}
		small, big, folder := file("d/small", "x").mode(0o400), file("d/big", text(3*chunk, 1)), dir("d")
		small.XAttrs, big.XAttrs, folder.XAttrs = attrs, attrs, attrs
		receive(t, open, root, o, folder, small, big, leave("d"))
		for _, p := range []string{"d", "d/small", "d/big"} {
			buf := make([]byte, 10)
			n, err := unix.Getxattr(filepath.Join(root, p), "user.a", buf)
			if err != nil || !bytes.Equal(buf[:n], attrs[0].Value) {
				t.Errorf("%s: %q, %v", p, buf[:max(n, 0)], err)
			}
			if _, err := unix.Getxattr(filepath.Join(root, p), "trusted.x", buf); err == nil {
				t.Errorf("%s has an attribute that the system obeys", p)
			}
		}
		if len(lost) != 3 {
			t.Errorf("notices: %q", lost)
		}
	})
}

// TestModesUnderADefaultACL: an access control list of the folder's does not
// change what mode arrives.
func TestModesUnderADefaultACL(t *testing.T) {
	root := t.TempDir()
	// Version 2; user::rwx, group::---, other::---.
	acl := []byte{2, 0, 0, 0}
	for _, e := range [][2]byte{{1, 7}, {4, 0}, {0x20, 0}} {
		acl = append(acl, e[0], 0, e[1], 0, 0xff, 0xff, 0xff, 0xff)
	}
	if err := unix.Setxattr(root, "system.posix_acl_default", acl, 0); err != nil {
		t.Skipf("there are no access control lists here: %v", err)
	}
	receive(t, tree.OpenTargetInline, root, tree.TargetOptions{}, file("f", "x"), dir("d"), file("d/f", "x"), leave("d"))
	for _, p := range []string{"f", "d/f"} {
		if fi, _ := os.Stat(filepath.Join(root, p)); fi.Mode() != 0o644 {
			t.Errorf("%s: mode %v", p, fi.Mode())
		}
	}
}

func TestModesAreNotMasked(t *testing.T) {
	root := t.TempDir()
	receive(t, tree.OpenTargetInline, root, tree.TargetOptions{},
		file("f", "x").mode(0o666), dir("d").mode(0o777|fs.ModeSticky), leave("d"))
	for p, mode := range map[string]fs.FileMode{"f": 0o666, "d": 0o777 | fs.ModeSticky | fs.ModeDir} {
		if fi, _ := os.Stat(filepath.Join(root, p)); fi.Mode() != mode {
			t.Errorf("%s: mode %v, want %v", p, fi.Mode(), mode)
		}
	}
}

func TestSpaceIsKeptFree(t *testing.T) {
	each(t, func(t *testing.T, open opener) {
		root := t.TempDir()
		o := tree.TargetOptions{KeepFree: 1 << 60}
		receive(
			t, open, root, o,
			file("small", "x").failing(syscall.ENOSPC), dir("d"), file("d/chunks", text(2*chunk, 1)).failing(syscall.ENOSPC),
			leave("d"),
		)
		target, err := open(root, o)
		if err != nil {
			t.Fatal(err)
		}
		a := file("big", "")
		a.Size = 1 << 30
		if _, v, err := target.Begin(a.Entry, 1<<20); v != tree.Refused || !errors.Is(err, syscall.ENOSPC) {
			t.Errorf("a file that does not fit: %v, %v", v, err)
		}
		closeIt(t, target)
		wantTree(t, root, map[string]string{"d": "dir"})
	})
}

// inNamespace runs the test called name in a child process that may mount file
// systems on the folder it is given.
func inNamespace(t *testing.T, name string) {
	if os.Getuid() != 0 {
		t.Skip("only root may mount a file system")
	}
	cmd := exec.Command(os.Args[0], "-test.run=^"+name+"$", "-test.v")
	cmd.Env = append(os.Environ(), rootVariable+"="+t.TempDir())
	cmd.SysProcAttr = &syscall.SysProcAttr{Unshareflags: syscall.CLONE_NEWNS}
	out, err := cmd.CombinedOutput()
	if bytes.Contains(out, []byte("not permitted")) || errors.Is(err, fs.ErrPermission) {
		t.Skipf("there is no mounting here: %v", err)
	}
	if err != nil || !bytes.Contains(out, []byte("--- PASS: "+name)) {
		t.Errorf("%v\n%s", err, out)
	}
}

// TestDiskFull fills a small file system.
func TestDiskFull(t *testing.T) { inNamespace(t, "TestChildFillsADisk") }

// TestAcrossFileSystems: a folder of the target is another file system.
func TestAcrossFileSystems(t *testing.T) { inNamespace(t, "TestChildCrosses") }

// TestChildCrosses is run by TestAcrossFileSystems.
func TestChildCrosses(t *testing.T) {
	root := os.Getenv(rootVariable)
	if root == "" {
		t.Skip("it is run by another test")
	}
	for name, open := range map[string]opener{
		"synced": tree.OpenTargetSynced, "inline": tree.OpenTargetInline, "root": tree.OpenTargetByRoot,
	} {
		dir2 := filepath.Join(root, name, "other")
		if err := os.MkdirAll(dir2, 0o755); err != nil {
			t.Fatal(err)
		}
		if err := unix.Mount("other", dir2, "tmpfs", 0, "size=1m"); err != nil {
			t.Fatal(err)
		}
		var notices []string
		o := tree.TargetOptions{KeepFree: -1, Notice: func(path, _ string) { notices = append(notices, path) }}
		list := []arrival{file("f", text(3*chunk, 1))}
		want := map[string]string{"f": text(3*chunk, 1), "other": "dir", "other/l": text(3*chunk, 1)}
		list = append(list, dir("other"), link("other/l", "f"))
		for i := range 20 {
			p := fmt.Sprintf("other/%d", i)
			list, want[p] = append(list, file(p, "x")), "x"
		}
		receive(t, open, filepath.Join(root, name), o, append(list, leave("other"))...)
		wantTree(t, filepath.Join(root, name), want)
		if len(notices) != 1 || notices[0] != "other/l" {
			t.Errorf("%s: notices of %q, want one of the link that is a copy", name, notices)
		}
		if err := unix.Unmount(dir2, unix.MNT_DETACH); err != nil {
			t.Error(err)
		}
	}
}

// TestChildFillsADisk is run by TestDiskFull.
func TestChildFillsADisk(t *testing.T) {
	root := os.Getenv(rootVariable)
	if root == "" {
		t.Skip("it is run by another test")
	}
	if err := unix.Mount("small", root, "tmpfs", 0, "size=256k"); err != nil {
		t.Fatal(err)
	}
	defer unix.Unmount(root, unix.MNT_DETACH) //nolint:errcheck // the namespace goes with the process
	for name, open := range map[string]opener{
		"synced": tree.OpenTargetSynced, "inline": tree.OpenTargetInline, "root": tree.OpenTargetByRoot,
	} {
		dir := filepath.Join(root, name)
		target, err := open(dir, tree.TargetOptions{KeepFree: -1})
		if err != nil {
			t.Fatal(err)
		}
		var r results
		fits := file("fits", text(chunk, 1))
		give(t, target, fits, &r)
		give(t, target, file("whole", "").failing(syscall.ENOSPC), &r)
		in := begin(t, target, arrival{Entry: tree.Entry{Path: "w", Kind: tree.File, Size: -1, ModTime: t1}})
		in.WriteWhole(make([]byte, 1<<20), r.expect(file("w", "").failing(syscall.ENOSPC)))
		big := file("big", text(1<<20, 1))
		in = begin(t, target, big)
		if err := write(in, big.content, -1); !errors.Is(err, syscall.ENOSPC) {
			t.Errorf("%s: %v, want %v", name, err, syscall.ENOSPC)
		} else if fmt.Sprint(err) != `write "big": no space left on device` {
			t.Errorf("%s: %v", name, err)
		}
		if err := in.Discard(); err != nil {
			t.Error(err)
		}
		delete(r.want, "whole") // an empty one fits
		closeIt(t, target)
		r.check(t)
		got := snapshot(t, dir)
		delete(got, "whole")
		if len(got) != 1 || got["fits"] != fits.content {
			t.Errorf("%s: %d files are left", name, len(got))
		}
		os.RemoveAll(dir)
	}
}

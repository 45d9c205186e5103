//go:build linux

package main

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"math/big"
	chacha "math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"syscall"
	"time"
)

// yard is where the run's files are: a folder in memory, with what is sent, what
// arrived, and the keys of the peers' servers.
type yard struct {
	dir  string
	lock *os.File          // in the folder, held while this run lives
	own  map[string]string // programs that are not looked for in PATH
}

const yards = "/dev/shm/transfer-bench-*"

// newYard makes the folder on tmpfs, and removes those whose runs were killed.
func newYard(dialtone string) (*yard, error) {
	old, _ := filepath.Glob(yards)
	for _, dir := range old {
		if lock, err := lockFolder(dir, 0); err == nil {
			endOrphans(dir)
			os.RemoveAll(dir)
			lock.Close()
		}
	}
	dir, err := os.MkdirTemp(filepath.Split(yards))
	if err != nil {
		return nil, err
	}
	y := &yard{dir: dir, own: map[string]string{"dialtone": dialtone, "bare": filepath.Join(dir, "bare")}}
	if y.lock, err = lockFolder(dir, os.O_CREATE); err != nil {
		return y, err
	}
	for _, name := range []string{"src", "dst", "log"} {
		if err := os.Mkdir(y.path(name), 0o755); err != nil {
			return y, err
		}
	}
	return y, nil
}

// endOrphans kills what a killed run left behind: the processes that servers
// forked, which do not end with it as its own children do. They are known by
// the run's folder, in their command line or environment.
func endOrphans(dir string) {
	processes, _ := filepath.Glob("/proc/[0-9]*")
	for _, p := range processes {
		command, _ := os.ReadFile(p + "/cmdline")
		environment, _ := os.ReadFile(p + "/environ")
		pid, err := strconv.Atoi(filepath.Base(p))
		if err == nil && pid != os.Getpid() && bytes.Contains(append(command, environment...), []byte(dir+"/")) {
			syscall.Kill(pid, syscall.SIGKILL)
		}
	}
}

// lockFolder takes the lock in a run's folder. It fails where another run has
// it, and in a folder that no run made.
func lockFolder(dir string, create int) (*os.File, error) {
	f, err := os.OpenFile(filepath.Join(dir, "run.lock"), os.O_RDWR|create, 0o600)
	if err != nil {
		return nil, err
	}
	if err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		f.Close()
		return nil, err
	}
	return f, nil
}

func (y *yard) remove() error {
	err := os.RemoveAll(y.dir)
	if y.lock != nil {
		err = errors.Join(err, y.lock.Close())
	}
	return err
}

func (y *yard) path(elem ...string) string {
	return filepath.Join(append([]string{y.dir}, elem...)...)
}

// build makes the limit program and the throw-away keys.
func (y *yard) build(ctx context.Context) error {
	out, err := exec.CommandContext(ctx, "go", "build", "-o", y.own["bare"], "./peers/bare").CombinedOutput()
	if err != nil {
		return fmt.Errorf("build bare (start it in its module's folder): %w\n%s", err, out)
	}
	if err := y.certificate(); err != nil {
		return err
	}
	for _, name := range []string{"host", "user"} {
		// Without ssh-keygen scp is a row that says so.
		exec.CommandContext(ctx, "ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", y.path(name)).Run()
	}
	return nil
}

// certificate writes a self-signed one for nginx: cert.pem, key.pem.
func (y *yard) certificate() error {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return err
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "bench"},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(24 * time.Hour),
	}
	cert, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		return err
	}
	private, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return err
	}
	if err := writePEM(y.path("cert.pem"), "CERTIFICATE", cert); err != nil {
		return err
	}
	return writePEM(y.path("key.pem"), "PRIVATE KEY", private)
}

func writePEM(path, kind string, der []byte) error {
	return os.WriteFile(path, pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der}), 0o600)
}

// find is the path of a program, ours or the system's.
func (y *yard) find(name string) (string, error) {
	if path := y.own[name]; path != "" {
		if _, err := exec.LookPath(path); err != nil {
			return "", fmt.Errorf("%s is not built", name)
		}
		return path, nil
	}
	if path, err := exec.LookPath(name); err == nil {
		return filepath.Abs(path)
	}
	for _, dir := range []string{"/usr/sbin", filepath.Join(os.Getenv("HOME"), "go/bin")} {
		if path, err := exec.LookPath(filepath.Join(dir, name)); err == nil {
			return path, nil
		}
	}
	return "", fmt.Errorf("%s is not installed", name)
}

// load is what a scene moves: one file, or a tree.
type load struct {
	name  string // below src and dst
	files int    // 1: a single file
	bytes int64  // of the file; of a tree, what making it gave
	empty bool   // files of a tree hold nothing
}

const (
	perFolder          = 100
	smallest, greatest = 4 << 10, 64 << 10 // bytes of a tree's file
)

// make writes the load's seeded bytes below src, unless they are there.
func (y *yard) make(l *load) error {
	root := y.path("src", l.name)
	if _, err := os.Stat(root); err == nil {
		return nil
	}
	source := chacha.NewChaCha8([32]byte{'t', 'r', 'e', 'e', byte(l.files)})
	if l.files == 1 {
		return fill(root, source, l.bytes)
	}
	sizes := chacha.New(chacha.NewPCG(1, uint64(l.files)))
	l.bytes = 0
	folder := ""
	for i := range l.files {
		if i%perFolder == 0 {
			folder = filepath.Join(root, fmt.Sprintf("%02d", i/perFolder/100), fmt.Sprintf("%02d", i/perFolder%100))
			if err := os.MkdirAll(folder, 0o755); err != nil {
				return err
			}
		}
		size := smallest + sizes.Int64N(greatest-smallest+1)
		if l.empty {
			size = 0
		}
		if err := fill(filepath.Join(folder, fmt.Sprintf("file-%07d", i)), source, size); err != nil {
			return err
		}
		l.bytes += size
	}
	return nil
}

func fill(path string, source io.Reader, size int64) error {
	f, err := os.Create(path)
	if err != nil {
		return err
	}
	defer f.Close()
	buf := make([]byte, min(size, 256<<10))
	for left := size; left > 0; {
		n, _ := source.Read(buf[:min(left, int64(len(buf)))])
		if _, err := f.Write(buf[:n]); err != nil {
			return err
		}
		left -= int64(n)
	}
	return f.Close()
}

// clear empties dst.
func (y *yard) clear() error {
	if err := os.RemoveAll(y.path("dst")); err != nil {
		return err
	}
	return os.Mkdir(y.path("dst"), 0o755)
}

// verify compares every byte that arrived.
func (y *yard) verify(l *load) error {
	a, b := make([]byte, 256<<10), make([]byte, 256<<10)
	return filepath.WalkDir(y.path("src", l.name), func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		rel, err := filepath.Rel(y.path("src"), path)
		if err != nil {
			return err
		}
		return same(path, y.path("dst", rel), a, b)
	})
}

func same(want, got string, a, b []byte) error {
	f, err := os.Open(want)
	if err != nil {
		return err
	}
	defer f.Close()
	g, err := os.Open(got)
	if err != nil {
		return fmt.Errorf("a file is missing: %w", err)
	}
	defer g.Close()
	for {
		n, err := io.ReadFull(f, a)
		m, _ := io.ReadFull(g, b)
		if n != m || !bytes.Equal(a[:n], b[:m]) {
			return fmt.Errorf("%s differs", filepath.Base(got))
		}
		if err != nil {
			return nil // both ended here
		}
	}
}

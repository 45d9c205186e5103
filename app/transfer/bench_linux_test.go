package transfer

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"dialtone/app/bulk"
	"dialtone/app/tree"
)

// memoryDir returns a folder that is in memory where there is such a thing.
func memoryDir(b *testing.B) string {
	dir, err := os.MkdirTemp("/dev/shm", "dialtone-bench-")
	if err != nil {
		return b.TempDir()
	}
	b.Cleanup(func() { os.RemoveAll(dir) })
	return dir
}

// secured wraps the connections of a loop in TLS 1.3.
type secured struct {
	*loop
	config *tls.Config
	conn   net.Conn
}

func secure(b *testing.B, a, z *loop) (x, y *secured) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		b.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), NotAfter: time.Now().Add(time.Hour)}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		b.Fatal(err)
	}
	config := &tls.Config{
		MinVersion: tls.VersionTLS13, InsecureSkipVerify: true,
		Certificates: []tls.Certificate{{Certificate: [][]byte{der}, PrivateKey: key}},
	}
	x, y = &secured{loop: a, config: config}, &secured{loop: z, config: config}
	x.conn, y.conn = x.wrap(a.first), y.wrap(z.first)
	shaken := make(chan error)
	go func() { shaken <- y.conn.(*tls.Conn).HandshakeContext(b.Context()) }()
	if err := errors.Join(x.conn.(*tls.Conn).HandshakeContext(b.Context()), <-shaken); err != nil {
		b.Fatal(err)
	}
	return x, y
}

func (s *secured) wrap(c net.Conn) net.Conn {
	if s.dialed {
		return tls.Client(bulk.Coalesce(c), s.config)
	}
	return tls.Server(bulk.Coalesce(c), s.config)
}

func (s *secured) Conn() net.Conn { return s.conn }

func (s *secured) Open(ctx context.Context) (net.Conn, error) {
	c, err := s.loop.Open(ctx)
	if err != nil {
		return nil, err
	}
	t := s.wrap(c).(*tls.Conn)
	return t, t.HandshakeContext(ctx)
}

func (s *secured) AcceptStream(ctx context.Context) (net.Conn, error) {
	c, err := s.loop.AcceptStream(ctx)
	if err != nil {
		return nil, err
	}
	t := s.wrap(c).(*tls.Conn)
	return t, t.HandshakeContext(ctx)
}

// BenchmarkTransfer moves a large file and a tree of small ones within memory,
// over loopback, both ends in this process; cp's way is measured beside.
func BenchmarkTransfer(b *testing.B) {
	dir := memoryDir(b)
	file := filepath.Join(dir, "file")
	if err := os.WriteFile(file, randomBytes(1<<30), 0o644); err != nil {
		b.Fatal(err)
	}
	small := filepath.Join(dir, "tree")
	var smallBytes int64
	for i := range 20_000 {
		n := 4<<10 + i*7919%(60<<10)
		p := filepath.Join(small, fmt.Sprint(i/200), fmt.Sprint(i))
		os.MkdirAll(filepath.Dir(p), 0o755)
		if err := os.WriteFile(p, randomBytes(n), 0o644); err != nil {
			b.Fatal(err)
		}
		smallBytes += int64(n)
	}
	for _, what := range []struct {
		path  string
		bytes int64
	}{{file, 1 << 30}, {small, smallBytes}} {
		for _, tlsOn := range []bool{false, true} {
			for _, verify := range []Verify{VerifyNone, VerifyHash} {
				for _, streams := range []int{1, 2, 0} {
					name := fmt.Sprintf("%s/tls=%v/verified=%v/streams=%d", filepath.Base(what.path), tlsOn, verify == VerifyHash, streams)
					b.Run(name, func(b *testing.B) {
						b.SetBytes(what.bytes)
						spent := processorTime(b)
						defer func() {
							b.ReportMetric((processorTime(b)-spent).Seconds()/float64(b.N)/float64(what.bytes)*(1<<30), "cpu-s/GiB")
						}()
						for b.Loop() {
							b.StopTimer()
							dst := filepath.Join(dir, "dst")
							b.StartTimer()
							benchOnce(b, what.path, dst, tlsOn, SendOptions{Verify: verify, Streams: streams})
							b.StopTimer()
							os.RemoveAll(dst)
							b.StartTimer()
						}
					})
				}
			}
		}
	}
}

// processorTime returns what this process has used of the processors.
func processorTime(b *testing.B) time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		b.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

func benchOnce(b *testing.B, path, dst string, tlsOn bool, o SendOptions) {
	src, err := tree.NewSource([]string{path}, tree.SourceOptions{})
	if err != nil {
		b.Fatal(err)
	}
	into, err := tree.OpenTarget(dst, tree.TargetOptions{})
	if err != nil {
		b.Fatal(err)
	}
	a, z := newLoop(b)
	var x, y Session = a, z
	if tlsOn {
		x, y = secure(b, a, z)
	}
	done := make(chan error)
	go func() {
		_, err := Receive(b.Context(), y, Folder(into), ReceiveOptions{})
		done <- err
	}()
	if _, err := Send(b.Context(), x, src, o); err != nil {
		b.Fatal(err)
	}
	if err := <-done; err != nil {
		b.Fatal(err)
	}
}

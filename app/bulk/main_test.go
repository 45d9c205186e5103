package bulk_test

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"math/big"
	mrand "math/rand/v2"
	"net"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"dialtone/app/bulk"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// soon is how long a test waits for what must come: a safety net, not a measure.
const soon = 20 * time.Second

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// pair returns the two ends of a connection.
func pair(t testing.TB, network string) (a, b net.Conn) {
	t.Helper()
	addr := "127.0.0.1:0"
	if network == "unix" {
		dir, err := os.MkdirTemp("", "bulk")
		must(t, err)
		t.Cleanup(func() { os.RemoveAll(dir) })
		addr = filepath.Join(dir, "s")
	}
	ln, err := net.Listen(network, addr)
	must(t, err)
	defer ln.Close()
	a, err = net.Dial(network, ln.Addr().String())
	must(t, err)
	b, err = ln.Accept()
	must(t, err)
	for _, c := range []net.Conn{a, b} {
		t.Cleanup(func() { c.Close() })
		c.SetDeadline(time.Now().Add(soon))
	}
	return a, b
}

// kinds are the connections that files cross.
var kinds = map[string]func(t testing.TB) (a, b net.Conn){
	"tcp":     func(t testing.TB) (a, b net.Conn) { return pair(t, "tcp") },
	"unix":    func(t testing.TB) (a, b net.Conn) { return pair(t, "unix") },
	"wrapped": wrappedPair,
	"bare":    barePair,
	"tls":     tlsPair,
}

// opaque hides what is below; clear says what is below.
type (
	opaque struct{ net.Conn }
	clear  struct{ net.Conn }
)

func (c clear) Bare() net.Conn { return c.Conn }

func wrappedPair(t testing.TB) (a, b net.Conn) {
	a, b = pair(t, "tcp")
	return opaque{a}, opaque{b}
}

func barePair(t testing.TB) (a, b net.Conn) {
	a, b = pair(t, "tcp")
	return clear{clear{a}}, clear{b}
}

func tlsPair(t testing.TB) (a, b net.Conn) {
	a, b = pair(t, "tcp")
	return secure(t, a, b)
}

// secure puts TLS on the two ends of a connection.
func secure(t testing.TB, a, b net.Conn) (net.Conn, net.Conn) {
	t.Helper()
	ua, ub := bulk.Coalesce(a), bulk.Coalesce(b)
	client := tls.Client(ua, &tls.Config{InsecureSkipVerify: true, DynamicRecordSizingDisabled: true})
	server := tls.Server(ub, &tls.Config{Certificates: []tls.Certificate{certificate()}, DynamicRecordSizingDisabled: true})
	var wg sync.WaitGroup
	wg.Go(func() {
		if err := server.Handshake(); err != nil {
			t.Error(err)
		}
	})
	err := client.Handshake()
	wg.Wait()
	must(t, err)
	return bulk.Join(client, ua), bulk.Join(server, ub)
}

var certificate = sync.OnceValue(func() tls.Certificate {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		panic(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), NotAfter: time.Now().Add(time.Hour)}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		panic(err)
	}
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}
})

// noise returns n bytes that look like no others, the same ones every time.
func noise(n int) []byte {
	p := make([]byte, n)
	mrand.NewChaCha8([32]byte{1}).Read(p)
	return p
}

// fileOf returns an open file with content p.
func fileOf(t testing.TB, p []byte) *os.File {
	t.Helper()
	f, err := os.Create(filepath.Join(t.TempDir(), "f"))
	must(t, err)
	t.Cleanup(func() { f.Close() })
	_, err = f.Write(p)
	must(t, err)
	return f
}

// holds fails the test unless f's content is want.
func holds(t testing.TB, f *os.File, want []byte) {
	t.Helper()
	got, err := os.ReadFile(f.Name())
	must(t, err)
	if !bytes.Equal(got, want) {
		t.Fatalf("the file has %d bytes that are not the %d wanted", len(got), len(want))
	}
}

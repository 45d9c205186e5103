package interop

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"math/big"
	"net"
	"testing"
	"time"

	"dialtone/host"
	"dialtone/link/sim"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// A machine is what an application sees of a host, and of the kernel: every test here
// runs on both, so that one that fails on a host alone is a host's fault.
type machine interface {
	DialContext(ctx context.Context, network, address string) (net.Conn, error)
	Listen(ctx context.Context, network, address string) (net.Listener, error)
	ListenPacket(ctx context.Context, network, address string) (net.PacketConn, error)
}

// kernel is the machine that the test runs on.
type kernel struct {
	net.Dialer
	net.ListenConfig
}

// A network is two machines that reach one another, and their addresses.
type network struct {
	server, client machine
	address        string // the server's
}

// onEach runs a test on the kernel's loopback and on two hosts on a cable.
func onEach(t *testing.T, test func(t *testing.T, n network)) {
	t.Run("kernel", func(t *testing.T) { test(t, network{&kernel{}, &kernel{}, "127.0.0.1"}) })
	t.Run("hosts", func(t *testing.T) { onCable(t, sim.Config{}, test) })
}

// everywhere is onEach, and once more where packets are lost, late and doubled.
func everywhere(t *testing.T, test func(t *testing.T, n network)) {
	onEach(t, test)
	t.Run("hosts on a bad cable", func(t *testing.T) {
		onCable(t, sim.Config{Delay: time.Millisecond, Loss: 0.01, Reorder: 0.01, Duplicate: 0.01, Seed: 1}, test)
	})
}

func onCable(t *testing.T, config sim.Config, test func(t *testing.T, n network)) {
	cable := sim.NewCable(config)
	defer cable.Close()
	server := host.New("server", host.Attach(cable.A(), "10.0.0.1/24"))
	defer server.Close()
	client := host.New("client", host.Attach(cable.B(), "10.0.0.2/24"))
	defer client.Close()
	test(t, network{server, client, "10.0.0.1"})
}

// listen listens on the server, on any port.
func (n network) listen(t *testing.T) net.Listener {
	t.Helper()
	ln, err := n.server.Listen(t.Context(), "tcp", n.address+":0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { ln.Close() })
	return ln
}

// certificate returns the two ends' settings for TLS as "server.test".
func certificate(t *testing.T, protocols ...string) (server, client *tls.Config) {
	t.Helper()
	server, client, err := newCertificate(protocols...)
	if err != nil {
		t.Fatal(err)
	}
	return server, client
}

func newCertificate(protocols ...string) (server, client *tls.Config, err error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, nil, err
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1),
		DNSNames:     []string{"server.test"},
		NotBefore:    time.Now().Add(-time.Hour),
		NotAfter:     time.Now().Add(24 * time.Hour),
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		return nil, nil, err
	}
	leaf, err := x509.ParseCertificate(der)
	if err != nil {
		return nil, nil, err
	}
	roots := x509.NewCertPool()
	roots.AddCert(leaf)
	own := tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key, Leaf: leaf}
	server = &tls.Config{Certificates: []tls.Certificate{own}, NextProtos: protocols}
	client = &tls.Config{RootCAs: roots, ServerName: "server.test", NextProtos: protocols}
	return server, client, nil
}

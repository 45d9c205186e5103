package serve_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/hex"
	"encoding/pem"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"dialtone/app/serve"
)

// identity returns a self-signed one for loopback.
func identity(t testing.TB) *serve.Identity {
	t.Helper()
	d := &serve.Identity{Hosts: []string{"127.0.0.1", "localhost"}}
	must(t, d.Load())
	return d
}

// authority signs certificates.
type authority struct {
	cert *x509.Certificate
	key  *ecdsa.PrivateKey
}

func newAuthority(t testing.TB) *authority {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	must(t, err)
	a := &authority{key: key, cert: &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "the authority"},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign,
	}}
	der, err := x509.CreateCertificate(rand.Reader, a.cert, a.cert, key.Public(), key)
	must(t, err)
	a.cert, err = x509.ParseCertificate(der)
	must(t, err)
	return a
}

// sign returns a certificate for name at loopback.
func (a *authority) sign(t testing.TB, name string) tls.Certificate {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	must(t, err)
	serial, err := rand.Int(rand.Reader, big.NewInt(1<<60))
	must(t, err)
	template := &x509.Certificate{
		SerialNumber: serial, Subject: pkix.Name{CommonName: name}, Issuer: pkix.Name{CommonName: name},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		KeyUsage: x509.KeyUsageDigitalSignature, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth, x509.ExtKeyUsageServerAuth},
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
	}
	der, err := x509.CreateCertificate(rand.Reader, template, a.cert, key.Public(), a.key)
	must(t, err)
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}
}

func (a *authority) pool() *x509.CertPool {
	p := x509.NewCertPool()
	p.AddCert(a.cert)
	return p
}

// save writes cert and its key as PEM.
func save(t testing.TB, cert tls.Certificate, certFile, keyFile string) {
	t.Helper()
	key, err := x509.MarshalPKCS8PrivateKey(cert.PrivateKey)
	must(t, err)
	must(t, os.WriteFile(certFile, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: cert.Certificate[0]}), 0o600))
	must(t, os.WriteFile(keyFile, pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: key}), 0o600))
}

func (a *authority) save(t testing.TB, file string) {
	t.Helper()
	must(t, os.WriteFile(file, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: a.cert.Raw}), 0o600))
}

// clientTLS does a handshake on c, whoever the server is.
func clientTLS(t testing.TB, c net.Conn) *tls.Conn {
	t.Helper()
	s := tls.Client(c, &tls.Config{InsecureSkipVerify: true})
	must(t, s.Handshake())
	return s
}

// handshake connects to addr and says hello; its error may come with either.
func handshake(t testing.TB, addr string, cfg *tls.Config) (*tls.Conn, error) {
	t.Helper()
	c := tls.Client(dial(t, addr), cfg)
	if err := c.Handshake(); err != nil {
		return c, err
	}
	if _, err := c.Write([]byte("hello")); err != nil {
		return c, err
	}
	_, err := c.Read(make([]byte, 5)) // a TLS 1.3 server says no only after our Handshake has returned
	return c, err
}

func TestTLSIsVersion13UnlessAskedOtherwise(t *testing.T) {
	old := &tls.Config{InsecureSkipVerify: true, MaxVersion: tls.VersionTLS12}
	log := newJournal()
	addr := start(t, &serve.Server{Service: serve.Echo(), Log: log.log()}, identity(t).Wrap())
	if _, err := handshake(t, addr, old); err == nil || !strings.Contains(err.Error(), "protocol version") {
		t.Errorf("TLS 1.2: %v, want an alert about the protocol version", err)
	}
	log.wait(t, event{"msg": "refused", "reason": "handshake"})
	c, err := handshake(t, addr, &tls.Config{InsecureSkipVerify: true})
	must(t, err)
	if v := c.ConnectionState().Version; v != tls.VersionTLS13 {
		t.Errorf("version %#x", v)
	}
	lax := &serve.Identity{MinVersion: tls.VersionTLS12}
	must(t, lax.Load())
	_, err = handshake(t, start(t, &serve.Server{Service: serve.Echo()}, lax.Wrap()), old)
	must(t, err)
	ancient := &serve.Identity{MinVersion: tls.VersionTLS10}
	must(t, ancient.Load())
	if _, err = handshake(t, start(t, &serve.Server{Service: serve.Echo()}, ancient.Wrap()), &tls.Config{InsecureSkipVerify: true, MaxVersion: tls.VersionTLS11, MinVersion: tls.VersionTLS10}); err == nil {
		t.Error("TLS 1.1 is possible")
	}
}

func TestTLSFingerprintIsTheCertificatesSHA256(t *testing.T) {
	d := identity(t)
	c, err := handshake(t, start(t, &serve.Server{Service: serve.Echo()}, d.Wrap()), &tls.Config{InsecureSkipVerify: true})
	must(t, err)
	leaf := c.ConnectionState().PeerCertificates[0]
	sum := sha256.Sum256(leaf.Raw)
	if got := strings.ToLower(strings.ReplaceAll(d.Fingerprint(), ":", "")); got != hex.EncodeToString(sum[:]) || len(d.Fingerprint()) != 95 {
		t.Errorf("fingerprint %s, certificate's %x", d.Fingerprint(), sum)
	}
	if !d.SelfSigned() || leaf.VerifyHostname("localhost") != nil || leaf.VerifyHostname("127.0.0.1") != nil {
		t.Errorf("certificate for %v, %v", leaf.DNSNames, leaf.IPAddresses)
	}
	before := d.Fingerprint()
	must(t, d.Load())
	if d.Fingerprint() != before {
		t.Error("the self-signed certificate changed with Load: pins would break")
	}
}

func TestTLSClientsMustShowACertificateOfTheClientCA(t *testing.T) {
	ca, other := newAuthority(t), newAuthority(t)
	file := filepath.Join(t.TempDir(), "ca.pem")
	ca.save(t, file)
	d := &serve.Identity{ClientCAFile: file}
	must(t, d.Load())
	log := newJournal()
	addr := start(t, &serve.Server{Service: serve.Echo(), Log: log.log()}, d.Wrap())
	cfg := &tls.Config{InsecureSkipVerify: true}
	if _, err := handshake(t, addr, cfg); err == nil || !strings.Contains(err.Error(), "certificate required") {
		t.Errorf("without a certificate: %v", err)
	}
	foreign := other.sign(t, "stranger")
	cfg.GetClientCertificate = func(*tls.CertificateRequestInfo) (*tls.Certificate, error) { return &foreign, nil }
	if _, err := handshake(t, addr, cfg); err == nil {
		t.Error("a stranger's certificate is good enough")
	}
	cfg.GetClientCertificate, cfg.Certificates = nil, []tls.Certificate{ca.sign(t, "friend")}
	_, err := handshake(t, addr, cfg)
	must(t, err)
	eventually(t, "two refusals logged", func() bool { return len(log.find(event{"msg": "refused", "reason": "handshake"})) == 2 })
}

func TestTLSOffersItsALPNBestFirst(t *testing.T) {
	d := &serve.Identity{ALPN: []string{"talk/2", "talk/1"}}
	must(t, d.Load())
	addr := start(t, &serve.Server{Service: serve.Echo()}, d.Wrap())
	for _, x := range []struct {
		ask  []string
		want string
	}{{[]string{"talk/1", "talk/2"}, "talk/2"}, {[]string{"talk/1"}, "talk/1"}, {nil, ""}} {
		c, err := handshake(t, addr, &tls.Config{InsecureSkipVerify: true, NextProtos: x.ask})
		must(t, err)
		if got := c.ConnectionState().NegotiatedProtocol; got != x.want {
			t.Errorf("asked for %q: %q", x.ask, got)
		}
	}
	if _, err := handshake(t, addr, &tls.Config{InsecureSkipVerify: true, NextProtos: []string{"other"}}); err == nil {
		t.Error("a protocol that nobody offers is agreed on")
	}
}

func TestTLSLoadAgainIsForNewHandshakesAndAFailureChangesNothing(t *testing.T) {
	ca := newAuthority(t)
	dir := t.TempDir()
	d := &serve.Identity{CertFile: filepath.Join(dir, "cert"), KeyFile: filepath.Join(dir, "key")}
	if err := d.Load(); err == nil {
		t.Fatal("loaded what is not there")
	}
	save(t, ca.sign(t, "first"), d.CertFile, d.KeyFile)
	must(t, d.Load())
	addr := start(t, &serve.Server{Service: serve.Echo()}, d.Wrap())
	cfg := &tls.Config{RootCAs: ca.pool(), ServerName: "127.0.0.1"}
	name := func(c *tls.Conn) string { return c.ConnectionState().PeerCertificates[0].Subject.CommonName }
	first, err := handshake(t, addr, cfg)
	must(t, err)
	save(t, ca.sign(t, "second"), d.CertFile, d.KeyFile)
	must(t, d.Load())
	second, err := handshake(t, addr, cfg)
	must(t, err)
	must(t, os.WriteFile(d.KeyFile, []byte("not a key"), 0o600))
	if err := d.Load(); err == nil {
		t.Error("loaded a key that is none")
	}
	third, err := handshake(t, addr, cfg)
	must(t, err)
	if a, b, c := name(first), name(second), name(third); a != "first" || b != "second" || c != "second" {
		t.Errorf("certificates %s, %s, %s", a, b, c)
	}
	say(t, first, "still here")
	hear(t, first, "still here")
}

func TestTLSIdentityNeedsBothFilesAndCertificatesInThem(t *testing.T) {
	empty := filepath.Join(t.TempDir(), "empty")
	must(t, os.WriteFile(empty, nil, 0o600))
	for _, d := range []*serve.Identity{{CertFile: "x"}, {KeyFile: "x"}, {ClientCAFile: empty}, {ClientCAFile: empty + "not there"}} {
		if err := d.Load(); err == nil {
			t.Errorf("%q, %q, %q: no error", d.CertFile, d.KeyFile, d.ClientCAFile)
		}
	}
}

func TestTLSPeerThatGoesWithoutAGoodbyeIsNotTheServicesFailure(t *testing.T) {
	log := newJournal()
	c, err := handshake(t, start(t, &serve.Server{Service: serve.Echo(), Log: log.log()}, identity(t).Wrap()), &tls.Config{InsecureSkipVerify: true})
	must(t, err)
	c.NetConn().Close() // a FIN, but no close_notify
	if e := log.wait(t, event{"msg": "closed"}); e["by"] != "peer" {
		t.Errorf("logged %v", e)
	}
}

package connect

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"errors"
	"io"
	"math/big"
	"net"
	"strings"
	"testing"
	"time"

	"dialtone/app/address"
)

// certificate returns one that signed itself, for names.
func certificate(t testing.TB, names ...string) tls.Certificate {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1),
		Subject:      pkix.Name{CommonName: "test"},
		DNSNames:     names,
		NotBefore:    time.Now().Add(-time.Hour),
		NotAfter:     time.Now().Add(time.Hour),
		ExtKeyUsage:  []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth},
		IsCA:         true, BasicConstraintsValid: true,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	leaf, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key, Leaf: leaf}
}

func listenTLS(t testing.TB, c *tls.Config, serve func(net.Conn)) address.Address {
	t.Helper()
	l, err := tls.Listen("tcp", "127.0.0.1:0", c)
	if err != nil {
		t.Fatal(err)
	}
	serveAll(t, l, serve)
	return address.Address{Scheme: "tls"}.At(l.Addr())
}

func TestTLSVerification(t *testing.T) {
	cert := certificate(t, "dialtone.test")
	pin, other := FingerprintOf(cert.Leaf), Fingerprint{1}
	roots := x509.NewCertPool()
	roots.AddCert(cert.Leaf)
	a := listenTLS(t, &tls.Config{Certificates: []tls.Certificate{cert}}, afterEOF)
	for name, c := range map[string]struct {
		tls  TLS
		fail any // what errors.As must find
	}{
		"nothing":     {TLS{ServerName: "dialtone.test"}, new(x509.UnknownAuthorityError)},
		"ca":          {TLS{Roots: roots, ServerName: "dialtone.test"}, nil},
		"wrong name":  {TLS{Roots: roots, ServerName: "other.test"}, new(x509.HostnameError)},
		"pin":         {TLS{Fingerprint: &pin}, nil},
		"wrong pin":   {TLS{Fingerprint: &other}, new(*FingerprintError)},
		"pin beats":   {TLS{Fingerprint: &other, Insecure: true}, new(*FingerprintError)},
		"insecure":    {TLS{Insecure: true}, nil},
		"ca, ip host": {TLS{Roots: roots}, new(x509.HostnameError)},
	} {
		t.Run(name, func(t *testing.T) {
			conn, err := (&Dialer{TLS: c.tls}).Dial(context.Background(), a)
			if c.fail != nil {
				if err == nil || !errors.As(err, c.fail) {
					t.Errorf("error %v, want a %T", err, c.fail)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			var out bytes.Buffer
			_, err = Run(context.Background(), conn, Options{In: strings.NewReader("hi"), Out: &out})
			if err != nil || out.String() != "hi" {
				t.Errorf("%q, %v", &out, err)
			}
		})
	}
}

func TestTLSClientCertificateAndALPN(t *testing.T) {
	cert := certificate(t, "dialtone.test")
	a := listenTLS(t, &tls.Config{
		Certificates: []tls.Certificate{cert},
		ClientAuth:   tls.RequireAnyClientCert,
		NextProtos:   []string{"one", "two"},
	}, func(c net.Conn) {
		c.(*tls.Conn).Handshake()
		state := c.(*tls.Conn).ConnectionState()
		if len(state.PeerCertificates) > 0 {
			io.WriteString(c, state.PeerCertificates[0].Subject.CommonName)
		}
	})
	d := &Dialer{TLS: TLS{Insecure: true, ALPN: []string{"two"}, Certificates: []tls.Certificate{certificate(t)}}}
	conn := dial(t, d, a)
	if state, ok := Connection(conn); !ok || state.NegotiatedProtocol != "two" {
		t.Errorf("protocol %q", state.NegotiatedProtocol)
	}
	var out bytes.Buffer
	if _, err := Run(context.Background(), conn, Options{Out: &out}); err != nil || out.String() != "test" {
		t.Errorf("with: %q, %v", &out, err)
	}
	// TLS 1.3 tells a client only after its handshake that its proof was missing.
	conn = dial(t, &Dialer{TLS: TLS{Insecure: true, ALPN: []string{"two"}}}, a)
	_, err := Run(context.Background(), conn, Options{})
	if err == nil || !strings.Contains(err.Error(), "certificate required") {
		t.Errorf("without: %v", err)
	}
}

func TestTLSCutWithoutGoodbye(t *testing.T) {
	cert := certificate(t)
	a := listenTLS(t, &tls.Config{Certificates: []tls.Certificate{cert}}, func(c net.Conn) {
		io.WriteString(c, "half")
		c.(*tls.Conn).NetConn().(*net.TCPConn).CloseWrite()
		io.Copy(io.Discard, c)
	})
	var out bytes.Buffer
	conn := dial(t, &Dialer{TLS: TLS{Insecure: true}}, a)
	if _, err := Run(context.Background(), conn, Options{Out: &out}); !errors.Is(err, ErrCut) || out.String() != "half" {
		t.Errorf("%q, %v", &out, err)
	}
}

func TestParseFingerprint(t *testing.T) {
	want := FingerprintOf(certificate(t).Leaf)
	var pairs []string
	for i := range want {
		pairs = append(pairs, want.String()[2*i:2*i+2])
	}
	colons := strings.Join(pairs, ":")
	for _, text := range []string{want.String(), strings.ToUpper(want.String()), colons, strings.ToUpper(colons)} {
		if got, err := ParseFingerprint(text); got != want || err != nil {
			t.Errorf("%s: %v, %v", text, got, err)
		}
	}
	for _, text := range []string{"", "ab", want.String() + "00", strings.Repeat("g", 64), colons + ":", "a" + colons, ":" + colons[1:]} {
		if got, err := ParseFingerprint(text); err == nil {
			t.Errorf("%q = %v, want an error", text, got)
		}
	}
}

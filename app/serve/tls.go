package serve

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/hex"
	"errors"
	"fmt"
	"math/big"
	"net"
	"os"
	"strings"
	"sync/atomic"
	"time"
)

// Identity is what a server shows in TLS handshakes, and asks for. Set the
// fields, call Load, and Load again when the files have changed: handshakes that
// follow use the new ones.
type Identity struct {
	CertFile, KeyFile string   // PEM; both empty means a self-signed certificate made by the first Load
	Hosts             []string // names and addresses for the self-signed certificate
	ClientCAFile      string   // PEM; when set, clients must show a certificate signed by one of these
	MinVersion        uint16   // 0 means TLS 1.3
	ALPN              []string // protocols offered, best first

	current atomic.Pointer[tls.Config]
}

// Load reads the files. When it fails the former identity stays in use.
func (d *Identity) Load() error {
	cfg := &tls.Config{MinVersion: max(d.MinVersion, tls.VersionTLS12), NextProtos: d.ALPN}
	if d.MinVersion == 0 {
		cfg.MinVersion = tls.VersionTLS13
	}
	cert, err := d.certificate()
	if err != nil {
		return err
	}
	cfg.Certificates = []tls.Certificate{cert}
	if d.ClientCAFile != "" {
		pem, err := os.ReadFile(d.ClientCAFile)
		if err != nil {
			return err
		}
		cfg.ClientCAs = x509.NewCertPool()
		if !cfg.ClientCAs.AppendCertsFromPEM(pem) {
			return fmt.Errorf("%s: no certificate in it", d.ClientCAFile)
		}
		cfg.ClientAuth = tls.RequireAndVerifyClientCert
	}
	d.current.Store(cfg)
	return nil
}

func (d *Identity) certificate() (tls.Certificate, error) {
	switch {
	case d.CertFile != "" && d.KeyFile != "":
		cert, err := tls.LoadX509KeyPair(d.CertFile, d.KeyFile)
		if err != nil {
			return cert, fmt.Errorf("certificate %s, key %s: %w", d.CertFile, d.KeyFile, err)
		}
		return cert, nil
	case d.CertFile != "" || d.KeyFile != "":
		return tls.Certificate{}, errors.New("a certificate needs its key, and a key its certificate")
	}
	if old := d.current.Load(); old != nil {
		return old.Certificates[0], nil
	}
	return selfSigned(d.Hosts)
}

// SelfSigned reports whether the certificate was made here.
func (d *Identity) SelfSigned() bool { return d.CertFile == "" }

// Fingerprint returns the SHA-256 hash of the certificate in use, as 64 hex
// digits in colon-separated pairs: what a client can pin.
func (d *Identity) Fingerprint() string {
	sum := sha256.Sum256(d.current.Load().Certificates[0].Certificate[0])
	pairs := make([]string, len(sum))
	for i, b := range sum {
		pairs[i] = strings.ToUpper(hex.EncodeToString([]byte{b}))
	}
	return strings.Join(pairs, ":")
}

// Wrap returns the TLS handshake with this identity. Load must have succeeded.
func (d *Identity) Wrap() Wrap {
	outer := &tls.Config{
		MinVersion: tls.VersionTLS12, // the real bound is in current's
		GetConfigForClient: func(*tls.ClientHelloInfo) (*tls.Config, error) {
			return d.current.Load(), nil
		},
	}
	return func(ctx context.Context, c net.Conn) (net.Conn, error) {
		t := tls.Server(c, outer)
		return t, t.HandshakeContext(ctx)
	}
}

// selfSigned makes a certificate for a year that nobody vouches for: clients pin
// its fingerprint.
func selfSigned(hosts []string) (tls.Certificate, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return tls.Certificate{}, err
	}
	serial, err := rand.Int(rand.Reader, new(big.Int).Lsh(big.NewInt(1), 127))
	if err != nil {
		return tls.Certificate{}, err
	}
	now := time.Now()
	template := &x509.Certificate{
		SerialNumber:          serial,
		Subject:               pkix.Name{CommonName: "dialtone self-signed"},
		NotBefore:             now.Add(-time.Hour), // clocks differ
		NotAfter:              now.AddDate(1, 0, 0),
		KeyUsage:              x509.KeyUsageDigitalSignature,
		ExtKeyUsage:           []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
		BasicConstraintsValid: true,
	}
	for _, h := range hosts {
		if ip := net.ParseIP(h); ip != nil {
			template.IPAddresses = append(template.IPAddresses, ip)
		} else if h != "" {
			template.DNSNames = append(template.DNSNames, h)
		}
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		return tls.Certificate{}, err
	}
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}, nil
}

package connect

import (
	"context"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"encoding/hex"
	"fmt"
	"io"
	"net"
	"strings"
	"sync/atomic"

	"dialtone/app/address"
)

// TLS says how a server proves who it is. The zero TLS asks for a certificate of
// one of the system's CAs for the host of the address, over TLS 1.2 or 1.3.
type TLS struct {
	Roots        *x509.CertPool    // CAs to trust; nil means the system's
	Fingerprint  *Fingerprint      // pins the server's own certificate, instead of trusting a CA; nil: no pin
	Insecure     bool              // accepts any certificate: nobody is proven
	ServerName   string            // name that the certificate must have; empty means the address's host
	ALPN         []string          // protocols to offer, best first; none for tls and http/1.1 for wss when empty
	Certificates []tls.Certificate // what we prove ourselves with, if the server asks
}

// Fingerprint is the SHA-256 of a certificate's DER form.
type Fingerprint [sha256.Size]byte

// FingerprintOf returns the fingerprint of c.
func FingerprintOf(c *x509.Certificate) Fingerprint { return sha256.Sum256(c.Raw) }

// ParseFingerprint reads 64 hexadecimal digits of either case, with or without
// colons between the bytes, as openssl and browsers show them.
func ParseFingerprint(s string) (f Fingerprint, err error) {
	digits := s
	if strings.Contains(s, ":") {
		for i, pair := range strings.Split(s, ":") {
			if len(pair) != 2 {
				return f, fmt.Errorf("fingerprint: byte %d, %q, is not two digits", i+1, pair)
			}
		}
		digits = strings.ReplaceAll(s, ":", "")
	}
	if len(digits) != 2*len(f) {
		return f, fmt.Errorf("fingerprint: %d hexadecimal digits, a SHA-256 has %d", len(digits), 2*len(f))
	}
	if _, err := hex.Decode(f[:], []byte(digits)); err != nil {
		return f, fmt.Errorf("fingerprint: %w", err)
	}
	return f, nil
}

// String returns 64 lower-case digits.
func (f Fingerprint) String() string { return hex.EncodeToString(f[:]) }

// FingerprintError says that a server showed another certificate than the pinned one.
type FingerprintError struct {
	Got, Want Fingerprint
}

func (e *FingerprintError) Error() string {
	return fmt.Sprintf("the server's certificate has the fingerprint %s, not the pinned %s", e.Got, e.Want)
}

// config returns crypto/tls's view of t for a.
func (t *TLS) config(a address.Address) *tls.Config {
	host, _, _ := strings.Cut(a.Host, "%") // a zone is ours, not the server's
	c := &tls.Config{
		MinVersion:   tls.VersionTLS12,
		RootCAs:      t.Roots,
		ServerName:   host,
		NextProtos:   t.ALPN,
		Certificates: t.Certificates,
	}
	if host == "" {
		c.ServerName = "localhost" // package net dials this machine for an empty host
	}
	if t.ServerName != "" {
		c.ServerName = t.ServerName
	}
	if a.WebSocket() && len(c.NextProtos) == 0 {
		c.NextProtos = []string{"http/1.1"}
	}
	c.InsecureSkipVerify = t.Insecure || t.Fingerprint != nil
	if t.Fingerprint != nil {
		c.VerifyConnection = t.verifyFingerprint
	}
	return c
}

func (t *TLS) verifyFingerprint(s tls.ConnectionState) error {
	if got := FingerprintOf(s.PeerCertificates[0]); got != *t.Fingerprint {
		return &FingerprintError{Got: got, Want: *t.Fingerprint}
	}
	return nil
}

// handshake returns conn with TLS on top, or closes it.
func (t *TLS) handshake(ctx context.Context, conn net.Conn, a address.Address) (net.Conn, error) {
	below := &endConn{Conn: conn}
	secure := tls.Client(below, t.config(a))
	if err := secure.HandshakeContext(ctx); err != nil {
		conn.Close()
		return nil, fmt.Errorf("TLS: %w", err)
	}
	return &tlsConn{secure, below}, nil
}

// tlsConn tells a server's close_notify from the end of the connection below,
// which anybody on the way could have made to cut something off (RFC 8446 §6.1).
// Package tls takes either for the end.
type tlsConn struct {
	*tls.Conn
	below *endConn
}

func (c *tlsConn) Read(p []byte) (int, error) {
	n, err := c.Conn.Read(p)
	if err == io.EOF && c.below.ended.Load() {
		err = ErrCut
	}
	return n, err
}

// endConn knows whether its peer has ended.
type endConn struct {
	net.Conn
	ended atomic.Bool
}

func (c *endConn) Read(p []byte) (int, error) {
	n, err := c.Conn.Read(p)
	if n == 0 && err == io.EOF {
		c.ended.Store(true)
	}
	return n, err
}

// Connection returns the TLS state of a connection that Dial made, and whether
// there is one. What it holds comes from the server: escape names before showing
// them.
func Connection(conn net.Conn) (tls.ConnectionState, bool) {
	if ws, ok := conn.(*webSocket); ok {
		conn = ws.below
	}
	secure, ok := conn.(*tlsConn)
	if !ok {
		return tls.ConnectionState{}, false
	}
	return secure.ConnectionState(), true
}

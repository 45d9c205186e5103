package pairing

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"time"
)

const (
	protocol = "dialtone/1" // of TLS's ALPN
	preface  = "\x00dialtone/1\n"

	firstTLS   = 0x16 // a handshake record (RFC 8446 §5.1)
	firstPlain = 0x00 // cannot be in a name, with which classic senders begin
)

// A line is a connection with its channel set up, not yet with a peer.
type line struct {
	net.Conn
	channel channel
	key     Fingerprint // the peer's
	state   tls.ConnectionState
}

// tlsConfig is what both ends have in common.
func (e *ends) tlsConfig() *tls.Config {
	return &tls.Config{
		MinVersion:             tls.VersionTLS13,
		Certificates:           []tls.Certificate{e.tls},
		NextProtos:             []string{protocol},
		SessionTicketsDisabled: true,
		InsecureSkipVerify:     true, // the code, the pinned key or verify below decide
	}
}

// client makes the dialling end's line of c, to an end of the given host.
func (e *ends) client(ctx context.Context, c net.Conn, host string) (*line, error) {
	if e.Plain {
		return &line{Conn: c}, nil
	}
	config := e.tlsConfig()
	if e.CA != nil {
		if config.ServerName = e.ServerName; config.ServerName == "" {
			config.ServerName = host
		}
		config.VerifyConnection = func(s tls.ConnectionState) error {
			return e.verify(s, config.ServerName, x509.ExtKeyUsageServerAuth)
		}
	}
	l, err := e.secure(ctx, c, func(c net.Conn) *tls.Conn { return tls.Client(c, config) })
	if err != nil {
		return nil, err
	}
	l.channel.verified = e.CA != nil
	l.channel.dialler, l.channel.listener = fingerprintOf(e.leaf()), l.key
	return l, nil
}

// server makes the listening end's line of c.
func (e *ends) server(ctx context.Context, c net.Conn) (*line, error) {
	config := e.tlsConfig()
	config.ClientAuth = tls.RequireAnyClientCert
	l, err := e.secure(ctx, c, func(c net.Conn) *tls.Conn { return tls.Server(c, config) })
	if err != nil {
		return nil, err
	}
	l.channel.verified = e.CA != nil && e.verify(l.state, "", x509.ExtKeyUsageClientAuth) == nil
	l.channel.dialler, l.channel.listener = l.key, fingerprintOf(e.leaf())
	return l, nil
}

// leaf is the certificate that this end shows.
func (e *ends) leaf() *x509.Certificate {
	if e.tls.Leaf != nil {
		return e.tls.Leaf
	}
	c, err := x509.ParseCertificate(e.tls.Certificate[0])
	if err != nil {
		return &x509.Certificate{} // TLS would have failed
	}
	return c
}

func (e *ends) secure(ctx context.Context, c net.Conn, with func(net.Conn) *tls.Conn) (*line, error) {
	under, over := c, func(t *tls.Conn) net.Conn { return t }
	if e.Wrap != nil {
		u, o := e.Wrap(c)
		under = u
		if o != nil {
			over = o
		}
	}
	t := with(under)
	if err := t.HandshakeContext(ctx); err != nil {
		return nil, tlsError(err)
	}
	state := t.ConnectionState()
	if state.NegotiatedProtocol != protocol {
		return nil, ErrForeign
	}
	return &line{
		Conn:  over(t),
		state: state,
		key:   fingerprintOf(state.PeerCertificates[0]),
		channel: channel{
			encrypted: true,
			export:    func(label string) ([]byte, error) { return state.ExportKeyingMaterial(label, nil, 32) },
		},
	}, nil
}

// verify checks the peer's certificate against CA, and its name unless that is "".
func (e *ends) verify(s tls.ConnectionState, name string, usage x509.ExtKeyUsage) error {
	o := x509.VerifyOptions{
		Roots: e.CA, DNSName: name, Intermediates: x509.NewCertPool(),
		KeyUsages: []x509.ExtKeyUsage{usage},
	}
	for _, c := range s.PeerCertificates[1:] {
		o.Intermediates.AddCert(c)
	}
	_, err := s.PeerCertificates[0].Verify(o)
	return err
}

// tlsError makes more of what TLS says where the other end has none.
func tlsError(err error) error {
	var record tls.RecordHeaderError
	switch {
	case errors.As(err, &record) && record.RecordHeader[0] == byte(typeRefused):
		return ErrPlain
	case errors.As(err, &record):
		return fmt.Errorf("%w (%w)", ErrForeign, err)
	case errors.Is(err, io.EOF):
		return fmt.Errorf("the other end hung up: %w", io.ErrUnexpectedEOF)
	}
	return fmt.Errorf("TLS: %w", err)
}

// readPreface reads the rest of the plain preface after its first byte.
func readPreface(c net.Conn) error {
	p := make([]byte, len(preface)-1)
	if _, err := io.ReadFull(c, p); err != nil {
		return err
	}
	if !bytes.Equal(p, []byte(preface[1:])) {
		return ErrForeign
	}
	return nil
}

// begun is a connection whose first byte has been read, and is read again.
type begun struct {
	net.Conn
	first []byte // what is left of it
}

func (b *begun) Read(p []byte) (int, error) {
	if len(b.first) > 0 && len(p) > 0 {
		n := copy(p, b.first)
		b.first = b.first[n:]
		return n, nil
	}
	return b.Conn.Read(p)
}

// NetConn returns the connection below.
func (b *begun) NetConn() net.Conn { return b.Conn }

// Bare returns the connection that carries the same bytes from now on, nil while
// there is none.
func (b *begun) Bare() net.Conn {
	if len(b.first) > 0 {
		return nil
	}
	return b.Conn
}

// CloseWrite ends what is sent, where the connection below can.
func (b *begun) CloseWrite() error {
	if c, ok := b.Conn.(interface{ CloseWrite() error }); ok {
		return c.CloseWrite()
	}
	return b.Conn.Close()
}

// during gives c a deadline for what f does, and ends it when ctx does.
func during(ctx context.Context, c net.Conn, until time.Time, f func() error) error {
	c.SetDeadline(until)
	stop := context.AfterFunc(ctx, func() { c.SetDeadline(time.Unix(1, 0)) })
	err := f()
	if !stop() && err == nil {
		err = ctx.Err()
	}
	if err == nil {
		return c.SetDeadline(time.Time{})
	}
	if ctx.Err() != nil {
		return ctx.Err()
	}
	return err
}

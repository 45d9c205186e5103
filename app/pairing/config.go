package pairing

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"net"
)

// Config says how the two ends know each other. The zero value would authenticate
// nobody and is refused.
type Config struct {
	// Code is a one-time code as NewCode makes it, or any that ParseCode takes; ""
	// for none. Both ends must have the same.
	Code string
	// Plain leaves TLS out. It needs a Code or NoAuth.
	Plain bool
	// NoAuth lets anybody in, and takes anybody for the other end. It is for ends
	// without a Code: with one, it changes nothing here.
	NoAuth bool
	// Identity is this machine's key (LoadIdentity), nil for a fresh one.
	Identity *Identity
	// Known has the keys of peers that need no code; nil: none.
	Known *KnownPeers
	// Remember pins the peer's key in Known when a code was confirmed.
	Remember bool

	// CA are the authorities of certificates that need no code; nil: none. An end
	// that dials with CA insists on a certificate of theirs.
	CA *x509.CertPool
	// Certificate is this end's, in place of the Identity's own; nil: that one.
	Certificate *tls.Certificate
	// ServerName is what the certificate of the end that listens must be for, ""
	// for the host of the address dialled.
	ServerName string

	// Name is shown to the peer: what of it can be printed, at most 64 bytes. It is
	// sent before the peer is known.
	Name string

	// Wrap, if not nil, puts something below TLS: under stands between TLS and the
	// connection, and over, if not nil, gives what the session hands out. Both must
	// have a method NetConn.
	Wrap func(net.Conn) (under net.Conn, over func(*tls.Conn) net.Conn)
}

// ErrNoAuth is returned for a Config that would authenticate nobody without saying so.
var ErrNoAuth = errors.New("pairing: nothing says who the other end may be: give a code, known peers or certificates, or no authentication out loud")

// ends is a checked Config.
type ends struct {
	Config
	identity *Identity
	tls      tls.Certificate
}

// checked returns c ready for use, with its code in one form.
func (c Config) checked() (*ends, error) {
	e := &ends{Config: c, identity: c.Identity}
	e.Name = cleanName(c.Name)
	if c.Code != "" {
		code, _, err := ParseCode(c.Code)
		if err != nil {
			return nil, err
		}
		e.Code = code
	}
	if c.Plain {
		if c.Code == "" && !c.NoAuth {
			return nil, errors.New("pairing: without TLS only a code can tell who the other end is: give one, or no authentication out loud")
		}
		e.Known, e.CA, e.Certificate = nil, nil, nil
		return e, nil
	}
	if c.Code == "" && c.Known == nil && c.CA == nil && !c.NoAuth {
		return nil, ErrNoAuth
	}
	if e.identity == nil {
		id, err := NewIdentity()
		if err != nil {
			return nil, err
		}
		e.identity = id
	}
	e.tls = e.identity.certificate
	if c.Certificate != nil {
		e.tls = *c.Certificate
	}
	return e, nil
}

// methods are the ways that this end has to know the other, the best first.
func (e *ends) methods() (list []method) {
	if e.Code != "" {
		list = append(list, byCode)
	}
	if e.CA != nil {
		list = append(list, byCA)
	}
	if e.Known != nil {
		list = append(list, byKey)
	}
	if e.NoAuth && e.Code == "" {
		list = append(list, byNothing)
	}
	return list
}

// A method is how one end is known to the other.
type method byte

const (
	byCode    method = 1
	byKey     method = 2
	byCA      method = 3
	byNothing method = 4
)

// String returns what Peer.How says.
func (m method) String() string {
	switch m {
	case byCode:
		return "code"
	case byKey:
		return "known"
	case byCA:
		return "ca"
	}
	return "none"
}

// A Peer is the other end of a session.
type Peer struct {
	Name        string      // what it calls itself, printable, at most 64 bytes
	Addr        net.Addr    // of its first connection
	Fingerprint Fingerprint // of its key; zero without TLS
	How         string      // how it is known: "code", "known", "ca" or "none"
	Encrypted   bool        // by TLS 1.3
	Classic     bool        // it speaks neither TLS nor ours: Conn has what it sends
}

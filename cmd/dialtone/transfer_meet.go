package main

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"

	"dialtone/app/bulk"
	"dialtone/app/pairing"
)

// errNoCode is a transfer that somebody forgot to say the code of.
var errNoCode = errors.New("no code was given")

// config returns how we and the other end know each other.
func (f *trustFlags) config(code string) (c pairing.Config, err error) {
	c = pairing.Config{Code: code, Plain: f.plain, NoAuth: f.noAuth, Wrap: gather, ServerName: f.serverName}
	c.Name, _ = os.Hostname()
	if f.trust {
		c.Remember = true
		if c.Identity, c.Known, err = loadTrust(); err != nil {
			return c, err
		}
	}
	if f.ca != "" {
		c.CA, err = readCA(f.ca)
		if err != nil {
			return c, err
		}
	}
	if f.cert != "" {
		pair, err := tls.LoadX509KeyPair(f.cert, f.key)
		if err != nil {
			return c, fmt.Errorf("--cert %s --key %s: %w", f.cert, f.key, err)
		}
		c.Certificate = &pair
	}
	return c, nil
}

// gather makes one system call of many TLS records.
func gather(c net.Conn) (net.Conn, func(*tls.Conn) net.Conn) {
	under := bulk.Coalesce(c)
	return under, func(t *tls.Conn) net.Conn { return bulk.Join(t, under) }
}

// readCA reads the CAs of a PEM file.
func readCA(path string) (*x509.CertPool, error) {
	pem, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	pool := x509.NewCertPool()
	if !pool.AppendCertsFromPEM(pem) {
		return nil, withHint(fmt.Errorf("%s holds no certificate", path), "a CA file is PEM: -----BEGIN CERTIFICATE-----")
	}
	return pool, nil
}

// trustDir is the folder of our key and of the peers that are known.
func trustDir() (string, error) {
	dir, err := os.UserConfigDir()
	if err != nil {
		return "", withHint(fmt.Errorf("where keys are kept: %w", err), "set HOME, or do without --trust")
	}
	return filepath.Join(dir, "dialtone"), nil
}

func loadTrust() (*pairing.Identity, *pairing.KnownPeers, error) {
	dir, err := trustDir()
	if err != nil {
		return nil, nil, err
	}
	identity, err := pairing.LoadIdentity(dir)
	if err != nil {
		return nil, nil, err
	}
	known, err := pairing.LoadKnownPeers(dir)
	return identity, known, err
}

// dial meets the other end where it waits. A person is asked for a code that is
// missing: with --trust only when the peer turns out to be unknown.
func (f *trustFlags) dial(ctx context.Context, to place) (*pairing.Session, error) {
	code, err := f.givenCode(to.code)
	if err == nil && code == "" && !f.noAuth && f.ca == "" && !f.trust {
		code, err = askCode()
	}
	if err != nil {
		return nil, err
	}
	s, err := f.dialWith(ctx, to, code)
	if code == "" && f.trust && (errors.Is(err, pairing.ErrUnknownPeer) || errors.Is(err, pairing.ErrCodeWanted)) {
		if in, done := keyboard(); in != nil {
			done()
			if code, err = askCode(); err == nil {
				s, err = f.dialWith(ctx, to, code)
			}
		}
	}
	return s, err
}

func (f *trustFlags) dialWith(ctx context.Context, to place, code string) (*pairing.Session, error) {
	c, err := f.config(code)
	if err != nil {
		return nil, err
	}
	if c.CA != nil && c.ServerName == "" {
		c.ServerName = to.addr.Host
	}
	d := &pairing.Dialer{Config: c}
	return d.Dial(ctx, to.addr.Network(), to.addr.Target())
}

// fieldsOf returns whom a session is with.
func fieldsOf(p pairing.Peer) peerFields {
	return peerFields{Name: p.Name, Addr: p.Addr.String(), Fingerprint: fingerprintText(p), How: p.How, Encrypted: p.Encrypted}
}

// fingerprintText is empty where there is no key.
func fingerprintText(p pairing.Peer) string {
	if p.Fingerprint == (pairing.Fingerprint{}) {
		return ""
	}
	return p.Fingerprint.String()
}

// waiting is a verb that waits for the other end.
type waiting struct {
	*pairing.Listener
	code string
}

// wait listens where it was told to, and says so. verb is what they type on the
// other machine, up to the host.
func (f *trustFlags) wait(ctx context.Context, listen, verb string, o pairing.ListenOptions, tell func(announcement)) (*waiting, error) {
	at, err := f.parseListen(listen)
	if err != nil {
		return nil, err
	}
	code, err := f.givenCode("")
	if err != nil {
		return nil, err
	}
	made := code == "" && !f.noAuth && f.ca == ""
	if made {
		code = pairing.NewCode()
	}
	c, err := f.config(code)
	if err != nil {
		return nil, err
	}
	if err := checkZone(at); err != nil {
		return nil, err
	}
	ln, err := new(net.ListenConfig).Listen(ctx, at.Network(), at.Target())
	if err != nil {
		return nil, cannotListen(at, err)
	}
	l, err := pairing.NewListener(ln, c, o)
	if err != nil {
		ln.Close()
		return nil, err
	}
	a := f.announce(ln.Addr(), verb, code)
	a.made = made
	tell(a)
	return &waiting{l, code}, nil
}

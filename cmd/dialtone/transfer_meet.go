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

	"golang.org/x/time/rate"
)

// errNoCode is a transfer that somebody forgot to say the code of.
var errNoCode = errors.New("no code was given")

// open opens what the other end is met with. close comes last of all.
func (f *trustFlags) open() (close func(), err error) {
	f.sockets, close, err = f.net.open(newKernelSockets())
	return close, err
}

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

func knownPeersFile() (string, error) {
	dir, err := trustDir()
	return filepath.Join(dir, "known_peers"), err
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
	known, err := knownPeers()
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
	if code == "" && f.trust && mayHelp(err) {
		if in, done := keyboard(); in != nil {
			done()
			if code, err = askCode(); err == nil {
				s, err = f.dialWith(ctx, to, code)
			}
		}
	}
	return s, err
}

// mayHelp says whether a code may help where err was: not where a name is pinned
// with another key, which a person has to forget first.
func mayHelp(err error) bool {
	var changed *pairing.ChangedKeyError
	return !errors.As(err, &changed) && (errors.Is(err, pairing.ErrUnknownPeer) || errors.Is(err, pairing.ErrCodeWanted))
}

func (f *trustFlags) dialWith(ctx context.Context, to place, code string) (*pairing.Session, error) {
	c, err := f.config(code)
	if err != nil {
		return nil, err
	}
	if c.CA != nil && c.ServerName == "" {
		c.ServerName = to.addr.Host
	}
	d := &pairing.Dialer{Net: f.sockets, Config: c}
	s, err := d.Dial(ctx, to.addr.Network(), to.addr.Target())
	return s, cannotConnect(to, err)
}

// cannotConnect says why, without package net's words around it.
func cannotConnect(to place, err error) error {
	var op *net.OpError
	if !errors.As(err, &op) {
		return err
	}
	var call *os.SyscallError
	if err = op.Err; errors.As(err, &call) {
		err = call.Err
	}
	err = fmt.Errorf("connect to %s: %w", to.addr, err)
	var stranger x509.UnknownAuthorityError
	if errors.As(err, &stranger) {
		return withHint(err, "its certificate is not of the CA that --ca names")
	}
	return err
}

// fieldsOf returns whom a session is with.
func fieldsOf(p pairing.Peer) peerFields {
	return peerFields{Name: p.Name, Addr: addrText(p.Addr), Fingerprint: fingerprintText(p), How: p.How, Encrypted: p.Encrypted}
}

// fingerprintText is empty where there is no key.
func fingerprintText(p pairing.Peer) string {
	if p.Fingerprint.IsZero() {
		return ""
	}
	return p.Fingerprint.String()
}

func addrText(a net.Addr) string {
	if a == nil {
		return ""
	}
	return a.String()
}

// waiter is how a verb waits for the other end.
type waiter struct {
	trust  *trustFlags
	show   *showFlags
	events *jsonOutput
	listen string                // where, as typed
	verb   string                // what they type on the other machine, up to the host
	o      pairing.ListenOptions // without Notice
}

// waiting is a verb that waits.
type waiting struct {
	*pairing.Listener
	code string
}

// open listens where it was told to, and says so.
func (w waiter) open(ctx context.Context) (*waiting, error) {
	at, err := w.trust.parseListen(w.listen)
	if err != nil {
		return nil, err
	}
	code, made, err := w.trust.waitingCode()
	if err != nil {
		return nil, err
	}
	c, err := w.trust.config(code)
	if err != nil {
		return nil, err
	}
	if err := checkZone(at); err != nil {
		return nil, err
	}
	ln, err := w.trust.sockets.Listen(ctx, at.Network(), at.Target())
	if err != nil {
		return nil, cannotListen(at, err)
	}
	w.o.Notice = w.show.refusals(w.events)
	l, err := pairing.NewListener(ln, c, w.o)
	if err != nil {
		ln.Close()
		return nil, err
	}
	a := w.trust.announce(ln.Addr(), w.verb, code)
	a.made = made
	w.show.tell(a, w.events)
	return &waiting{l, code}, nil
}

// waitingCode returns the code that others must know: the one that was given, or
// one made now.
func (f *trustFlags) waitingCode() (code string, made bool, err error) {
	code, err = f.givenCode("")
	if err != nil || code != "" || f.noAuth || f.ca != "" {
		return code, false, err
	}
	return pairing.NewCode(), true, nil
}

// refusals returns what tells of connections that came to nothing: a few a second.
func (f *showFlags) refusals(events *jsonOutput) func(net.Addr, error) {
	often := rate.NewLimiter(4, 20)
	return func(addr net.Addr, err error) {
		switch {
		case f.quiet || !often.Allow():
		case f.json:
			events.end(events.begin("refused").text("address", addrText(addr)).field("error", err.Error()))
		case addr == nil:
			fmt.Fprintln(os.Stderr, "note ", oneLine(err.Error()))
		default:
			fmt.Fprintf(os.Stderr, "refused %s: %s\n", addr, oneLine(err.Error()))
		}
	}
}

// one waits for the one session, and lets nobody in after it. The listener stays
// until the session's end: its further connections come there.
func (w waiter) one(ctx context.Context) (s *pairing.Session, done func(), err error) {
	w.o.Sessions = 1
	l, err := w.open(ctx)
	if err != nil {
		return nil, nil, err
	}
	if s, err = l.accept(ctx, w.trust.trust); err != nil {
		l.Close()
		return nil, nil, err
	}
	return s, func() { s.Close(); l.Close() }, nil
}

// accept returns the next session. A code that burns is the end, unless known
// peers may come without one.
func (w *waiting) accept(ctx context.Context, known bool) (*pairing.Session, error) {
	s, err := w.Accept(ctx)
	for known && errors.Is(err, pairing.ErrBurned) {
		fmt.Fprintln(os.Stderr, "the code is burnt by wrong tries; machines that are known may still come")
		s, err = w.Accept(ctx)
	}
	return s, err
}

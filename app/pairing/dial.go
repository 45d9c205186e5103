package pairing

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"time"
)

// handshakeTime is how long a handshake may take.
const handshakeTime = 10 * time.Second

// A Dialer makes sessions with ends that listen. It may be used from several
// goroutines, and copied.
type Dialer struct {
	// Net dials the connections, nil for a net.Dialer.
	Net interface {
		DialContext(ctx context.Context, network, addr string) (net.Conn, error)
	}
	// Config says who this end is and whom it takes for the other.
	Config Config
	// Timeout is how long a handshake may take on a connection that stands; 0 is 20
	// seconds, as the other end may have others before us.
	Timeout time.Duration
}

// Dial connects to addr and finds out who is there. The errors of this package
// (ErrWrongCode, …) stand in a *net.OpError with the address.
func (d *Dialer) Dial(ctx context.Context, network, addr string) (*Session, error) {
	e, err := d.Config.checked()
	if err != nil {
		return nil, err
	}
	t := target{dialer: d, ends: e, network: network, addr: addr}
	l, err := t.connect(ctx)
	if err != nil {
		return nil, err
	}
	var g grant
	err = during(ctx, l, time.Now().Add(d.timeout()), func() error {
		g, err = t.greet(l)
		return err
	})
	if err != nil {
		l.Close()
		return nil, t.failed(l, err)
	}
	s := newSession(l.out(), g.peer(l.RemoteAddr(), &l.channel, l.key))
	s.dialed, s.id, s.key = true, string(g.id), g.keys.join
	t.settle(l.RemoteAddr())
	s.open = func(ctx context.Context, number int) (net.Conn, error) { return t.join(ctx, s, number) }
	if err := e.remember(s); err != nil {
		s.Close()
		return nil, t.failed(l, err)
	}
	return s, nil
}

func (d *Dialer) timeout() time.Duration {
	if d.Timeout > 0 {
		return d.Timeout
	}
	return 2 * handshakeTime
}

// A target is an end that listens, as one that dials sees it.
type target struct {
	dialer        *Dialer
	ends          *ends
	network, addr string
	host          string // of addr, for certificates
}

// settle makes further connections go where the first went, whatever names mean
// by then.
func (t *target) settle(a net.Addr) {
	switch a.(type) {
	case *net.TCPAddr, *net.UnixAddr:
		t.host = t.hostname()
		t.addr = a.String()
	}
}

func (t *target) hostname() string {
	if t.host != "" {
		return t.host
	}
	host, _, err := net.SplitHostPort(t.addr)
	if err != nil {
		return t.addr
	}
	return host
}

// connect dials and, unless it is to be plain, sets up TLS.
func (t *target) connect(ctx context.Context) (*line, error) {
	dial := new(net.Dialer).DialContext
	if t.dialer.Net != nil {
		dial = t.dialer.Net.DialContext
	}
	c, err := dial(ctx, t.network, t.addr)
	if err != nil {
		return nil, err
	}
	var l *line
	err = during(ctx, c, time.Now().Add(t.dialer.timeout()), func() error {
		l, err = t.ends.client(ctx, c, t.hostname())
		return err
	})
	if err != nil {
		c.Close()
		return nil, t.failed(c, err)
	}
	return l, nil
}

func (t *target) failed(c net.Conn, err error) error {
	switch {
	case errors.Is(err, io.ErrUnexpectedEOF), errors.Is(err, io.EOF):
		err = fmt.Errorf("the other end hung up: %w", io.ErrUnexpectedEOF)
	case errors.Is(err, os.ErrDeadlineExceeded):
		err = fmt.Errorf("the other end does not answer: %w", os.ErrDeadlineExceeded)
	}
	return &net.OpError{Op: "pair", Net: t.network, Source: c.LocalAddr(), Addr: c.RemoteAddr(), Err: err}
}

// greet says hello and confirms.
func (t *target) greet(l *line) (grant, error) {
	c := caller{ends: t.ends, channel: &l.channel}
	hello, err := c.begin()
	if err != nil {
		return grant{}, err
	}
	if err := l.say(hello, true); err != nil {
		return grant{}, err
	}
	_, f, welcome, err := readMessage(l, typeWelcome)
	if err != nil {
		return grant{}, err
	}
	confirm, err := c.confirm(&f, welcome)
	if err != nil {
		l.refuse(err, nil)
		return grant{}, err
	}
	if err := l.say(confirm, false); err != nil {
		return grant{}, err
	}
	if _, f, _, err = readMessage(l, typeDone); err != nil {
		return grant{}, err
	}
	return c.finish(&f)
}

// join opens connection number of session s.
func (t *target) join(ctx context.Context, s *Session, number int) (net.Conn, error) {
	l, err := t.connect(ctx)
	if err != nil {
		return nil, err
	}
	err = during(ctx, l, time.Now().Add(t.dialer.timeout()), func() error {
		if l.key != s.peer.Fingerprint {
			return ErrUnknownPeer
		}
		return l.join(s, number)
	})
	if err != nil {
		l.Close()
		return nil, t.failed(l, err)
	}
	return l.out(), nil
}

func (l *line) join(s *Session, number int) error {
	binding, err := l.channel.binding()
	if err != nil {
		return err
	}
	join, err := joinMessage(nil, s.key, []byte(s.id), number, binding)
	if err != nil {
		return err
	}
	if err := l.say(join, true); err != nil {
		return err
	}
	_, _, joined, err := readMessage(l, typeJoined)
	if err != nil {
		return err
	}
	if !joinedProved(s.key, join, joined, binding) {
		return ErrJoin
	}
	return nil
}

// out is the connection that a session hands out.
func (l *line) out() net.Conn { return l.Conn }

// say sends a message, the first without TLS behind the preface.
func (l *line) say(message []byte, first bool) error {
	if first && !l.channel.encrypted {
		message = append([]byte(preface), message...)
	}
	_, err := l.Write(message)
	return err
}

// refuse tells the other end why, unless that was its word.
func (l *line) refuse(why error, wants []byte) {
	var theirs *refusedError
	if errors.As(why, &theirs) {
		return
	}
	f := fields{tagReason: {byte(reasonOf(why))}, tagMethods: wants}
	l.Write(f.append(nil, typeRefused))
}

// remember pins the peer's key if a code was confirmed, and notes where a known
// peer was last, which may fail.
func (e *ends) remember(s *Session) error {
	if e.Known == nil || s.peer.Fingerprint.IsZero() {
		return nil
	}
	p := KnownPeer{Fingerprint: s.peer.Fingerprint, Name: s.peer.Name, Since: time.Now(), Addr: s.peer.Addr.String()}
	if host, _, err := net.SplitHostPort(p.Addr); err == nil && !s.dialed {
		p.Addr = host // the port was for this once
	}
	switch s.peer.How {
	case byKey.String():
		e.Known.Pin(p)
	case byCode.String():
		if e.Remember {
			return e.Known.Pin(p)
		}
	}
	return nil
}

package pairing

import (
	"context"
	"errors"
	"io"
	"net"
	"os"
	"time"
)

// admit waits for its turn and shakes hands.
func (l *Listener) admit(c net.Conn, addr net.Addr, until time.Time) (a arrival, err error) {
	ctx, cancel := context.WithDeadline(l.ctx, until)
	defer cancel()
	leave, err := l.gate.enter(ctx, addr)
	if err != nil {
		return a, err
	}
	defer leave()
	err = during(l.ctx, c, until, func() error {
		a, err = l.shake(ctx, c)
		return err
	})
	if err != nil && a.session != nil && a.joins == nil {
		l.uncount()
		a.session.Close()
	}
	return a, err
}

// shake tells by the first byte what the other end speaks.
func (l *Listener) shake(ctx context.Context, c net.Conn) (arrival, error) {
	first := make([]byte, 1)
	if _, err := io.ReadFull(c, first); err != nil {
		return arrival{}, err
	}
	b := &begun{Conn: c, first: first}
	switch {
	case first[0] == firstTLS && l.ends.Plain:
		line := &line{Conn: c}
		line.refuse(errTLSHere, nil) // which no TLS client takes for TLS
		linger(c)
		return arrival{}, errTLSHere
	case first[0] == firstTLS:
		line, err := l.ends.server(ctx, b)
		if err != nil {
			return arrival{}, err
		}
		return l.greet(line)
	case first[0] == firstPlain:
		if err := readPreface(c); err != nil {
			return arrival{}, err
		}
		return l.greet(&line{Conn: c})
	case l.o.Classic:
		s := newSession(b, Peer{Addr: c.RemoteAddr(), How: byNothing.String(), Classic: true})
		if err := l.count(); err != nil {
			return arrival{}, err
		}
		return arrival{session: s}, nil
	}
	return arrival{}, ErrForeign
}

// greet answers the first message. What goes wrong is told to the other end, in one
// byte.
func (l *Listener) greet(c *line) (a arrival, err error) {
	t, f, raw, err := readMessage(c, typeHello, typeJoin)
	switch {
	case err != nil:
	case !c.channel.encrypted && !l.ends.Plain:
		err = ErrNeedsTLS
	case t == typeJoin:
		a.joins = c.out()
		a.session, err = l.join(c, &f, raw)
	default:
		a.session, err = l.meet(c, &f, raw)
	}
	if err != nil && !lost(err) {
		c.refuse(err, l.wants())
		linger(c.Conn)
	}
	if errors.Is(err, errLastTry) {
		l.tries.over()
	}
	return a, err
}

// lost says whether nobody is there any more to be told of err.
func lost(err error) bool {
	var op *net.OpError
	return errors.As(err, &op) || errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, os.ErrDeadlineExceeded)
}

// wants are the methods that this end would have accepted.
func (l *Listener) wants() (list []byte) {
	list = []byte{}
	for _, m := range l.ends.methods() {
		list = append(list, byte(m))
	}
	return list
}

// meet goes through the handshake of a first connection.
func (l *Listener) meet(c *line, f *fields, hello []byte) (*Session, error) {
	code, round, codeErr := l.tries.current()
	a := answerer{ends: l.ends, channel: &c.channel, code: code, codeErr: codeErr}
	welcome, err := a.welcome(f, hello)
	if err != nil {
		return nil, &strangerError{err}
	}
	if err := c.say(welcome, false); err != nil {
		return nil, err
	}
	_, confirm, _, err := readMessage(c, typeConfirm)
	if err != nil {
		return nil, err
	}
	if err := confirm.need(tagProof); err != nil {
		return nil, err
	}
	if err := l.judge(&a, round, a.check(&confirm)); err != nil {
		return nil, err
	}
	if err := a.admit(); err != nil {
		return nil, err
	}
	if err := l.count(); err != nil {
		return nil, err
	}
	s := newSession(c.out(), a.grant.peer(c.RemoteAddr(), &c.channel, c.key))
	s.joins, s.id, s.key = true, string(a.grant.id), a.grant.keys.join
	l.keep(s)
	if err := l.ends.remember(s); err != nil {
		return s, err
	}
	return s, c.say(a.done(), false)
}

func (l *Listener) judge(a *answerer, round int, right bool) error {
	if a.grant.how == byCode {
		return l.tries.judge(round, right)
	}
	if !right {
		return broken("a wrong proof")
	}
	return nil
}

// join answers a further connection and returns its session.
func (l *Listener) join(c *line, f *fields, join []byte) (*Session, error) {
	if err := checkJoin(f); err != nil {
		return nil, err
	}
	l.mu.Lock()
	s := l.sessions[string(f[tagSession])]
	l.mu.Unlock()
	if s == nil {
		return nil, ErrJoin
	}
	binding, err := c.channel.binding()
	if err != nil {
		return nil, err
	}
	if c.key != s.peer.Fingerprint || !joinProved(s.key, join, binding) || !s.claim(int(f[tagNumber][0])) {
		return nil, ErrJoin
	}
	joined, err := joinedMessage(nil, s.key, join, binding)
	if err != nil {
		return nil, err
	}
	return s, c.say(joined, false)
}

// linger lets the other end read why before the connection is reset: it ends what
// is sent, and reads for a moment what still comes.
func linger(c net.Conn) {
	if w, ok := c.(interface{ CloseWrite() error }); ok {
		w.CloseWrite()
	}
	c.SetReadDeadline(time.Now().Add(time.Second))
	io.CopyN(io.Discard, c, 64<<10)
}

package pairing

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"sync"
	"time"
)

// ListenOptions are a Listener's. The zero value is good.
type ListenOptions struct {
	// Classic hands out connections that begin with neither TLS nor ours as sessions
	// of their own. It needs Config.NoAuth.
	Classic bool
	// Notice is called for each connection that comes to nothing, and for troubles
	// with accepting, then without an address; nil is not. It may be called from
	// several goroutines at once, and as often as somebody knocks.
	Notice func(addr net.Addr, err error)
	// Timeout is how long a handshake may take, waiting for its turn included; 0 is
	// 10 seconds.
	Timeout time.Duration
	// Tries is how many wrong ones burn a code; 0 is 3.
	Tries int
	// Sessions is how many there may be in all; 0 is no bound. Who comes later is
	// refused with ErrBusy, while the connections of the others can join.
	Sessions int
}

// A Listener makes sessions of the connections that come in, several at once.
type Listener struct {
	ln   net.Listener
	ends *ends
	o    ListenOptions

	tries  *tries
	gate   *gate
	ready  chan *Session
	ctx    context.Context // ends with Close
	cancel context.CancelFunc
	group  sync.WaitGroup

	mu       sync.Mutex
	sessions map[string]*Session // open, by id
	made     int
}

// NewListener makes sessions of what ln accepts, which it owns from now on.
func NewListener(ln net.Listener, c Config, o ListenOptions) (*Listener, error) {
	e, err := c.checked()
	if err != nil {
		return nil, err
	}
	if o.Classic && !c.NoAuth {
		return nil, errors.New("pairing: the classic protocols authenticate nobody: say so out loud")
	}
	if o.Timeout <= 0 {
		o.Timeout = handshakeTime
	}
	if o.Tries <= 0 {
		o.Tries = 3
	}
	if o.Notice == nil {
		o.Notice = func(net.Addr, error) {}
	}
	l := &Listener{
		ln: ln, ends: e, o: o,
		tries: newTries(e.Code, o.Tries), gate: newGate(), ready: make(chan *Session),
		sessions: map[string]*Session{},
	}
	l.ctx, l.cancel = context.WithCancel(context.Background())
	l.group.Go(l.accept)
	return l, nil
}

// Addr returns the listener's address.
func (l *Listener) Addr() net.Addr { return l.ln.Addr() }

// SetCode puts a new code in place of the one there was, burnt or not; "" lets
// nobody in by code. An end that listened for a code never becomes one that lets
// anybody in.
func (l *Listener) SetCode(code string) error {
	if code != "" {
		c, _, err := ParseCode(code)
		if err != nil {
			return err
		}
		code = c
	}
	l.tries.set(code)
	return nil
}

// Accept returns the next session. It returns ErrBurned once when the code has
// burnt: the caller may call again, for peers that need none, and SetCode. After
// Close it returns net.ErrClosed.
func (l *Listener) Accept(ctx context.Context) (*Session, error) {
	select {
	case s := <-l.ready:
		return s, nil
	case <-l.tries.burnt:
		return nil, ErrBurned
	case <-l.ctx.Done():
		return nil, net.ErrClosed
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// Close stops listening, and with it that connections join. Sessions that were
// accepted stay as they are, the others are closed. It waits until all is over.
func (l *Listener) Close() error {
	l.cancel()
	err := l.ln.Close()
	l.group.Wait()
	if errors.Is(err, net.ErrClosed) {
		return nil
	}
	return err
}

// accept takes connections in until the listener closes. When there is no room for
// more it waits, and they wait in the kernel.
func (l *Listener) accept() {
	pause := time.Duration(0)
	for {
		if take(l.ctx, l.gate.pending) != nil {
			return
		}
		c, err := l.ln.Accept()
		if err == nil {
			pause = 0
			l.group.Go(func() {
				defer func() { <-l.gate.pending }()
				l.handle(c)
			})
			continue
		}
		<-l.gate.pending
		if errors.Is(err, net.ErrClosed) || l.ctx.Err() != nil {
			l.cancel()
			return
		}
		l.o.Notice(nil, fmt.Errorf("accept: %w", err)) // too many open files, for one
		pause = min(max(2*pause, 5*time.Millisecond), time.Second)
		select {
		case <-time.After(pause):
		case <-l.ctx.Done():
		}
	}
}

// handle makes of c what it is.
func (l *Listener) handle(c net.Conn) {
	until := time.Now().Add(l.o.Timeout)
	addr := c.RemoteAddr()
	a, err := l.admit(c, addr, until)
	switch {
	case err != nil:
		c.Close()
		if l.ctx.Err() == nil {
			l.o.Notice(addr, hungUp(err))
		}
	case a.joins != nil:
		if !a.session.deliver(a.joins) {
			a.joins.Close()
		}
	default:
		select {
		case l.ready <- a.session:
		case <-l.ctx.Done():
			a.session.Close()
		}
	}
}

// An arrival is a connection that made it: a new session, or a further connection
// of one.
type arrival struct {
	session *Session
	joins   net.Conn // nil: the session is new
}

func hungUp(err error) error {
	switch {
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		return fmt.Errorf("the other end hung up during the handshake: %w", io.ErrUnexpectedEOF)
	case errors.Is(err, os.ErrDeadlineExceeded), errors.Is(err, context.DeadlineExceeded):
		return fmt.Errorf("the handshake took too long: %w", os.ErrDeadlineExceeded)
	}
	return err
}

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
		return nil, err
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

// count counts a session, if there may be one more.
func (l *Listener) count() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.o.Sessions > 0 && l.made >= l.o.Sessions {
		return ErrBusy
	}
	l.made++
	return nil
}

// uncount takes back one that came to nothing after all.
func (l *Listener) uncount() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.made--
}

// keep makes s known to connections that want to join it, until it closes.
func (l *Listener) keep(s *Session) {
	s.gone = func() {
		l.mu.Lock()
		defer l.mu.Unlock()
		delete(l.sessions, s.id)
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.sessions[s.id] = s
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

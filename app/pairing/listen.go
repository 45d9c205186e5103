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
// nobody in by code. The same code again changes nothing. An end that listened for a code never becomes one that lets
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

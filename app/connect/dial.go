package connect

import (
	"cmp"
	"context"
	"errors"
	"net"
	"os"
	"time"

	"dialtone/app/address"
)

// DefaultTimeout bounds a Dial whose Timeout is 0.
const DefaultTimeout = 10 * time.Second

// NetDialer is what a Dialer needs of a network: a net.Dialer, or another stack's.
type NetDialer interface {
	DialContext(ctx context.Context, network, address string) (net.Conn, error)
}

// Dialer reaches addresses of every scheme of package address. The zero Dialer
// works: the kernel's sockets, the system's CAs, ten seconds.
type Dialer struct {
	// Net carries the bytes. Nil means a net.Dialer: a name with IPv4 and IPv6
	// addresses is tried over both (Happy Eyeballs, RFC 8305).
	Net NetDialer

	// Timeout bounds the whole way to a usable connection: look-up, connection,
	// TLS and WebSocket handshake. 0 means DefaultTimeout, a negative one none.
	Timeout time.Duration

	// TLS says what tls and wss servers must prove, and what we prove to them.
	TLS TLS
}

// Dial connects to a. Its errors are *Error, or the context's cause.
//
// The connection has a CloseWrite method for every scheme but udp. A connection
// over TLS has done its handshake: [Connection] says with whom.
func (d *Dialer) Dial(ctx context.Context, a address.Address) (net.Conn, error) {
	timeout := cmp.Or(d.Timeout, DefaultTimeout)
	attempt := ctx
	if timeout > 0 {
		var cancel context.CancelFunc
		attempt, cancel = context.WithTimeout(ctx, timeout)
		defer cancel()
	}
	conn, err := d.dial(attempt, a)
	switch {
	case err == nil:
		return conn, nil
	case ctx.Err() != nil:
		return nil, context.Cause(ctx)
	case attempt.Err() != nil, timeout > 0 && errors.Is(err, os.ErrDeadlineExceeded):
		err = noAnswer(timeout)
	}
	return nil, &Error{Op: "connect to", Address: a.String(), Err: err}
}

func (d *Dialer) dial(ctx context.Context, a address.Address) (net.Conn, error) {
	network := d.Net
	if network == nil {
		network = &net.Dialer{}
	}
	conn, err := network.DialContext(ctx, a.Network(), a.Target())
	if err == nil && a.Secure() {
		conn, err = d.TLS.handshake(ctx, conn, a)
	}
	if err == nil && a.WebSocket() {
		conn, err = openWebSocket(ctx, conn, a)
	}
	return conn, err
}

package interop

import (
	"context"
	"crypto/tls"
	"io"
	"net"
	"sync"
)

// pipe connects the two machines.
func (n network) pipe() (dialed, accepted net.Conn, stop func(), err error) {
	return connect(n.client, n.server, n.address)
}

// connect connects from to to; stop closes both ends.
func connect(from, to machine, address string) (dialed, accepted net.Conn, stop func(), err error) {
	ln, err := to.Listen(context.Background(), "tcp", address+":0")
	if err != nil {
		return nil, nil, nil, err
	}
	defer ln.Close()
	if dialed, err = from.DialContext(context.Background(), "tcp", ln.Addr().String()); err != nil {
		return nil, nil, nil, err
	}
	if accepted, err = ln.Accept(); err != nil {
		dialed.Close()
		return nil, nil, nil, err
	}
	return dialed, accepted, func() {
		dialed.Close()
		accepted.Close()
	}, nil
}

// secure connects the two machines and speaks TLS.
func (n network) secure() (dialed, accepted net.Conn, stop func(), err error) {
	own, peer, err := newCertificate()
	if err != nil {
		return nil, nil, nil, err
	}
	c, d, stop, err := n.pipe()
	if err != nil {
		return nil, nil, nil, err
	}
	client, server := tls.Client(c, peer), tls.Server(d, own)
	shaken := make(chan error, 1)
	go func() { shaken <- server.Handshake() }()
	err = client.Handshake()
	if err != nil {
		stop() // or the server waits for ever
	}
	if serverErr := <-shaken; err == nil {
		err = serverErr
	}
	return client, server, stop, err
}

// tunnel connects the two machines, with TLS on the way between:
//
//	dialed ── relay ══ TLS ══ relay ── accepted
func (n network) tunnel() (dialed, accepted net.Conn, stop func(), err error) {
	tlsClient, tlsServer, stopTLS, err := n.secure()
	if err != nil {
		return nil, nil, nil, err
	}
	dialed, near, stopNear, err := connect(n.client, n.client, "127.0.0.1")
	if err != nil {
		stopTLS()
		return nil, nil, nil, err
	}
	accepted, far, _, err := connect(n.server, n.server, "127.0.0.1")
	if err != nil {
		stopTLS()
		stopNear()
		return nil, nil, nil, err
	}
	for _, c := range []net.Conn{dialed, near, far, accepted} {
		c.(buffered).SetReadBuffer(1 << 16) // or what a test fills takes long to come through
		c.(buffered).SetWriteBuffer(1 << 16)
	}
	var relays sync.WaitGroup
	relays.Go(func() { relay(near, tlsClient) })
	relays.Go(func() { relay(far, tlsServer) })
	return dialed, accepted, func() {
		dialed.Close()
		accepted.Close()
		relays.Wait()
	}, nil
}

// buffered is what a TCP connection has beyond net.Conn.
type buffered interface {
	SetReadBuffer(bytes int) error
	SetWriteBuffer(bytes int) error
}

// relay carries bytes both ways, and their end behind them.
func relay(a, b net.Conn) {
	var both sync.WaitGroup
	carry := func(to, from net.Conn) {
		io.Copy(to, from)
		to.(interface{ CloseWrite() error }).CloseWrite()
	}
	both.Go(func() { carry(a, b) })
	both.Go(func() { carry(b, a) })
	both.Wait()
	a.Close()
	b.Close()
}

package host

import (
	"context"
	"errors"
	"net"
	"net/netip"
	"os"
	"syscall"
)

var loopbackAddr = netip.AddrFrom4([4]byte{127, 0, 0, 1})

// DialContext connects to an address, as [net.Dialer.DialContext] does: network is one
// of tcp, tcp4, udp and udp4; the host is a literal address, or a name that the host
// knows, and nothing or an unspecified address for this host.
func (h *Host) DialContext(ctx context.Context, network, address string) (net.Conn, error) {
	switch network {
	case "udp", "udp4", "udp6":
		return h.dialUDP(ctx, network, address)
	}
	remote, err := h.resolve(network, address)
	if err != nil {
		return nil, &net.OpError{Op: "dial", Net: network, Err: err}
	}
	c, err := h.DialTCP(ctx, netip.AddrPort{}, remote)
	if err != nil {
		return nil, err // not a nil *TCPConn
	}
	return c, nil
}

// Listen listens, as [net.ListenConfig.Listen] does: network is tcp or tcp4, the host
// of address empty or unspecified for all of the host's addresses, its port 0 or empty
// for any that is free. ctx is not used once it listens.
func (h *Host) Listen(ctx context.Context, network, address string) (net.Listener, error) {
	local, err := h.resolve(network, address)
	if err != nil {
		return nil, &net.OpError{Op: "listen", Net: network, Err: err}
	}
	if err := ctx.Err(); err != nil {
		return nil, &net.OpError{Op: "listen", Net: network, Addr: net.TCPAddrFromAddrPort(local), Err: dialError(err)}
	}
	l, err := h.ListenTCP(local)
	if err != nil {
		return nil, err // not a nil *TCPListener
	}
	return l, nil
}

// ListenTCP listens on local, whose address may be unspecified for all of the host's
// and whose port may be 0 for any that is free. The error is a [*net.OpError] of
// EADDRINUSE or EADDRNOTAVAIL.
func (h *Host) ListenTCP(local netip.AddrPort) (*TCPListener, error) {
	l := h.newTCPListener(local)
	if h.closed.Load() {
		return nil, l.opError("listen", net.ErrClosed)
	}
	err := h.checkLocal(local.Addr())
	if err == nil {
		err = h.tcp.addListener(l, h.portDigest(local.Addr(), local))
	}
	if err != nil {
		return nil, l.opError("listen", os.NewSyscallError("bind", err))
	}
	return l, nil
}

// checkLocal says whether an address can be listened on.
func (h *Host) checkLocal(addr netip.Addr) error {
	if addr.IsUnspecified() {
		return nil
	}
	if addr.IsMulticast() {
		return syscall.EADDRNOTAVAIL
	}
	_, err := h.routeFrom(addr, addr)
	return err
}

// dialError is what package net makes of a context's error, with the same text.
func dialError(err error) error {
	switch {
	case errors.Is(err, context.Canceled):
		return canceledError{}
	case errors.Is(err, context.DeadlineExceeded):
		return timeoutError{}
	}
	return err
}

type canceledError struct{}

func (canceledError) Error() string        { return "operation was canceled" }
func (canceledError) Is(target error) bool { return target == context.Canceled }

// timeoutError is a [net.Error].
type timeoutError struct{}

func (timeoutError) Error() string        { return "i/o timeout" }
func (timeoutError) Timeout() bool        { return true }
func (timeoutError) Temporary() bool      { return true }
func (timeoutError) Is(target error) bool { return target == context.DeadlineExceeded }

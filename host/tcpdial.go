package host

import (
	"context"
	"net"
	"net/netip"
	"os"
	"syscall"

	"dialtone/transport/tcp"
)

// DialTCP connects to remote from local, whose address and port may each be zero for
// the host to choose. The error is a [*net.OpError] of a syscall.Errno (ECONNREFUSED,
// ETIMEDOUT, ENETUNREACH, EADDRNOTAVAIL, …), of net.ErrClosed, or of ctx: then it is
// context.Canceled or context.DeadlineExceeded by errors.Is, and a timeout by
// [net.Error].
func (h *Host) DialTCP(ctx context.Context, local, remote netip.AddrPort) (*TCPConn, error) {
	c, err := h.dialTCP(ctx, local, remote)
	if err != nil {
		e := &net.OpError{Op: "dial", Net: "tcp", Addr: net.TCPAddrFromAddrPort(remote), Err: err}
		if local.IsValid() {
			e.Source = net.TCPAddrFromAddrPort(local)
		}
		return nil, e
	}
	return c, nil
}

func (h *Host) dialTCP(ctx context.Context, local, remote netip.AddrPort) (*TCPConn, error) {
	if err := ctx.Err(); err != nil {
		return nil, dialError(err)
	}
	if h.closed.Load() {
		return nil, net.ErrClosed
	}
	c, err := h.beginDial(local, remote)
	if err != nil {
		return nil, err
	}
	if over, err := c.handshakeOver(); over {
		return c, err // there was nothing to wait for, as on a link without delay
	}
	if ctx.Done() != nil {
		defer context.AfterFunc(ctx, c.nudge)()
	}
	return c, c.awaitConnected(ctx)
}

// beginDial sends a SYN.
func (h *Host) beginDial(local, remote netip.AddrPort) (*TCPConn, error) {
	if remote.Addr().IsUnspecified() { // as Linux: this host
		remote = netip.AddrPortFrom(loopbackAddr, remote.Port())
	}
	r, err := h.routeFrom(local.Addr(), remote.Addr())
	// RFC 9293 §3.9.2.3, MUST-46: an OPEN to a broadcast or multicast address MUST be
	// rejected; the error is Linux's.
	if err == nil && r.kind != toHost {
		err = syscall.ENETUNREACH
	}
	if err != nil {
		return nil, os.NewSyscallError("connect", err)
	}
	local = netip.AddrPortFrom(r.src, local.Port())
	c := h.newTCPConn(newFlow(local, remote), r)
	c.dialed = true
	if err := h.tcp.addDialed(c, h.portDigest(r.src, remote)); err != nil {
		c.mu.Unlock()
		return nil, os.NewSyscallError("connect", err)
	}
	now := h.now()
	config := h.tcpConfig(c.flow, r, now)
	c.machine = tcp.Connect(&config, now)
	c.unlock(now)
	return c, nil
}

// nudge lets those who wait look again, when something outside of the lock has changed:
// whoever holds it waits already, or has yet to look.
func (c *TCPConn) nudge() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.write.wake()
}

// handshakeOver says whether the connection is open, or has failed and why.
func (c *TCPConn) handshakeOver() (over bool, err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.handshakeOverLocked()
}

func (c *TCPConn) handshakeOverLocked() (over bool, err error) {
	if err := c.machine.Err(); err != nil {
		return true, os.NewSyscallError("connect", err)
	}
	state := c.machine.State()
	return state != tcp.SynSent && state != tcp.SynReceived, nil
}

// awaitConnected waits for the handshake. Where that fails the connection is over.
func (c *TCPConn) awaitConnected(ctx context.Context) error {
	c.mu.Lock()
	for {
		if over, err := c.handshakeOverLocked(); over {
			c.mu.Unlock()
			return err
		}
		err := ctx.Err()
		if err == nil && c.host.closed.Load() {
			err = net.ErrClosed
		}
		if err != nil {
			c.mu.Unlock()
			c.Abort()
			return dialError(err)
		}
		c.write.cond.Wait()
	}
}

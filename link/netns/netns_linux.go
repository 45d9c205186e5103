package netns

import (
	"context"
	"fmt"
	"net"
	"os"
	"runtime"

	"golang.org/x/sys/unix"
)

// A Namespace is the path of one: /run/netns/NAME, /proc/PID/ns/net, or that of a file
// that is open, as in /proc/self/fd. "" is the one that this process is in.
type Namespace string

// Named returns the one that ip netns calls so.
func Named(name string) Namespace { return Namespace("/run/netns/" + name) }

// Do calls f on a thread in the namespace. What belongs there f must make itself, not in
// another goroutine; package net does so for literal IP addresses.
func (n Namespace) Do(f func() error) error {
	if n == "" {
		return f()
	}
	there, err := os.Open(string(n))
	if err != nil {
		return err
	}
	defer there.Close()
	result := make(chan error, 1)
	go func() { result <- onThreadIn(there, f) }()
	return <-result
}

// onThreadIn calls f on a thread that is in the namespace. One that cannot go home
// stays locked and ends with the goroutine.
func onThreadIn(there *os.File, f func() error) error {
	runtime.LockOSThread()
	home, err := os.Open("/proc/thread-self/ns/net")
	if err != nil {
		runtime.UnlockOSThread()
		return err
	}
	defer home.Close()
	if err := unix.Setns(int(there.Fd()), unix.CLONE_NEWNET); err != nil {
		runtime.UnlockOSThread()
		return fmt.Errorf("enter %s: %w", there.Name(), err)
	}
	err = f()
	if unix.Setns(int(home.Fd()), unix.CLONE_NEWNET) == nil {
		runtime.UnlockOSThread()
	}
	return err
}

// DialContext is that of a net.Dialer there.
func (n Namespace) DialContext(ctx context.Context, network, address string) (c net.Conn, err error) {
	err = n.Do(func() (err error) {
		c, err = new(net.Dialer).DialContext(ctx, network, address)
		return err
	})
	return c, err
}

// Listen is that of a net.ListenConfig there.
func (n Namespace) Listen(ctx context.Context, network, address string) (l net.Listener, err error) {
	err = n.Do(func() (err error) {
		l, err = new(net.ListenConfig).Listen(ctx, network, address)
		return err
	})
	return l, err
}

// ListenPacket is that of a net.ListenConfig there.
func (n Namespace) ListenPacket(ctx context.Context, network, address string) (c net.PacketConn, err error) {
	err = n.Do(func() (err error) {
		c, err = new(net.ListenConfig).ListenPacket(ctx, network, address)
		return err
	})
	return c, err
}

//go:build linux

package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"os/exec"
	"strings"
	"syscall"

	"golang.org/x/sys/unix"

	"dialtone/link"
	"dialtone/link/netns"
	"dialtone/link/sim"
	"dialtone/link/tap"
)

// kernelEnd is a network namespace.
type kernelEnd struct{ name string }

// useCubic makes a socket's congestion control the one that the others have, too.
func useCubic(_, _ string, c syscall.RawConn) (err error) {
	e := c.Control(func(fd uintptr) {
		err = unix.SetsockoptString(int(fd), unix.IPPROTO_TCP, unix.TCP_CONGESTION, "cubic")
	})
	return errors.Join(err, e)
}

func (e kernelEnd) dial(ctx context.Context, address string) (c net.Conn, err error) {
	err = netns.Named(e.name).Do(func() (err error) {
		c, err = (&net.Dialer{Control: useCubic}).DialContext(ctx, "tcp", address)
		return err
	})
	return c, err
}

func (e kernelEnd) listen(ctx context.Context, address string) (l net.Listener, err error) {
	err = netns.Named(e.name).Do(func() (err error) {
		l, err = (&net.ListenConfig{Control: useCubic}).Listen(ctx, "tcp", address)
		return err
	})
	return l, err
}

// loopbackEnd is the kernel's network that this process is in.
type loopbackEnd struct{}

func (loopbackEnd) dial(ctx context.Context, address string) (net.Conn, error) {
	return (&net.Dialer{Control: useCubic}).DialContext(ctx, "tcp", address)
}

func (loopbackEnd) listen(ctx context.Context, address string) (net.Listener, error) {
	return (&net.ListenConfig{Control: useCubic}).Listen(ctx, "tcp", address)
}

// openLoopback is for a process that was started in a namespace of its own.
func openLoopback() (*pair, error) {
	if lo, err := net.InterfaceByName("lo"); err != nil || lo.Flags&net.FlagUp != 0 {
		return nil, errors.Join(errors.New("this process has no new network namespace of its own"), err)
	}
	for _, line := range []string{"link set lo up", "addr add " + addressA + "/32 dev lo", "addr add " + addressB + "/32 dev lo"} {
		if err := ip(line); err != nil {
			return nil, err
		}
	}
	// As many ports as the others have: to look for one among those in TIME_WAIT takes long.
	err := os.WriteFile("/proc/sys/net/ipv4/ip_local_port_range", []byte("1024 65535"), 0)
	return &pair{loopbackEnd{}, loopbackEnd{}, func() {}}, err
}

// openKernel joins two namespaces: by a veth cable, without its offloads unless there
// are to be super-segments; or by TAP devices at the ends of a cable of ours.
func openKernel(where place) (p *pair, err error) {
	switch {
	case where.tap != noTap:
		return nil, errNotMeasured
	case where.lo:
		return openLoopback()
	}
	a, b := kernelEnd{fmt.Sprintf("tap-bench-a-%d", os.Getpid())}, kernelEnd{fmt.Sprintf("tap-bench-b-%d", os.Getpid())}
	var closers []func()
	done := func() {
		for i := range closers {
			closers[len(closers)-1-i]()
		}
	}
	defer func() {
		if err != nil {
			done()
		}
	}()
	for _, e := range []kernelEnd{a, b} {
		if err := ip("netns add " + e.name); err != nil {
			return nil, err
		}
		closers = append(closers, func() { ip("netns del " + e.name) })
	}
	if where.line != nil {
		end, err := overCable(a, b, *where.line)
		closers = append(closers, end)
		return &pair{a, b, done}, err
	}
	for _, line := range []string{
		"link add v0 netns " + a.name + " type veth peer name v0 netns " + b.name,
		"-n " + a.name + " addr add " + addressA + "/24 dev v0",
		"-n " + b.name + " addr add " + addressB + "/24 dev v0",
		"-n " + a.name + " link set v0 up",
		"-n " + b.name + " link set v0 up",
	} {
		if err := ip(line); err != nil {
			return nil, err
		}
	}
	for _, e := range []kernelEnd{a, b} {
		if where.mtu > 1500 {
			break
		}
		err := run("ip", "netns", "exec", e.name, "ethtool", "-K", "v0", "tx", "off", "rx", "off", "tso", "off", "gso", "off", "gro", "off")
		if err != nil {
			return nil, err
		}
	}
	return &pair{a, b, done}, nil
}

// errNotMeasured is for a cell of the table that has no meaning.
var errNotMeasured = errors.New("not measured")

// overCable joins two namespaces by a cable of ours.
func overCable(a, b kernelEnd, line sim.Config) (end func(), err error) {
	cable := sim.NewCable(line)
	devices, err := openDevices(a, b)
	end = func() {
		for _, d := range devices {
			d.Close()
		}
		cable.Close()
	}
	if err != nil {
		return end, err
	}
	for i, port := range []link.Port{cable.A(), cable.B()} {
		d := devices[i]
		port.Attach(d.Send)
		d.Attach(port.Send)
	}
	return end, nil
}

func openDevices(a, b kernelEnd) (devices []*tap.Device, err error) {
	for i, e := range []kernelEnd{a, b} {
		own := netip.PrefixFrom(netip.MustParseAddr([]string{addressA, addressB}[i]), 24)
		d, err := tap.Open(tap.Config{Name: "tap0", Netns: "/run/netns/" + e.name, Prefix: own})
		if err != nil {
			return devices, err
		}
		devices = append(devices, d)
	}
	return devices, nil
}

func ip(line string) error { return run("ip", strings.Fields(line)...) }

func run(name string, args ...string) error {
	out, err := exec.Command(name, args...).CombinedOutput()
	if err != nil {
		return errors.Join(fmt.Errorf("%s %s: %w", name, strings.Join(args, " "), err), errors.New(strings.TrimSpace(string(out))))
	}
	return nil
}

package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"syscall"
	"time"

	"dialtone/host"
	"dialtone/link/tap"
)

// stack is a host of our own on a TAP device.
type stack struct {
	*host.Host
	device *tap.Device
}

// open makes the device ready and starts the host.
func (t *tapSpec) open() (*stack, error) {
	c := tap.Config{Name: t.name, MTU: t.mtu, SuperFrames: true}
	if t.kernel.IsValid() {
		c.Prefix = netip.PrefixFrom(t.kernel, t.prefix.Bits())
	}
	device, err := tap.Open(c)
	if err != nil {
		return nil, t.explain(err)
	}
	name, err := os.Hostname()
	if err != nil {
		name = "dialtone"
	}
	// The name is in the MAC address: two devices of a machine must not have the same.
	options := []host.Option{host.Attach(device, t.prefix.String())}
	if t.gateway.IsValid() {
		options = append(options, host.Gateway(t.gateway.String()))
	}
	return &stack{host.New(name+"."+t.prefix.Addr().String(), options...), device}, nil
}

// explain adds what to do about a device that does not open.
func (t *tapSpec) explain(err error) error {
	var right *tap.RightError
	switch {
	case errors.As(err, &right):
		return withHint(err, fmt.Sprintf("or make the device yours, once: sudo ip tuntap add dev %s mode tap user $USER; sudo ip link set %s up; sudo ip address add ADDR/%d dev %s",
			t.name, t.name, t.prefix.Bits(), t.name))
	case errors.Is(err, syscall.EBUSY):
		return withHint(err, "another process has it: end that, or choose another name")
	case errors.Is(err, syscall.EINVAL):
		return withHint(err, "an interface of that name is no TAP device, or cannot have that MTU: ip -details link shows what it is")
	case errors.Is(err, syscall.ENOENT), errors.Is(err, syscall.ENODEV):
		return withHint(err, "the kernel has no TAP devices: sudo modprobe tun")
	case errors.Is(err, errors.ErrUnsupported):
		return withHint(err, "TAP devices are Linux's: leave --net out")
	}
	return err
}

// DialContext is the host's, by name too: the system's resolver is asked, by the
// kernel's network, and the addresses are tried in turn.
func (s *stack) DialContext(ctx context.Context, network, address string) (net.Conn, error) {
	name, port, err := net.SplitHostPort(address)
	if err != nil {
		return s.Host.DialContext(ctx, network, address)
	}
	if _, err := netip.ParseAddr(name); err == nil || name == "" {
		return s.Host.DialContext(ctx, network, address)
	}
	addrs, err := net.DefaultResolver.LookupNetIP(ctx, "ip4", name)
	if err != nil {
		return nil, &net.OpError{Op: "dial", Net: network, Err: err}
	}
	for _, a := range addrs {
		var c net.Conn
		if c, err = s.Host.DialContext(ctx, network, net.JoinHostPort(a.String(), port)); err == nil {
			return c, nil
		}
	}
	return nil, err
}

// partingTime is how long the end of a verb waits for the last bytes of its
// conversations to be acknowledged and for the peers to close: with the kernel's
// sockets that goes on behind a process, with ours it ends with it.
const partingTime = 10 * time.Second

func (s *stack) close() {
	ctx, cancel := context.WithTimeout(context.Background(), partingTime)
	defer cancel()
	_ = s.Shutdown(ctx) // what is not over by then is cut
	s.device.Close()
}

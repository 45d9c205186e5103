package main

import (
	"context"
	"net"
	"net/netip"
	"strings"

	"dialtone/app/address"

	"github.com/spf13/pflag"
)

// A network is where a verb's sockets are: the kernel's, or a host
// of our own. The packages below meet either at package net's interfaces only.
type network interface {
	DialContext(ctx context.Context, network, address string) (net.Conn, error)
	Listen(ctx context.Context, network, address string) (net.Listener, error)
	ListenPacket(ctx context.Context, network, address string) (net.PacketConn, error)
}

// kernelSockets are package net's.
type kernelSockets struct {
	*net.Dialer
	*net.ListenConfig
}

func newKernelSockets() kernelSockets { return kernelSockets{&net.Dialer{}, listenConfig()} }

// netFlags say whose sockets a verb has.
type netFlags struct{ tap tapSpec }

func (f *netFlags) addTo(fs *pflag.FlagSet) {
	fs.Var(&f.tap, "net", "use dialtone's own TCP/IP stack, not the kernel's: `NET` is tap:NAME,ADDR/BITS for a TAP device and the stack's address, then ,gateway=ADDR ,mtu=N or ,kernel=ADDR, the kernel's address on it")
}

// ours says whether the sockets are our own stack's.
func (f *netFlags) ours() bool { return f.tap.name != "" }

// open returns the sockets, the kernel's unless the flag says otherwise. close ends
// them when all conversations are over.
func (f *netFlags) open(kernel kernelSockets) (n network, close func(), err error) {
	if !f.ours() {
		return kernel, func() {}, nil
	}
	stack, err := f.tap.open()
	if err != nil {
		return nil, nil, err
	}
	return stack, stack.close, nil
}

// check refuses an address that our own stack cannot have.
func (f *netFlags) check(a address.Address) error {
	switch {
	case !f.ours():
		return nil
	case a.Scheme == "unix":
		return usage("leave --net out", "%s: a Unix socket is the kernel's, and --net has none", a)
	case strings.HasSuffix(a.Network(), "6") || isIPv6(a.Host):
		return usage("use an IPv4 address", "%s: the network of --net has IPv4 only", a)
	}
	return nil
}

// checkListen is check of an address to listen on: on the loopback of a stack that is
// in one process nobody would come.
func (f *netFlags) checkListen(a address.Address) error {
	if ip, err := netip.ParseAddr(a.Host); f.ours() && (a.Host == "localhost" || err == nil && ip.IsLoopback()) {
		return usage("listen on "+f.tap.prefix.Addr().String()+", which --net gives it", "%s: nobody can reach the loopback interface of --net", a)
	}
	return f.check(a)
}

// refuse names the first of the flags that was typed and that --net cannot do.
func (f *netFlags) refuse(fs *pflag.FlagSet, flags ...string) error {
	for _, name := range flags {
		if f.ours() && fs.Changed(name) {
			return usage("", "--%s needs no --net beside it", name)
		}
	}
	return nil
}

func isIPv6(host string) bool {
	ip, err := netip.ParseAddr(host)
	return err == nil && ip.Is6() && !ip.Is4In6()
}

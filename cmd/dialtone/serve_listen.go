package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"net/netip"
	"os"
	"strconv"
	"strings"
	"syscall"
	"time"

	"dialtone/app/address"

	"github.com/coreos/go-systemd/v22/activation"
)

// door is one address that the server listens on: for streams or for packets.
type door struct {
	addr    address.Address
	streams net.Listener
	packets net.PacketConn
}

func (d door) close() {
	if d.streams != nil {
		d.streams.Close()
	}
	if d.packets != nil {
		d.packets.Close()
	}
}

// listenAddresses returns where to listen: what was typed, or the default, both
// protocols on the classic port. Nothing typed and sockets handed over by
// systemd means just those.
func (f *serveFlags) listenAddresses(args []string, handed int) ([]address.Address, error) {
	if len(args) == 0 && handed == 0 {
		here := "127.0.0.1:8000"
		if f.net.ours() {
			here = f.net.tap.prefix.Addr().String() + ":8000"
		}
		args = []string{"tcp://" + here, "udp://" + here}
	}
	addrs, err := parseAll(args)
	for _, a := range addrs {
		if err := f.net.checkListen(a); err != nil {
			return nil, err
		}
	}
	return addrs, err
}

// listen opens every address, or none, beside the doors that were handed over.
func (f *serveFlags) listen(ctx context.Context, doors []door, addrs []address.Address) (_ []door, err error) {
	defer func() {
		if err != nil {
			for _, d := range doors {
				d.close()
			}
		}
	}()
	for _, a := range addrs {
		d, err := openDoor(ctx, f.sockets, a)
		if err != nil {
			return doors, cannotListen(a, err)
		}
		doors = append(doors, d)
	}
	return doors, nil
}

// openSockets opens what the doors are to be sockets of. close comes last of all.
func (f *serveFlags) openSockets() (close func(), err error) {
	kernel := newKernelSockets()
	if f.reusePort {
		kernel.ListenConfig.Control = both(kernel.ListenConfig.Control, setReusePort)
	}
	f.sockets, close, err = f.net.open(kernel)
	return close, err
}

// control is what net.ListenConfig calls before it binds a socket.
type control = func(network, address string, c syscall.RawConn) error

// both returns a control that runs the two; the first may be nil.
func both(first, second control) control {
	if first == nil {
		return second
	}
	return func(network, address string, c syscall.RawConn) error {
		return errors.Join(first(network, address, c), second(network, address, c))
	}
}

// cannotListen says why, without package net's second mention of the address.
func cannotListen(a address.Address, err error) error {
	var op *net.OpError
	if errors.As(err, &op) {
		err = op.Err
	}
	inUse, missing := errors.Is(err, syscall.EADDRINUSE), errors.Is(err, fs.ErrNotExist)
	err = fmt.Errorf("cannot listen on %s: %w", a, err)
	switch {
	case a.Scheme == "unix" && inUse:
		return withHint(err, "another program listens there, or another file has that name: choose another path")
	case a.Scheme == "unix" && missing:
		return withHint(err, "make its directory first, or choose another path")
	}
	return err
}

// checkZone refuses interfaces that there are not: package net would listen
// without one.
func checkZone(a address.Address) error {
	ip, err := netip.ParseAddr(a.Host)
	if err != nil || ip.Zone() == "" {
		return nil
	}
	if _, err := strconv.ParseUint(ip.Zone(), 10, 31); err == nil {
		return nil
	}
	if _, err := net.InterfaceByName(ip.Zone()); err != nil {
		return withHint(fmt.Errorf("no network interface is called %q", ip.Zone()), "ip link shows what they are called")
	}
	return nil
}

func openDoor(ctx context.Context, n network, a address.Address) (d door, err error) {
	if err := checkZone(a); err != nil {
		return d, err
	}
	if a.Datagram() {
		d.packets, err = n.ListenPacket(ctx, a.Network(), a.Target())
		if err == nil {
			d.addr = at(a, d.packets.LocalAddr())
		}
		return d, err
	}
	d.streams, err = n.Listen(ctx, a.Network(), a.Target())
	if a.Scheme == "unix" && errors.Is(err, syscall.EADDRINUSE) && removeStale(a.Path) {
		d.streams, err = n.Listen(ctx, a.Network(), a.Target())
	}
	if err == nil {
		d.addr = at(a, d.streams.Addr())
	}
	return d, err
}

// at is a.At, with a's zone where the system does not tell it again.
func at(a address.Address, got net.Addr) address.Address {
	b := a.At(got)
	if host, _, ok := strings.Cut(a.Host, "%"); ok && b.Host == host {
		b.Host = a.Host
	}
	return b
}

// removeStale removes a socket file that a server left behind: one on which
// nobody answers. Other files, and sockets in use, stay.
func removeStale(path string) bool {
	info, err := os.Lstat(path)
	if err != nil || info.Mode()&fs.ModeSocket == 0 {
		return false
	}
	c, err := net.DialTimeout("unix", path, time.Second)
	if err == nil {
		c.Close()
		return false
	}
	return errors.Is(err, syscall.ECONNREFUSED) && os.Remove(path) == nil
}

// activated returns the sockets that systemd opened for us (sd_listen_fds(3)). A
// stream socket whose FileDescriptorName is tls, ws or wss is served as such.
func activated() (doors []door, err error) {
	for _, file := range activation.Files(true) {
		d := door{addr: address.Address{Scheme: "tcp"}}
		switch file.Name() {
		case "tls":
			d.addr.Scheme = "tls"
		case "ws", "wss":
			d.addr = address.Address{Scheme: file.Name(), Path: "/"}
		}
		if d.streams, err = net.FileListener(file); err == nil {
			if u, ok := d.streams.Addr().(*net.UnixAddr); ok {
				d.addr = address.Address{Scheme: "unix", Path: u.Name}
			}
			d.addr = d.addr.At(d.streams.Addr())
		} else if d.packets, err = net.FilePacketConn(file); err == nil {
			d.addr = address.Address{Scheme: "udp"}.At(d.packets.LocalAddr())
		}
		file.Close()
		if err != nil {
			return doors, fmt.Errorf("systemd's socket %s: %w", file.Name(), err)
		}
		doors = append(doors, d)
	}
	return doors, nil
}

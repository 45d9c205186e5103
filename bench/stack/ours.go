//go:build linux

package main

import (
	"context"
	"net"

	"dialtone/host"
	"dialtone/link/sim"
)

type ourEnd struct{ *host.Host }

func (e ourEnd) dial(ctx context.Context, address string) (net.Conn, error) {
	return e.DialContext(ctx, "tcp", address)
}

func (e ourEnd) listen(ctx context.Context, address string) (net.Listener, error) {
	return e.Listen(ctx, "tcp", address)
}

// openOurs joins two hosts by a cable.
func openOurs(where place) (*pair, error) {
	if where.tap != noTap {
		return openTap("dialtone", where.tap == outTap)
	}
	config := sim.Config{MTU: where.mtu}
	if where.line != nil {
		config = *where.line
	}
	cable := sim.NewCable(config)
	a := host.New("a", host.Attach(cable.A(), addressA+"/24"))
	b := host.New("b", host.Attach(cable.B(), addressB+"/24"))
	return &pair{ourEnd{a}, ourEnd{b}, func() { a.Close(); b.Close(); cable.Close() }}, nil
}

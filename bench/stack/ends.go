//go:build linux

package main

import (
	"context"
	"fmt"
	"net"

	"dialtone/link/sim"
)

// An end is a machine that conversations begin and end at, of whatever stack.
type end interface {
	dial(ctx context.Context, address string) (net.Conn, error)
	listen(ctx context.Context, address string) (net.Listener, error)
}

// Where the two ends are.
const (
	addressA = "10.66.0.1"
	addressB = "10.66.0.2"
	service  = addressB + ":9000"
)

// A pair is two ends and the line between them.
type pair struct {
	a, b  end
	close func()
}

// A place is what lies between two ends.
type place struct {
	mtu  int         // of a line in memory
	line *sim.Config // a line with faults instead; nil: none
	tap  direction   // to a kernel by a TAP device instead
	lo   bool        // the kernel's ends are on its loopback interface
}

// direction is which way bytes go over a TAP device: from a stack out to the kernel, or in.
type direction uint8

const (
	noTap direction = iota
	outTap
	inTap
)

var (
	wire  = place{mtu: 1500}
	local = place{mtu: 1500, lo: true}
	jumbo = place{mtu: 65535} // super-segments
)

// A contender makes pairs.
type contender struct {
	name string
	open func(place) (*pair, error)
}

var contenders = []contender{
	{"netstack", openNetstack},
	{"linux", openKernel},
	{"dialtone", openOurs},
}

func contenderOf(name string) (contender, error) {
	for _, c := range contenders {
		if c.name == name {
			return c, nil
		}
	}
	return contender{}, fmt.Errorf("there is no contender %q", name)
}

// join connects the ends of a pair.
func (p *pair) join(ctx context.Context, l net.Listener) (dialed, accepted net.Conn, err error) {
	result := make(chan error, 1)
	go func() {
		var err error
		accepted, err = l.Accept()
		result <- err
	}()
	if dialed, err = p.a.dial(ctx, service); err != nil {
		l.Close()
		<-result
		return nil, nil, err
	}
	return dialed, accepted, <-result
}

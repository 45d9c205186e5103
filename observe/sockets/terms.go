package sockets

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"
)

// side says which of a socket's two ends must be the one.
type side uint8

const (
	either side = iota
	local
	remote
)

func (e side) String() string { return [...]string{"", "local ", "remote "}[e] }

func (e side) holds(atLocal, atRemote func() bool) bool {
	return e != remote && atLocal() || e != local && atRemote()
}

// networkTerm is tcp, udp or unix, which are all three kinds of Unix socket; "" takes
// every one.
type networkTerm string

func (t networkTerm) String() string { return string(t) }

func (t networkTerm) takes(network string) bool {
	return t == "" || string(t) == network || t == "unix" && strings.HasPrefix(network, "unix")
}

func (t networkTerm) match(s *Socket) bool { return t.takes(s.Network) }

// familyTerm is ip or ip6: of addresses as they are on the wire.
type familyTerm string

func (t familyTerm) String() string { return string(t) }

func (t familyTerm) match(s *Socket) bool {
	ip := s.Local.Addr().Unmap()
	return t == "ip" && ip.Is4() || t == "ip6" && ip.Is6()
}

// portTerm is a range of ports.
type portTerm struct {
	protocol    networkTerm
	side        side
	first, last uint16
}

func (t portTerm) String() string {
	text := t.side.String() + "port " + fmt.Sprint(t.first)
	if t.first != t.last {
		text = fmt.Sprintf("%sportrange %d-%d", t.side, t.first, t.last)
	}
	if t.protocol != "" {
		text = string(t.protocol) + " " + text
	}
	return text
}

func (t portTerm) match(s *Socket) bool {
	in := func(a netip.AddrPort) func() bool {
		return func() bool { return a.IsValid() && t.first <= a.Port() && a.Port() <= t.last }
	}
	return t.protocol.match(s) && t.side.holds(in(s.Local), in(s.Remote))
}

// prefixTerm is an address, or a net of them.
type prefixTerm struct {
	side   side
	prefix netip.Prefix
}

func (t prefixTerm) String() string {
	if t.prefix.IsSingleIP() {
		return t.side.String() + "host " + t.prefix.Addr().String()
	}
	return t.side.String() + "net " + t.prefix.String()
}

func (t prefixTerm) match(s *Socket) bool {
	in := func(a netip.AddrPort) func() bool {
		return func() bool { return t.prefix.Contains(a.Addr().WithZone("").Unmap()) }
	}
	return t.side.holds(in(s.Local), in(s.Remote))
}

// stateTerm is a state.
type stateTerm State

func (t stateTerm) String() string {
	return "state " + strings.ReplaceAll(strings.ToLower(State(t).String()), "_", "-")
}

func (t stateTerm) match(s *Socket) bool { return s.State == State(t) }

// processTerm is a process that has the socket open: by name, or by number.
type processTerm struct {
	name string
	pid  int
}

func (t processTerm) String() string {
	if t.name != "" {
		return `process \` + t.name
	}
	return fmt.Sprint("pid ", t.pid)
}

func (t processTerm) match(s *Socket) bool {
	return slices.ContainsFunc(s.Processes, func(p Process) bool {
		return t.name != "" && p.Name == t.name || t.name == "" && p.PID == t.pid
	})
}

// userTerm is the user who made the socket.
type userTerm uint32

func (t userTerm) String() string       { return fmt.Sprint("user ", uint32(t)) }
func (t userTerm) match(s *Socket) bool { return s.UID == uint32(t) }

package main

import (
	"cmp"
	"fmt"
	"net/netip"
	"os/user"
	"slices"
	"strconv"
	"strings"

	"dialtone/app/escape"
	"dialtone/observe/sockets"
	"dialtone/transport/tcp"
)

// writeOwners says who has the port on this machine, which need not be the
// machine that the addresses belong to.
func (r resolved) writeOwners(s *sheet) {
	const most = 8
	switch {
	case r.socketsErr != nil:
		s.row("owner", "unknown: %v", r.socketsErr)
	case len(r.sockets) == 0:
		s.row("owner", "nobody: no socket of this machine has the port")
	}
	where := "on this machine: "
	if slices.ContainsFunc(r.addrs, resolvedAddr.local) {
		where = ""
	}
	for i, socket := range r.sockets {
		label := "owner"
		if i > 0 {
			label = ""
		}
		if i == most {
			s.row(label, "and %d more", len(r.sockets)-i)
			return
		}
		s.row(label, "%s%s, user %s, %s", where, holders(socket), cmp.Or(userName(socket.UID), strconv.Itoa(int(socket.UID))), doing(socket))
	}
}

// holders names the processes that have a socket open.
func holders(s sockets.Socket) string {
	const most = 3
	var list []string
	for i, p := range s.Processes {
		if i == most {
			list = append(list, fmt.Sprintf("%d more", len(s.Processes)-i))
			break
		}
		list = append(list, fmt.Sprintf("%s (pid %d)", escape.String(p.Name), p.PID))
	}
	switch {
	case len(list) > 0:
		return strings.Join(list, ", ")
	case s.Inode == 0:
		return "the kernel alone"
	case s.Hidden:
		return "a process that is not ours to look into"
	}
	return "a process that is not in this /proc"
}

// doing says what a socket does with its port.
func doing(s sockets.Socket) string {
	local := escape.String(s.Local.String())
	if s.Local.Addr() == netip.IPv6Unspecified() && !s.Remote.IsValid() {
		local += " (IPv4 too)"
		if s.IPv6Only {
			local = escape.String(s.Local.String()) + " (IPv6 only)"
		}
	}
	switch s.State {
	case sockets.State(tcp.Listen):
		return "listens on " + local
	case sockets.Unconnected:
		return "takes datagrams on " + local
	case sockets.Bound:
		return "is bound to " + local + " and does not listen"
	}
	return fmt.Sprintf("talks from %s to %s (%s)", local, escape.String(s.Remote.String()), s.State)
}

// userName returns the name of a user, or nothing if it has none here.
func userName(uid uint32) string {
	u, err := user.LookupId(strconv.Itoa(int(uid)))
	if err != nil {
		return ""
	}
	return escape.String(u.Username)
}

// takers returns the sockets that take what is sent to ip.
func (r resolved) takers(ip netip.Addr) (list []sockets.Socket) {
	for _, s := range r.sockets {
		if s.Takes(reached(ip)) {
			list = append(list, s)
		}
	}
	return list
}

// answerer says who answers on the port at ip, an address of this machine.
func (r resolved) answerer(ip netip.Addr) string {
	list := r.takers(ip)
	switch {
	case len(list) > 0:
		return holders(list[0])
	case r.target.Datagram():
		return "nobody: a datagram would come back as ICMP port unreachable"
	}
	return "nobody: a connection would be refused"
}

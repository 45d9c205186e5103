package main

import (
	"cmp"
	"errors"
	"fmt"
	"net/netip"
	"os"
	"os/user"
	"strconv"
	"strings"
	"text/tabwriter"

	"dialtone/app/escape"
	"dialtone/observe/routes"
	"dialtone/observe/sockets"

	"golang.org/x/term"
)

// resolveInk colours the answer, or not. What it marks is marked by place too.
type resolveInk bool

func resolveColour() resolveInk {
	return resolveInk(os.Getenv("NO_COLOR") == "" && os.Getenv("TERM") != "dumb" && term.IsTerminal(int(os.Stdout.Fd())))
}

func (k resolveInk) paint(code, s string) string {
	if !k || s == "" {
		return s
	}
	return "\x1b[" + code + "m" + s + "\x1b[0m"
}

func (k resolveInk) title(s string) string { return k.paint("1", s) }

// parts colours what stands left and right of the bar.
func (k resolveInk) parts(s string) string {
	network, host, ok := strings.Cut(s, prefixBar)
	if !ok {
		return k.paint("36", s)
	}
	return k.paint("36", network) + prefixBar + k.paint("33", host)
}

// sheet is text in rows of a label and a value.
type sheet struct {
	strings.Builder
	ink resolveInk
}

func (s *sheet) row(label, format string, args ...any) {
	text := fmt.Sprintf("  %-9s", label) + fmt.Sprintf(format, args...)
	s.WriteString(strings.TrimRight(text, " ") + "\n")
}

// resolveText is what resolve shows a person.
func resolveText(r resolved, ink resolveInk) string {
	s := &sheet{ink: ink}
	if r.asked != "" {
		r.writeHead(s)
		for _, a := range r.addrs {
			r.writeAddress(s, a)
		}
	}
	if r.listing {
		if r.asked != "" {
			s.WriteString("\n")
		}
		writeNeighbors(s, r.neighbors)
	}
	return s.String()
}

func (r resolved) writeHead(s *sheet) {
	over := r.target.Scheme
	if below := r.target.Network(); below != over {
		over += " over " + below
	}
	if r.hasPort {
		fmt.Fprintf(s, "%s  %s, %s\n", s.ink.title("port "+strconv.Itoa(int(r.target.Port))), over, portRange(r.target.Port))
		s.row("service", "%s", cmp.Or(escape.String(r.service), "no name on this machine's list"))
		r.writeOwners(s)
	} else {
		fmt.Fprintf(s, "%s  %s\n", s.ink.title("no port"), over)
	}
	if n := len(r.addrs); n > 1 {
		fmt.Fprintf(s, "\n%d addresses for %s, in the order in which they are tried%s\n",
			n, cmp.Or(escape.String(r.target.Host), "the empty name"), r.lateFamily())
	}
}

// lateFamily tells of Happy Eyeballs, where it matters.
func (r resolved) lateFamily() string {
	first, last := r.addrs[0].ip.Is4(), r.addrs[len(r.addrs)-1].ip.Is4()
	if first == last || r.target.Datagram() || r.target.Host == "" {
		return ""
	}
	return fmt.Sprintf(";\n%s joins in when %s takes long (Happy Eyeballs, RFC 8305)", familyName(last), familyName(first))
}

func familyName(is4 bool) string {
	if is4 {
		return "IPv4"
	}
	return "IPv6"
}

func (r resolved) writeOwners(s *sheet) {
	const most = 8
	switch {
	case r.socketsErr != nil:
		s.row("owner", "unknown: %v", r.socketsErr)
	case r.target.Port == 0:
	case len(r.sockets) == 0:
		s.row("owner", "nobody: no socket of this machine has the port")
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
		s.row(label, "%s, user %s, %s", holders(socket), cmp.Or(userName(socket.UID), strconv.Itoa(int(socket.UID))), doing(socket))
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
		return "a process that only root may see"
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
	case sockets.Listen:
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

func (r resolved) writeAddress(s *sheet, a resolvedAddr) {
	fmt.Fprintf(s, "\n%s  %s\n", s.ink.title(escape.String(a.ip.String())), familyName(a.ip.Is4()))
	kind := kindOfAddress(a.ip)
	if kind.rfc != "" {
		kind.name += ", " + kind.rfc
	}
	s.row("kind", "%s", kind.name)
	a.writeZone(s)
	a.writeDigits(s)
	s.row("next hop", "%s", a.nextHop())
	if a.routeErr == nil {
		s.row("MAC", "%s", a.macText())
	}
	if a.route.Kind == routes.Local && r.hasPort && r.socketsErr == nil && r.target.Port != 0 {
		s.row("answers", "%s", r.answerer(a.ip))
	}
}

func (a resolvedAddr) writeZone(s *sheet) {
	switch zone := a.ip.Zone(); {
	case zone != "" && a.routeErr == nil:
		s.row("zone", "%s: the link that the address is on", escape.String(zone))
	case zone != "":
		s.row("zone", "%s", escape.String(zone))
	case a.ip.Is6() && a.ip.IsLinkLocalUnicast():
		s.row("zone", "none: every link has its own such addresses, name one as in %s%%eth0", a.ip)
	}
}

// writeDigits shows the address above the one that this machine would send
// from, and where the network part ends in both.
func (a resolvedAddr) writeDigits(s *sheet) {
	network, width, label := a.networkBits(), 1, "binary"
	if a.ip.Is6() {
		width, label = 4, "full"
	}
	digits := splitDigits(a.ip, width, network)
	s.row(label, "%s", s.ink.parts(digits))
	if source := a.route.Source; network >= 0 {
		at := fmt.Sprintf("%s on %s", source, cmp.Or(escape.String(a.route.Holder), "no interface"))
		if source.Addr() != a.ip.WithZone("") {
			s.row("source", "%s  %s", s.ink.parts(splitDigits(source.Addr(), width, network)), at)
			at = ""
		}
		s.row("", "%s  %s", s.ink.parts(splitLabels(digits, network, a.ip.BitLen())), at)
	}
	if a.ip.Is6() {
		label, rest := "binary", splitDigits(a.ip, 1, network)
		rows := splitRows(rest)
		for i, row := range rows {
			if i == 0 || strings.Contains(rows[0], prefixBar) {
				row = s.ink.rowParts(row, i)
			} else {
				row = s.ink.parts(row)
			}
			s.row(label, "%s", row)
			label = ""
		}
	}
}

// rowParts is parts for the rows of one address: below the bar all is host.
func (k resolveInk) rowParts(row string, i int) string {
	if i > 0 {
		return k.paint("33", row)
	}
	return k.parts(row)
}

// networkBits returns how many bits of the address are its network part on the
// interface that leads there, or -1 if nothing says so.
func (a resolvedAddr) networkBits() int {
	if a.routeErr != nil || !a.route.Source.IsValid() || a.ip.IsUnspecified() || a.ip.IsMulticast() {
		return -1
	}
	if a.route.Source.Addr().Is4() != a.ip.Is4() { // IPv4 by way of IPv6
		return -1
	}
	return a.route.Source.Bits()
}

func (a resolvedAddr) nextHop() string {
	if a.routeErr != nil {
		return "none: " + escape.String(cmp.Or(errors.Unwrap(a.routeErr), a.routeErr).Error())
	}
	by, equal := escape.String(a.route.Interface.Name), a.route.Source.Masked().Contains(a.ip.WithZone(""))
	switch a.route.Kind {
	case routes.Local, routes.Anycast:
		at := ""
		if a.route.Holder != a.route.Interface.Name && a.route.Holder != "" {
			at = " (" + escape.String(a.route.Holder) + ")"
		}
		return fmt.Sprintf("none: the address is this machine's own%s, packets pass through %s", at, by)
	case routes.Broadcast:
		return "everybody on " + by
	case routes.Multicast:
		return "the group's members on " + by
	}
	if hop := a.route.NextHop; hop.IsValid() {
		why := "the network parts differ"
		if equal {
			why = "a route says so"
		}
		return fmt.Sprintf("%s, a router on %s: %s", hop, by, why)
	}
	why := "the network parts are equal"
	if !equal {
		why = "a route says so"
	}
	return fmt.Sprintf("itself, on %s: %s", by, why)
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

func writeNeighbors(s *sheet, table []routes.Neighbor) {
	if len(table) == 0 {
		s.WriteString("the neighbour table is empty\n")
		return
	}
	w := tabwriter.NewWriter(s, 0, 8, 2, ' ', 0)
	fmt.Fprintln(w, "ADDRESS\tMAC\tINTERFACE\tSTATE\tMEANING")
	for _, n := range table {
		meaning := stateMeaning(n.State)
		if n.Router {
			meaning = "router; " + meaning
		}
		if n.Proxy {
			meaning = "this machine answers for it"
		}
		fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\n", escape.String(n.Addr.String()),
			cmp.Or(n.HardwareAddr.String(), "unknown"), escape.String(n.Interface), n.State, meaning)
	}
	w.Flush()
}

package main

import (
	"cmp"
	"errors"
	"fmt"
	"os"
	"strings"
	"text/tabwriter"

	"dialtone/app/escape"
	"dialtone/observe/routes"

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

// The colours of an address's parts.
const (
	networkColour = "36" // cyan
	hostColour    = "33" // yellow
)

func (k resolveInk) title(s string) string { return k.paint("1", s) }

// parts colours what stands left and right of the bar.
func (k resolveInk) parts(s string) string {
	network, host, ok := strings.Cut(s, prefixBar)
	if !ok {
		return k.paint(networkColour, s)
	}
	return k.paint(networkColour, network) + prefixBar + k.paint(hostColour, host)
}

// sheet is text in rows of a label and a value.
type sheet struct {
	strings.Builder
	ink resolveInk
}

func (s *sheet) row(label, format string, args ...any) {
	text := fmt.Sprintf("  %-10s", label) + fmt.Sprintf(format, args...)
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

// writeHead shows what all addresses have in common.
func (r resolved) writeHead(s *sheet) {
	over := r.target.Scheme
	if below := r.target.Network(); below != over {
		over += " over " + below
	}
	s.WriteString(s.ink.title(escape.String(r.asked)) + "\n")
	s.row("protocol", "%s", over)
	if r.hasPort {
		s.row("port", "%d, %s", r.target.Port, portRange(r.target.Port))
		if r.target.Port != 0 {
			s.row("service", "%s", cmp.Or(escape.String(r.service), "none by that number on this machine's list"))
			r.writeOwners(s)
		}
	}
	switch n := len(r.addrs); {
	case n == 1:
		s.row("address", "%s", escape.String(r.addrs[0].ip.String()))
	case r.target.Host == "":
		s.row("address", "every one of this machine")
	default:
		s.row("address", "%d, in the order in which they are tried", n)
		r.writeLateFamily(s)
	}
}

// writeLateFamily tells of Happy Eyeballs, where it matters.
func (r resolved) writeLateFamily(s *sheet) {
	first, last := r.addrs[0].ip.Is4(), r.addrs[len(r.addrs)-1].ip.Is4()
	if first != last && !r.target.Datagram() {
		s.row("", "%s joins in when %s takes long (Happy Eyeballs, RFC 8305)", familyName(last), familyName(first))
	}
}

func familyName(is4 bool) string {
	if is4 {
		return "IPv4"
	}
	return "IPv6"
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
	if a.local() && r.hasPort && r.socketsErr == nil && r.target.Port != 0 {
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
		s.row("zone", "missing: every link has its own such addresses, name one as in %s%%eth0", a.ip)
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
		a.writeBits(s)
	}
}

// writeBits shows an IPv6 address in binary, in two rows.
func (a resolvedAddr) writeBits(s *sheet) {
	label, after := "binary", false
	for _, row := range splitRows(splitDigits(a.ip, 1, a.networkBits())) {
		if after {
			s.row(label, "%s", s.ink.paint(hostColour, row))
		} else {
			s.row(label, "%s", s.ink.parts(row))
		}
		label, after = "", after || strings.Contains(row, prefixBar)
	}
}

// local reports whether the address belongs to this machine.
func (a resolvedAddr) local() bool { return a.route.Kind == routes.Local }

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
	if a.ip.IsUnspecified() {
		return fmt.Sprintf("none: dialing it means %s, listening on it means everywhere", reached(a.ip))
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

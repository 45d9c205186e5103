package main

import (
	"net"
	"net/netip"
	"os"
	"slices"
	"strconv"
	"strings"

	"dialtone/app/address"
)

// transferPort is where receive waits unless told otherwise.
const transferPort = 7020

// place is where another machine waits for a transfer, and what it asks for if
// that was said with it.
type place struct {
	addr address.Address
	code string
}

// linkScheme is how a QR code writes a place: dialtone://HOST[:PORT][#CODE].
const linkScheme = "dialtone://"

// parsePlace reads HOST, HOST:PORT, tcp://HOST:PORT or a link. An IPv6 address
// alone needs no brackets.
func parsePlace(text string) (p place, err error) {
	rest := text
	if link, ok := strings.CutPrefix(text, linkScheme); ok {
		rest, p.code, _ = strings.Cut(link, "#")
	}
	if p.addr, err = parseWithPort(rest); err != nil {
		return p, err
	}
	switch {
	case !strings.HasPrefix(p.addr.Scheme, "tcp"):
		return p, usage("write HOST or HOST:PORT: a transfer makes its own encryption", "%s: files travel over TCP only", text)
	case p.addr.Port == 0:
		return p, usage("a receiver that listens on port 0 prints the port it got", "%s: port 0 cannot be connected to", text)
	}
	return p, nil
}

// parseWithPort is address.Parse with transferPort where there is no port.
func parseWithPort(text string) (address.Address, error) {
	scheme, rest, ok := strings.Cut(text, "://")
	if !ok {
		scheme, rest = "tcp", text
	}
	ip, err := netip.ParseAddr(strings.Trim(rest, "[]"))
	switch {
	case err == nil && ip.Is6():
		rest = "[" + strings.Trim(rest, "[]") + "]:" + strconv.Itoa(transferPort)
	case rest != "" && !strings.Contains(rest, ":"):
		rest += ":" + strconv.Itoa(transferPort)
	}
	return address.Parse(scheme + "://" + rest)
}

// splitSendArgs returns what to send and where to: the last argument.
func splitSendArgs(args []string) (paths []string, to place, err error) {
	last := ""
	if len(args) > 0 {
		last = args[len(args)-1]
	}
	switch {
	case len(args) == 0:
		return nil, to, usage("write dialtone send PATH... HOST, such as dialtone send notes.txt 192.0.2.7", "dialtone send needs something to send and where to")
	case len(args) == 1 && isHere(last):
		return nil, to, usage("say where to at the end: dialtone send "+last+" 192.0.2.7", "%s would go nowhere: there is no address", last)
	case len(args) == 1:
		return nil, to, usage("say what to send first: dialtone send PATH... "+last, "dialtone send needs something to send and where to, and got one argument")
	case isHere(last) && !isHostPort(last):
		return nil, to, usage("say where to at the end: dialtone send PATH... 192.0.2.7; a host of that name is written "+last+":"+strconv.Itoa(transferPort),
			"the last argument, %s, is a file here and no address", last)
	}
	to, err = parsePlace(last)
	return args[:len(args)-1], to, err
}

func isHere(path string) bool {
	_, err := os.Lstat(path)
	return err == nil || path == "-"
}

// isHostPort reports whether text cannot be meant as a file: an IP address, or
// something with a port.
func isHostPort(text string) bool {
	if _, err := netip.ParseAddr(text); err == nil {
		return true
	}
	_, port, err := net.SplitHostPort(text)
	return err == nil && port != "" && !strings.ContainsAny(text, "/\\")
}

// usableAddresses returns where a peer can reach a listener, best first: the
// listener's own address, or for all interfaces those of this machine. The one
// that the way out has comes first.
func (f *netFlags) usableAddresses(listening net.Addr) (list []netip.AddrPort) {
	at, err := netip.ParseAddrPort(listening.String())
	if err != nil || !at.Addr().IsUnspecified() {
		return []netip.AddrPort{at}
	}
	if f.ours() {
		return []netip.AddrPort{netip.AddrPortFrom(f.tap.prefix.Addr(), at.Port())}
	}
	ips := interfaceAddresses()
	if at.Addr().Is4() {
		ips = slices.DeleteFunc(ips, netip.Addr.Is6)
	}
	if first, ok := wayOut(); ok {
		slices.SortStableFunc(ips, func(a, b netip.Addr) int { return rank(a, first) - rank(b, first) })
	}
	if len(ips) == 0 {
		ips = []netip.Addr{netip.AddrFrom4([4]byte{127, 0, 0, 1})}
	}
	for _, ip := range ips {
		list = append(list, netip.AddrPortFrom(ip, at.Port()))
	}
	return list
}

func rank(ip, first netip.Addr) int {
	switch {
	case ip == first:
		return 0
	case ip.Is4():
		return 1
	}
	return 2
}

// interfaceAddresses returns this machine's addresses that others can use:
// neither loopback nor link-local, and one of the many IPv6 addresses that an
// interface may have.
func interfaceAddresses() (list []netip.Addr) {
	interfaces, err := net.Interfaces()
	if err != nil {
		return nil
	}
	for _, i := range interfaces {
		if i.Flags&net.FlagUp == 0 || i.Flags&net.FlagLoopback != 0 {
			continue
		}
		addrs, _ := i.Addrs()
		six := false
		for _, a := range addrs {
			prefix, err := netip.ParsePrefix(a.String())
			ip := prefix.Addr().Unmap()
			if err != nil || !ip.IsGlobalUnicast() || ip.Is6() && six {
				continue
			}
			six = six || ip.Is6()
			list = append(list, ip)
		}
	}
	return list
}

// wayOut returns this machine's address on the default route. Connecting a UDP
// socket asks the kernel and sends nothing.
func wayOut() (netip.Addr, bool) {
	c, err := net.Dial("udp4", "192.0.2.1:9")
	if err != nil {
		return netip.Addr{}, false
	}
	defer c.Close()
	at, err := netip.ParseAddrPort(c.LocalAddr().String())
	return at.Addr().Unmap(), err == nil
}

// placeText writes at for a command line: without the default port, quoted where
// a shell would take brackets for a pattern.
func placeText(at netip.AddrPort) string {
	switch {
	case at.Port() == transferPort:
		return at.Addr().String()
	case at.Addr().Is6():
		return "'" + at.String() + "'"
	}
	return at.String()
}

// linkText writes at as a link.
func linkText(at netip.AddrPort, code string) string {
	host := at.Addr().String()
	if at.Addr().Is6() {
		host = "[" + host + "]"
	}
	if at.Port() != transferPort {
		host += ":" + strconv.Itoa(int(at.Port()))
	}
	if code != "" {
		code = "#" + code
	}
	return linkScheme + host + code
}

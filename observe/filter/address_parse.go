package filter

import (
	"errors"
	"fmt"
	"math/bits"
	"net/netip"
	"strconv"
	"strings"
)

// address reads an address, a net, or a host's name.
func (p *parser) address(q qualifiers) (node, error) {
	what := "an address"
	if q.kind == "host" {
		what = "an address or a host's name"
	}
	w, err := p.value(what)
	if err != nil {
		return nil, err
	}
	prefix, perr := p.prefix(w, q.kind)
	switch {
	case perr == nil:
		t := prefixTerm{q.protocol, q.direction, prefix}
		if !t.in("ip") && !t.in("ip6") && !t.in("arp") && !t.in("rarp") {
			return nil, p.fault(w, "not an address of "+q.protocol)
		}
		return t, nil
	case !errors.Is(perr, errNotAddress):
		return nil, p.fault(w, perr.Error())
	case q.kind == "net" || !isName(w.text):
		return nil, p.fault(w, "expected "+what+", such as 192.0.2.1 or 2001:db8::/32")
	}
	return p.host(w, q)
}

var errNotAddress = errors.New("not an address")

// prefix reads A, A/B, A mask M, or the first bytes of an IPv4 net: 10, 192.168.
func (p *parser) prefix(w word, kind string) (netip.Prefix, error) {
	if kind == "net" {
		if mask, ok := p.mask(); ok {
			w.text += "/" + mask
		}
	}
	if addr, err := netip.ParseAddr(w.text); err == nil {
		addr = addr.Unmap()
		if addr.Zone() != "" {
			return netip.Prefix{}, errors.New("an address on the wire has no zone: leave out %" + addr.Zone())
		}
		return netip.PrefixFrom(addr, addr.BitLen()), nil
	}
	net, err := netip.ParsePrefix(w.text)
	if err != nil {
		if net, err = shortNet(w.text); err != nil || kind != "net" {
			return net, errNotAddress
		}
	}
	switch {
	case kind == "host":
		return net, errors.New("a host has no prefix length: write net")
	case net != net.Masked():
		return net, fmt.Errorf("has bits behind its prefix: write %s", net.Masked())
	}
	return net, nil
}

// mask takes "mask 255.255.0.0" and returns the prefix length that it stands for.
func (p *parser) mask() (length string, ok bool) {
	if _, ok = p.take("mask"); !ok {
		return "", false
	}
	w, _ := p.value("a mask")
	m, err := netip.ParseAddr(w.text)
	if err != nil || !m.Is4() {
		return "mask " + w.text, true // no prefix: refused as one
	}
	b := be32(m.AsSlice())
	if n := bits.LeadingZeros32(^b); b<<n == 0 {
		return strconv.Itoa(n), true
	}
	return "mask " + w.text, true
}

// shortNet reads the first one to three bytes of an IPv4 net, and what is behind /.
func shortNet(text string) (netip.Prefix, error) {
	first, length, hasLength := strings.Cut(text, "/")
	dots := strings.Count(first, ".")
	if dots > 2 {
		return netip.Prefix{}, errNotAddress
	}
	if !hasLength {
		length = strconv.Itoa(8 * (dots + 1))
	}
	return netip.ParsePrefix(first + strings.Repeat(".0", 3-dots) + "/" + length)
}

// isAddress reports whether text is an address or a net, without looking anything up.
func isAddress(text string) bool {
	if _, err := netip.ParsePrefix(text); err == nil {
		return true
	}
	_, err := netip.ParseAddr(text)
	return err == nil
}

// isName reports whether text could be a host's name.
func isName(text string) bool {
	return len(text) <= 255 && !strings.ContainsFunc(text, func(r rune) bool {
		return !(r == '-' || r == '.' || r == '_' || r >= '0' && r <= '9' || r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r > 127)
	})
}

// host looks a name up: any of its addresses.
func (p *parser) host(w word, q qualifiers) (node, error) {
	var found node = always(false)
	if !p.names {
		return found, nil
	}
	addrs, err := p.LookupHost(p.ctx, w.text)
	if err != nil {
		return nil, &Error{w.text, w.offset, "neither a word of a filter nor a host that is known", err}
	}
	for _, addr := range addrs {
		addr = addr.Unmap().WithZone("")
		t := prefixTerm{q.protocol, q.direction, netip.PrefixFrom(addr, addr.BitLen())}
		if t.in("ip") || t.in("ip6") || t.in("arp") || t.in("rarp") {
			found = either(found, t)
		}
	}
	if found == always(false) {
		return nil, p.fault(w, "this host has no address of "+q.protocol)
	}
	return found, nil
}

package filter

import (
	"errors"
	"net/netip"

	"dialtone/observe/grammar"
)

// address reads an address, a net, or a host's name.
func (p *parser) address(q qualifiers) (node, error) {
	what := "an address"
	if q.kind == "host" {
		what = "an address or a host's name"
	}
	w, err := p.Value(what)
	if err != nil {
		return nil, err
	}
	prefix, perr := p.Prefix(w, q.kind)
	switch {
	case perr == nil:
		t := prefixTerm{q.protocol, q.direction, prefix}
		if !t.in("ip") && !t.in("ip6") && !t.in("arp") && !t.in("rarp") {
			return nil, p.Fault(w, "not an address of "+q.protocol)
		}
		return t, nil
	case !errors.Is(perr, grammar.ErrNotAddress):
		return nil, p.Fault(w, perr.Error())
	case q.kind == "net" || !grammar.IsName(w.Text):
		return nil, p.Fault(w, "expected "+what+", such as 192.0.2.1 or 2001:db8::/32")
	}
	return p.host(w, q)
}

// host looks a name up: any of its addresses.
func (p *parser) host(w grammar.Word, q qualifiers) (node, error) {
	var found node = always(false)
	if !p.names {
		return found, nil
	}
	addrs, err := p.LookupHost(p.ctx, w.Text)
	if err != nil {
		return nil, &Error{Word: w.Text, Offset: w.Offset, Rule: "neither a word of a filter nor a host that is known", Err: err}
	}
	for _, addr := range addrs {
		addr = addr.Unmap().WithZone("")
		t := prefixTerm{q.protocol, q.direction, netip.PrefixFrom(addr, addr.BitLen())}
		if t.in("ip") || t.in("ip6") || t.in("arp") || t.in("rarp") {
			found = either(found, t)
		}
	}
	if found == always(false) {
		return nil, p.Fault(w, "this host has no address of "+q.protocol)
	}
	return found, nil
}

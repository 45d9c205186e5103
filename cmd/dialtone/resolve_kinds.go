package main

import "net/netip"

// addressKind is what a range of addresses is for.
type addressKind struct {
	name string
	rfc  string // where that is written, or empty
}

// kindOfAddress names the narrowest special range that ip is in (the IANA
// special-purpose address registries, RFC 6890 and its updates).
func kindOfAddress(ip netip.Addr) addressKind {
	best, bits := addressKind{name: "global unicast"}, -1
	for _, r := range specialRanges() {
		if p := netip.MustParsePrefix(r.prefix); p.Contains(ip.WithZone("")) && p.Bits() > bits {
			best, bits = addressKind{r.name, r.rfc}, p.Bits()
		}
	}
	return best
}

type specialRange struct{ prefix, name, rfc string }

func specialRanges() []specialRange {
	return []specialRange{
		{"0.0.0.0/8", "this network", "RFC 791 §3.2"},
		{"0.0.0.0/32", "unspecified: no address, or any", "RFC 1122 §3.2.1.3"},
		{"10.0.0.0/8", "private", "RFC 1918"},
		{"100.64.0.0/10", "shared by a provider's customers (CGNAT)", "RFC 6598"},
		{"127.0.0.0/8", "loopback", "RFC 1122 §3.2.1.3"},
		{"169.254.0.0/16", "link-local", "RFC 3927"},
		{"172.16.0.0/12", "private", "RFC 1918"},
		{"192.0.0.0/24", "IETF protocol assignments", "RFC 6890"},
		{"192.0.2.0/24", "documentation (TEST-NET-1)", "RFC 5737"},
		{"192.88.99.0/24", "6to4 relays, no longer used", "RFC 7526"},
		{"192.168.0.0/16", "private", "RFC 1918"},
		{"198.18.0.0/15", "benchmarking", "RFC 2544"},
		{"198.51.100.0/24", "documentation (TEST-NET-2)", "RFC 5737"},
		{"203.0.113.0/24", "documentation (TEST-NET-3)", "RFC 5737"},
		{"224.0.0.0/4", "multicast", "RFC 1112"},
		{"224.0.0.0/24", "multicast on this link", "RFC 5771"},
		{"232.0.0.0/8", "multicast of one source", "RFC 4607"},
		{"239.0.0.0/8", "multicast within an organization", "RFC 2365"},
		{"240.0.0.0/4", "reserved", "RFC 1112 §4"},
		{"255.255.255.255/32", "broadcast on this link", "RFC 919"},

		{"::/0", "unassigned", "RFC 4291 §2.4"},
		{"::/128", "unspecified: no address, or any", "RFC 4291 §2.5.2"},
		{"::1/128", "loopback", "RFC 4291 §2.5.3"},
		{"2000::/3", "global unicast", "RFC 4291 §2.5.4"},
		{"64:ff9b::/96", "IPv4 behind a translator (NAT64)", "RFC 6052"},
		{"64:ff9b:1::/48", "IPv4 behind a local translator (NAT64)", "RFC 8215"},
		{"100::/64", "discarded", "RFC 6666"},
		{"2001::/32", "Teredo", "RFC 4380"},
		{"2001:2::/48", "benchmarking", "RFC 5180"},
		{"2001:20::/28", "ORCHIDv2, a name for a key", "RFC 7343"},
		{"2001:db8::/32", "documentation", "RFC 3849"},
		{"2002::/16", "6to4", "RFC 3056"},
		{"3fff::/20", "documentation", "RFC 9637"},
		{"5f00::/16", "segment routing identifiers", "RFC 9602"},
		{"fc00::/7", "unique local (ULA)", "RFC 4193"},
		{"fe80::/10", "link-local", "RFC 4291 §2.5.6"},
		{"fec0::/10", "site-local, no longer used", "RFC 3879"},
		{"ff00::/8", "multicast", "RFC 4291 §2.7"},
		{"ff01::/16", "multicast on this machine", "RFC 4291 §2.7"},
		{"ff02::/16", "multicast on this link", "RFC 4291 §2.7"},
		{"ff05::/16", "multicast on this site", "RFC 4291 §2.7"},
		{"ff08::/16", "multicast within an organization", "RFC 4291 §2.7"},
		{"ff0e::/16", "multicast, global", "RFC 4291 §2.7"},
	}
}

// portRange says which of the three ranges a port is in (RFC 6335 §6).
func portRange(port uint16) string {
	switch {
	case port == 0:
		return "a free one when listening, none to dial"
	case port < 1024:
		return "a system port (0–1023, RFC 6335)"
	case port < 49152:
		return "a user port (1024–49151, RFC 6335)"
	}
	return "a dynamic port (49152–65535, RFC 6335)"
}

package grammar

import (
	"context"
	"errors"
	"fmt"
	"math/bits"
	"net"
	"net/netip"
	"strconv"
	"strings"
)

// ErrNotAddress is the error of [Reader.Prefix] for what may be a name.
var ErrNotAddress = errors.New("not an address")

// Prefix makes an address or a net of w, which was taken behind kind, "host", "net" or
// "" for either: A, A/B, A mask M (taking the mask), or the first bytes of an IPv4 net:
// 10, 192.168. An IPv4 address in an IPv6 one is the IPv4 address.
func (r *Reader[N]) Prefix(w Word, kind string) (netip.Prefix, error) {
	if kind == "net" {
		if mask, ok := r.mask(); ok {
			w.Text += "/" + mask
		}
	}
	if addr, err := netip.ParseAddr(w.Text); err == nil {
		addr = addr.Unmap()
		if addr.Zone() != "" {
			return netip.Prefix{}, errors.New("an address on the wire has no zone: leave out %" + addr.Zone())
		}
		return netip.PrefixFrom(addr, addr.BitLen()), nil
	}
	net, err := netip.ParsePrefix(w.Text)
	if err != nil {
		if net, err = shortNet(w.Text); err != nil || kind != "net" {
			return net, ErrNotAddress
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
func (r *Reader[N]) mask() (length string, ok bool) {
	if _, ok = r.Take("mask"); !ok {
		return "", false
	}
	w, _ := r.Value("a mask")
	m, err := netip.ParseAddr(w.Text)
	if err != nil || !m.Is4() {
		return "mask " + w.Text, true // no prefix: refused as one
	}
	b := m.As4()
	mask := uint32(b[0])<<24 | uint32(b[1])<<16 | uint32(b[2])<<8 | uint32(b[3])
	if n := bits.LeadingZeros32(^mask); mask<<n == 0 {
		return strconv.Itoa(n), true
	}
	return "mask " + w.Text, true
}

// shortNet reads the first one to three bytes of an IPv4 net, and what is behind /.
func shortNet(text string) (netip.Prefix, error) {
	first, length, hasLength := strings.Cut(text, "/")
	dots := strings.Count(first, ".")
	if dots > 2 {
		return netip.Prefix{}, ErrNotAddress
	}
	if !hasLength {
		length = strconv.Itoa(8 * (dots + 1))
	}
	return netip.ParsePrefix(first + strings.Repeat(".0", 3-dots) + "/" + length)
}

// IsAddress reports whether text is an address or a net, without looking anything up.
func IsAddress(text string) bool {
	if _, err := netip.ParsePrefix(text); err == nil {
		return true
	}
	_, err := netip.ParseAddr(text)
	return err == nil
}

// IsName reports whether text could be a host's name.
func IsName(text string) bool {
	return len(text) <= 255 && !strings.ContainsFunc(text, func(r rune) bool {
		return !(r == '-' || r == '.' || r == '_' || r >= '0' && r <= '9' || r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r > 127)
	})
}

// Ports takes the next word behind kind, "port" or "portrange", and returns the first
// and the last port that it means, of protocol, "tcp", "udp" or "" for either.
func (r *Reader[N]) Ports(ctx context.Context, kind, protocol string) (first, last uint16, err error) {
	w, err := r.Value("a port, by number or name")
	if err != nil {
		return 0, 0, err
	}
	if n, ok := port(ctx, w.Text, protocol); ok && kind == "port" {
		return n, n, nil
	}
	from, to, isRange := strings.Cut(w.Text, "-")
	first, ok1 := port(ctx, from, protocol)
	last, ok2 := port(ctx, to, protocol)
	switch {
	case kind == "port" && isRange && ok1 && ok2:
		return 0, 0, r.Fault(w, "a range of ports: write portrange")
	case kind == "port":
		return 0, 0, r.Fault(w, "expected a port: a number from 0 to 65535, or a name such as http")
	case !isRange || !ok1 || !ok2:
		return 0, 0, r.Fault(w, "expected two ports and a hyphen, such as 8000-8080")
	}
	return min(first, last), max(first, last), nil
}

// port reads a port's number, or its name with TCP or else UDP.
func port(ctx context.Context, text, protocol string) (uint16, bool) {
	if n, err := strconv.ParseUint(text, 0, 16); err == nil {
		return uint16(n), true
	}
	for _, network := range []string{"tcp", "udp"} {
		if protocol != "" && protocol != network || text == "" {
			continue
		}
		if n, err := net.DefaultResolver.LookupPort(ctx, network, text); err == nil {
			return uint16(n), true
		}
	}
	return 0, false
}

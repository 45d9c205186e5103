package main

import (
	"fmt"
	"net/netip"
	"strings"
	"unicode/utf8"
)

// prefixBar stands between the network part of an address and its host part.
const prefixBar = "│"

// splitDigits writes ip in digits of width bits each, 1 for binary or 4 for
// hexadecimal, in the groups that its family has: 8 bits and a dot, or 16 bits
// and a colon. The bar stands after the first network bits; there is none when
// that is all, or nothing, or -1. A digit that the bar falls into is written in
// bits: 2001:(00│10)...
func splitDigits(ip netip.Addr, width, network int) string {
	group, separator := 8, "."
	if ip.Is6() {
		group, separator = 16, ":"
	}
	raw := ip.AsSlice()
	bit := func(i int) byte { return raw[i/8] >> (7 - i%8) & 1 }
	var b strings.Builder
	for i := 0; i < ip.BitLen(); i += width {
		switch {
		case i > 0 && i == network:
			b.WriteString(prefixBar)
		case i > 0 && i%group == 0:
			b.WriteString(separator)
		}
		if width == 1 {
			b.WriteByte('0' + bit(i))
			continue
		}
		nibble := raw[i/8] >> (4 - i%8) & 15
		if i < network && network < i+4 {
			bits := fmt.Sprintf("%04b", nibble)
			b.WriteString("(" + bits[:network-i] + prefixBar + bits[network-i:] + ")")
		} else {
			fmt.Fprintf(&b, "%x", nibble)
		}
	}
	return b.String()
}

// splitRows cuts IPv6's 128 binary digits into two rows, each with what follows
// its 64th digit; other text stays one row.
func splitRows(digits string) []string {
	n := 0
	for i, r := range digits {
		if n == 64 && i+utf8.RuneLen(r) < len(digits) {
			end := i + utf8.RuneLen(r)
			return []string{digits[:end], digits[end:]}
		}
		if r == '0' || r == '1' {
			n++
		}
	}
	return []string{digits}
}

// splitLabels names the two parts below digits, which splitDigits made: as much
// of the network's name as has room before the bar.
func splitLabels(digits string, network, total int) string {
	left, _, ok := strings.Cut(digits, prefixBar)
	switch {
	case network < 0:
		return ""
	case !ok && network == 0:
		return fmt.Sprintf("host, %d bits", total)
	case !ok:
		return fmt.Sprintf("network, all %d bits", total)
	}
	room := utf8.RuneCountInString(left)
	name := ""
	for _, s := range []string{"net", "network", fmt.Sprintf("network, %d bits", network)} {
		if len(s) <= room {
			name = s
		}
	}
	host := fmt.Sprintf("host, %d bits", total-network)
	if total-network == 1 {
		host = "host, 1 bit"
	}
	return fmt.Sprintf("%-*s%s%s", room, name, prefixBar, host)
}

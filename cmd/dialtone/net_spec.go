package main

import (
	"fmt"
	"net/netip"
	"strconv"
	"strings"
)

// tapSpec is the flag --net: a TAP device and who is at our end of it.
//
//	tap:NAME,ADDR/BITS[,gateway=ADDR][,mtu=N][,kernel=ADDR]
type tapSpec struct {
	name    string       // of the device; empty: the flag was not given
	prefix  netip.Prefix // ours
	gateway netip.Addr   // the way to other networks; invalid: there is none
	mtu     int          // 0: the device's
	kernel  netip.Addr   // that the kernel's end is given; invalid: it has one
}

// Type, String and Set make it a flag.
func (t *tapSpec) Type() string { return "NET" }

func (t *tapSpec) String() string {
	if t.name == "" {
		return ""
	}
	return "tap:" + t.name + "," + t.prefix.String()
}

// Set reads the flag's value. Each error says what to write instead.
func (t *tapSpec) Set(text string) (err error) {
	kind, rest, ok := strings.Cut(text, ":")
	if !ok || kind != "tap" {
		return fmt.Errorf("%q is no network: write tap:NAME,ADDR/BITS, such as tap:tap0,10.0.0.2/24", text)
	}
	parts := strings.Split(rest, ",")
	if len(parts) < 2 {
		return fmt.Errorf("%q has no address: write tap:NAME,ADDR/BITS, such as tap:tap0,10.0.0.2/24", text)
	}
	var s tapSpec
	if s.name, err = interfaceName(parts[0]); err != nil {
		return err
	}
	if s.prefix, err = ownPrefix(parts[1]); err != nil {
		return err
	}
	for i, option := range parts[2:] {
		name, value, _ := strings.Cut(option, "=")
		for _, before := range parts[2 : 2+i] {
			if strings.HasPrefix(before, name+"=") {
				return fmt.Errorf("%s= is there twice", name)
			}
		}
		if err := s.set(name, value); err != nil {
			return err
		}
	}
	*t = s
	return nil
}

func (t *tapSpec) set(option, value string) (err error) {
	switch option {
	case "gateway":
		t.gateway, err = t.neighbor(option, value)
	case "kernel":
		t.kernel, err = t.neighbor(option, value)
	case "mtu":
		if t.mtu, err = strconv.Atoi(value); err != nil || t.mtu < leastMTU || t.mtu > mostMTU {
			return fmt.Errorf("mtu=%s is not a number from %d to %d", value, leastMTU, mostMTU)
		}
	default:
		return fmt.Errorf("there is no option %q: use gateway=ADDR, mtu=N or kernel=ADDR", option)
	}
	return err
}

// What an IPv4 link carries at least (RFC 791 §3.2), and a TAP device at most.
const (
	leastMTU = 68
	mostMTU  = 65521
)

// interfaceName checks the name of one of the kernel's interfaces.
func interfaceName(name string) (string, error) {
	if name == "" || len(name) > 15 || name == "." || name == ".." || strings.ContainsAny(name, "/:% \t\n") {
		return "", fmt.Errorf("%q cannot be a network interface: a name has 1 to 15 letters, digits or signs, but no slash, colon or space", name)
	}
	return name, nil
}

// ownPrefix reads the address of a machine with its network's size.
func ownPrefix(text string) (netip.Prefix, error) {
	p, err := netip.ParsePrefix(text)
	addr := p.Addr()
	switch {
	case err != nil && !strings.Contains(text, "/"):
		return p, fmt.Errorf("%q has no size of its network: write ADDR/BITS, such as 10.0.0.2/24", text)
	case err != nil:
		return p, fmt.Errorf("%q is not an address with the size of its network: write ADDR/BITS, such as 10.0.0.2/24", text)
	case !addr.Is4():
		return p, fmt.Errorf("%s is not IPv4, which is all that --net has", text)
	case !isMachine(p, addr):
		return p, fmt.Errorf("%s is not the address of one machine", text)
	}
	return p, nil
}

// isMachine says whether addr can be that of a machine in the network p.
func isMachine(p netip.Prefix, addr netip.Addr) bool {
	if !addr.IsGlobalUnicast() && !addr.IsLinkLocalUnicast() || addr.As4()[0] >= 240 {
		return false
	}
	if p.Bits() > 30 { // networks of one address or two have no broadcast (RFC 3021)
		return true
	}
	before, after := addr.Prev(), addr.Next()
	return p.Contains(before) && p.Contains(after)
}

// neighbor reads the address of another machine of the network.
func (t *tapSpec) neighbor(option, value string) (netip.Addr, error) {
	addr, err := netip.ParseAddr(value)
	switch {
	case err != nil:
		return addr, fmt.Errorf("%s=%s is not an address", option, value)
	case !t.prefix.Contains(addr) || !isMachine(t.prefix, addr):
		return addr, fmt.Errorf("%s=%s is not the address of a machine in %s", option, value, t.prefix.Masked())
	case addr == t.prefix.Addr():
		return addr, fmt.Errorf("%s=%s is our own address", option, value)
	}
	return addr, nil
}

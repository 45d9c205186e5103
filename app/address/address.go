// Package address parses the addresses that people type.
//
//	127.0.0.1:8000             tcp, the default
//	udp://[::1]:8000           a scheme says which protocol
//	tcp6://[fe80::1%eth0]:80   IPv6 in brackets, with its zone
//	:8000                      an empty host: every interface when listening, this machine when dialing
//	example.com:http           a service name instead of a number
//	unix:///run/app.sock       a path; unix:app.sock is relative, unix:@name abstract
//	wss://example.com/chat     ws and wss have a path and a default port
//
// Parsing looks nothing up on the network: a host may be a name that does not
// exist. Ports are 0 to 65535; service names come from the system's list.
package address

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"unicode"
)

// Address is a place to listen at or to reach. The zero Address is not valid.
type Address struct {
	Scheme string // one of Schemes
	Host   string // IP address without brackets, with its zone, or a name; empty for any. Empty for unix.
	Port   uint16 // 0 means "choose one" when listening. 0 for unix.
	Path   string // file path for unix; request path, with its query, for ws and wss
}

// Schemes lists the schemes that Parse knows, in the order people should read them.
func Schemes() []string {
	return []string{"tcp", "tcp4", "tcp6", "udp", "udp4", "udp6", "tls", "ws", "wss", "unix"}
}

// Error says which address is wrong, in which way, and what to write instead.
type Error struct {
	Text string // what was typed
	Err  error  // what is wrong with it
	Hint string // what to write instead, or empty
}

func (e *Error) Error() string { return fmt.Sprintf("address %q: %v", e.Text, e.Err) }

// Unwrap returns what is wrong without the text.
func (e *Error) Unwrap() error { return e.Err }

// maxLen bounds what is looked at: a host name has at most 253 bytes (RFC 1035
// §2.3.4), a request path should stay below 2000 (RFC 9110 §4.1 asks for 8000).
const maxLen = 8192

// Parse reads one address. Its errors are *Error.
func Parse(text string) (Address, error) {
	a, hint, err := parse(text)
	if err != nil {
		return Address{}, &Error{Text: text, Err: err, Hint: hint}
	}
	return a, nil
}

func parse(text string) (a Address, hint string, err error) {
	switch {
	case text == "":
		return a, "write host:port, such as 127.0.0.1:8000", errors.New("empty")
	case len(text) > maxLen:
		return a, "", fmt.Errorf("longer than %d bytes", maxLen)
	case strings.ContainsFunc(text, func(r rune) bool { return !unicode.IsPrint(r) }):
		return a, "", errors.New("contains a character that cannot be printed")
	}
	scheme, rest, ok := strings.Cut(text, "://")
	if !ok {
		scheme, rest = "tcp", text
		if p, isUnix := strings.CutPrefix(text, "unix:"); isUnix {
			scheme, rest = "unix", p
		}
	}
	a.Scheme = scheme
	if !slices.Contains(Schemes(), scheme) {
		return a, "use one of " + strings.Join(Schemes(), ", "), fmt.Errorf("unknown network %q", scheme)
	}
	if scheme == "unix" {
		return parseUnix(rest)
	}
	if a.WebSocket() {
		if i := strings.IndexAny(rest, "/?"); i >= 0 {
			rest, a.Path = rest[:i], rest[i:]
		}
		if !strings.HasPrefix(a.Path, "/") {
			a.Path = "/" + a.Path
		}
	}
	hint, err = a.parseHostPort(rest)
	return a, hint, err
}

func parseUnix(path string) (a Address, hint string, err error) {
	a = Address{Scheme: "unix", Path: path}
	// sockaddr_un holds 108 bytes with the final NUL (unix(7)).
	if path == "" {
		return a, "write unix:///run/app.sock or unix:app.sock", errors.New("no path")
	}
	if len(path) > 107 {
		return a, "use a shorter path, or a relative one", fmt.Errorf("path of %d bytes: a socket's path has at most 107", len(path))
	}
	return a, "", nil
}

func (a *Address) parseHostPort(s string) (hint string, err error) {
	host, port, err := splitHostPort(s)
	if err == nil && port == "" {
		port = a.defaultPort()
	}
	switch {
	case err != nil:
		return hintFor(s), err
	case port == "":
		return hintFor(s), errors.New("missing port")
	}
	if a.Port, err = parsePort(port, a.Network()); err != nil {
		return "ports are 0 to 65535, or a service name such as http", err
	}
	a.Host = host
	return a.checkHost()
}

// splitHostPort is net.SplitHostPort, but a missing port is not an error.
func splitHostPort(s string) (host, port string, err error) {
	if strings.HasPrefix(s, "[") {
		end := strings.IndexByte(s, ']')
		if end < 0 {
			return "", "", errors.New("missing ']'")
		}
		host, s = s[1:end], s[end+1:]
		if !strings.Contains(host, ":") {
			return "", "", errors.New("brackets are for IPv6 addresses")
		}
		if s != "" && s[0] != ':' {
			return "", "", fmt.Errorf("unexpected %q after ']'", s)
		}
		return host, strings.TrimPrefix(s, ":"), nil
	}
	switch strings.Count(s, ":") {
	case 0:
		return s, "", nil
	case 1:
		host, port, _ = strings.Cut(s, ":")
		return host, port, nil
	}
	return "", "", errors.New("an IPv6 address needs brackets")
}

// hintFor guesses what somebody meant who wrote s.
func hintFor(s string) string {
	bare := strings.Trim(s, "[]")
	if _, err := strconv.ParseUint(s, 10, 16); err == nil {
		return fmt.Sprintf("write 127.0.0.1:%s for this machine, or :%s for every interface", s, s)
	}
	if i := strings.LastIndexByte(bare, ':'); i > 0 && bare[i-1] != ':' { // more likely a port than the last group
		if ip, err := netip.ParseAddr(bare[:i]); err == nil && ip.Is6() && strings.Trim(bare[i+1:], "0123456789") == "" {
			return fmt.Sprintf("write [%s]:%s", bare[:i], bare[i+1:])
		}
	}
	if ip, err := netip.ParseAddr(bare); err == nil && ip.Is6() {
		return fmt.Sprintf("write [%s]:8000", bare)
	}
	if s != "" && !strings.ContainsAny(s, ":[]/") {
		return fmt.Sprintf("write %s:8000", s)
	}
	return "write host:port, such as 127.0.0.1:8000 or [::1]:8000"
}

func (a *Address) defaultPort() string {
	switch a.Scheme {
	case "ws":
		return "80"
	case "wss":
		return "443"
	}
	return ""
}

// parsePort accepts digits only, or a name the system knows: net.LookupPort
// also takes signs and spaces.
func parsePort(s, network string) (uint16, error) {
	if strings.Trim(s, "0123456789") == "" {
		n, err := strconv.ParseUint(s, 10, 16)
		if err != nil {
			return 0, fmt.Errorf("port %s is above 65535", s)
		}
		return uint16(n), nil
	}
	if strings.ContainsAny(s, "+-") && strings.Trim(s, "+-0123456789") == "" {
		return 0, fmt.Errorf("port %s is not between 0 and 65535", s)
	}
	n, err := net.LookupPort(network, s)
	if err != nil {
		return 0, fmt.Errorf("unknown service name %q", s)
	}
	return uint16(n), nil
}

// checkHost refuses hosts that can be neither an IP address of the scheme's
// family nor a name.
func (a *Address) checkHost() (hint string, err error) {
	if a.Host == "" {
		return "", nil
	}
	if ip, err := netip.ParseAddr(a.Host); err == nil {
		return a.checkFamily(ip)
	}
	switch {
	case strings.Contains(a.Host, ":"):
		return "write [::1]:8000 or [fe80::1%eth0]:8000", fmt.Errorf("%q is not an IPv6 address", a.Host)
	case strings.Trim(a.Host, "0123456789.") == "":
		return "an IPv4 address is four numbers from 0 to 255", fmt.Errorf("%q is not an IPv4 address", a.Host)
	case strings.ContainsAny(a.Host, " /\\?#@%[]<>\"'`^{}|"):
		return "write host:port, such as 127.0.0.1:8000", fmt.Errorf("%q is not a host name", a.Host)
	case len(a.Host) > 253:
		return "", errors.New("a host name has at most 253 bytes")
	}
	return "", nil
}

func (a *Address) checkFamily(ip netip.Addr) (hint string, err error) {
	switch {
	case strings.HasSuffix(a.Scheme, "4") && !ip.Unmap().Is4():
		return "use " + strings.TrimSuffix(a.Scheme, "4") + "6", fmt.Errorf("%s is not an IPv4 address", ip)
	case strings.HasSuffix(a.Scheme, "6") && ip.Unmap().Is4():
		return "use " + strings.TrimSuffix(a.Scheme, "6") + "4", fmt.Errorf("%s is not an IPv6 address", ip)
	}
	return "", nil
}

// Network returns package net's name of the network below: tcp for tls, ws and wss.
func (a Address) Network() string {
	switch a.Scheme {
	case "tls", "ws", "wss":
		return "tcp"
	}
	return a.Scheme
}

// Target returns what package net's Dial and Listen take beside Network.
func (a Address) Target() string {
	if a.Scheme == "unix" {
		return a.Path
	}
	return net.JoinHostPort(a.Host, strconv.Itoa(int(a.Port)))
}

// Datagram reports whether messages keep their bounds: the udp schemes.
func (a Address) Datagram() bool { return strings.HasPrefix(a.Scheme, "udp") }

// Secure reports whether TLS runs on top: tls and wss.
func (a Address) Secure() bool { return a.Scheme == "tls" || a.Scheme == "wss" }

// WebSocket reports whether a WebSocket runs on top: ws and wss.
func (a Address) WebSocket() bool { return a.Scheme == "ws" || a.Scheme == "wss" }

// String returns the address with its scheme, so that Parse gives it back.
func (a Address) String() string {
	if a.Scheme == "unix" {
		return "unix://" + a.Path
	}
	return a.Scheme + "://" + a.Target() + a.Path
}

// At returns a with the host and port of addr: what a listener got when port 0
// was asked for.
func (a Address) At(addr net.Addr) Address {
	if a.Scheme == "unix" {
		return a
	}
	if ap, err := netip.ParseAddrPort(addr.String()); err == nil {
		a.Host, a.Port = ap.Addr().String(), ap.Port()
	}
	return a
}

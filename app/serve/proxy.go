package serve

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net/netip"
	"strconv"
	"strings"

	"dialtone/app/escape"
)

// This file reads the PROXY protocol, versions 1 and 2, with which a load
// balancer tells whom it speaks for (haproxy.org, "The PROXY protocol", 2.2 and
// 2.3). It reads not a byte beyond the header.

// ProxyHeader is what a PROXY header says.
type ProxyHeader struct {
	Version     int            // 1 or 2
	Source      netip.AddrPort // the client; invalid when the proxy speaks for itself or does not know
	Destination netip.AddrPort // whom the client called; invalid with Source
}

var proxySignature = []byte("\r\n\r\n\x00\r\nQUIT\n") // version 2, section 2.2

const (
	proxyV1Max = 107  // bytes with CR LF, section 2.1
	proxyV2Max = 4096 // bytes of addresses and TLVs that we read; the format has room for 65535
)

// ReadProxyHeader reads one PROXY header from r and nothing after it. It fails
// when there is none: who asks for the header must get it, or anybody could claim
// to be anyone.
func ReadProxyHeader(r io.Reader) (ProxyHeader, error) {
	// No header is shorter than version 2's signature: "PROXY UNKNOWN\r\n" has 15 bytes.
	head := make([]byte, len(proxySignature), proxyV1Max)
	if _, err := io.ReadFull(r, head); err != nil {
		return ProxyHeader{}, fmt.Errorf("PROXY header: %w", noEOF(err))
	}
	switch {
	case bytes.Equal(head, proxySignature):
		return readProxyV2(r)
	case bytes.HasPrefix(head, []byte("PROXY ")):
		return readProxyV1(r, head)
	}
	return ProxyHeader{}, fmt.Errorf("PROXY header: the connection begins with %q", escape.Line(head, 0))
}

// readProxyV1 reads the rest of a line, a byte at a time: what follows it is
// not ours to take.
func readProxyV1(r io.Reader, head []byte) (h ProxyHeader, err error) {
	for !bytes.HasSuffix(head, []byte("\r\n")) {
		if len(head) == proxyV1Max {
			return h, fmt.Errorf("PROXY header: no line end within %d bytes", proxyV1Max)
		}
		n := len(head)
		head = head[:n+1]
		if _, err := io.ReadFull(r, head[n:]); err != nil {
			return h, fmt.Errorf("PROXY header: %w", noEOF(err))
		}
	}
	return parseProxyV1(string(head[:len(head)-2]))
}

func parseProxyV1(line string) (h ProxyHeader, err error) {
	h.Version = 1
	f := strings.Split(line, " ")
	if len(f) > 1 && f[1] == "UNKNOWN" { // whatever follows is to be ignored
		return h, nil
	}
	if len(f) != 6 || f[1] != "TCP4" && f[1] != "TCP6" {
		return h, fmt.Errorf("PROXY header: %q is not PROXY TCP4|TCP6 SOURCE DESTINATION PORT PORT", escape.String(line))
	}
	if h.Source, err = proxyAddr(f[1], f[2], f[4]); err == nil {
		h.Destination, err = proxyAddr(f[1], f[3], f[5])
	}
	return h, err
}

func proxyAddr(family, ip, port string) (netip.AddrPort, error) {
	a, err := netip.ParseAddr(ip)
	if err != nil || a.Zone() != "" || a.Is4() != (family == "TCP4") {
		return netip.AddrPort{}, fmt.Errorf("PROXY header: %q is not an address of %s", escape.String(ip), family)
	}
	n, err := strconv.ParseUint(port, 10, 16)
	if err != nil || strconv.FormatUint(n, 10) != port {
		return netip.AddrPort{}, fmt.Errorf("PROXY header: %q is not a port", escape.String(port))
	}
	return netip.AddrPortFrom(a, uint16(n)), nil
}

// readProxyV2 reads what follows the signature:
//
//	version and command (1 byte), family and protocol (1), length (2), then
//	that many bytes: source and destination address, source and destination
//	port, TLVs.
func readProxyV2(r io.Reader) (h ProxyHeader, err error) {
	h.Version = 2
	var fixed [4]byte
	if _, err := io.ReadFull(r, fixed[:]); err != nil {
		return h, fmt.Errorf("PROXY header: %w", noEOF(err))
	}
	size := int(binary.BigEndian.Uint16(fixed[2:]))
	if size > proxyV2Max {
		return h, fmt.Errorf("PROXY header: %d bytes long, at most %d are read", size, proxyV2Max)
	}
	body := make([]byte, size)
	if _, err := io.ReadFull(r, body); err != nil {
		return h, fmt.Errorf("PROXY header: %w", noEOF(err))
	}
	if fixed[0]>>4 != 2 {
		return h, fmt.Errorf("PROXY header: version %d after version 2's signature", fixed[0]>>4)
	}
	switch command := fixed[0] & 0xf; {
	case command == 0: // LOCAL: the proxy itself, a health check
		return h, nil
	case command != 1: // PROXY
		return h, fmt.Errorf("PROXY header: unknown command %d", command)
	}
	switch fixed[1] >> 4 { // address family
	case 1:
		return h.withAddrs(body, 4)
	case 2:
		return h.withAddrs(body, 16)
	}
	return h, nil // AF_UNSPEC, AF_UNIX: no address that means something here
}

func (h ProxyHeader) withAddrs(body []byte, size int) (ProxyHeader, error) {
	if len(body) < 2*size+4 {
		return h, fmt.Errorf("PROXY header: %d bytes are too few for its addresses", len(body))
	}
	source, _ := netip.AddrFromSlice(body[:size])
	destination, _ := netip.AddrFromSlice(body[size : 2*size])
	ports := body[2*size:]
	h.Source = netip.AddrPortFrom(source, binary.BigEndian.Uint16(ports))
	h.Destination = netip.AddrPortFrom(destination, binary.BigEndian.Uint16(ports[2:]))
	return h, nil
}

// noEOF makes an end in the middle an error of its own: EOF alone would read as
// a proper end.
func noEOF(err error) error {
	if errors.Is(err, io.EOF) {
		return io.ErrUnexpectedEOF
	}
	return err
}

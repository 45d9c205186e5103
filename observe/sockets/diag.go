package sockets

import (
	"encoding/binary"
	"errors"
	"fmt"
	"net/netip"
)

// The messages of sock_diag(7), in the machine's byte order except for ports
// and addresses. A request is
//
//	 0        16        18     24            28                       72
//	+----------+---------+------+-------------+------------------------+
//	| nlmsghdr | family, | ...  | wanted      | inet_diag_sockid:      |
//	|          | proto   |      | states      | the local port wanted  |
//	+----------+---------+------+-------------+------------------------+
//
// and an answer is a nlmsghdr for each socket, an inet_diag_msg, attributes:
//
//	 0        16               20       68                88
//	+----------+----------------+--------+-----------------+----------
//	| nlmsghdr | family, state, | sockid | expires, queues,| type, len,
//	|          | timer, retrans |        | uid, inode      | value ...
//	+----------+----------------+--------+-----------------+----------
const (
	headerLen  = 16 // struct nlmsghdr
	sockIDLen  = 48 // struct inet_diag_sockid
	requestLen = headerLen + 8 + sockIDLen
	answerLen  = 4 + sockIDLen + 20 // struct inet_diag_msg

	sockDiagByFamily = 20 // SOCK_DIAG_BY_FAMILY
	attrV6Only       = 11 // INET_DIAG_SKV6ONLY

	messageError = 2 // NLMSG_ERROR
	messageDone  = 3 // NLMSG_DONE

	familyINET  = 2
	familyINET6 = 10
)

// diagRequest asks for the sockets of a family and protocol in states, a bit
// for each, that have the local port.
func diagRequest(family, protocol uint8, states uint32, port uint16) []byte {
	const requestDump = 0x1 | 0x300 // NLM_F_REQUEST | NLM_F_DUMP
	b := make([]byte, requestLen)
	binary.NativeEndian.PutUint32(b[0:], requestLen)
	binary.NativeEndian.PutUint16(b[4:], sockDiagByFamily)
	binary.NativeEndian.PutUint16(b[6:], requestDump)
	b[16], b[17] = family, protocol
	binary.NativeEndian.PutUint32(b[20:], states)
	binary.BigEndian.PutUint16(b[24:], port)
	return b
}

// diagAnswer is one socket as the kernel describes it.
type diagAnswer struct {
	family, state uint8
	local, remote netip.AddrPort
	ifindex       uint32
	uid, inode    uint32
	v6only        bool
}

var (
	errShort  = errors.New("sock_diag: cut message")
	errFamily = errors.New("sock_diag: neither IPv4 nor IPv6")
)

// kernelError is the errno in a NLMSG_ERROR or NLMSG_DONE.
type kernelError int32

func (e kernelError) Error() string { return fmt.Sprintf("sock_diag: errno %d", int32(e)) }

// parseDiag calls each for every socket in p, one datagram of answers, and
// reports whether the dump is done. It reads no byte beyond what each message's
// length and p allow.
func parseDiag(p []byte, each func(diagAnswer)) (done bool, err error) {
	for len(p) > 0 {
		if len(p) < headerLen {
			return false, errShort
		}
		size := binary.NativeEndian.Uint32(p)
		if size < headerLen || uint64(size) > uint64(len(p)) {
			return false, errShort
		}
		kind, body := binary.NativeEndian.Uint16(p[4:]), p[headerLen:size]
		switch kind {
		case messageDone, messageError:
			return true, parseErrno(body)
		case sockDiagByFamily:
			a, err := parseAnswer(body)
			if err != nil {
				return false, err
			}
			each(a)
		}
		p = p[min(uint64(len(p)), (uint64(size)+3)&^3):] // NLMSG_ALIGN
	}
	return false, nil
}

// parseErrno reads the negative errno that a message starts with; 0 is none.
func parseErrno(body []byte) error {
	if len(body) < 4 {
		return nil // an old kernel's NLMSG_DONE
	}
	if n := int32(binary.NativeEndian.Uint32(body)); n < 0 {
		return kernelError(-n)
	}
	return nil
}

func parseAnswer(b []byte) (a diagAnswer, err error) {
	if len(b) < answerLen {
		return a, errShort
	}
	a.family, a.state = b[0], b[1]
	id := b[4 : 4+sockIDLen]
	a.local, err = parseAddrPort(a.family, id[4:20], id[0:2])
	if err != nil {
		return a, err
	}
	a.remote, err = parseAddrPort(a.family, id[20:36], id[2:4])
	a.ifindex = binary.NativeEndian.Uint32(id[36:])
	rest := b[4+sockIDLen:]
	a.uid = binary.NativeEndian.Uint32(rest[12:])
	a.inode = binary.NativeEndian.Uint32(rest[16:])
	a.v6only = v6only(b[answerLen:])
	return a, err
}

func parseAddrPort(family uint8, addr, port []byte) (netip.AddrPort, error) {
	switch family {
	case familyINET:
		addr = addr[:4]
	case familyINET6:
	default:
		return netip.AddrPort{}, errFamily
	}
	ip, _ := netip.AddrFromSlice(addr)
	return netip.AddrPortFrom(ip, binary.BigEndian.Uint16(port)), nil
}

// v6only looks for INET_DIAG_SKV6ONLY among attributes.
func v6only(attrs []byte) bool {
	for len(attrs) >= 4 {
		size := int(binary.NativeEndian.Uint16(attrs))
		kind := binary.NativeEndian.Uint16(attrs[2:])
		if size < 4 || size > len(attrs) {
			return false
		}
		if kind == attrV6Only && size > 4 {
			return attrs[4] != 0
		}
		attrs = attrs[min(len(attrs), (size+3)&^3):]
	}
	return false
}

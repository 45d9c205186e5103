package sockets

import (
	"encoding/binary"
	"errors"
	"fmt"
	"net/netip"
	"syscall"
)

// The messages of sock_diag(7), in the machine's byte order except for ports and
// addresses. A request for the sockets of one family is a nlmsghdr, an inet_diag_req_v2
// and, as an attribute, a program that says which sockets (bytecode.go):
//
//	 0        16               20       24            72
//	+----------+----------------+--------+-------------+----------
//	| nlmsghdr | family, proto, | wanted | inet_diag_  | type, len,
//	|          | attributes     | states | sockid      | program
//	+----------+----------------+--------+-------------+----------
//
// TCP's are asked for by the older inet_diag_req, which takes both families: the kernel
// goes through its large table once instead of twice.
//
//	 0        16               20            68       72       76
//	+----------+----------------+-------------+--------+--------+----------
//	| nlmsghdr | family, 0, 0,  | inet_diag_  | wanted | 0      | type, len,
//	|          | attributes     | sockid      | states |        | program
//	+----------+----------------+-------------+--------+--------+----------
//
// An answer is a nlmsghdr for each socket, an inet_diag_msg, attributes:
//
//	 0        16               20       68                88
//	+----------+----------------+--------+-----------------+----------
//	| nlmsghdr | family, state, | sockid | expires, queues,| type, len,
//	|          | timer, retrans |        | uid, inode      | value ...
//	+----------+----------------+--------+-----------------+----------
const (
	headerLen = 16                 // struct nlmsghdr
	sockIDLen = 48                 // struct inet_diag_sockid
	answerLen = 4 + sockIDLen + 20 // struct inet_diag_msg

	tcpDiagGetSock   = 18 // TCPDIAG_GETSOCK
	sockDiagByFamily = 20 // SOCK_DIAG_BY_FAMILY

	messageError = 2 // NLMSG_ERROR
	messageDone  = 3 // NLMSG_DONE

	flagRequest = 0x1
	flagAck     = 0x4
	flagDump    = 0x300

	familyUnix  = 1
	familyINET  = 2
	familyINET6 = 10

	protocolTCP = 6
	protocolUDP = 17

	attrBytecode = 1 // INET_DIAG_REQ_BYTECODE
)

// Attributes of an answer. One is asked for by the bit below its number.
const (
	attrInfo       = 2  // INET_DIAG_INFO
	attrCongestion = 4  // INET_DIAG_CONG
	attrMemory     = 7  // INET_DIAG_SKMEMINFO
	attrV6Only     = 11 // INET_DIAG_SKV6ONLY: given unasked
)

// A request asks for the sockets of a family and protocol; family 0 is both, of TCP.
type request struct {
	family, protocol uint8
	attributes       uint8  // a bit for each
	states           uint32 // a bit for each, by the kernel's numbers
	program          []byte // bytecode; none takes every socket
}

// appendTo writes r as one message.
func (r request) appendTo(b []byte, sequence uint32) []byte {
	var id [sockIDLen]byte // any
	start := len(b)
	if r.family == 0 {
		b = appendHeader(b, tcpDiagGetSock, sequence)
		b = append(b, 0, 0, 0, r.attributes)
		b = append(b, id[:]...)
		b = binary.NativeEndian.AppendUint32(b, r.states)
		b = append(b, 0, 0, 0, 0)
	} else {
		b = appendHeader(b, sockDiagByFamily, sequence)
		b = append(b, r.family, r.protocol, r.attributes, 0)
		b = binary.NativeEndian.AppendUint32(b, r.states)
		b = append(b, id[:]...)
	}
	if len(r.program) > 0 {
		b = binary.NativeEndian.AppendUint16(b, uint16(4+len(r.program)))
		b = binary.NativeEndian.AppendUint16(b, attrBytecode)
		b = append(b, r.program...)
	}
	return setLength(b, start)
}

// appendHeader writes the nlmsghdr of a request for all sockets; setLength completes the
// message that begins at start.
func appendHeader(b []byte, kind uint16, sequence uint32) []byte {
	b = append(b, 0, 0, 0, 0)
	b = binary.NativeEndian.AppendUint16(b, kind)
	b = binary.NativeEndian.AppendUint16(b, flagRequest|flagDump)
	b = binary.NativeEndian.AppendUint32(b, sequence)
	return binary.NativeEndian.AppendUint32(b, 0)
}

func setLength(b []byte, start int) []byte {
	binary.NativeEndian.PutUint32(b[start:], uint32(len(b)-start))
	return b
}

var (
	errShort  = errors.New("sock_diag: cut message")
	errFamily = errors.New("sock_diag: a socket of another family than asked for")
)

// messages calls each with the body of every answer to the request of that sequence
// number in p, one datagram, and reports whether the answers are over. It reads no
// byte beyond what each message's length and p allow.
func messages(p []byte, sequence uint32, each func(body []byte) error) (done bool, err error) {
	for len(p) > 0 {
		if len(p) < headerLen {
			return false, errShort
		}
		size := binary.NativeEndian.Uint32(p)
		if size < headerLen || uint64(size) > uint64(len(p)) {
			return false, errShort
		}
		kind, body := binary.NativeEndian.Uint16(p[4:]), p[headerLen:size]
		if binary.NativeEndian.Uint32(p[8:]) == sequence {
			switch kind {
			case messageDone, messageError:
				return true, parseErrno(body)
			case sockDiagByFamily, tcpDiagGetSock:
				if err := each(body); err != nil {
					return false, err
				}
			}
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
		return fmt.Errorf("sock_diag: %w", syscall.Errno(-n))
	}
	return nil
}

// attributes calls each for every attribute in p; what is cut ends them.
func attributes(p []byte, each func(kind uint16, value []byte)) {
	for len(p) >= 4 {
		size := int(binary.NativeEndian.Uint16(p))
		if size < 4 || size > len(p) {
			return
		}
		each(binary.NativeEndian.Uint16(p[2:]), p[4:size])
		p = p[min(len(p), (size+3)&^3):]
	}
}

// exact asks for the one TCP connection with two ends.
type exact struct {
	local, remote netip.AddrPort
	attributes    uint8 // as in a request
}

// appendTo writes e as one message. IPv4 finds what an IPv6 socket says in IPv4, too.
func (e exact) appendTo(b []byte, sequence uint32) []byte {
	start := len(b)
	b = appendHeader(b, sockDiagByFamily, sequence)
	binary.NativeEndian.PutUint16(b[start+6:], flagRequest|flagAck)
	local, remote := e.local.Addr().Unmap(), e.remote.Addr().Unmap()
	family := byte(familyINET)
	if local.Is6() || remote.Is6() {
		family = familyINET6
	}
	b = append(b, family, protocolTCP, e.attributes, 0)
	b = binary.NativeEndian.AppendUint32(b, ^uint32(0)) // any state
	b = binary.BigEndian.AppendUint16(b, e.local.Port())
	b = binary.BigEndian.AppendUint16(b, e.remote.Port())
	for _, a := range []netip.Addr{local, remote} {
		var bytes [16]byte
		copy(bytes[:], a.AsSlice())
		b = append(b, bytes[:]...)
	}
	b = binary.NativeEndian.AppendUint32(b, 0)          // any interface
	b = binary.NativeEndian.AppendUint64(b, ^uint64(0)) // any cookie
	return setLength(b, start)
}

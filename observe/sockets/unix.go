package sockets

import "encoding/binary"

// A request for Unix sockets is a nlmsghdr and an unix_diag_req; an answer is a
// nlmsghdr for each socket, an unix_diag_msg, attributes:
//
//	 0        16        20       24      28      32       40
//	+----------+---------+--------+-------+-------+--------+
//	| nlmsghdr | family, | wanted | inode | what  | cookie |
//	|          | 0       | states |       | to    |        |
//	|          |         |        |       | show  |        |
//	+----------+---------+--------+-------+-------+--------+
//
//	 0        16                20      24       32
//	+----------+-----------------+-------+--------+-----------
//	| nlmsghdr | family, type,   | inode | cookie | type, len,
//	|          | state           |       |        | value ...
//	+----------+-----------------+-------+--------+-----------
const (
	unixAnswerLen = 16

	unixShow = 0x1 | 0x4 | 0x10 | 0x20 | 0x40 // name, peer, queues, memory, user

	unixAttrName   = 0
	unixAttrPeer   = 2
	unixAttrQueues = 4
	unixAttrMemory = 5
	unixAttrUID    = 7
)

func appendUnixRequest(b []byte, sequence uint32) []byte {
	start := len(b)
	b = appendHeader(b, sockDiagByFamily, sequence)
	b = append(b, familyUnix, 0, 0, 0)
	b = binary.NativeEndian.AppendUint32(b, ^uint32(0)) // every state
	b = binary.NativeEndian.AppendUint32(b, 0)
	b = binary.NativeEndian.AppendUint32(b, unixShow)
	return setLength(append(b, make([]byte, 8)...), start)
}

// unix reads one answer about a Unix socket.
func (r *rows) unix(b []byte, memory bool) error {
	if len(b) < unixAnswerLen {
		return errShort
	}
	if b[0] != familyUnix {
		return errFamily
	}
	u32 := binary.NativeEndian.Uint32
	s := r.grow()
	s.Network = unixNetwork(b[1])
	s.State = kernelState(s.Network, b[2])
	s.Inode, s.Cookie = u32(b[4:]), uint64(u32(b[12:]))<<32|uint64(u32(b[8:]))
	attributes(b[unixAnswerLen:], func(kind uint16, value []byte) {
		switch {
		case kind == unixAttrName:
			s.Path = unixPath(value)
		case kind == unixAttrMemory && memory:
			s.Memory = r.memory.next()
			s.Memory.parse(value)
		case len(value) < 4:
		case kind == unixAttrPeer:
			s.Peer = u32(value)
		case kind == unixAttrUID:
			s.UID = u32(value)
			s.User = r.user(s.UID)
		case kind == unixAttrQueues && len(value) >= 8:
			s.RecvQueue, s.SendQueue = u32(value), u32(value[4:])
		}
	})
	return nil
}

// unixNetwork is package net's word for a socket's type.
func unixNetwork(kind uint8) string {
	switch kind {
	case 2:
		return "unixgram"
	case 5:
		return "unixpacket"
	}
	return "unix"
}

// unixPath is a socket's name as package net writes it: @ is what an abstract one
// begins with.
func unixPath(name []byte) string {
	if len(name) > 0 && name[0] == 0 {
		return "@" + string(name[1:])
	}
	if n := len(name); n > 0 && name[n-1] == 0 {
		name = name[:n-1]
	}
	return string(name)
}

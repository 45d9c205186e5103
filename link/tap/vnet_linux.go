package tap

import (
	"encoding/binary"

	"dialtone/link"
)

// vnetLen is the length of what is in front of every frame: struct virtio_net_hdr
// (linux/virtio_net.h), in the machine's byte order.
//
//	│ flags 1 │ gso_type 1 │ hdr_len 2 │ gso_size 2 │ csum_start 2 │ csum_offset 2 │
const vnetLen = 10

const (
	needsChecksum = 1 // flags
	dataValid     = 2

	gsoNone  = 0 // gso_type
	gsoTCPv4 = 1
	gsoTCPv6 = 4
	gsoUDP   = 5    // USO: datagrams
	gsoECN   = 0x80 // with any: the first segment has CWR
)

// Where transport headers have their checksums, and TCP its length.
const (
	udpSum    = 6
	tcpSum    = 16
	tcpLength = 12
)

// pushHeader puts the header that says what f's Offload says in front of f.
func pushHeader(f *link.Frame) {
	o := f.Offload
	kind := gsoType(f)
	b := f.Prepend(vnetLen)
	clear(b)
	if o.Checksum == link.ChecksumPartial {
		b[0] = needsChecksum
		binary.NativeEndian.PutUint16(b[6:], o.SumStart)
		binary.NativeEndian.PutUint16(b[8:], o.SumOffset)
	}
	if kind != gsoNone {
		b[1] = kind
		binary.NativeEndian.PutUint16(b[2:], o.HeaderLen)
		binary.NativeEndian.PutUint16(b[4:], o.SegmentSize)
	}
}

// gsoType is how f is to be cut.
func gsoType(f *link.Frame) byte {
	h, _, _ := link.ParseEthernet(f.Data) // what is no frame is refused by the kernel
	switch {
	case f.Offload.SegmentSize == 0:
		return gsoNone
	case f.Offload.SumOffset == udpSum:
		return gsoUDP
	case h.Type == link.TypeIPv6:
		return gsoTCPv6
	}
	return gsoTCPv4
}

// popHeader takes the header off f and puts what it says into f's Offload; not ok if
// that is about bytes that f does not have.
func popHeader(f *link.Frame) (ok bool) {
	if len(f.Data) < vnetLen+link.EthernetLen {
		return false
	}
	b := f.Data[:vnetLen]
	f.Offload = link.Offload{}
	f.TrimFront(vnetLen)
	o := &f.Offload
	switch {
	case b[0]&needsChecksum != 0:
		o.Checksum = link.ChecksumPartial
		o.SumStart, o.SumOffset = binary.NativeEndian.Uint16(b[6:]), binary.NativeEndian.Uint16(b[8:])
		if int(o.SumStart)+int(o.SumOffset)+2 > len(f.Data) {
			return false
		}
	case b[0]&dataValid != 0:
		o.Checksum = link.ChecksumGood
	}
	kind := b[1] &^ gsoECN
	if kind == gsoNone {
		return true
	}
	o.SegmentSize = binary.NativeEndian.Uint16(b[4:])
	return o.SegmentSize > 0 && (kind == gsoTCPv4 || kind == gsoTCPv6) && setHeaderLen(f)
}

// setHeaderLen finds where the payload of a TCP super-frame begins: hdr_len is a hint,
// the kernel says.
func setHeaderLen(f *link.Frame) (ok bool) {
	o := &f.Offload
	field := int(o.SumStart) + tcpLength
	if o.Checksum != link.ChecksumPartial || o.SumOffset != tcpSum || field >= len(f.Data) {
		return false
	}
	end := int(o.SumStart) + int(f.Data[field]>>4)*4
	o.HeaderLen = uint16(end)
	return end <= len(f.Data)
}

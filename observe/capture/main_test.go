package capture

import (
	"encoding/binary"
	"errors"
	"io"
	"os"
	"path/filepath"
	"testing"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// order is a byte order that can also append.
type order interface {
	binary.ByteOrder
	binary.AppendByteOrder
}

var orders = [2]order{binary.LittleEndian, binary.BigEndian}

// pcapFile is a pcap file by hand: what the writers are not tested against.
func pcapFile(o order, magic uint32, link LinkType, records ...Record) []byte {
	b := o.AppendUint32(nil, magic)
	b = o.AppendUint16(b, 2)
	b = o.AppendUint16(b, 4)
	b = append(b, make([]byte, 8)...)
	b = o.AppendUint32(b, 65535)
	b = o.AppendUint32(b, uint32(link))
	unit := int64(1000)
	if magic == magicNano {
		unit = 1
	}
	for _, r := range records {
		b = o.AppendUint32(b, uint32(r.Time/1e9))
		b = o.AppendUint32(b, uint32(r.Time%1e9/unit))
		b = o.AppendUint32(b, uint32(len(r.Data)))
		b = o.AppendUint32(b, uint32(r.Wire))
		b = append(b, r.Data...)
	}
	return b
}

// block is a pcapng block by hand.
func block(o order, kind uint32, body ...[]byte) []byte {
	b := o.AppendUint32(nil, kind)
	b = o.AppendUint32(b, 0)
	for _, p := range body {
		b = append(b, p...)
	}
	b = append(b, make([]byte, -len(b)&3)...)
	o.PutUint32(b[4:], uint32(len(b)+4))
	return o.AppendUint32(b, uint32(len(b)+4))
}

func option(o order, code uint16, value string) []byte {
	b := o.AppendUint16(nil, code)
	b = o.AppendUint16(b, uint16(len(value)))
	b = append(b, value...)
	return append(b, make([]byte, -len(value)&3)...)
}

func words(o order, list ...uint32) (b []byte) {
	for _, w := range list {
		b = o.AppendUint32(b, w)
	}
	return b
}

func sectionBlock(o order, options ...[]byte) []byte {
	version := o.AppendUint16(o.AppendUint16(nil, 1), 0)
	body := [][]byte{words(o, byteOrderMagic), version, words(o, 0xffffffff, 0xffffffff)}
	return block(o, blockSection, append(body, options...)...)
}

func interfaceBlock(o order, link LinkType, snapLen uint32, options ...[]byte) []byte {
	head := o.AppendUint32(o.AppendUint16(o.AppendUint16(nil, uint16(link)), 0), snapLen)
	return block(o, blockInterface, append([][]byte{head}, options...)...)
}

// packetBlock is an enhanced packet, units being its time.
func packetBlock(o order, number uint32, units uint64, wire int, data string, options ...[]byte) []byte {
	head := words(o, number, uint32(units>>32), uint32(units), uint32(len(data)), uint32(wire))
	padded := append([]byte(data), make([]byte, -len(data)&3)...)
	return block(o, blockEnhanced, append([][]byte{head, padded}, options...)...)
}

func join(parts ...[]byte) (b []byte) {
	for _, p := range parts {
		b = append(b, p...)
	}
	return b
}

// save writes a file of its own for the test.
func save(t testing.TB, b []byte) string {
	t.Helper()
	name := filepath.Join(t.TempDir(), "capture")
	must(t, os.WriteFile(name, b, 0o600))
	return name
}

// opened is Open of a file that the test closes.
func opened(t testing.TB, b []byte) *File {
	t.Helper()
	f, err := Open(save(t, b))
	must(t, err)
	t.Cleanup(func() { must(t, f.Close()) })
	return f
}

// all returns copies of a source's records, without their offsets, and its last error.
func all(s Source) (list []Record, err error) {
	for {
		r, err := s.Next()
		if err != nil {
			if errors.Is(err, io.EOF) {
				err = nil
			}
			return list, err
		}
		c := *r
		c.Data, c.Offset = append([]byte{}, r.Data...), 0
		list = append(list, c)
	}
}

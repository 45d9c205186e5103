package connect

import (
	"fmt"
	"io"
)

// HexDump returns a watcher that shows the bytes of both directions, `>` to the
// server and `<` from it, with their offset in that direction:
//
//	> 00000000  68 65 6c 6c 6f 20 73 6f  63 6b 65 74              |hello socket|
//	< 00000000  48 45 4c 4c 4f 20 53 4f  43 4b 45 54              |HELLO SOCKET|
//
// Each event is written with one Write; errors of w are ignored.
func HexDump(w io.Writer) func(Event) {
	var sent, received int64
	return func(e Event) {
		switch e.Kind {
		case Sent:
			w.Write(appendDump(nil, '>', &sent, e.Data))
		case Received:
			w.Write(appendDump(nil, '<', &received, e.Data))
		}
	}
}

// appendDump appends rows of 16 bytes and moves offset on.
func appendDump(dst []byte, direction byte, offset *int64, data []byte) []byte {
	for len(data) > 0 {
		row := data[:min(16, len(data))]
		dst = fmt.Appendf(dst, "%c %08x ", direction, *offset)
		for i := range 16 {
			if i%8 == 0 {
				dst = append(dst, ' ')
			}
			if i < len(row) {
				dst = fmt.Appendf(dst, "%02x ", row[i])
			} else {
				dst = append(dst, "   "...)
			}
		}
		dst = append(dst, " |"...)
		for _, b := range row {
			if b < ' ' || b > '~' {
				b = '.'
			}
			dst = append(dst, b)
		}
		dst = append(dst, "|\n"...)
		*offset += int64(len(row))
		data = data[len(row):]
	}
	return dst
}

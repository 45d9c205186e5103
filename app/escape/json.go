package escape

import (
	"bytes"
	"fmt"
	"unicode"
	"unicode/utf16"
	"unicode/utf8"
)

// JSON returns a JSON text with everything escaped as \uXXXX that encoding/json
// leaves raw and that cannot be printed: such runes stand in strings only, since
// everything else of JSON is ASCII. The text may be p itself.
func JSON(p []byte) []byte {
	if !bytes.ContainsFunc(p, func(r rune) bool { return r >= 0x7f }) {
		return p
	}
	out := make([]byte, 0, len(p)+16)
	for _, r := range string(p) {
		switch {
		case unicode.IsPrint(r):
			out = utf8.AppendRune(out, r)
		case r > 0xffff:
			hi, lo := utf16.EncodeRune(r)
			out = fmt.Appendf(out, `\u%04x\u%04x`, hi, lo)
		default:
			out = fmt.Appendf(out, `\u%04x`, r)
		}
	}
	return out
}

// Package escape makes bytes that came from somebody else safe to show.
//
// What a peer sends can hold sequences that move a terminal's cursor, change its
// title, reorder text (bidirectional controls) or forge a line of a log. This
// package shows every such rune as a backslash sequence in Go's notation (\r,
// \x1b, \u202e) and leaves every other rune as it is. Bytes that are not UTF-8
// become \xNN.
//
// [Line] makes one line out of a message, cut to a length, for logs; it doubles
// a backslash, so that what is shown has one meaning. [Screen] is
// a writer for a conversation on a terminal: line feeds and tabs pass.
package escape

import (
	"fmt"
	"io"
	"strconv"
	"unicode"
	"unicode/utf8"
)

// Line returns p as one line of printable text with at most max bytes of p
// shown; what is cut is counted, as in `hello… (+120 bytes)`. A max of 0 or
// less means no limit.
func Line(p []byte, max int) string {
	cut := 0
	if max > 0 && len(p) > max {
		end := max
		for end > 0 && end > max-utf8.UTFMax && !utf8.RuneStart(p[end]) {
			end-- // do not cut inside a rune
		}
		cut = len(p) - end
		p = p[:end]
	}
	out := Append(make([]byte, 0, len(p)+8), p)
	if cut > 0 {
		out = fmt.Appendf(out, "… (+%d bytes)", cut)
	}
	return string(out)
}

// String is Line for a string without a limit: names from certificates, headers
// and the like.
func String(s string) string { return Line([]byte(s), 0) }

// Append appends p to dst with everything escaped that is not printable: line
// feeds and tabs too.
func Append(dst, p []byte) []byte { return appendText(dst, p, false) }

// appendText is Append; with layout, line feed and tab pass.
func appendText(dst, p []byte, layout bool) []byte {
	for len(p) > 0 {
		r, size := utf8.DecodeRune(p)
		switch {
		case r == utf8.RuneError && size == 1:
			dst = fmt.Appendf(dst, `\x%02x`, p[0])
		case layout && (r == '\n' || r == '\t'):
			dst = append(dst, byte(r))
		case !layout && r == '\\':
			dst = append(dst, `\\`...)
		case printable(r):
			dst = append(dst, p[:size]...)
		default:
			quoted := strconv.AppendQuoteRuneToASCII(nil, r)
			dst = append(dst, quoted[1:len(quoted)-1]...)
		}
		p = p[size:]
	}
	return dst
}

// printable reports whether showing r moves the cursor forward and does nothing
// else. Format characters (category Cf: the bidirectional controls, zero-width
// joiners, tags), private use and the line separators are not.
func printable(r rune) bool {
	return r == ' ' || unicode.IsGraphic(r) && !unicode.Is(unicode.Zs, r) || r == '\u00a0' || r == '\u3000'
}

// Screen writes a peer's stream to a terminal: printable text, line feeds and
// tabs pass, CR LF becomes LF, everything else is escaped. It keeps at most
// three bytes of a rune that a write has cut; [Screen.Flush] shows them.
type Screen struct {
	w    io.Writer
	rest []byte // a cut rune, or a CR whose LF may follow
	out  []byte
}

// NewScreen returns a Screen that writes to w.
func NewScreen(w io.Writer) *Screen { return &Screen{w: w} }

// Write shows p. It returns len(p) unless the writer below fails.
func (s *Screen) Write(p []byte) (int, error) {
	in := p
	if len(s.rest) > 0 {
		in = append(s.rest, p...)
	}
	whole := len(in) - undecided(in)
	s.show(in[:whole])
	s.rest = append(s.rest[:0], in[whole:]...)
	return len(p), s.emit()
}

// Flush shows what Write still holds back.
func (s *Screen) Flush() error {
	s.show(s.rest)
	s.rest = s.rest[:0]
	return s.emit()
}

func (s *Screen) show(p []byte) {
	for len(p) > 0 { // CR LF is an ordinary line end
		i := indexCRLF(p)
		s.out = appendText(s.out, p[:i], true)
		if i < len(p) {
			i++ // leave out the CR
		}
		p = p[i:]
	}
}

func (s *Screen) emit() error {
	if len(s.out) == 0 {
		return nil
	}
	_, err := s.w.Write(s.out)
	s.out = s.out[:0]
	return err
}

func indexCRLF(p []byte) int {
	for i := 0; i+1 < len(p); i++ {
		if p[i] == '\r' && p[i+1] == '\n' {
			return i
		}
	}
	return len(p)
}

// undecided returns how many bytes at the end of p need what follows to be shown.
func undecided(p []byte) int {
	if len(p) > 0 && p[len(p)-1] == '\r' {
		return 1
	}
	for n := 1; n < utf8.UTFMax && n <= len(p); n++ {
		if tail := p[len(p)-n:]; utf8.RuneStart(tail[0]) {
			if !utf8.FullRune(tail) {
				return n
			}
			return 0
		}
	}
	return 0
}

package serve

import (
	"bytes"
	"encoding/binary"
	"unicode"
	"unicode/utf8"
)

// Upper answers everything in upper case. Over a whole stream the answer equals
// strings.ToUpper of what came, whatever the segmentation, with one difference:
// bytes that are not UTF-8 pass unchanged.
//
// A line that is exactly "exit", ended by LF, CR LF or the end of the stream,
// ends the conversation unanswered. So the bytes at a line's start that may still
// become that line are held back until it is decided; nothing else waits.
func Upper() Service { return Service{Name: "upper", Talk: func() Talk { return new(upper) }} }

// leave is the line that ends a conversation, with the CR it may have.
const leave = "exit\r"

// upper holds back either a beginning of leave or a beginning of a rune, never
// both: no rune begins with a letter of leave.
type upper struct {
	line int8 // how many bytes of leave the current line is so far, or inside
	cut  int8 // how many bytes of rune are there
	rune [utf8.UTFMax]byte
}

// inside says that the current line can no longer become leave.
const inside = -1

func (u *upper) Begin(dst []byte) ([]byte, bool) {
	*u = upper{}
	return dst, true
}

func (u *upper) Answer(dst, p []byte) (out, rest []byte, more bool) {
	if u.cut == 0 && (u.line == inside || u.line == 0 && (len(p) == 0 || p[0] != leave[0])) && !bytes.Contains(p, []byte("\ne")) {
		return u.answerInside(dst, p, true), nil, true
	}
	for len(p) > 0 {
		if u.line >= 0 {
			var over bool
			if dst, p, over = u.decide(dst, p); over {
				return dst, nil, false
			}
			continue
		}
		end := len(p)
		if i := bytes.Index(p, []byte("\ne")); i >= 0 {
			end = i + 1
		}
		dst = u.answerInside(dst, p[:end], false)
		p = p[end:]
	}
	return dst, nil, true
}

// decide takes from p what belongs to the beginning of a line that may become
// leave. over is true when it has.
func (u *upper) decide(dst, p []byte) (out, rest []byte, over bool) {
	for i, c := range p {
		switch {
		case c == '\n' && u.line >= int8(len("exit")):
			return dst, nil, true
		case int(u.line) < len(leave) && c == leave[u.line]:
			u.line++
		default: // it is some other line
			dst = append(dst, "EXIT\r"[:u.line]...)
			u.line = inside
			return dst, p[i:], false
		}
	}
	return dst, nil, false
}

// answerInside appends p in upper case, and may do so in place; p holds no line
// that begins as leave does.
func (u *upper) answerInside(dst, p []byte, inPlace bool) []byte {
	u.line = inside
	if len(p) > 0 && p[len(p)-1] == '\n' {
		u.line = 0
	}
	if u.cut > 0 {
		dst, p = u.finishRune(dst, p)
	}
	n := upperASCII(p)
	if n == len(p) && inPlace {
		return p
	}
	for {
		dst = append(dst, p[:n]...)
		if p = p[n:]; len(p) == 0 {
			return dst
		}
		dst, p = u.otherRunes(dst, p)
		n = upperASCII(p)
	}
}

// otherRunes appends in upper case the runes at the start of p that are not
// ASCII, and keeps one that p's end has cut.
func (u *upper) otherRunes(dst, p []byte) (out, rest []byte) {
	for len(p) > 0 && p[0] >= utf8.RuneSelf {
		if !utf8.FullRune(p) {
			u.cut = int8(copy(u.rune[:], p))
			return dst, nil
		}
		r, size := utf8.DecodeRune(p)
		if r == utf8.RuneError && size == 1 {
			dst = append(dst, p[0])
		} else {
			dst = utf8.AppendRune(dst, unicode.ToUpper(r))
		}
		p = p[size:]
	}
	return dst, p
}

// finishRune completes the rune that is held back with bytes of p, as far as
// they belong to it.
func (u *upper) finishRune(dst, p []byte) (out, rest []byte) {
	held := int(u.cut)
	n := held + copy(u.rune[held:], p)
	u.cut = 0
	if !utf8.FullRune(u.rune[:n]) { // p was too short
		u.cut = int8(n)
		return dst, nil
	}
	r, size := utf8.DecodeRune(u.rune[:n])
	if r == utf8.RuneError && size == 1 { // not a rune after all
		dst = append(dst, u.rune[:held]...)
		return dst, p
	}
	return utf8.AppendRune(dst, unicode.ToUpper(r)), p[size-held:]
}

func (u *upper) End(dst []byte) []byte {
	if u.line > 0 && u.line != int8(len("exit")) {
		dst = append(dst, "EXIT\r"[:u.line]...)
	}
	return append(dst, u.rune[:u.cut]...)
}

// upperASCII changes p to upper case in place up to its first byte that is not
// ASCII, and returns how many bytes that are.
//
// Eight bytes go at a time: with every byte below 0x80, adding 0x80-'a' sets a
// byte's top bit when it is at least 'a', adding 0x7f-'z' when it is above 'z',
// and no addition carries into the next byte. Where only the first is set stands
// a small letter, and its bit 0x20 goes.
func upperASCII(p []byte) int {
	const (
		top     = 0x8080808080808080
		fromA   = 0x1f1f1f1f1f1f1f1f // 0x80 - 'a'
		beyondZ = 0x0505050505050505 // 0x7f - 'z'
	)
	n := 0
	for ; len(p)-n >= 32; n += 32 {
		q := p[n : n+32 : n+32]
		a, b := binary.LittleEndian.Uint64(q), binary.LittleEndian.Uint64(q[8:])
		c, d := binary.LittleEndian.Uint64(q[16:]), binary.LittleEndian.Uint64(q[24:])
		if (a|b|c|d)&top != 0 {
			break
		}
		binary.LittleEndian.PutUint64(q, a^((a+fromA)&^(a+beyondZ)&top)>>2)
		binary.LittleEndian.PutUint64(q[8:], b^((b+fromA)&^(b+beyondZ)&top)>>2)
		binary.LittleEndian.PutUint64(q[16:], c^((c+fromA)&^(c+beyondZ)&top)>>2)
		binary.LittleEndian.PutUint64(q[24:], d^((d+fromA)&^(d+beyondZ)&top)>>2)
	}
	for ; n < len(p) && p[n] < utf8.RuneSelf; n++ {
		if c := p[n]; 'a' <= c && c <= 'z' {
			p[n] = c - ('a' - 'A')
		}
	}
	return n
}

package main

import (
	"strings"

	"rsc.io/qr"
)

// qrMargin is the quiet zone in modules. The standard asks for four (ISO/IEC
// 18004 §9.1); two leave room on a terminal of 24 rows, and cameras cope.
const qrMargin = 2

// qrLines draws text as a QR code with two modules a character, or nothing if it
// does not fit. Light modules are drawn and dark ones left out, on colours that
// are set so that it reads on dark and light terminals; without colour it is
// right on dark ones, and most readers take the inverse too.
func qrLines(text string, width, height int, colour bool) (lines []string) {
	code, err := qr.Encode(text, qr.L)
	if err != nil {
		return nil
	}
	size := code.Size + 2*qrMargin
	if size > width-1 || (size+1)/2 > height {
		return nil
	}
	dark := func(x, y int) bool {
		return code.Black(x-qrMargin, y-qrMargin)
	}
	for y := 0; y < size; y += 2 {
		var b strings.Builder
		for x := range size {
			b.WriteString(halfBlock(!dark(x, y), y+1 < size && !dark(x, y+1)))
		}
		line := b.String()
		if colour {
			line = "\x1b[97;40m" + line + "\x1b[0m"
		}
		lines = append(lines, line)
	}
	return lines
}

// halfBlock is two modules, one above the other, that are drawn or not.
func halfBlock(upper, lower bool) string {
	switch {
	case upper && lower:
		return "█"
	case upper:
		return "▀"
	case lower:
		return "▄"
	}
	return " "
}

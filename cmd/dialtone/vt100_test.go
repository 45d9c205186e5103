package main

import (
	"regexp"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"
)

// vt100 is a terminal's screen, as far as a view that draws on the whole of it needs one.
type vt100 struct {
	width  int
	cells  [][]rune
	x, y   int
	top    int // the lines that scroll: from top up to bottom, not included
	bottom int
	insert bool // characters push those behind them
}

// screenAfter returns the lines on a screen to which something was written.
func screenAfter(written string, width, height int) string {
	v := &vt100{width: width, cells: make([][]rune, height), bottom: height}
	for y := range v.cells {
		v.cells[y] = v.blank()
	}
	for written != "" {
		written = v.write(written)
	}
	var lines []string
	for _, l := range v.cells {
		lines = append(lines, strings.TrimRight(string(l), " "))
	}
	return strings.Join(lines, "\n")
}

func (v *vt100) blank() []rune { return []rune(strings.Repeat(" ", v.width)) }

var controlSequence = regexp.MustCompile(`^\x1b\[[?>]?([\d;]*)\$?([@A-Za-z])`)

// write takes one character, or one sequence, and returns the rest.
func (v *vt100) write(text string) (rest string) {
	if m := controlSequence.FindStringSubmatch(text); m != nil {
		if !strings.ContainsAny(m[0], "?>") {
			first, second, _ := strings.Cut(m[1], ";")
			n, _ := strconv.Atoi(first)
			k, _ := strconv.Atoi(second)
			v.control(m[2], n, k)
		}
		return text[len(m[0]):]
	}
	if after, ok := strings.CutPrefix(text, "\x1bM"); ok {
		if v.y == v.top {
			v.scroll(v.top, -1)
		} else {
			v.y--
		}
		return after
	}
	r, size := utf8.DecodeRuneInString(text)
	v.character(r)
	return text[size:]
}

func (v *vt100) character(r rune) {
	switch {
	case r == '\t':
		v.x = min(v.x+8-v.x%8, v.width-1)
	case r == '\r':
		v.x = 0
	case r == '\b':
		v.x--
	case r == '\n' && v.y == v.bottom-1:
		v.scroll(v.top, 1)
	case r == '\n':
		v.y++
	case r >= ' ' && v.x < v.width && v.y < len(v.cells):
		if v.insert {
			v.control("@", 1, 0)
		}
		v.cells[v.y][v.x] = r
		v.x++
	}
}

func (v *vt100) control(name string, n, k int) {
	once := max(n, 1)
	switch name {
	case "H":
		v.y, v.x = once-1, max(k, 1)-1
	case "A":
		v.y -= once
	case "B":
		v.y += once
	case "C":
		v.x += once
	case "D":
		v.x -= once
	case "K":
		v.erase(v.y, [...]int{v.x, 0, 0}[n], [...]int{v.width, v.x + 1, v.width}[n])
	case "J":
		v.eraseBelow(n)
	case "P":
		line := v.cells[v.y]
		v.cells[v.y] = append(slices.Delete(line, v.x, min(v.x+once, v.width)), v.blank()...)[:v.width]
	case "@":
		line := slices.Insert(v.cells[v.y], v.x, v.blank()[:once]...)
		v.cells[v.y] = line[:v.width]
	case "h", "l":
		v.insert = n == 4 && name == "h"
	case "L":
		v.scroll(v.y, -once)
	case "M":
		v.scroll(v.y, once)
	case "r":
		v.top, v.bottom, v.x, v.y = once-1, len(v.cells), 0, 0
		if k > 0 {
			v.bottom = k
		}
	}
}

func (v *vt100) erase(y, from, to int) { copy(v.cells[y][from:to], v.blank()) }

// eraseBelow erases what is behind the cursor, or all.
func (v *vt100) eraseBelow(all int) {
	for y := range v.cells {
		switch {
		case all == 2 || y > v.y:
			v.erase(y, 0, v.width)
		case y == v.y:
			v.erase(y, v.x, v.width)
		}
	}
}

// scroll moves the lines from one on up, or down if n is negative.
func (v *vt100) scroll(from, n int) {
	for ; n > 0; n-- {
		v.cells = slices.Insert(slices.Delete(v.cells, from, from+1), v.bottom-1, v.blank())
	}
	for ; n < 0; n++ {
		v.cells = slices.Insert(slices.Delete(v.cells, v.bottom-1, v.bottom), from, v.blank())
	}
}

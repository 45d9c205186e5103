package screen

import (
	"math"
	"slices"
	"time"
)

// pattern is how the dots of a line stand, so that lines can be told apart without
// colours.
type pattern uint8

const (
	solid  pattern = iota
	dashed         // half of the dots
	dotted         // a quarter of them
	shaded         // all that is beneath, every other dot
)

func (p pattern) takes(x, y int) bool {
	switch p {
	case dashed:
		return x%6 < 3
	case dotted:
		return x%4 == 0
	case shaded:
		return (x+y)%2 == 0
	}
	return true
}

// canvas is a field of dots: in Braille two beside and four above each other in a
// character, in ASCII one.
type canvas struct {
	wide, high int // characters
	ascii      bool
	dots       []uint8 // of each character: the bits of Braille, or the letter of its line
	inks       []ink
}

func newCanvas(wide, high int, ascii bool) *canvas {
	wide, high = max(wide, 1), max(high, 1)
	return &canvas{wide: wide, high: high, ascii: ascii, dots: make([]uint8, wide*high), inks: make([]ink, wide*high)}
}

// size is how many dots there are.
func (c *canvas) size() (wide, high int) {
	if c.ascii {
		return c.wide, c.high
	}
	return 2 * c.wide, 4 * c.high
}

// set makes a dot of a line; y counts from the bottom.
func (c *canvas) set(x, y int, l *plotLine) {
	w, h := c.size()
	if x < 0 || x >= w || y < 0 || y >= h {
		return
	}
	if c.ascii {
		i := (h-1-y)*c.wide + x
		c.dots[i], c.inks[i] = l.letter, l.ink
		return
	}
	// The bits of U+2800 and what follows: ⠁⠂⠄⡀ down the left, ⠈⠐⠠⢀ down the right.
	bits := [2][4]uint8{{0x01, 0x02, 0x04, 0x40}, {0x08, 0x10, 0x20, 0x80}}
	down := h - 1 - y
	i := down/4*c.wide + x/2
	c.dots[i] |= bits[x%2][down%4]
	c.inks[i] = l.ink
}

// lines are the rows of characters.
func (c *canvas) lines() []string {
	list := make([]string, c.high)
	for y := range list {
		line, run, now := "", []rune(nil), inkNone
		for x := range c.wide {
			i := y*c.wide + x
			if c.inks[i] != now {
				line, run, now = line+paint(now, string(run)), run[:0], c.inks[i]
			}
			run = append(run, c.character(i))
		}
		list[y] = line + paint(now, string(run))
	}
	return list
}

func (c *canvas) character(i int) rune {
	switch {
	case c.dots[i] == 0:
		return ' '
	case c.ascii:
		return rune(c.dots[i])
	}
	return 0x2800 + rune(c.dots[i])
}

// plotLine is one line of a graph.
type plotLine struct {
	letter  byte // what it is drawn with in ASCII
	ink     ink
	pattern pattern
	values  []float64 // one for each sample; NaN is none
}

// axes say which part of the world a canvas shows: of time, and of values from 0 on.
type axes struct {
	from, to time.Time
	top      float64
}

// plot draws a line. Between two samples it stays where it was.
func (c *canvas) plot(a axes, times []time.Time, l *plotLine) {
	w, h := c.size()
	last := -1
	for x := range w {
		at := a.from.Add(time.Duration(float64(x+1) / float64(w) * float64(a.to.Sub(a.from))))
		y := -1
		if v := valueAt(times, l.values, at); !math.IsNaN(v) && v <= a.top {
			y = min(int(v/a.top*float64(h-1)+0.5), h-1)
		}
		c.column(x, last, y, l)
		last = y
	}
}

// column draws what a line has in one column, where it goes from y to y.
func (c *canvas) column(x, from, to int, l *plotLine) {
	switch {
	case to < 0, to == 0 && l.pattern == shaded:
		return
	case l.pattern == shaded:
		from = 0
	case from < 0 || l.pattern != solid:
		from = to
	}
	for y := min(from, to); y <= max(from, to); y++ {
		if l.pattern.takes(x, y) {
			c.set(x, y, l)
		}
	}
}

// valueAt is the value at a time: that of the last sample before.
func valueAt(times []time.Time, values []float64, at time.Time) float64 {
	i, _ := slices.BinarySearchFunc(times, at, func(t, at time.Time) int {
		if t.After(at) {
			return 1
		}
		return -1
	})
	if i == 0 {
		return math.NaN()
	}
	return values[i-1]
}

// roundTop is the least number not below v that is short, and so is its half.
func roundTop(v float64) float64 {
	if v <= 0 {
		return 1
	}
	power := math.Pow(10, math.Floor(math.Log10(v)))
	for _, f := range []float64{1, 1.2, 1.6, 2, 2.4, 3, 4, 5, 6, 8, 10} {
		if f*power >= v*0.999 {
			return f * power
		}
	}
	return 10 * power
}
